"""Every refusal that can be reached: its code and facts, and that it changes nothing."""

import json

import pytest
from conftest import MODEL
from crims_client import Client

OPEN = {"op": "open", "model": MODEL, "start": "2020-01-06"}
STEP = {"op": "step"}
ADJUST = {"op": "adjust", "factor": 0.5}
READ = {"op": "read", "seq": 0}
RATES = {"op": "rates", "from": "2020-01-06", "to": "2020-01-07", "by": ["category"]}
FORK = {"op": "fork", "as": "fork-refused"}


def in_step(**adjustment):
    return {**STEP, "adjust": [{"factor": 0.5}, {"factor": 0.5, **adjustment}]}


# (request, code, the error's other fact); requests on a run get the name of one that has taken a single step.
REFUSED = [
    # misspelt and unknown fields
    ({**STEP, "cuont": 1}, "bad_request", ("field", "cuont")),
    ({**STEP, "Seq": 1}, "bad_request", ("field", "Seq")),
    ({**ADJUST, "facter": 1}, "bad_request", ("field", "facter")),
    ({**OPEN, "seeed": 1}, "bad_request", ("field", "seeed")),
    ({**READ, "area": []}, "bad_request", ("field", "area")),
    ({**RATES, "seq": 1}, "bad_request", ("field", "seq")),
    ({"op": "hello", "run": "x"}, "bad_request", ("field", "run")),
    (in_step(facter=0.5), "bad_request", ("field", "facter")),
    (in_step(run="x"), "bad_request", ("field", "run")),
    # required fields
    ({"v": 1}, "bad_request", ("field", "op")),
    ({"op": "describe"}, "bad_request", ("field", "model")),
    ({"op": "open", "start": "2020-01-06"}, "bad_request", ("field", "model")),
    ({"op": "open", "model": MODEL}, "bad_request", ("field", "start")),
    ({"op": "step", "run": None}, "bad_request", ("field", "run")),
    ({"op": "adjust"}, "bad_request", ("field", "factor")),
    ({"op": "adjust", "factor": None}, "bad_request", ("field", "factor")),
    ({**STEP, "adjust": [{}]}, "bad_request", ("field", "factor")),
    ({"op": "read"}, "bad_request", ("field", "seq")),
    ({"op": "retract"}, "bad_request", ("field", "adjustment")),
    ({"op": "rates", "from": "2020-01-06", "by": []}, "bad_request", ("field", "to")),
    # types
    ({"op": 1}, "bad_request", ("field", "op")),
    ({"op": "step", "run": 7}, "bad_request", ("field", "run")),
    ({**STEP, "seq": "1"}, "bad_request", ("field", "seq")),
    ({**STEP, "seq": True}, "bad_request", ("field", "seq")),
    ({**STEP, "seq": -1}, "bad_request", ("field", "seq")),
    ({**STEP, "seq": 0.5}, "bad_request", ("field", "seq")),
    ({**STEP, "count": 0}, "bad_request", ("field", "count")),
    ({**STEP, "count": -1}, "bad_request", ("field", "count")),
    ({**STEP, "count": 1.5}, "bad_request", ("field", "count")),
    ({**STEP, "count": "1"}, "bad_request", ("field", "count")),
    ({**STEP, "format": "xml"}, "bad_request", ("field", "format")),
    ({**STEP, "format": 1}, "bad_request", ("field", "format")),
    ({**STEP, "adjust": {"factor": 1}}, "bad_request", ("field", "adjust")),
    ({**STEP, "adjust": [1]}, "bad_request", ("field", "adjust")),
    ({**READ, "areas": "E02001327"}, "bad_request", ("field", "areas")),
    ({**READ, "areas": [1]}, "bad_request", ("field", "areas")),
    ({**OPEN, "seed": -1}, "bad_request", ("field", "seed")),
    ({**OPEN, "seed": 2**53}, "bad_request", ("field", "seed")),
    ({**OPEN, "seed": 0.5}, "bad_request", ("field", "seed")),
    ({**OPEN, "seed": "0"}, "bad_request", ("field", "seed")),
    ({**OPEN, "replicate": 2**32}, "bad_request", ("field", "replicate")),
    ({**OPEN, "dispersion": 1}, "bad_request", ("field", "dispersion")),
    ({**OPEN, "trend": "no"}, "bad_request", ("field", "trend")),
    ({**OPEN, "publish": 0}, "bad_request", ("field", "publish")),
    ({**OPEN, "run": "R1"}, "bad_request", ("field", "run")),
    ({**OPEN, "run": ""}, "bad_request", ("field", "run")),
    ({**OPEN, "run": "a/b"}, "bad_request", ("field", "run")),
    ({**OPEN, "run": "x" * 65}, "bad_request", ("field", "run")),
    ({**FORK, "as": "R 1"}, "bad_request", ("field", "as")),
    ({**RATES, "by": "area"}, "bad_request", ("field", "by")),
    ({**RATES, "by": ["week"]}, "bad_request", ("field", "by")),
    # ranges of adjustments
    ({**ADJUST, "factor": -0.1}, "bad_request", ("field", "factor")),
    ({**ADJUST, "factor": 1000.1}, "bad_request", ("field", "factor")),
    ({**ADJUST, "factor": "1"}, "bad_request", ("field", "factor")),
    ({**ADJUST, "factor": True}, "bad_request", ("field", "factor")),
    ({**ADJUST, "mode": "add"}, "bad_request", ("field", "mode")),
    ({**ADJUST, "target": "everyone"}, "bad_request", ("field", "target")),
    ({**ADJUST, "half_life": "1mo"}, "bad_request", ("field", "half_life")),
    ({**ADJUST, "half_life": "0h"}, "bad_request", ("field", "half_life")),
    ({**ADJUST, "half_life": "6"}, "bad_request", ("field", "half_life")),
    ({**ADJUST, "half_life": 6}, "bad_request", ("field", "half_life")),
    ({**ADJUST, "displacement": 1.1}, "bad_request", ("field", "displacement")),
    ({**ADJUST, "displacement": -0.1}, "bad_request", ("field", "displacement")),
    ({**ADJUST, "key": "k" * 129}, "bad_request", ("field", "key")),
    ({**ADJUST, "source": "s" * 1001}, "bad_request", ("field", "source")),
    ({**ADJUST, "reason": "é" * 501}, "bad_request", ("field", "reason")),
    ({**ADJUST, "from": "2020-02-02", "until": "2020-02-01"}, "bad_request", ("field", "until")),
    ({**ADJUST, "mode": "set", "half_life": "6h"}, "bad_request", ("field", "half_life")),
    ({**ADJUST, "mode": "set", "displacement": 0.5}, "bad_request", ("field", "displacement")),
    ({**ADJUST, "target": "suspect", "displacement": 0.5}, "bad_request", ("field", "displacement")),
    ({**ADJUST, "factor": 1.5, "displacement": 0.5}, "bad_request", ("field", "displacement")),
    # times and durations
    ({**OPEN, "start": "2020-01-06T00:00:30"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2020-01-06T00:00:00Z"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2020-01-06T00:00:00+01:00"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2021-02-29"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2020-13-01"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2020-01-06T24:00"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "1969-12-31"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2210-01-01"}, "bad_request", ("field", "start")),
    ({**OPEN, "start": 1577836800}, "bad_request", ("field", "start")),
    ({**OPEN, "start": "2020-01-29", "step": "1mo"}, "bad_request", ("field", "start")),
    ({**OPEN, "end": "2020-01-06"}, "bad_request", ("field", "end")),
    ({**OPEN, "end": "2020-01-05"}, "bad_request", ("field", "end")),
    ({**OPEN, "end": "2020-01-06T01:30"}, "bad_request", ("field", "end")),
    ({**OPEN, "step": "0h"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": "1.5h"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": "1 h"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": "-1h"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": "1y"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": "h"}, "bad_request", ("field", "step")),
    ({**OPEN, "step": 60}, "bad_request", ("field", "step")),
    ({**STEP, "until": "2020-01-06T03:30"}, "bad_request", ("field", "until")),
    ({**STEP, "until": "2020-01-06T01:00"}, "bad_request", ("field", "until")),
    ({**STEP, "until": "2020-01-06T05:00", "count": 4}, "bad_request", None),
    ({**RATES, "from": "2020-01-08"}, "bad_request", None),
    # participants
    ({**OPEN, "participants": {"name": "police"}}, "bad_request", ("field", "participants")),
    ({**OPEN, "participants": ["police"]}, "bad_request", ("field", "participants")),
    ({**OPEN, "participants": [{"name": "police", "timeout": "1d"}]}, "bad_request", ("field", "timeout")),
    ({**OPEN, "participants": [{"name": "police", "on_timeout": "stop"}]}, "bad_request", ("field", "on_timeout")),
    ({**OPEN, "participants": [{"name": "a"}, {"name": "a"}]}, "bad_request", ("field", "name")),
    ({**OPEN, "participants": [{"name": f"p{i}"} for i in range(101)]}, "limit_exceeded", ("limit", "participants")),
    ({**STEP, "participant": "police"}, "bad_request", ("field", "participant")),
    # what is not there
    ({"op": "fly"}, "unknown_op", None),
    ({"op": "fly", "height": 3}, "unknown_op", None),
    ({"op": "Step"}, "unknown_op", None),
    ({**OPEN, "model": "atlantis"}, "unknown_model", ("name", "atlantis")),
    ({**OPEN, "model": "../models/merseyside"}, "unknown_model", ("name", "../models/merseyside")),
    ({"op": "describe", "model": "atlantis"}, "unknown_model", ("name", "atlantis")),
    ({"op": "step", "run": "none-such"}, "unknown_run", ("name", "none-such")),
    ({"op": "close", "run": "none-such"}, "unknown_run", ("name", "none-such")),
    ({"op": "status", "run": "none-such"}, "unknown_run", ("name", "none-such")),
    ({**FORK, "run": "none-such"}, "unknown_run", ("name", "none-such")),
    ({**ADJUST, "areas": ["E02001327", "E99"]}, "unknown_area", ("name", "E99")),
    ({**ADJUST, "areas": [""]}, "unknown_area", ("name", "")),
    ({**READ, "areas": ["E99"]}, "unknown_area", ("name", "E99")),
    (in_step(areas=["E99"]), "unknown_area", ("name", "E99")),
    ({**ADJUST, "categories": ["arson"]}, "unknown_crime", ("name", "arson")),
    ({**ADJUST, "codes": ["burglary"]}, "unknown_crime", ("name", "burglary")),
    ({**ADJUST, "descriptions": ["28E"]}, "unknown_crime", ("name", "28E")),
    ({**READ, "categories": ["arson"]}, "unknown_crime", ("name", "arson")),
    (in_step(codes=["99Z"]), "unknown_crime", ("name", "99Z")),
    ({"op": "retract", "adjustment": "a99"}, "unknown_adjustment", ("name", "a99")),
    # what is not now
    ({**STEP, "seq": 2}, "out_of_step", ("expected_seq", 1)),
    ({**STEP, "seq": 2**53 - 1}, "out_of_step", ("expected_seq", 1)),
    ({**ADJUST, "seq": 0}, "out_of_step", ("expected_seq", 1)),
    ({**ADJUST, "seq": 2}, "out_of_step", ("expected_seq", 1)),
    ({**READ, "seq": 1}, "out_of_step", ("expected_seq", 1)),
    ({**READ, "seq": 0, "count": 2}, "out_of_step", ("expected_seq", 1)),
    ({**FORK, "seq": 2}, "out_of_step", ("expected_seq", 1)),
    ({**STEP, "seq": 0, "count": 2}, "conflict", None),
    ({**STEP, "seq": 0, "until": "2020-01-06T02:00"}, "conflict", None),
    ({**STEP, "seq": 0, "adjust": [{"factor": 0.5}]}, "conflict", None),
    ({**ADJUST, "from": "2020-01-06T00:59"}, "too_late", None),
    (in_step(**{"from": "2020-01-06T00:00"}), "too_late", None),
    ({**STEP, "count": 100_000}, "limit_exceeded", "limit"),
    ({"op": "hello", "v": 2}, "unsupported_version", None),
    ({"op": "step", "v": 2, "velocity": 3}, "unsupported_version", None),
    ({"op": "warp", "v": 99}, "unsupported_version", None),
    ({"op": "hello", "v": "1"}, "bad_request", ("field", "v")),
    ({"op": "hello", "v": None}, "bad_request", ("field", "v")),
    ({"op": "hello", "id": 7}, "bad_request", ("field", "id")),
    ({"op": "hello", "id": "x" * 129}, "bad_request", ("field", "id")),
    ({"op": "hello", "id": "é" * 65}, "bad_request", ("field", "id")),
]
# (frame, code, field), with the run's name for RUN
REFUSED_AS_WRITTEN = [
    (b'{"op":"hello"}', "bad_request", "v"),
    (b'{"v":1,"v":1,"op":"hello"}', "bad_request", "v"),
    (b'{"v":1,"op":"step","run":"RUN","seq":1,"seq":1}', "bad_request", "seq"),
    (b'{"v":1,"op":"step","run":"RUN","seq":1,"s\\u0065q":1}', "bad_request", "seq"),
    (b'{"v":1,"op":"step","run":"RUN","adjust":[{"factor":1,"factor":1}]}', "bad_request", "factor"),
    *[
        (b'{"v":1,"op":"adjust","run":"RUN","factor":' + number + b"}", "bad_request", field)
        for number, field in [
            (b"NaN", None), (b"Infinity", None), (b"-Infinity", None), (b"1e999", "factor"), (b"-1e999", "factor"),
            (b"01", None), (b".5", None), (b"+1", None), (b"1.", None), (b"0x1", None), (b'"NaN"', "factor"),
        ]
    ],
    (b'{"v":1,"op":"step","run":"RUN","count":1e99}', "bad_request", "count"),
    (b'{"v":1,"op":"step","run":"RUN","seq":18446744073709551617}', "bad_request", "seq"),
    (b'{"v":1,"op":"step","run":"RUN","adjust":[{"factor":1e999}]}', "bad_request", "factor"),
]  # fmt: skip
ON_A_RUN = {"step", "adjust", "read", "rates", "retract", "fork"}


def named(request, run):
    return {"v": 1, "run": run, **request} if request.get("op") in ON_A_RUN else {"v": 1, **request}


@pytest.fixture
def run(new_run, client):
    name = new_run()
    client.step(run=name, format="none")
    return name


@pytest.mark.parametrize("request_, code, fact", REFUSED, ids=lambda value: json.dumps(value)[:60])
def test_is_refused(client, run, request_, code, fact):
    reply = client.send(json.dumps(named(request_, run)).encode())
    assert reply["ok"] is False, str(dict(reply))[:300]
    error = reply["error"]
    assert error["code"] == code, error
    assert error["message"]
    if isinstance(fact, tuple):
        assert error.get(fact[0]) == fact[1], error
    elif fact:
        assert error.get(fact), error
    (now,) = client.status(run=run)["runs"]
    assert (now["next_seq"], now["adjustments"]) == (1, 0)


@pytest.mark.parametrize("frame, code, field", REFUSED_AS_WRITTEN, ids=lambda value: str(value)[:70])
def test_is_refused_as_written(client, run, frame, code, field):
    reply = client.send(frame.replace(b"RUN", run.encode()))
    assert (reply["ok"], reply["error"]["code"]) == (False, code)
    assert field is None or reply["error"]["field"] == field


def test_an_open_with_other_arguments_is_run_exists(client, run):
    for change in [{"seed": 1}, {"step": "2h"}, {"end": "2021-01-01"}, {"dispersion": False}, {"publish": False}]:
        fields = {"model": MODEL, "start": "2020-01-06", "run": run, **change}
        assert client.refused("open", **fields)["code"] == "run_exists"


def test_a_closed_run_is_not_stepped_or_adjusted(client, run):
    client.close(run=run)
    assert client.refused("step", run=run)["code"] == "run_closed"
    assert client.refused("step", run=run, seq=1)["code"] == "run_closed"
    assert client.refused("adjust", run=run, factor=0.5)["code"] == "run_closed"


def test_too_many_incidents_for_one_reply_are_refused_before_any_step(start_daemon, connect):
    client = connect(Client, start_daemon("--max-incidents", "500").control)
    client.open(model=MODEL, start="2020-01-06", run="r1")
    for form in ("records", "csv", "columns"):
        error = client.refused("step", run="r1", count=72, format=form, adjust=[{"factor": 0.9}])
        assert (error["code"], bool(error["limit"])) == ("limit_exceeded", True)
    (now,) = client.status(run="r1")["runs"]
    assert (now["next_seq"], now["adjustments"], now["incidents"]) == (0, 0, 0)
    assert client.step(run="r1", count=10)["seq"] == 0


def test_all_that_is_refused_leaves_the_run_as_it_was(client, new_run):
    run, twin = new_run(seed=5), new_run(seed=5)
    for name in (run, twin):
        client.step(run=name, format="none")
    for request, _, _ in REFUSED:
        client.send(json.dumps(named(request, run)).encode())
    for frame, _, _ in REFUSED_AS_WRITTEN:
        client.send(frame.replace(b"RUN", run.encode()))
    disturbed, untouched = client.step(run=run, count=30), client.step(run=twin, count=30)
    assert disturbed.frames[0].replace(f'"{run}"'.encode(), f'"{twin}"'.encode()) == untouched.frames[0]
    assert client.adjust(run=run, factor=1)["adjustment"] == client.adjust(run=twin, factor=1)["adjustment"]
