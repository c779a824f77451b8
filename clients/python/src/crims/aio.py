"""The same client for asyncio: what `crims.connect` gives, with `await`.

    import crims.aio

    async with crims.aio.connect() as sim:
        async with sim.open("merseyside", start="2020-01-06", seed=42) as run:
            async for step in run.until("2020-01-13"):
                await run.adjust(1.2, category="burglary", half_life="7d", reason="unanswered")

Any number of tasks may ask at once. A task that is cancelled while it waits leaves nothing behind that could meet
another's request.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Generator, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import plans
from .asking import Patience, Reply
from .compare import require_comparable, tabulate
from .connection_aio import AsyncConnection
from .errors import CrimsError, NoAnswer, refusal
from .incidents import Incidents
from .keys import Keys, Path
from .model import Model
from .plans import Opening, Plan, RunPlans
from .simulation import DEFAULT_CONTROL
from .step import Adjustment, Step
from .values import Duration, Time, Words, adjustment, step_count

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")
C = TypeVar("C", "AsyncSimulation", "AsyncRun")


class Pending(Generic[C]):
    """What is about to be there: to be awaited, or entered with `async with`."""

    def __init__(self, making: Coroutine[Any, Any, C]) -> None:
        self._making: Coroutine[Any, Any, C] = making
        self._made: C | None = None

    def __await__(self) -> Generator[Any, None, C]:
        return self._making.__await__()

    async def __aenter__(self) -> C:
        self._made = await self._making
        return await self._made.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._made is not None
        await self._made.__aexit__(kind, error, trace)


def connect(
    control: str | None = None,
    *,
    timeout: float = 60.0,
    limit: float | None = None,
    client_key: Path | None = None,
    server_key: Path | None = None,
) -> Pending[AsyncSimulation]:
    """As `crims.connect`."""
    return Pending(_connect(control, timeout, limit, client_key, server_key))


async def _connect(
    control: str | None, timeout: float, limit: float | None, client_key: Path | None, server_key: Path | None
) -> AsyncSimulation:
    endpoint = control or os.environ.get("CRIMS_CONTROL") or DEFAULT_CONTROL
    connection = AsyncConnection(endpoint, Patience.of(timeout, limit), Keys.read(client_key, server_key))
    try:
        return AsyncSimulation(connection, (await connection.ask("hello", {})).fields)
    except BaseException:
        connection.close()
        raise


class AsyncSimulation:
    """As `Simulation`."""

    def __init__(self, connection: AsyncConnection, hello: dict[str, Any]) -> None:
        self._connection = connection
        self._models: dict[str, Model] = {}
        self._unnamed: list[AsyncRun] = []
        connection.frame_bytes = hello["limits"].get("frame_bytes", connection.frame_bytes)
        self.version: str = hello["version"]
        self.models: list[str] = hello["models"]
        self.limits: dict[str, Any] = hello["limits"]
        self.role: str = hello["role"]
        self.journal: str = hello["journal"]
        self.endpoints: dict[str, list[str]] = hello["endpoints"]

    @property
    def control(self) -> str:
        """Where the daemon takes requests."""
        return self._connection.endpoint

    async def ask(self, op: str, **fields: Any) -> Reply:
        """As `Simulation.ask`."""
        return await self._connection.ask(op, fields)

    async def _do(self, plan: Plan[T]) -> T:
        try:
            call = next(plan)
            while True:
                try:
                    reply = await self._connection.ask(*call)
                except CrimsError as error:
                    call = plan.throw(error)
                else:
                    call = plan.send(reply)
        except StopIteration as done:
            return done.value

    def open(
        self,
        model: str,
        start: Time,
        end: Time | None = None,
        step: Duration = "1h",
        seed: int = 0,
        replicate: int = 0,
        *,
        dispersion: bool = True,
        trend: bool = True,
        run: str | None = None,
        publish: bool = True,
        participants: Sequence[str | dict[str, Any]] | None = None,
    ) -> Pending[AsyncRun]:
        """As `Simulation.open`."""
        plan = plans.open_run(self._models, model, start, end, step, seed, replicate, dispersion, trend, run, publish,
                              participants)
        return Pending(self._make(plan))

    def run(self, name: str) -> Pending[AsyncRun]:
        """As `Simulation.run`."""
        return Pending(self._make(plans.attach(self._models, name)))

    async def _make(self, plan: Plan[Opening]) -> AsyncRun:
        return self._made(await self._do(plan))

    def _made(self, opening: Opening) -> AsyncRun:
        run = AsyncRun(self, opening)
        if not run.is_named:
            self._unnamed.append(run)
        return run

    async def describe(self, model: str) -> Model:
        """As `Simulation.describe`."""
        return await self._do(plans.describe(self._models, model, None))

    async def status(self, run: str | None = None) -> list[dict[str, Any]]:
        """As `Simulation.status`."""
        return (await self.ask("status", run=run)).fields["runs"]

    async def rates(self, model: str, start: Time, end: Time, by: Iterable[str] | str = ()) -> pandas.DataFrame:
        """As `Simulation.rates`."""
        return await self._do(plans.rates({"model": model}, start, end, by))

    async def close(self) -> None:
        """As `Simulation.close`."""
        try:
            if not self._connection.is_closed:
                for run in self._unnamed:
                    await run._leave_quietly()
                self._unnamed.clear()
        finally:
            self._connection.close()

    def __repr__(self) -> str:
        return f"<AsyncSimulation at {self.control}: crims {self.version}, models {', '.join(self.models)}>"

    async def __aenter__(self) -> AsyncSimulation:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, NoAnswer):
            self._unnamed.clear()
        await self.close()


class AsyncRun(RunPlans):
    """As `Run`."""

    def __init__(self, simulation: AsyncSimulation, opening: Opening) -> None:
        super().__init__(opening)
        self.simulation = simulation
        self._stepping = asyncio.Lock()

    async def _do(self, plan: Plan[T]) -> T:
        return await self.simulation._do(self._require_kept(plan))

    async def step(
        self,
        count: int = 1,
        *,
        until: Time | None = None,
        format: str = "columns",
        adjust: Iterable[dict[str, Any]] = (),
        participant: str | None = None,
    ) -> Step:
        """As `Run.step`."""
        if participant is not None:
            return await self._do(self._step(count, until, format, adjust, participant))
        # Two tasks at once would ask for the same step, and both be given it.
        async with self._stepping:
            return await self._do(self._step(count, until, format, adjust, None))

    def until(
        self, end: Time, *, format: str = "columns", participant: str | None = None
    ) -> AsyncIterator[Step]:
        """As `Run.until`."""
        return self._each(self._steps_until(end), format, participant)

    def steps(
        self, count: int, *, format: str = "columns", participant: str | None = None
    ) -> AsyncIterator[Step]:
        """As `Run.steps`."""
        return self._each(self.next_seq + step_count(count), format, participant)

    async def _each(self, last: int, format: str, participant: str | None) -> AsyncIterator[Step]:
        while self.next_seq < last:
            yield await self.step(format=format, participant=participant)

    async def read(
        self,
        seq: int,
        count: int = 1,
        *,
        format: str = "columns",
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Step:
        """As `Run.read`."""
        return await self._do(self._read(seq, count, format, areas, categories))

    async def incidents(
        self,
        seq: int = 0,
        end: int | None = None,
        *,
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Incidents:
        """As `Run.incidents`."""
        return await self._do(self._incidents(seq, end, areas, categories))

    async def history(self, seq: int = 0, end: int | None = None, *, by_category: bool = False) -> pandas.DataFrame:
        """As `Run.history`."""
        return await self._do(self._history(seq, end, by_category))

    async def rates(
        self, by: Iterable[str] | str = (), start: Time | None = None, end: Time | None = None
    ) -> pandas.DataFrame:
        """As `Run.rates`."""
        return await self._do(self._rates(by, start, end))

    async def adjust(
        self,
        factor: float,
        *,
        area: Words | None = None,
        areas: Words | None = None,
        category: Words | None = None,
        categories: Words | None = None,
        code: Words | None = None,
        codes: Words | None = None,
        description: Words | None = None,
        descriptions: Words | None = None,
        mode: str | None = None,
        target: str | None = None,
        start: Time | None = None,
        until: Time | None = None,
        half_life: Duration | None = None,
        displacement: float | None = None,
        key: str | None = None,
        source: str | None = None,
        reason: str | None = None,
    ) -> Adjustment:
        """As `Run.adjust`."""
        made = adjustment(
            factor, area=area, areas=areas, category=category, categories=categories, code=code, codes=codes,
            description=description, descriptions=descriptions, mode=mode, target=target, start=start, until=until,
            half_life=half_life, displacement=displacement, key=key, source=source, reason=reason,
        )
        return await self._do(self._adjust(made))

    async def retract(self, adjustment: str | Adjustment) -> datetime:
        """As `Run.retract`."""
        return await self._do(self._retract(adjustment))

    async def adjustments(self) -> list[dict[str, Any]]:
        """As `Run.adjustments`."""
        return await self._do(self._adjustments())

    def fork(
        self,
        seq: int | None = None,
        name: str | None = None,
        participants: Sequence[str | dict[str, Any]] | None = None,
    ) -> Pending[AsyncRun]:
        """As `Run.fork`."""
        return Pending(self.simulation._make(self._require_kept(self._fork(seq, name, participants))))

    async def refresh(self) -> AsyncRun:
        """As `Run.refresh`."""
        (found,) = await self.simulation.status(self.name)
        if "error" in found:
            raise refusal("status", found["error"])
        self._stands(found)
        return self

    async def close(self) -> None:
        """As `Run.close`."""
        await self._do(self._close())

    async def delete(self) -> None:
        """As `Run.delete`."""
        await self._do(self._delete())

    async def _leave_quietly(self) -> None:
        with suppress(CrimsError, RuntimeError):
            await self._do(self._leave())

    async def __aenter__(self) -> AsyncRun:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            await self._do(self._leave())
        elif not self.is_named and not isinstance(error, (NoAnswer, asyncio.CancelledError)):
            await self._leave_quietly()
        if self in self.simulation._unnamed:
            self.simulation._unnamed.remove(self)


async def compare(
    run: AsyncRun, other: AsyncRun, by: str = "category", *, seq: int = 0, end: int | None = None
) -> pandas.DataFrame:
    """As `crims.compare`."""
    require_comparable(run, other, by)
    last = min(run.next_seq, other.next_seq) if end is None else end
    return tabulate(await run.incidents(seq, last), await other.incidents(seq, last), by)
