"""Every operation as it is meant to be used: its reply, and the fields in it."""

import json

import pytest
from conftest import MODEL

HEAD = {"v", "op", "ok"}
OPENED = HEAD | {"run", "time", "step", "next_seq", "state", "resumed"}
STEPPED = HEAD | {
    "run", "seq", "steps", "from", "to", "count", "expected", "baseline", "in_force", "capped", "adjusted",
    "next_seq", "ended",
}  # fmt: skip
INCIDENT = ["id", "MSOA", "crime_category", "code", "description", "time", "suspect", "severity"]
CATEGORIES = [
    "anti-social behaviour", "bicycle theft", "burglary", "criminal damage and arson", "drugs", "other crime",
    "other theft", "possession of weapons", "public order", "robbery", "shoplifting", "theft from the person",
    "vehicle crime", "violence and sexual offences",
]  # fmt: skip


def test_hello_tells_who_answers(client):
    reply = client.hello()
    assert reply.keys() >= HEAD | {
        "server", "version", "protocol", "models", "endpoints", "limits", "role", "journal", "boot"
    }  # fmt: skip
    assert reply["protocol"] == [1]
    assert MODEL in reply["models"]
    assert reply["role"] == "driver"
    assert isinstance(reply["journal"], str) and reply["boot"] >= 1


def test_hello_names_the_endpoints_bound(client, daemon):
    assert client.hello()["endpoints"]["control"] == [daemon.control]
    assert client.hello()["endpoints"]["events"] == [daemon.events]


def test_describe_lists_areas_categories_and_crimes(client):
    reply = client.describe(model=MODEL)
    assert reply.keys() >= HEAD | {
        "model", "title", "digest", "period", "areas", "categories", "crimes", "expected_per_year"
    }  # fmt: skip
    assert sorted(reply["categories"]) == CATEGORIES
    assert all(area.keys() >= {"code", "name", "x", "y"} for area in reply["areas"])
    assert all(crime.keys() >= {"code", "description", "category", "severity"} for crime in reply["crimes"])
    assert {crime["category"] for crime in reply["crimes"]} == set(CATEGORIES)
    assert all(-3.5 < area["x"] < -2.4 and 53.2 < area["y"] < 53.8 for area in reply["areas"]), "WGS84 in Merseyside"


def test_open_gives_the_run_at_its_start(client):
    reply = client.open(model=MODEL, start="2020-01-01", step="8h", run="opened")
    assert reply.keys() >= OPENED
    told = [reply[name] for name in ("run", "time", "step", "next_seq", "state", "resumed")]
    assert told == ["opened", "2020-01-01T00:00:00", "8h", 0, "open", False]


def test_open_without_a_name_makes_a_new_one_each_time(client):
    names = {client.open(model=MODEL, start="2020-01-01")["run"] for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("start", ["2020-01-31T23:00:00", "2020-01-31T23:00"])
def test_seconds_may_be_left_out(client, start):
    assert client.open(model=MODEL, start=start)["time"] == "2020-01-31T23:00:00"


def test_open_again_with_defaults_spelt_out_resumes_where_it_stands(client):
    client.open(model=MODEL, start="2020-01-01", run="again")
    client.step(run="again", count=2, format="none")
    reply = client.open(
        model=MODEL, start="2020-01-01T00:00:00", run="again", step="1h", seed=0, replicate=0, dispersion=True,
        trend=True, publish=True,
    )  # fmt: skip
    assert reply["resumed"] is True
    assert (reply["next_seq"], reply["time"]) == (2, "2020-01-01T02:00:00")


def test_step_replies_with_all_its_fields(client, new_run):
    run = new_run()
    reply = client.step(run=run)
    assert reply.keys() >= STEPPED | {"incidents"}
    assert (reply["seq"], reply["steps"], reply["next_seq"], reply["ended"]) == (0, 1, 1, False)
    assert (reply["from"], reply["to"]) == ("2020-01-06T00:00:00", "2020-01-06T01:00:00")
    assert reply["count"] == len(reply["incidents"]) > 0
    assert reply["expected"] == reply["baseline"] > 0
    assert (reply["in_force"], reply["capped"], reply["adjusted"]) == (0, False, [])


def test_an_incident_has_its_fields_in_order_and_of_their_type(client, new_run):
    for incident in client.step(run=new_run(), count=24)["incidents"]:
        assert list(incident) == INCIDENT
        assert type(incident["id"]) is int and 0 <= incident["id"] < 2**53
        assert type(incident["suspect"]) is bool
        assert incident["time"].endswith(":00")


def test_read_replies_as_step_does(client, new_run):
    run = new_run()
    client.step(run=run, count=3)
    assert client.read(run=run, seq=1, count=2).keys() >= STEPPED | {"incidents"}


def test_adjust_and_retract_reply_with_their_fields(client, new_run):
    run = new_run()
    client.step(run=run, format="none")
    reply = client.adjust(run=run, factor=0.5)
    assert reply.keys() >= HEAD | {"adjustment", "effective_from", "seq", "duplicate"}
    assert (reply["effective_from"], reply["seq"], reply["duplicate"]) == ("2020-01-06T01:00:00", 1, False)
    first = client.retract(run=run, adjustment=reply["adjustment"])
    client.step(run=run, format="none")
    assert client.retract(run=run, adjustment=reply["adjustment"]) == first, "again: the same answer"


def test_fork_replies_as_open_does(client, new_run):
    run = new_run()
    client.step(run=run, format="none")
    reply = client.ask("fork", run=run, **{"as": run + "-fork"})
    assert reply.keys() >= OPENED
    assert (reply["run"], reply["next_seq"], reply["time"]) == (run + "-fork", 1, "2020-01-06T01:00:00")


def test_status_tells_where_each_run_stands(client, new_run):
    run, other = new_run(), new_run()
    count = client.step(run=run, count=4, format="none")["count"]
    client.adjust(run=run, factor=0.5)
    (told,) = client.status(run=run)["runs"]
    assert told.keys() >= {
        "run", "model", "state", "time", "next_seq", "incidents", "adjustments", "waiting_for", "stepping", "timings"
    }  # fmt: skip
    assert (told["run"], told["model"], told["state"], told["stepping"]) == (run, MODEL, "open", False)
    assert (told["next_seq"], told["time"]) == (4, "2020-01-06T04:00:00")
    assert (told["incidents"], told["adjustments"]) == (count, 1)
    assert {run, other} <= {told["run"] for told in client.status()["runs"]}


def test_close_then_delete(client, new_run):
    run = new_run()
    assert client.close(run=run)["ok"]
    assert client.status(run=run)["runs"][0]["state"] == "closed"
    assert client.delete(run=run)["ok"]
    assert client.refused("status", run=run)["code"] == "unknown_run"


def test_an_open_run_is_not_deleted(client, new_run):
    run = new_run()
    client.refused("delete", run=run)
    assert client.status(run=run)["runs"][0]["next_seq"] == 0


def test_a_deleted_name_can_be_used_anew(client, new_run):
    run = new_run(seed=1)
    client.close(run=run)
    client.delete(run=run)
    assert client.open(model=MODEL, start="2021-05-01", run=run)["resumed"] is False


@pytest.mark.parametrize("name", ["", "abm-17", "é" * 64, 'quote " and \\ and \n', "\u0000", "😀" * 32, "\u202e"])
def test_id_is_echoed_as_it_came(client, name):
    assert client.hello(id=name)["id"] == name
    assert client.ask("nonsense", id=name)["id"] == name, "also in a refusal"


def test_id_is_left_out_where_none_was_given(client):
    assert "id" not in client.hello()


def test_op_is_echoed(client):
    assert client.hello()["op"] == "hello"
    assert client.ask("step", run="there-is-none")["op"] == "step"


def test_fields_come_in_any_order_and_spacing(client, new_run):
    request = {"count": 1, "run": new_run(), "op": "step", "id": "x", "v": 1}
    reply = client.send(json.dumps(request, indent=3).encode() + b"\r\n\t ")
    assert reply["ok"] and reply["id"] == "x"


def test_null_means_left_out(client, new_run):
    reply = client.step(run=new_run(), seq=None, count=1, until=None, format="records", participant=None, adjust=[])
    assert reply["seq"] == 0
