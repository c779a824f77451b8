"""Reading steps taken: as the step's own reply, in part by area and category, of any run, changing nothing."""

import pytest

FORMATS = ["records", "csv", "columns", "counts", "none"]
FIELDS = ["run", "seq", "steps", "from", "to", "count", "expected", "baseline", "in_force", "capped", "adjusted"]


@pytest.fixture
def told(client, new_run):
    """A run with its step replies, adjustments among them."""
    run = new_run()
    changes = {2: [{"factor": 4, "areas": ["E02001327"]}], 5: [{"factor": 0.1, "half_life": "1h"}, {"factor": 2}]}
    return run, [client.step(run=run, adjust=changes.get(seq, [])) for seq in range(12)]


def test_a_step_read_is_the_step_as_it_was_told(client, told):
    run, replies = told
    client.retract(run=run, adjustment="a1")
    for seq, reply in enumerate(replies):
        read = client.read(run=run, seq=seq)
        assert {name: read[name] for name in FIELDS} == {name: reply[name] for name in FIELDS}
        assert read["incidents"] == reply["incidents"]


@pytest.mark.parametrize("form", FORMATS[1:])
def test_every_format_reads_as_it_stepped(client, new_run, form):
    run = new_run()
    step = client.step(run=run, count=6, format=form)
    read = client.read(run=run, seq=0, count=6, format=form)
    assert read.frames[1:] == step.frames[1:]
    assert read.get("by_category") == step.get("by_category")


def test_several_steps_read_are_the_steps_one_after_the_other(client, told):
    run, replies = told
    read = client.read(run=run, seq=3, count=6)
    assert read["incidents"] == [incident for reply in replies[3:9] for incident in reply["incidents"]]
    assert (read["from"], read["to"]) == (replies[3]["from"], replies[8]["to"])
    assert read["expected"] == pytest.approx(sum(reply["expected"] for reply in replies[3:9]), rel=1e-8)


def test_a_part_of_many_steps_taken_at_once_can_be_read(client, new_run):
    run = new_run()
    whole = client.step(run=run, count=10)
    part = client.read(run=run, seq=4, count=2)
    times = ("2020-01-06T04:00:00", "2020-01-06T06:00:00")
    assert (part["from"], part["to"]) == times
    assert part["incidents"] == [i for i in whole["incidents"] if times[0] <= i["time"] < times[1]]


def test_areas_and_categories_narrow_what_is_read(client, told, model):
    run, replies = told
    everything = [incident for reply in replies for incident in reply["incidents"]]
    areas, categories = [area["code"] for area in model["areas"][:60]], ["drugs", "anti-social behaviour"]
    for fields in [{"areas": areas}, {"categories": categories}, {"areas": areas, "categories": categories}]:
        read = client.read(run=run, seq=0, count=12, **fields)
        assert 0 < read["count"] < len(everything)
        assert read["incidents"] == [
            incident
            for incident in everything
            if incident["MSOA"] in fields.get("areas", [incident["MSOA"]])
            and incident["crime_category"] in fields.get("categories", [incident["crime_category"]])
        ]


def test_expected_and_baseline_are_of_what_is_named(client, told, model):
    run, _ = told
    whole = client.read(run=run, seq=0, count=12, format="none")
    for field, names in [("areas", [a["code"] for a in model["areas"]]), ("categories", model["categories"])]:
        parts = [client.read(run=run, seq=0, count=12, format="none", **{field: [name]}) for name in names]
        for sum_ in ("count", "expected", "baseline"):
            assert sum(part[sum_] for part in parts) == pytest.approx(whole[sum_], rel=1e-8)


def test_reading_changes_nothing(client, new_run):
    run, twin = new_run(), new_run()
    for name in (run, twin):
        client.step(run=name, format="none", count=3)
    for seq in (2, 0, 1):
        client.read(run=run, seq=seq, areas=["E02001327"])
    assert client.step(run=run)["incidents"] == client.step(run=twin)["incidents"]


def test_ended_and_closed_runs_are_read(client, new_run):
    run = new_run(end="2020-01-06T12:00")
    replies = [client.step(run=run) for _ in range(12)]
    assert client.read(run=run, seq=11)["incidents"] == replies[11]["incidents"]
    client.close(run=run)
    assert [client.read(run=run, seq=seq)["incidents"] for seq in range(12)] == [r["incidents"] for r in replies]


def test_a_fork_reads_what_it_shares_with_its_parent(client, told):
    run, replies = told
    client.ask("fork", run=run, seq=6, **{"as": run + "-read"})
    read = client.read(run=run + "-read", seq=0, count=6)
    assert read["incidents"] == [incident for reply in replies[:6] for incident in reply["incidents"]]
    assert client.refused("read", run=run + "-read", seq=6)["expected_seq"] == 6
