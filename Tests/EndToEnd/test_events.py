"""Events: topics, their order and parts, and that a listener can account for each step."""

import json
import time

import pytest
import zmq
from crims_client import Dealer


def of_run(listener, client, run):
    """Closes the run and returns all its events up to `closed`."""
    client.close(run=run)
    events = []
    while not events or events[-1][1].get("event") != "closed":
        events.append(listener.next())
    return events


def test_a_run_tells_its_life(client, new_run, listen):
    listener = listen("run/")
    run = new_run(run="a-life", end="2020-01-06T03:00")
    client.step(run=run, format="none")
    client.open(model="merseyside", start="2020-01-06", run=run, end="2020-01-06T03:00")
    client.ask("fork", run=run, **{"as": "a-life-forked"})
    client.step(run=run, count=2, format="none")
    client.close(run=run)
    told = [listener.next() for _ in range(5)]
    assert [(topic, payload["event"]) for topic, payload in told] == [
        ("run/a-life/", "opened"), ("run/a-life/", "resumed"), ("run/a-life-forked/", "forked"),
        ("run/a-life/", "ended"), ("run/a-life/", "closed"),
    ]  # fmt: skip


def test_incidents_of_a_step_come_by_category_before_the_step_which_counts_them(client, new_run, listen):
    run = new_run()
    listener = listen(f"incidents/{run}/", f"step/{run}/")
    reply = client.step(run=run, count=3)
    for seq in range(3):
        events = listener.until(f"step/{run}/")
        step = events.pop()[1]
        assert step.keys() >= {"run", "seq", "from", "to", "count", "by_category", "expected", "baseline"}
        assert (step["run"], step["seq"]) == (run, seq)
        seen = []
        for topic, payload in events:
            assert topic == f"incidents/{run}/{payload['category'].replace(' ', '-')}/"
            assert (payload["run"], payload["seq"]) == (run, seq)
            assert {i["crime_category"] for i in payload["incidents"]} == {payload["category"]}
            assert len(payload["incidents"]) == step["by_category"][payload["category"]]
            seen += payload["incidents"]
        assert len(seen) == step["count"] == sum(step["by_category"].values())
        inside = [i for i in reply["incidents"] if step["from"] <= i["time"] < step["to"]]
        assert sorted(seen, key=lambda i: (i["time"], i["id"])) == inside


def test_the_step_events_of_one_request_sum_to_its_reply(client, new_run, listen):
    run = new_run()
    listener = listen(f"step/{run}/")
    reply = client.step(run=run, count=24, format="counts", adjust=[{"factor": 0.5}])
    steps = [listener.next()[1] for _ in range(24)]
    assert [step["seq"] for step in steps] == list(range(24))
    assert sum(step["count"] for step in steps) == reply["count"]
    for name, count in reply["by_category"].items():
        assert sum(step["by_category"].get(name, 0) for step in steps) == count
    for name in ("expected", "baseline"):
        assert sum(step[name] for step in steps) == pytest.approx(reply[name], rel=1e-8)


def test_a_message_holds_a_thousand_incidents_at_most(client, new_run, listen):
    run = new_run(step="1mo", start="2020-01-01")
    listener = listen(f"incidents/{run}/", f"step/{run}/")
    reply = client.step(run=run, format="counts")
    events = listener.until(f"step/{run}/")[:-1]
    parts = {}
    for _, payload in events:
        assert 0 < len(payload["incidents"]) <= 1000
        parts.setdefault(payload["category"], []).append((payload["part"], len(payload["incidents"])))
    assert {name: sum(size for _, size in sizes) for name, sizes in parts.items()} == {
        name: count for name, count in reply["by_category"].items() if count
    }
    for sizes in parts.values():
        first = sizes[0][0]
        assert [part for part, _ in sizes] == list(range(first, first + len(sizes)))
    assert max(len(sizes) for sizes in parts.values()) > 2


def test_topics_end_so_that_r1_is_not_r10(client, new_run, listen):
    new_run(run="r1-topic"), new_run(run="r1-topic0")
    listener = listen("step/r1-topic/", "incidents/r1-topic/", "run/r1-topic/")
    client.step(run="r1-topic0", format="none")
    client.step(run="r1-topic", format="none")
    events = of_run(listener, client, "r1-topic")
    assert {payload["run"] for _, payload in events} == {"r1-topic"}


def test_one_category_can_be_listened_to(client, new_run, listen):
    run = new_run()
    listener = listen(f"incidents/{run}/anti-social-behaviour/", f"run/{run}/")
    count = client.step(run=run, count=24, format="counts")["by_category"]["anti-social behaviour"]
    events = of_run(listener, client, run)[:-1]
    assert {topic for topic, _ in events} == {f"incidents/{run}/anti-social-behaviour/"}
    assert sum(len(payload["incidents"]) for _, payload in events) == count


def test_adjustments_are_told_as_in_the_audit_trail(client, new_run, listen):
    run = new_run()
    listener = listen(f"adjustment/{run}/")
    client.adjust(run=run, factor=0.5, key="k", reason="patrol", categories=["drugs"])
    client.adjust(run=run, factor=0.5, key="k", reason="patrol", categories=["drugs"])
    (entry,) = client.adjustments(run=run)["adjustments"]
    topic, told = listener.next()
    assert topic == f"adjustment/{run}/" and told.items() >= entry.items()
    client.step(run=run, format="none", adjust=[{"factor": 2}])
    told = listener.next()[1]
    assert (told["adjustment"], told["factor"]) == ("a2", 2), "in a step as well, and a duplicate is not told again"


def test_a_retry_is_not_published_again(client, new_run, listen):
    run = new_run()
    listener = listen(f"step/{run}/", f"incidents/{run}/", f"run/{run}/")
    for _ in range(3):
        client.step(run=run, seq=0, format="none")
    client.read(run=run, seq=0)
    events = of_run(listener, client, run)
    assert [topic for topic, _ in events].count(f"step/{run}/") == 1


def test_a_refused_request_publishes_nothing(client, new_run, listen):
    run = new_run()
    listener = listen(f"step/{run}/", f"incidents/{run}/", f"run/{run}/", f"adjustment/{run}/")
    client.refused("step", run=run, adjust=[{"factor": 0.5}, {"factor": -1}])
    client.refused("step", run=run, seq=4)
    assert [payload["event"] for _, payload in of_run(listener, client, run)] == ["closed"]


def test_a_run_may_be_unpublished(client, new_run, listen):
    listener = listen("")
    quiet = new_run(publish=False)
    client.step(run=quiet, format="none", adjust=[{"factor": 0.5}])
    loud = new_run()
    events = listener.until(f"run/{loud}/")
    assert not [topic for topic, _ in events if topic.startswith(("incidents/", "step/")) and f"/{quiet}/" in topic]


def test_publications_follow_the_reply(client, daemon, connect, new_run, listen):
    run = new_run(step="1mo")
    listener, dealer = listen(f"incidents/{run}/", f"step/{run}/"), connect(Dealer, daemon.control)
    dealer.send("step", run=run, count=24, format="none")
    listener.next()
    assert dealer.socket.poll(100), "events came, and no reply"
    assert dealer.receive()["steps"] == 24


def test_a_heartbeat_comes_each_second_and_knows_the_runs(client, new_run, listen):
    run = new_run()
    client.step(run=run, format="none", count=2)
    listener = listen("heartbeat/")
    first, begun = listener.next(2000)[1], time.monotonic()
    listener.next(2000)
    assert 0.7 < time.monotonic() - begun < 1.4
    hello = client.hello()
    assert (first["journal"], first["boot"]) == (hello["journal"], hello["boot"])
    (told,) = [entry for entry in first["runs"] if entry["run"] == run]
    assert (told["next_seq"], told["time"], told["state"]) == (2, "2020-01-06T02:00:00", "open")


def test_a_listener_that_never_reads_holds_nothing_up(daemon, client, new_run, listen):
    sleeper = listen("")
    run = new_run(step="1mo")
    begun = time.monotonic()
    for _ in range(24):
        client.step(run=run, format="none")
    assert time.monotonic() - begun < 5
    assert sleeper.next()


def test_events_are_json_with_incidents_as_in_the_reply(daemon, client, new_run, connect, listen):
    run = new_run()
    listener = listen(f"incidents/{run}/")
    incidents = client.step(run=run)["incidents"]
    listener.socket.rcvtimeo = 2000
    topic, payload = listener.socket.recv_multipart()
    assert topic.endswith(b"/")
    assert json.loads(payload)["incidents"][0] in incidents
    with pytest.raises(zmq.Again):
        for _ in range(100):
            listener.next(200)
