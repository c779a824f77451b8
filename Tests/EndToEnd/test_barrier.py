"""Several clients that step one run together: who waits, who is lost, who comes back, and that the run is the same."""

import os
import threading
import time
from datetime import datetime, timezone

import pytest
import zmq
from conftest import MODEL
from crims_client import Client, Dealer, Refused, ids

NAMES = ["police", "courts", "abm"]


def people(*names, **fields):
    """Participants without time-outs, or all with the same."""
    return [{"name": name, **fields} for name in names]


@pytest.fixture
def dealers(daemon, connect):
    """A connection of its own for each name."""
    return lambda *names: {name: connect(Dealer, daemon.control) for name in names}


def waiting_for(client, run):
    return {told["name"]: told for told in client.status(run=run)["runs"][0]["waiting_for"]}


def wait_until(condition, seconds=3):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)


def test_three_models_in_lockstep(daemon, connect, client, new_run):
    """Each in a thread with a REQ socket, at its own pace; the run is the one that a single client would have."""
    steps, names = 12, NAMES
    run, alone = new_run(seed=5, participants=people(*names)), new_run(seed=5)
    replies = {name: [] for name in names}

    def adjust(name, seq):
        if seq % 3 != names.index(name):
            return []
        return [{"factor": 0.8, "categories": ["burglary"], "half_life": "4h", "source": name}]

    def model(name, seed):
        socket = connect(Client, daemon.control)
        for seq in range(steps):
            time.sleep(((seed * 7 + seq * 5) % 11) / 1_000)
            replies[name].append(socket.step(run=run, seq=seq, participant=name, adjust=adjust(name, seq)))

    threads = [threading.Thread(target=model, args=(name, seed)) for seed, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for seq in range(steps):
        one = client.step(run=alone, seq=seq, adjust=[line for name in names for line in adjust(name, seq)])
        assert [line for name in names for line in replies[name][seq]["adjusted"]] == one["adjusted"]
        for name in names:
            same = {**replies[name][seq], "run": alone, "adjusted": one["adjusted"]}
            assert same == one
    trail, other = client.adjustments(run=run)["adjustments"], client.adjustments(run=alone)["adjustments"]
    assert trail == other and len(trail) == steps


def test_nobody_is_answered_before_all_have_asked(dealers, client, new_run):
    run = new_run(participants=people(*NAMES))
    by_name = dealers(*NAMES)
    for name in NAMES[:2]:
        by_name[name].send("step", id=name, run=run, seq=0, participant=name)
    wait_until(lambda: list(waiting_for(client, run)) == ["abm"])
    for name in NAMES[:2]:
        with pytest.raises(zmq.Again):
            by_name[name].receive(timeout=50)
    assert client.status(run=run)["runs"][0]["stepping"] is False
    by_name["abm"].send("step", id="abm", run=run, participant="abm", format="csv")
    replies = {name: by_name[name].receive() for name in NAMES}
    assert all(reply["ok"] and reply["id"] == name for name, reply in replies.items())
    assert len(replies["abm"].frames) == 2 and ids(replies["police"]) == ids(replies["courts"])
    assert waiting_for(client, run) == {}


def test_who_does_not_come_is_lost(dealers, client, new_run, listen):
    run = new_run(participants=[*people("police", "courts"), *people("abm", timeout=0.3, on_timeout="fail")])
    by_name = dealers("police", "courts")
    listener = listen(f"step/{run}/", "heartbeat/")
    began = time.monotonic()
    # Twice: a time-out noticed at the next heartbeat only would now be a second later.
    for _ in range(2):
        for name in by_name:
            by_name[name].send("step", id=name, run=run, seq=0, participant=name, adjust=[{"factor": 2}])
        for name in by_name:
            reply = by_name[name].receive(timeout=2_000)
            assert (reply["ok"], reply["id"]) == (False, name)
            assert (reply["error"]["code"], reply["error"]["name"]) == ("participant_lost", "abm")
    assert 0.6 <= time.monotonic() - began < 1.2
    told = client.status(run=run)["runs"][0]
    assert (told["next_seq"], told["adjustments"], told["waiting_for"], told["state"]) == (0, 0, [], "open")
    # It comes late, and the others ask again.
    for name, dealer in {**by_name, **dealers("abm")}.items():
        dealer.send("step", id=name, run=run, seq=0, participant=name, adjust=[{"factor": 2}])
    for name in by_name:
        assert by_name[name].receive()["next_seq"] == 1
    assert client.status(run=run)["runs"][0]["adjustments"] == 3
    topic, event = listener.next()
    while topic == "heartbeat/":
        topic, event = listener.next()
    assert (topic, event["seq"]) == (f"step/{run}/", 0)


def test_with_wait_the_run_waits_on_and_says_for_whom(daemon, dealers, client, new_run, listen):
    """Overdue or not: status and heartbeat go on, other runs step, and waiting costs no processor time."""
    run, other = new_run(participants=people("police", "abm", timeout="700ms")), new_run()
    police = dealers("police")["police"]
    police.send("step", run=run, seq=0, participant="police")
    wait_until(lambda: "abm" in waiting_for(client, run))
    assert not waiting_for(client, run)["abm"]["overdue"]
    wait_until(lambda: waiting_for(client, run)["abm"]["overdue"])
    told = waiting_for(client, run)["abm"]
    since = datetime.strptime(told["since"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert 0.7 <= told["seconds"] < 5 and abs((datetime.now(timezone.utc) - since).total_seconds()) < 5

    def processor_time():
        fields = open(f"/proc/{daemon.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    listener = listen("heartbeat/")
    before = processor_time()
    heartbeat = listener.until("heartbeat/")[-1][1]
    assert run in {told["run"] for told in heartbeat["runs"]}
    assert processor_time() - before < 0.2
    assert client.step(run=other)["ok"]
    with pytest.raises(zmq.Again):
        police.receive(timeout=0)
    assert client.step(run=run, participant="abm")["next_seq"] == police.receive()["next_seq"] == 1


def test_a_client_that_died_while_waiting_comes_back(daemon, connect, client, new_run):
    run = new_run(participants=people("police", "abm"))
    context = zmq.Context()
    dead = Dealer(daemon.control, context)
    dead.send("step", run=run, seq=0, participant="police", adjust=[{"factor": 2, "reason": "first"}])
    wait_until(lambda: list(waiting_for(client, run)) == ["abm"])
    context.destroy(linger=0)
    police = connect(Dealer, daemon.control)
    police.send("step", id="again", run=run, seq=0, participant="police", adjust=[{"factor": 3, "reason": "second"}])
    police.send("hello")
    assert police.receive()["op"] == "hello", "so the one before has come too"
    assert client.step(run=run, seq=0, participant="abm")["adjusted"] == []
    assert police.receive()["id"] == "again"
    assert [line["reason"] for line in client.adjustments(run=run)["adjustments"]] == ["second"]


def test_a_client_that_died_before_its_reply_comes_back(daemon, connect, client, new_run):
    """It asks again by `seq`, in any format; that is the last step once more, whatever the other does meanwhile."""
    run = new_run(participants=people("police", "abm"))
    context = zmq.Context()
    dead = Dealer(daemon.control, context)
    ask = {"run": run, "seq": 0, "count": 3, "participant": "police", "adjust": [{"factor": 2}]}
    dead.send("step", **ask)
    wait_until(lambda: list(waiting_for(client, run)) == ["abm"])
    context.destroy(linger=0)
    other = client.step(run=run, seq=0, count=3, participant="abm")
    abm = connect(Dealer, daemon.control)
    abm.send("step", run=run, seq=3, participant="abm")
    wait_until(lambda: list(waiting_for(client, run)) == ["police"])
    resumed = client.open(model=MODEL, start="2020-01-06", run=run, participants=people("police", "abm"))
    assert (resumed["resumed"], resumed["next_seq"]) == (True, 3)
    again = client.step(**ask)
    assert again["adjusted"] == ["a1"] and ids(again) == ids(other)
    assert client.step(**ask, format="counts")["count"] == other["count"]
    with pytest.raises(Refused, match="conflict"):
        client.step(**{**ask, "participant": "abm"})
    assert client.step(run=run, seq=3, participant="police")["next_seq"] == abm.receive()["next_seq"] == 4


def test_those_who_disagree(dealers, client, new_run):
    run = new_run(participants=people("police", "abm"))
    police = dealers("police")["police"]
    police.send("step", run=run, seq=0, count=2, participant="police")
    wait_until(lambda: list(waiting_for(client, run)) == ["abm"])
    assert client.refused("step", run=run, seq=0, count=3, participant="abm")["code"] == "conflict"
    assert client.refused("step", run=run, seq=1, count=2, participant="abm")["expected_seq"] == 0
    assert client.refused("step", run=run)["field"] == "participant"
    assert client.refused("step", run=run, participant="amb")["field"] == "participant"
    assert client.step(run=run, until="2020-01-06T02:00", participant="abm")["steps"] == police.receive()["steps"] == 2


def test_close_answers_who_waits(dealers, client, new_run):
    run = new_run(participants=people("police", "abm"))
    police = dealers("police")["police"]
    police.send("step", run=run, participant="police")
    wait_until(lambda: list(waiting_for(client, run)) == ["abm"])
    client.close(run=run)
    assert police.receive()["error"]["code"] == "run_closed"
    assert client.refused("step", run=run, participant="abm")["code"] == "run_closed"


def test_a_fork_is_stepped_by_who_it_names(dealers, client, new_run):
    run = new_run(participants=people("police", "abm"))
    fork = client.fork(run=run, **{"as": f"{run}-alone"})["run"]
    assert client.step(run=fork)["next_seq"] == 1
    names = people("left", "right", timeout=0.3, on_timeout="fail")
    fork = client.fork(run=run, participants=names, **{"as": f"{run}-two"})["run"]
    assert client.open(model=MODEL, start="2020-01-06", run=fork, participants=names)["resumed"] is True
    left = dealers("left")["left"]
    left.send("step", run=fork, participant="left")
    assert left.receive()["error"]["name"] == "right"
    left.send("step", run=fork, participant="left")
    assert client.step(run=fork, participant="right")["next_seq"] == left.receive()["next_seq"] == 1


def test_a_daemon_that_ends_does_not_wait_for_anybody(start_daemon, connect):
    daemon = start_daemon()
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r1", participants=people("police", "abm"))
    police = connect(Dealer, daemon.control)
    police.send("step", run="r1", participant="police")
    wait_until(lambda: list(waiting_for(client, "r1")) == ["abm"])
    began = time.monotonic()
    daemon.process.terminate()
    assert daemon.process.wait(3) == 0 and time.monotonic() - began < 1
