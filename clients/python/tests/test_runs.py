"""Runs: stepping, feeding back, reading, forking; each held against what the daemon says on the wire."""

import datetime

import crims
import numpy
import pytest


def records(sim, run, seq, count=1):
    """Incidents as the daemon's own objects."""
    return sim.ask("read", run=run.name, seq=seq, count=count, format="records").fields["incidents"]


def as_records(incidents):
    return [row._asdict() | {"time": row.time.isoformat()} for row in incidents]


def test_rows_are_the_records_of_the_protocol(sim, run):
    day = run.step(24)
    assert (day.seq, day.steps, run.next_seq) == (0, 24, 24)
    assert day.start == datetime.datetime(2020, 1, 6) and day.end == run.time == datetime.datetime(2020, 1, 7)
    assert day.count == len(day.incidents) > 200
    assert as_records(day.incidents) == records(sim, run, 0, 24)


def test_a_row_is_looked_at_by_name_position_or_key(run):
    row = run.step(24).incidents[-1]
    assert row.MSOA == row["MSOA"] == row[1]
    assert row._fields == ("id", "MSOA", "crime_category", "code", "description", "time", "suspect", "severity")
    with pytest.raises(AttributeError):
        row["msoa"]


def test_columns_are_arrays_on_the_bytes_that_came(sim):
    with sim.open("merseyside", start="2020-01-06", step="1mo", seed=1) as run:
        for step in (run.read(run.step(format="none").seq), run.step()):
            columns = step.incidents.arrays()
            assert {name: str(values.dtype) for name, values in columns.items()} == {
                "id": "int64", "time": "int32", "MSOA": "uint16", "crime": "uint16", "suspect": "uint8"}
            for name, values in columns.items():
                assert not values.flags.owndata and not values.flags.writeable, f"{name} is a copy"
                assert step.incidents.array(name).__array_interface__["data"] == values.__array_interface__["data"]
            assert len(columns["id"]) == step.count > 10_000


def test_small_and_large_replies_have_the_same_columns(sim):
    """Small ones are copied out of libzmq, large ones are left there."""
    with sim.open("merseyside", start="2020-01-06", step="1d", seed=1) as run:
        month = run.step(30)
        days = crims.Incidents.joined([run.read(seq).incidents for seq in range(30)])
        assert month.count > 4_000
        for name, values in month.incidents.arrays().items():
            assert numpy.array_equal(values, days.array(name)), name
        assert list(days) == list(month.incidents)


def test_until_goes_to_a_boundary_and_may_be_steered_meanwhile(run):
    steps = []
    for step in run.until("2020-01-06T12:00"):
        steps.append(step)
        if step.seq == 5:
            run.adjust(0, category="burglary")
    assert [step.seq for step in steps] == list(range(12))
    assert [step.in_force for step in steps] == [0] * 6 + [1] * 6
    assert not [row for step in steps[6:] for row in step.incidents if row.crime_category == "burglary"]
    assert list(run.until(run.time)) == []
    assert len(list(run.steps(3))) == 3 and run.next_seq == 15


@pytest.mark.parametrize(
    ("step", "start", "until", "count"),
    [("30m", "2020-01-06", "2020-01-07T00:30", 49), ("1d", "2020-01-06", "2020-03-01", 55),
     ("2w", "2020-01-06", "2020-02-03", 2), ("1mo", "2020-01-15", "2021-01-15", 12),
     ("2mo", "2020-01-15", "2021-01-15", 6), (datetime.timedelta(hours=6), "2020-01-06", "2020-01-07", 4)],
)
def test_until_counts_steps_of_every_length(sim, step, start, until, count):
    with sim.open("merseyside", start=start, step=step) as run:
        assert len(list(run.until(until, format="none"))) == count
        assert run.time == datetime.datetime.fromisoformat(until)


@pytest.mark.parametrize("until", ["2020-01-06T12:30", datetime.date(2020, 1, 5), "soon"])
def test_until_refuses_what_is_no_boundary_ahead(run, until):
    with pytest.raises(ValueError, match="2020-01|soon"):
        list(run.until(until))
    assert run.next_seq == 0


def test_progress_is_shown_on_request(run, capsys):
    list(run.until("2020-01-06T06:00", progress=True))
    assert "6/6" in capsys.readouterr().err


def test_formats(run):
    counts = run.step(24, format="counts")
    assert sum(counts.by_category.values()) == counts.count and list(counts.by_category) == run.model.categories
    assert run.read(0, 24, format="csv").csv.startswith("id,MSOA,crime_category,code,description,time,suspect,")
    with pytest.raises(AttributeError, match="columns"):
        counts.incidents  # noqa: B018
    with pytest.raises(ValueError, match="columns, csv, counts, none"):
        run.step(format="rows")


def test_adjustments_act_from_the_next_step_and_are_in_the_trail(run):
    run.step()
    made = run.adjust(0.5, area=run.model.areas[3].code, categories=["drugs", "robbery"], half_life="7d",
                      until=datetime.date(2020, 2, 1), displacement=0.25, source="test", reason="to see")
    assert made.id == "a1" and made.effective_from == run.time and made.seq == 1 and not made.duplicate
    (line,) = run.adjustments()
    expected = {"factor": 0.5, "areas": [run.model.areas[3].code], "categories": ["drugs", "robbery"],
                "half_life": "7d", "until": "2020-02-01", "displacement": 0.25, "source": "test", "reason": "to see",
                "key": made.key}
    assert {name: line[name] for name in expected} == expected
    assert run.step().in_force == 1
    assert run.retract(made) == run.time
    assert run.step().in_force == 0 and run.adjustments()[0]["state"] == "retracted"


def test_a_key_makes_an_adjustment_once(run):
    first = run.adjust(0.5, category="drugs", key="mine")
    again = run.adjust(0.5, category="drugs", key="mine")
    assert (first.id, again.id, again.duplicate) == ("a1", "a1", True)
    assert run.adjust(0.5, category="drugs").id == "a2", "without a key of the caller's, each call is one of its own"
    with pytest.raises(crims.Conflict):
        run.adjust(0.6, category="drugs", key="mine")


def test_adjustments_within_a_step(run):
    listed = [crims.adjustment(0, category="drugs"), crims.adjustment(numpy.float64(0.5), area=["E02001347"])]
    step = run.step(adjust=listed)
    assert step.adjusted == ["a1", "a2"] and step.in_force == 2


@pytest.mark.parametrize(
    ("error", "match", "factor", "scope"),
    [(crims.UnknownArea, "E0200", 0.5, {"area": "E0200"}), (crims.UnknownCrime, "arson", 0.5, {"category": "arson"}),
     (crims.BadRequest, "factor", -1, {}), (ValueError, "infinite or NaN", float("nan"), {}),
     (TypeError, "not both", 0.5, {"area": "x", "areas": ["x"]}), (TypeError, "colour", 0.5, {"colour": "x"}),
     (ValueError, "zone", 0.5, {"until": datetime.datetime(2020, 2, 1, tzinfo=datetime.timezone.utc)}),
     (ValueError, "whole minutes", 0.5, {"half_life": datetime.timedelta(seconds=90)})],
)
def test_what_is_wrong_is_said_and_changes_nothing(run, error, match, factor, scope):
    with pytest.raises(error, match=match):
        run.adjust(factor, **scope)
    assert run.adjustments() == []


def test_a_fork_differs_only_where_it_differs(run):
    run.step(24, format="none")
    with run.fork() as other:
        assert other.time == run.time and other.next_seq == 24 and other.state == "open"
        other.adjust(0.5, category="violence and sexual offences")
        run.step(24 * 7, format="none")
        other.step(24 * 7, format="none")
        table = crims.compare(run, other)
        violence = table.loc["violence and sexual offences"]
        rest = table.drop("violence and sexual offences")
        assert violence.removed > 300 and violence.added == 0 and violence.difference == -violence.removed
        assert (rest[["difference", "removed", "added"]] == 0).all().all()
        assert table["count"].sum() == len(run.incidents()) and table.count_other.sum() == len(other.incidents())
        assert (table.same + table.removed == table["count"]).all()
        by_area = crims.compare(run, other, by="area", seq=24)
        assert by_area.removed.sum() == violence.removed and list(by_area.index) == [a.code for a in run.model.areas]
        name = other.name
    assert name not in [known["run"] for known in run.simulation.status()], "a fork without a name is not kept"


def test_runs_that_cannot_be_compared(sim, run):
    with sim.open("merseyside", start="2020-01-07") as other, pytest.raises(ValueError, match="steps differ"):
        crims.compare(run, other)
    with pytest.raises(ValueError, match="category, area, code"):
        crims.compare(run, run, by="month")


def test_history_has_a_row_for_each_step(run):
    taken = [run.step() for _ in range(5)]
    run.adjust(2)
    taken += [run.step() for _ in range(5)]
    history = run.history()
    assert history.index.name == "seq" and list(history.index) == list(range(10))
    for step, row in zip(taken, history.itertuples()):
        assert (step.start, step.end, step.count, step.expected, step.baseline, step.in_force) == (
            row.start, row.end, row.count, row.expected, row.baseline, row.in_force)
    by_category = run.history(2, 4, by_category=True)
    assert list(by_category.index) == [2, 3]
    assert (by_category[run.model.categories].sum(axis=1) == by_category["count"]).all()


def test_rates_are_a_frame(run):
    run.adjust(0.5, category="drugs")
    run.step(24, format="none")
    day = run.rates("category").set_index("category")
    assert day.loc["drugs", "expected"] == pytest.approx(day.loc["drugs", "baseline"] / 2)
    assert day.expected.sum() == pytest.approx(run.read(0, 24, format="none").expected)
    ahead = run.rates(["area", "month"], start="2020-02-01", end="2020-04-01")
    assert list(ahead.columns) == ["area", "month", "expected", "baseline"] and len(ahead) == 2 * 184
    assert len(run.simulation.rates("merseyside", "2020-01-01", "2020-02-01")) == 1
    with run.fork(0) as unstepped, pytest.raises(ValueError, match="say start and end"):
        unstepped.rates()


def test_incidents_of_a_run_come_whole_however_many_there_are(launch):
    sim = launch("--max-incidents", "2000")
    with sim.open("merseyside", start="2020-01-06", step="1d", seed=3) as run:
        run.step(60, format="none")
        whole = run.incidents()
        assert len(whole) == run.read(0, 60, format="none").count > 20_000
        assert [row.id for row in whole] == [row.id for seq in range(60) for row in run.read(seq).incidents]
        assert list(whole)[-1].time == run.read(59).incidents[-1].time
        some = run.incidents(3, 9, areas="E02001347", categories=["drugs", "burglary"])
        assert {row.MSOA for row in some} <= {"E02001347"}
        assert len(some) == run.read(3, 6, format="none", areas="E02001347", categories=["drugs", "burglary"]).count


def test_names_and_what_is_kept(sim):
    with sim.open("merseyside", start="2020-01-06", run="kept") as run:
        run.step(5, format="none")
    assert run.state == "closed"
    with sim.open("merseyside", start="2020-01-06") as unnamed:
        unnamed.step()
    names = [known["run"] for known in sim.status()]
    assert "kept" in names and unnamed.name not in names
    again = sim.run("kept")
    assert (again.next_seq, again.state, again.start, again.step_length) == (5, "closed", run.start, "1h")
    resumed = sim.open("merseyside", start="2020-01-06", run="kept")
    assert resumed.resumed and resumed.next_seq == 5
    with pytest.raises(crims.RunClosed, match="read and forked"):
        again.step()
    again.delete()
    with pytest.raises(crims.UnknownRun):
        again.read(0)


def test_an_error_leaves_a_named_run_as_it_is(sim):
    for name in ("mended", None):
        with pytest.raises(ZeroDivisionError), sim.open("merseyside", start="2020-01-06", run=name) as run:
            run.step()
            1 / 0  # noqa: B018
        if name is None:
            assert run.name not in [known["run"] for known in sim.status()]
    run = sim.open("merseyside", start="2020-01-06", run="mended")
    assert run.state == "open" and run.step().seq == 1
    run.close()
    run.delete()


def test_a_fork_that_is_there_is_taken_up_where_it_stands(run):
    run.step(5, format="none")
    first = run.fork(3, name="taken-up")
    assert (first.next_seq, first.resumed) == (3, False)
    first.step(4, format="none")
    again = run.fork(3, name="taken-up")
    assert (again.next_seq, again.time, again.resumed) == (7, first.time, True)
    again.close()
    again.delete()


def test_runs_without_a_name_go_with_the_connection(launch):
    sim = launch()
    with crims.connect(sim.control) as other:
        kept = other.open("merseyside", start="2020-01-06"), other.open("merseyside", start="2020-01-06", run="named")
        assert [run.is_named for run in kept] == [False, True]
        assert len(sim.status()) == 2
    assert [run["run"] for run in sim.status()] == ["named"]


def test_a_client_that_starts_again_goes_on_with_its_run(sim):
    first = sim.open("merseyside", start="2020-01-06", seed=5, run="goes-on")
    taken = [row.id for step in first.steps(10) for row in step.incidents]
    second = sim.open("merseyside", start="2020-01-06", seed=5, run="goes-on")
    assert second.resumed and second.next_seq == 10
    assert [row.id for row in second.incidents()] == taken
    with pytest.raises(crims.OutOfStep) as raised:
        second.step()
        second.step()
        first.step()
    assert raised.value.details["expected_seq"] == 12
    assert first.refresh().next_seq == 12
    first.close()
    first.delete()


def test_participants_step_together(sim):
    run = sim.open("merseyside", start="2020-01-06", participants=["police", {"name": "courts", "timeout": "5s"}])
    import threading

    replies = {}

    def ask(name):
        replies[name] = sim.run(run.name).step(participant=name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("police", "courts")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert list(replies["police"].incidents) == list(replies["courts"].incidents)


def test_the_same_seed_and_adjustments_give_the_same_run(sim):
    def taken():
        with sim.open("merseyside", start="2020-01-06", seed=9) as run:
            for step in run.steps(50):
                run.adjust(1.1, category="burglary", half_life="1d", reason=f"step {step.seq}")
            return list(run.incidents())

    assert taken() == taken()


def test_threads_share_a_connection(sim):
    from concurrent.futures import ThreadPoolExecutor

    def run_of(seed):
        with sim.open("merseyside", start="2020-01-06", seed=seed) as run:
            return [row.id for step in run.steps(30) for row in step.incidents]

    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(run_of, range(16)))
    assert at_once == [run_of(seed) for seed in range(16)]


def test_what_notebooks_show(sim, run):
    step = run.step(24)
    for shown in (sim, run, run.model, step, step.incidents):
        html = shown._repr_html_()
        assert "<table" in html and "object at 0x" not in html
        assert repr(shown).startswith("<")
    run.model.title = "<script>"
    assert "<script>" not in run._repr_html_()


def test_runs_of_other_seeds_are_not_compared(sim):
    for other in ({"seed": 2}, {"seed": 1, "replicate": 3}, {"seed": 1, "dispersion": False}):
        with sim.open("merseyside", start="2020-01-06", seed=1) as one:
            with sim.open("merseyside", start="2020-01-06", **other) as another:
                one.step(168, format="none")
                another.step(168, format="none")
                with pytest.raises(ValueError, match="nothing to do with each other"):
                    crims.compare(one, another)
                with pytest.raises(TypeError, match="sim.run"):
                    crims.compare(one, another.name)


def test_threads_on_one_run_take_steps_in_turn(run):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        steps = list(pool.map(lambda _: run.step().seq, range(80)))
    assert sorted(steps) == list(range(80))


def test_what_nobody_can_ask_for_any_more_makes_room(launch):
    sim = launch("--max-runs", 20)
    for seed in range(100):
        assert sim.open("merseyside", start="2020-01-06", seed=seed).step(24).count > 200
    kept = [sim.open("merseyside", start="2020-01-06", seed=seed) for seed in range(15)]
    assert all(run.step().seq == 0 for run in kept)
    name = kept[0].name
    again = sim.run(name)
    kept.clear()
    assert sim.open("merseyside", start="2020-01-06").step().seq == 0
    assert again.step().seq == 1, "a run that was taken up by its name is still wanted"


def test_a_run_that_its_block_took_away_says_so(sim):
    with sim.open("merseyside", start="2020-01-06") as run:
        run.step()
    with pytest.raises(crims.UnknownRun, match="its `with` block has ended"):
        run.incidents()


@pytest.mark.parametrize("number", [numpy.int64(2), numpy.uint8(2), numpy.array(2), numpy.float64(2)])
def test_numbers_of_numpy_are_numbers(sim, number):
    with sim.open("merseyside", start=numpy.datetime64("2020-01-06"), seed=number, replicate=number,
                  dispersion=numpy.bool_(True), step=numpy.timedelta64(1, "h")) as run:
        assert run.step(number).steps == 2
        run.adjust(numpy.float32(0.5), displacement=numpy.float32(0.25), area=numpy.array(["E02001347"]))
        assert run.read(number - number).count == run.read(0).count


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (TypeError, "text", lambda run: run.adjust(0.5, area=0)),
        (TypeError, "column of a table", lambda run: run.adjust(0.5, area=run.incidents().frame())),
        (TypeError, "half_lief", lambda run: run.adjust(0.5, half_lief="1d")),
        (TypeError, "float", lambda run: run.steps(2.5)),
        (ValueError, "0 or more", lambda run: run.steps(-3)),
        (ValueError, "steps 0 to 3", lambda run: run.incidents(0, -1)),
        (ValueError, "steps 0 to 3", lambda run: run.history(2, 1)),
        (ValueError, "steps 0 to 3", lambda run: run.incidents(0, 4)),
        (TypeError, "not None", lambda run: run.simulation.run(None)),
        (TypeError, "not None", lambda run: run.rates(None)),
        (TypeError, "incidents are written", lambda run: crims.write_parquet("none.parquet", [run])),
        (ValueError, "by is one of", lambda run: crims.compare(run, run, ["area"])),
        (crims.LimitExceeded, "bytes", lambda run: run.adjust(0.5, reason="x" * 20_000_000)),
        (AttributeError, "format='counts'", lambda run: run.step().by_category),
        (AttributeError, "format='csv'", lambda run: run.step().csv),
    ],
)
def test_mistakes_are_told_at_once(run, error, match, call):
    run.step(3, format="none")
    with pytest.raises(error, match=match):
        call(run)


def test_places_and_offences_may_be_given_as_they_are(run):
    run.adjust(0.5, area=run.model.areas[3], code=[run.model.crimes[5]])
    (line,) = run.adjustments()
    assert (line["areas"], line["codes"]) == ([run.model.areas[3].code], [run.model.crimes[5].code])
    assert run.step(until=str(datetime.datetime(2020, 1, 6, 5))).steps == 5


def test_exceptions_get_from_one_process_to_another(sim):
    import pickle

    with pytest.raises(crims.UnknownModel) as raised:
        sim.open("atlantis", start="2020-01-06")
    for error in (raised.value, crims.MissingPackage("pandas", "frame"), crims.DaemonLost("gone")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
    assert again.args == ("gone",) and pickle.loads(pickle.dumps(raised.value)).details == raised.value.details


def test_a_connection_that_is_forgotten_holds_nothing_up(sim):
    """In a process of its own: it would hang for ever."""
    import subprocess
    import sys

    code = (
        "import crims, gc, sys\n"
        "def replicate(seed):\n"
        "    sim = crims.connect(sys.argv[1])\n"
        "    run = sim.open('merseyside', start='2020-01-06', seed=seed)\n"
        "    run.other = sim\n"
        "    return run.step(24).count\n"
        "print(sum(replicate(seed) for seed in range(20)))\n"
        "gc.collect()\n"
        "print('collected')\n"
    )
    from conftest import ROOT

    said = subprocess.run([sys.executable, "-c", code, sim.control], capture_output=True, text=True, timeout=30,
                          env={"PYTHONPATH": str(ROOT / "clients" / "python" / "src")})
    assert said.returncode == 0 and said.stdout.endswith("collected\n"), said.stderr


def test_every_code_of_the_protocol_has_its_exception():
    from conftest import ROOT

    page = (ROOT / "docs" / "protocol.md").read_text()
    table = page[page.index("## Errors"):page.index("## Limits")]
    codes = {line.split("`")[1] for line in table.split("\n") if line.startswith("| `")}
    kinds = {kind.code: kind for kind in crims.Refused.__subclasses__()}
    assert codes == set(kinds)
    assert all(getattr(crims, kind.__name__) is kind for kind in kinds.values())


def test_an_error_of_a_later_release_is_an_exception_too():
    error = crims.errors.refusal("step", {"code": "novelty", "message": "never heard of", "which": 3})
    assert isinstance(error, crims.Refused) and error.code == "novelty" and error.details == {"which": 3}


def test_rows_need_no_numpy(sim, run, monkeypatch):
    import sys

    day = run.step(24)
    with_numpy = list(day.incidents)
    for package in ("numpy", "pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, package, None)
    assert list(run.read(0, 24).incidents) == with_numpy
    parts = [run.read(seq).incidents for seq in range(24)]
    assert list(crims.Incidents.joined(parts)) == with_numpy
    with pytest.raises(crims.MissingPackage, match="pip install pandas"):
        day.frame()


