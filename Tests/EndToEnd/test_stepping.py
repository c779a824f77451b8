"""Steps: retries, formats, lengths of step, the calendar, the end of a run, and reading what was taken."""

import csv
import io
import re
from datetime import datetime, timedelta

import numpy
import pytest
from conftest import MODEL
from crims_client import ids

FORMATS = ["records", "csv", "columns", "counts", "none"]
SUMMARY = ["seq", "steps", "from", "to", "count", "expected", "baseline", "in_force", "capped", "adjusted"]
NUMPY = {"i64": "<i8", "i32": "<i4", "u16": "<u2", "u8": "<u1"}


def from_csv(reply):
    rows = list(csv.DictReader(io.StringIO(reply.frames[1].decode(), newline="")))
    for row in rows:
        row["id"], row["severity"] = int(row["id"]), float(row["severity"])
        row["suspect"] = {"True": True, "False": False}[row["suspect"]]
        row["time"] = row["time"].replace(" ", "T")
    return rows


def from_columns(reply, model):
    columns = {
        column["name"]: numpy.frombuffer(frame, NUMPY[column["type"]]).tolist()
        for column, frame in zip(reply["columns"], reply.frames[1:], strict=True)
    }
    start = datetime.fromisoformat(reply["from"])
    incidents = []
    for number in range(reply["count"]):
        crime = model["crimes"][columns["crime"][number]]
        incidents.append({
            "id": columns["id"][number],
            "MSOA": model["areas"][columns["MSOA"][number]]["code"],
            "crime_category": crime["category"],
            "code": crime["code"],
            "description": crime["description"],
            "time": (start + timedelta(minutes=columns["time"][number])).isoformat(),
            "suspect": bool(columns["suspect"][number]),
            "severity": crime["severity"],
        })  # fmt: skip
    return incidents


def summary(reply):
    return {name: reply[name] for name in SUMMARY}


def month(client, run):
    """The csv of January, and its summary."""
    reply = client.step(run=run, until="2020-02-01", format="csv")
    return reply.frames[1], reply


@pytest.mark.parametrize("count", [1, 30])
def test_a_retry_gives_the_same_bytes(client, new_run, count):
    run = new_run()
    for form in FORMATS:
        first = client.step(run=run, seq=client.status(run=run)["runs"][0]["next_seq"], count=count, format=form)
        assert client.step(run=run, seq=first["seq"], count=count, format=form).frames == first.frames


def test_a_retry_has_the_format_and_the_id_now_given(client, new_run):
    run = new_run()
    first = client.step(run=run, seq=0, count=20, id="first", adjust=[{"factor": 0.8}])
    for form in FORMATS:
        again = client.step(run=run, seq=0, count=20, format=form, id=form, adjust=[{"factor": 0.8}])
        assert again["id"] == form and summary(again) == summary(first)
    assert client.status(run=run)["runs"][0]["next_seq"] == 20
    assert len(client.adjustments(run=run)["adjustments"]) == 1, "its adjustments are not taken twice"


def test_a_retry_after_later_adjustments_gives_the_same_bytes(client, new_run):
    run = new_run()
    first = client.step(run=run, seq=0)
    client.adjust(run=run, factor=0)
    assert client.step(run=run, seq=0).frames == first.frames


def test_until_and_count_ask_for_the_same_steps(client, new_run):
    by_count, by_until = new_run(run="by-count"), new_run(run="by-until")
    first = client.step(run=by_count, count=5)
    other = client.step(run=by_until, until="2020-01-06T05:00")
    assert summary(first) == summary(other) and first["incidents"] == other["incidents"]
    assert client.step(run=by_count, seq=0, until="2020-01-06T05:00:00").frames == first.frames, "a retry as well"


def test_a_retry_with_another_number_of_steps_or_adjust_is_conflict(client, new_run):
    run = new_run()
    first = client.step(run=run, seq=0, count=2, adjust=[{"factor": 0.5}])
    for change in [{"count": 1}, {"count": 3}, {"adjust": []}, {"adjust": [{"factor": 0.6}]}]:
        fields = {"run": run, "seq": 0, "count": 2, "adjust": [{"factor": 0.5}], **change}
        assert client.refused("step", **fields)["code"] == "conflict"
    assert client.refused("step", run=run, seq=1, count=1)["expected_seq"] == 2
    assert client.step(run=run, seq=0, count=2, adjust=[{"factor": 0.5}]).frames == first.frames


def test_without_seq_nothing_is_a_retry(client, new_run):
    run = new_run()
    assert [client.step(run=run, format="none")["seq"] for _ in range(3)] == [0, 1, 2]


def test_all_formats_tell_the_same_incidents(client, new_run, model):
    run = new_run()
    records = client.step(run=run, seq=0, count=48, format="records")
    incidents = records["incidents"]
    assert len(incidents) == records["count"] > 300
    assert from_csv(client.step(run=run, seq=0, count=48, format="csv")) == incidents
    assert from_columns(client.step(run=run, seq=0, count=48, format="columns"), model) == incidents
    counts = client.step(run=run, seq=0, count=48, format="counts")
    categories = [incident["crime_category"] for incident in incidents]
    assert counts["by_category"] == {name: categories.count(name) for name in model["categories"]}
    assert "incidents" not in counts and len(counts.frames) == 1
    assert client.step(run=run, seq=0, count=48, format="none").keys() == set(counts) - {"by_category"}


def test_csv_is_as_the_contract_shows_it(client, new_run):
    text = client.step(run=new_run(), count=5, format="csv").frames[1].decode()
    header, *lines = text.splitlines()
    assert header == "id,MSOA,crime_category,code,description,time,suspect,severity"
    assert all(re.search(r",2020-01-06 \d\d:\d\d:00,(True|False),[\d.]+$", line) for line in lines)


def test_a_step_without_incidents_still_has_its_frames(client, new_run):
    run = new_run()
    columns = client.step(run=run, seq=0, format="columns", adjust=[{"factor": 0}])
    assert columns["count"] == 0 and columns.frames[1:] == [b""] * 5
    empty = client.step(run=run, seq=0, format="csv", adjust=[{"factor": 0}])
    assert empty.frames[1].decode().splitlines() == ["id,MSOA,crime_category,code,description,time,suspect,severity"]


def test_incidents_are_sorted_and_inside_their_step(client, new_run):
    run = new_run(step="15m")
    for _ in range(40):
        reply = client.step(run=run)
        order = [(incident["time"], incident["id"]) for incident in reply["incidents"]]
        assert order == sorted(order)
        assert all(reply["from"] <= time < reply["to"] for time, _ in order)
    reply = client.step(run=run, count=1000)
    order = [(incident["time"], incident["id"]) for incident in reply["incidents"]]
    assert order == sorted(order) and len({number for _, number in order}) == reply["count"]


STEPS = ["1m", "15m", "1h", "8h", "1d", "1mo"]
CHANGES = [
    {"factor": 0.3, "categories": ["burglary"], "displacement": 0.5, "areas": ["E02001327", "E02001328"]},
    {"factor": 3, "half_life": "20h", "from": "2020-01-03T07:13", "categories": ["drugs"]},
    {"factor": 2.5, "target": "suspect", "from": "2020-01-10T10:10", "until": "2020-01-20T20:20"},
    {"factor": 0, "from": "2020-01-15T14:37", "until": "2020-01-15T16:11"},
]


@pytest.mark.parametrize("changes", [[], CHANGES], ids=["untouched", "adjusted"])
def test_steps_of_any_length_draw_the_same_month(client, new_run, changes):
    months = {}
    for step in STEPS:
        run = new_run(start="2020-01-01", step=step, seed=3)
        for change in changes:
            client.adjust(run=run, **change)
        months[step] = month(client, run)
    text, reply = months["1h"]
    assert reply["count"] > 8000
    for step, (other_text, other) in months.items():
        assert other_text == text, step
        assert other["expected"] == pytest.approx(reply["expected"], rel=2e-9), step
        assert other["baseline"] == pytest.approx(reply["baseline"], rel=2e-9), step


def test_one_step_at_a_time_draws_the_same_as_many_at_once(client, new_run):
    single, many = new_run(), new_run()
    ones = [client.step(run=single) for _ in range(48)]
    all_at_once = client.step(run=many, count=48)
    assert [incident for reply in ones for incident in reply["incidents"]] == all_at_once["incidents"]
    assert sum(reply["expected"] for reply in ones) == pytest.approx(all_at_once["expected"], rel=1e-8)


@pytest.mark.parametrize("start, step", [("2020-01-06T00:30", "1h"), ("2020-01-06T00:07", "1m"), ("2020-01-05", "1d")])
def test_a_start_anywhere_draws_the_same_incidents_from_there_on(client, new_run, start, step):
    until = "2020-01-08T00:30" if ":30" in start else "2020-01-08"
    other = client.step(run=new_run(start=start, step=step), until=until)
    whole = client.step(run=new_run(step="1m"), until=other["to"])
    later = max(other["from"], whole["from"])
    expected = [incident for incident in whole["incidents"] if incident["time"] >= later]
    assert [incident for incident in other["incidents"] if incident["time"] >= later] == expected


def test_a_leap_day_has_its_incidents_and_a_common_year_none(client, new_run):
    days = {}
    for year in (2020, 2021, 2100):
        reply = client.step(run=new_run(start=f"{year}-02-28", step="1d"), until=f"{year}-03-02")
        days[year] = (reply["steps"], sorted({incident["time"][5:10] for incident in reply["incidents"]}))
    common = (2, ["02-28", "03-01"])
    assert days == {2020: (3, ["02-28", "02-29", "03-01"]), 2021: common, 2100: common}


def test_the_new_year_is_an_hour_like_any_other(client, new_run):
    run = new_run(start="2019-12-31T22:00", step="1h")
    replies = [client.step(run=run) for _ in range(4)]
    assert [reply["from"] for reply in replies][2] == "2020-01-01T00:00:00"
    year = new_run(start="2019-12-01", step="1mo")
    both = client.step(run=year, count=2)["incidents"]
    assert [incident for reply in replies for incident in reply["incidents"]] == [
        incident for incident in both if "2019-12-31T22" <= incident["time"] < "2020-01-01T02"
    ]


def test_a_month_is_the_calendars(client, new_run):
    run = new_run(start="2019-11-15T06:00", step="1mo")
    ends = [client.step(run=run, format="none")["to"] for _ in range(4)]
    assert ends == ["2019-12-15T06:00:00", "2020-01-15T06:00:00", "2020-02-15T06:00:00", "2020-03-15T06:00:00"]


def test_a_run_ends_at_its_end(client, new_run):
    run = new_run(end="2020-01-06T03:00")
    assert client.refused("step", run=run, count=4)["code"] == "run_ended"
    assert client.refused("step", run=run, until="2020-01-06T04:00")["code"] == "run_ended"
    assert [client.step(run=run, seq=seq)["ended"] for seq in range(3)] == [False, False, True]
    assert client.status(run=run)["runs"][0]["state"] == "ended"
    assert client.refused("step", run=run)["code"] == "run_ended"
    assert client.refused("step", run=run, seq=3)["code"] == "run_ended"
    assert client.step(run=run, seq=2)["ended"] is True, "a retry is always safe"


def test_seeds_and_replicates_draw_differently_and_expect_the_same(client, new_run):
    replies = [client.step(run=new_run(**fields), count=24) for fields in ({}, {"seed": 1}, {"replicate": 1}, {})]
    drawn = [[(i["time"], i["MSOA"], i["code"]) for i in reply["incidents"]] for reply in replies]
    assert drawn[0] != drawn[1] and drawn[0] != drawn[2] and drawn[1] != drawn[2]
    assert replies[0]["incidents"] == replies[3]["incidents"]
    assert len({reply["expected"] for reply in replies}) == 1


def test_largest_seed_and_replicate_are_taken(client, new_run):
    assert client.step(run=new_run(seed=2**53 - 1, replicate=2**32 - 1), count=24)["count"] > 0


def test_several_runs_at_once_do_not_touch_each_other(client, new_run):
    alone = [client.step(run=new_run(seed=seed), count=24)["incidents"] for seed in range(4)]
    runs = [new_run(seed=seed) for seed in range(4)]
    woven = [[] for _ in runs]
    for _ in range(24):
        for number, run in enumerate(runs):
            woven[number] += client.step(run=run)["incidents"]
    assert woven == alone


def test_other_daemons_draw_the_same(client, new_run, start_daemon, connect):
    from crims_client import Client

    other = connect(Client, start_daemon().control)
    run = new_run(run="same-everywhere", seed=9)
    other.open(model=MODEL, start="2020-01-06", run=run, seed=9)
    assert other.step(run=run, count=30).frames == client.step(run=run, count=30).frames
    assert ids(other.read(run=run, seq=0)) == ids(client.read(run=run, seq=0))
