"""Forks: the same past, another future."""

import pytest
from conftest import MODEL


@pytest.fixture
def fork(client):
    def fork(run, name, **fields):
        return client.ask("fork", run=run, **{"as": name}, **fields)

    return fork


def test_without_seq_a_fork_goes_on_from_now(client, new_run, fork):
    run = new_run()
    client.step(run=run, count=5, format="none")
    reply = fork(run, run + "-f")
    assert (reply["next_seq"], reply["time"], reply["state"]) == (5, "2020-01-06T05:00:00", "open")
    assert client.step(run=run + "-f")["incidents"] == client.step(run=run)["incidents"]


def test_with_seq_a_fork_goes_its_own_way_from_that_step(client, new_run, fork):
    run = new_run()
    whole = client.step(run=run, count=10)["incidents"]
    assert fork(run, run + "-f", seq=4)["next_seq"] == 4
    reply = client.step(run=run + "-f", count=6, seq=4)
    assert reply["incidents"] == [i for i in whole if i["time"] >= "2020-01-06T04:00:00"]
    assert client.status(run=run)["runs"][0]["next_seq"] == 10, "the parent stays where it was"


def test_a_fork_at_0_starts_anew(client, new_run, fork):
    run = new_run(seed=4)
    first = client.step(run=run)
    assert fork(run, run + "-f", seq=0)["time"] == "2020-01-06T00:00:00"
    assert client.step(run=run + "-f")["incidents"] == first["incidents"]


def test_a_counterfactual_differs_only_where_it_differs(client, new_run, fork):
    run = new_run()
    client.step(run=run, count=24, format="none")
    fork(run, run + "-f", seq=12)
    client.step(run=run + "-f", count=12, adjust=[{"factor": 0, "categories": ["drugs"]}])
    factual = client.read(run=run, seq=0, count=24)["incidents"]
    drugs = [i for i in factual if i["crime_category"] == "drugs" and i["time"] >= "2020-01-06T12:00:00"]
    assert drugs
    assert client.read(run=run + "-f", seq=0, count=24)["incidents"] == [i for i in factual if i not in drugs]


def test_a_fork_has_the_adjustments_known_before_its_last_step(client, new_run, fork):
    run = new_run()
    client.adjust(run=run, factor=0.5, key="first")
    client.step(run=run, count=3, format="none")
    client.adjust(run=run, factor=0.4, key="second", **{"from": "2020-01-06T20:00"})
    client.step(run=run, format="none", adjust=[{"factor": 0.3}])
    client.adjust(run=run, factor=0.2, key="third")
    client.step(run=run, format="none")
    known = {}
    for seq in range(6):
        name = fork(run, f"{run}-{seq}", seq=seq)["run"]
        known[seq] = [entry["factor"] for entry in client.adjustments(run=name)["adjustments"]]
    everything = [0.5, 0.4, 0.3, 0.2]
    assert known[1] == known[2] == known[3] == [0.5]
    assert known[4] == [0.5, 0.4, 0.3]
    assert known[5] == everything
    fork(run, run + "-all")
    assert [entry["factor"] for entry in client.adjustments(run=run + "-all")["adjustments"]] == everything


def test_a_fork_without_seq_has_also_what_was_acknowledged_since_the_last_step(client, new_run, fork):
    run = new_run()
    client.step(run=run, format="none")
    client.adjust(run=run, factor=0.5)
    fork(run, run + "-now")
    fork(run, run + "-then", seq=1)
    assert client.step(run=run + "-now", format="none")["in_force"] == 1
    assert client.step(run=run + "-then", format="none")["in_force"] == 0


def test_a_fork_has_the_keys_and_goes_on_numbering(client, new_run, fork):
    run = new_run()
    client.adjust(run=run, factor=0.5, key="k")
    client.step(run=run, format="none")
    client.adjust(run=run, factor=0.1, key="later")
    client.step(run=run, format="none")
    fork(run, run + "-f", seq=1)
    reply = client.adjust(run=run + "-f", factor=0.5, key="k")
    assert (reply["adjustment"], reply["duplicate"]) == ("a1", True)
    reply = client.adjust(run=run + "-f", factor=0.9, key="later")
    assert (reply["adjustment"], reply["duplicate"]) == ("a2", False)


def test_a_retraction_after_the_fork_point_is_not_in_the_fork(client, new_run, fork):
    run = new_run()
    client.adjust(run=run, factor=0)
    client.step(run=run, count=3, format="none")
    client.retract(run=run, adjustment="a1")
    client.step(run=run, count=3, format="none")
    fork(run, run + "-before", seq=3)
    fork(run, run + "-after", seq=5)
    assert client.step(run=run + "-before", format="none")["expected"] == 0
    assert client.step(run=run + "-after", format="none")["expected"] > 0
    (entry,) = client.adjustments(run=run + "-before")["adjustments"]
    assert entry["state"] == "in_force"


def test_a_retraction_before_the_fork_point_is_in_the_fork(client, new_run, fork):
    run = new_run()
    client.adjust(run=run, factor=0)
    client.step(run=run, count=3, format="none")
    client.retract(run=run, adjustment="a1")
    client.step(run=run, count=3, format="none")
    fork(run, run + "-f", seq=4)
    (entry,) = client.adjustments(run=run + "-f")["adjustments"]
    assert entry["state"] == "retracted"
    assert client.read(run=run + "-f", seq=0, count=4)["incidents"] == client.read(run=run, seq=0, count=4)["incidents"]


def test_what_happens_in_a_fork_stays_there(client, new_run, fork):
    run, twin = new_run(), new_run()
    for name in (run, twin):
        client.step(run=name, format="none", adjust=[{"factor": 2}])
    fork(run, run + "-f")
    client.retract(run=run + "-f", adjustment="a1")
    client.adjust(run=run + "-f", factor=0)
    client.step(run=run + "-f", count=5, format="none")
    assert client.step(run=run)["incidents"] == client.step(run=twin)["incidents"]
    assert client.adjustments(run=run)["adjustments"] == client.adjustments(run=twin)["adjustments"]


def test_again_with_the_same_fields_is_the_same_answer(client, new_run, fork):
    run = new_run()
    client.step(run=run, count=5, format="none")
    first = fork(run, run + "-f", seq=3)
    client.step(run=run + "-f", count=2, format="none")
    client.step(run=run, format="none")
    assert fork(run, run + "-f", seq=3) == first


def test_the_same_name_with_other_fields_is_run_exists(client, new_run, fork):
    run, other = new_run(), new_run()
    client.step(run=run, count=5, format="none")
    assert fork(run, run + "-f", seq=3)["ok"]
    for parent, name, seq in [(run, run + "-f", 2), (other, run + "-f", 0), (run, other, 3), (run, run, 3)]:
        reply = fork(parent, name, seq=seq)
        assert reply["ok"] is False and reply["error"]["code"] == "run_exists"


def test_closed_and_ended_runs_are_forked(client, new_run, fork):
    run = new_run(end="2020-01-06T04:00")
    whole = client.step(run=run, count=4)["incidents"]
    assert fork(run, run + "-ended", seq=2)["state"] == "open"
    client.close(run=run)
    assert fork(run, run + "-closed", seq=2)["state"] == "open"
    for name in (run + "-ended", run + "-closed"):
        reply = client.step(run=name, count=2)
        assert reply["ended"] is True
        assert reply["incidents"] == [i for i in whole if i["time"] >= "2020-01-06T02:00:00"]
    assert fork(run, run + "-at-the-end")["state"] == "ended"


def test_a_fork_has_its_parents_arguments(client, new_run, fork):
    run = new_run(step="8h", seed=77, replicate=2, dispersion=False)
    client.step(run=run, format="none")
    assert fork(run, run + "-f")["step"] == "8h"
    assert client.step(run=run + "-f")["incidents"] == client.step(run=run)["incidents"]


def test_a_fork_of_a_fork_shares_the_past_of_both(client, new_run, fork):
    run = new_run()
    client.step(run=run, count=6, format="none", adjust=[{"factor": 2}])
    fork(run, run + "-f", seq=4)
    client.step(run=run + "-f", count=4, format="none", adjust=[{"factor": 0.2}])
    fork(run + "-f", run + "-g", seq=6)
    fork(run + "-f", run + "-h", seq=2)
    read = lambda name, count: client.read(run=name, seq=0, count=count)["incidents"]  # noqa: E731
    assert read(run + "-g", 6) == read(run + "-f", 6)
    assert read(run + "-h", 2) == read(run, 2)


def test_a_fork_outlives_its_parent(client, new_run, fork):
    run, twin = new_run(), new_run()
    for name in (run, twin):
        client.step(run=name, count=3, format="none")
    fork(run, run + "-f")
    client.close(run=run)
    client.delete(run=run)
    past = [client.read(run=name, seq=0, count=3)["incidents"] for name in (run + "-f", twin)]
    assert past[0] == past[1]
    assert client.step(run=run + "-f")["incidents"] == client.step(run=twin)["incidents"]


def test_a_forks_status_counts_what_it_shares(client, new_run, fork):
    run = new_run()
    counts = [client.step(run=run)["count"] for _ in range(6)]
    fork(run, run + "-f", seq=4)
    (told,) = client.status(run=run + "-f")["runs"]
    assert (told["model"], told["next_seq"]) == (MODEL, 4)
    assert told["incidents"] == sum(counts[:4])


def test_status_says_where_a_run_comes_from(client, new_run, fork):
    run = new_run()
    client.step(run=run, count=6, format="none")
    fork(run, run + "-then", seq=4)
    fork(run, run + "-now")
    fork(run + "-now", run + "-on")
    client.step(run=run + "-then", format="none")
    told = {one["run"]: (one["forked_from"], one["forked_seq"]) for one in client.status()["runs"]}
    assert [told[run + end] for end in ("", "-then", "-now", "-on")] == [
        (None, None), (run, 4), (run, 6), (run + "-now", 6)]
