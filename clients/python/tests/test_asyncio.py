"""The asyncio twin: the same methods, the same results, and tasks that do not get in each other's way."""

import asyncio
import inspect
import os
import signal

import crims
import crims.aio
import pytest
from conftest import MODELS


def do(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def names(kind):
    return {name for name, member in vars(kind).items() if inspect.isfunction(member) and not name.startswith("_")}


TWINS = [(crims.Simulation, crims.aio.AsyncSimulation), (crims.Run, crims.aio.AsyncRun)]


@pytest.mark.parametrize(("plain", "twin"), TWINS)
def test_the_twins_have_the_same_methods_with_the_same_arguments(plain, twin):
    assert names(plain) == names(twin)
    for name in names(plain):
        ours = {**inspect.signature(getattr(plain, name)).parameters}
        # A bar that is drawn while others run would be in their way.
        ours.pop("progress", None)
        assert list(ours.items()) == list(inspect.signature(getattr(twin, name)).parameters.items()), name
    plain, twin = inspect.signature(crims.connect), inspect.signature(crims.aio.connect)
    assert plain.parameters == twin.parameters


def test_the_same_run(sim):
    async def taken():
        async with crims.aio.connect(sim.control) as far:
            async with far.open("merseyside", start="2020-01-06", seed=3) as run:
                rows = []
                async for step in run.until("2020-01-07"):
                    await run.adjust(1.1, category="burglary", half_life="1d")
                    rows += step.incidents
                assert rows == list(await run.incidents())
                async with run.fork(12) as other:
                    other_made = await other.adjust(0.5)
                    await other.step(12, format="none")
                    table = await crims.aio.compare(run, other)
                    assert table.removed.sum() > 0
                    await other.retract(other_made)
                    assert len(await other.adjustments()) == 12
                assert len(await run.history()) == 24 and len(await run.rates("category")) == 14
                assert (await run.read(3, format="counts")).by_category
                assert (await run.refresh()).next_seq == 24
                names = [run.name, other.name]
        assert not {known["run"] for known in sim.status()} & set(names)
        return rows

    with sim.open("merseyside", start="2020-01-06", seed=3) as run:
        rows = []
        for step in run.until("2020-01-07"):
            run.adjust(1.1, category="burglary", half_life="1d")
            rows += step.incidents
    assert do(taken()) == rows


def test_many_tasks_at_once(sim):
    async def one(far, seed):
        async with far.open("merseyside", start="2020-01-06", seed=seed) as run:
            return [row.id async for step in run.steps(20) for row in step.incidents]

    async def all_of_them():
        async with crims.aio.connect(sim.control) as far:
            return await asyncio.gather(*(one(far, seed) for seed in range(20)))

    def plain(seed):
        with sim.open("merseyside", start="2020-01-06", seed=seed) as run:
            return [row.id for step in run.steps(20) for row in step.incidents]

    assert do(all_of_them()) == [plain(seed) for seed in range(20)]


def test_a_task_that_is_cancelled_leaves_nothing_behind(sim):
    async def cancel():
        async with crims.aio.connect(sim.control) as far:
            run = await far.open("merseyside", start="2020-01-06", participants=["police", "courts"])
            waiting = asyncio.create_task(run.step(participant="police"))
            await asyncio.sleep(0.2)
            assert len(await far.status(run.name)) == 1, "another request gets through meanwhile"
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            step = asyncio.create_task(run.step(participant="police"))
            await asyncio.sleep(0.1)
            other = await far.run(run.name)
            assert (await other.step(participant="courts")).seq == (await step).seq == 0

    do(cancel())


def test_a_stopped_daemon_is_lost_in_time():
    with crims.launch(models=MODELS) as own:
        async def lose():
            async with crims.aio.connect(own.control, timeout=2) as far:
                run = await far.open("merseyside", start="2020-01-06", run="lost")
                os.kill(own.daemon.pid, signal.SIGSTOP)
                try:
                    with pytest.raises(crims.DaemonLost):
                        await asyncio.wait_for(run.step(), 5)
                finally:
                    os.kill(own.daemon.pid, signal.SIGCONT)
                assert (await run.step()).seq == 0
            with pytest.raises(RuntimeError, match="closed"):
                await far.status()

        do(lose())


def test_nobody_there():
    with pytest.raises(crims.NoDaemon):
        do(crims.aio.connect("tcp://127.0.0.1:9", timeout=1))
    with pytest.raises(ValueError, match="no endpoint"):
        do(crims.aio.connect("127.0.0.1:9", timeout=1))


def test_refusals_are_the_same_exceptions(sim):
    async def refuse():
        async with crims.aio.connect(sim.control) as far:
            with pytest.raises(crims.UnknownModel):
                await far.open("atlantis", start="2020-01-06")
            with pytest.raises(crims.UnknownRun):
                await far.run("never-opened")

    do(refuse())
