"""Accepting adjustments: when they act, keys that make asking again safe, all or none, and what is kept of them."""

import pytest


def trail(client, run):
    return client.adjustments(run=run)["adjustments"]


@pytest.fixture
def run(client, new_run):
    name = new_run()
    client.step(run=name, format="none")
    return name


def test_an_adjustment_acts_from_the_next_step_on(client, run):
    reply = client.adjust(run=run, factor=0.5)
    assert (reply["adjustment"], reply["effective_from"], reply["seq"]) == ("a1", "2020-01-06T01:00:00", 1)
    assert client.step(run=run, format="none")["in_force"] == 1


def test_a_time_inside_a_later_step_names_that_step(client, run):
    reply = client.adjust(run=run, factor=0.5, **{"from": "2020-01-06T14:30"})
    assert (reply["effective_from"], reply["seq"]) == ("2020-01-06T14:30:00", 14)


def test_seq_guards_against_another_step(client, run):
    assert client.adjust(run=run, factor=0.5, seq=1)["seq"] == 1
    assert client.refused("adjust", run=run, factor=0.5, seq=2)["expected_seq"] == 1
    client.step(run=run, format="none")
    assert client.refused("adjust", run=run, factor=0.5, seq=1)["expected_seq"] == 2
    assert len(trail(client, run)) == 1


def test_the_same_key_and_fields_give_the_first_answer_again(client, run):
    fields = {"run": run, "factor": 0.5, "key": "k", "seq": 1, "from": "2020-01-06T01:00", "areas": ["E02001327"]}
    first = client.adjust(**fields)
    assert first["duplicate"] is False
    again = {**{name: first[name] for name in ("adjustment", "effective_from", "seq")}, "duplicate": True}
    facts = lambda reply: {name: reply[name] for name in again}  # noqa: E731
    assert facts(client.adjust(id="another", **dict(reversed(fields.items())))) == again
    client.step(run=run, format="none", count=5)
    assert facts(client.adjust(**fields)) == again, "neither out_of_step nor too_late"
    client.retract(run=run, adjustment=first["adjustment"])
    client.step(run=run, format="none")
    assert facts(client.adjust(**fields)) == again, "also after it was retracted"
    assert client.step(run=run, format="none")["in_force"] == 0, "which it stays"
    client.close(run=run)
    assert facts(client.adjust(**fields)) == again, "before anything else is looked at"
    assert len(trail(client, run)) == 1


def test_the_same_key_with_other_fields_is_conflict(client, run):
    client.adjust(run=run, factor=0.5, key="k")
    for change in [{"factor": 0.6}, {"areas": ["E02001327"]}, {"reason": "r"}, {"target": "suspect"}, {"seq": 1}]:
        assert client.refused("adjust", **{"run": run, "factor": 0.5, "key": "k", **change})["code"] == "conflict"
    assert client.refused("step", run=run, adjust=[{"factor": 0.6, "key": "k"}])["code"] == "conflict"
    assert len(trail(client, run)) == 1


def test_a_key_is_of_its_run(client, run, new_run):
    client.adjust(run=run, factor=0.5, key="k")
    assert client.adjust(run=new_run(), factor=0.7, key="k")["duplicate"] is False


def test_a_key_holds_between_step_and_adjust(client, run):
    (first,) = client.step(run=run, format="none", adjust=[{"factor": 0.5, "key": "k"}])["adjusted"]
    reply = client.adjust(run=run, factor=0.5, key="k")
    assert (reply["adjustment"], reply["duplicate"]) == (first, True)
    assert client.step(run=run, format="none", adjust=[{"factor": 0.5, "key": "k"}])["adjusted"] == [first]


def test_adjusting_in_a_step_is_adjusting_before_it(client, new_run):
    changes = [{"factor": 0.5, "categories": ["drugs"]}, {"factor": 2, "half_life": "1h"}]
    before, within = new_run(), new_run()
    for change in changes:
        client.adjust(run=before, **change)
    one, other = client.step(run=before, count=9), client.step(run=within, count=9, adjust=changes)
    assert one["incidents"] == other["incidents"] and one["expected"] == other["expected"]
    assert (one["adjusted"], other["adjusted"]) == ([], ["a1", "a2"])
    assert trail(client, before) == trail(client, within)


def test_in_a_step_all_are_taken_or_none_and_the_step_neither(client, run):
    for bad in [{"factor": 0.5, "areas": ["E99"]}, {"factor": 0.5, "from": "2020-01-06"}, {"factor": -1}]:
        client.refused("step", run=run, adjust=[{"factor": 0.5, "key": "k"}, bad])
    assert trail(client, run) == []
    reply = client.step(run=run, format="none", adjust=[{"factor": 0.7, "key": "k"}])
    assert (reply["seq"], reply["adjusted"], reply["in_force"]) == (1, ["a1"], 1)


def test_in_force_counts_those_that_acted(client, run):
    window = {"from": "2020-01-06T03:30", "until": "2020-01-06T04:00"}
    client.adjust(run=run, factor=0.5)
    client.adjust(run=run, factor=0.5, **window)
    client.adjust(run=run, factor=2, target="suspect", **{"from": "2020-01-06T05:00"})
    counts = [client.step(run=run, format="none")["in_force"] for _ in range(5)]
    assert counts == [1, 1, 2, 1, 2]


def test_too_late_is_what_lies_in_the_past(client, run):
    assert client.refused("adjust", run=run, factor=1, **{"from": "2020-01-06T00:59"})["code"] == "too_late"
    assert client.adjust(run=run, factor=1, **{"from": "2020-01-06T01:00"})["seq"] == 1


def test_the_trail_keeps_fields_as_given_oldest_first(client, run):
    given = [
        {"factor": 0.5, "areas": ["E02001328", "E02001327"], "categories": ["Burglary"], "displacement": 0.25,
         "source": "police-abm", "reason": "naïve “quotes”\n and 😀", "key": "k1"},
        {"factor": 1.5, "half_life": "7d", "codes": ["28e"], "descriptions": ["Robbery of personal property"]},
        {"factor": 0, "mode": "set", "target": "suspect", "from": "2020-01-08T12:30:00", "until": "2020-01-09T00:00:00",
         "source": ""},
    ]  # fmt: skip
    for fields in given:
        client.adjust(run=run, **fields)
    kept = trail(client, run)
    assert [entry["adjustment"] for entry in kept] == ["a1", "a2", "a3"]
    assert [entry["seq"] for entry in kept] == [1, 1, 60]
    for entry, fields in zip(kept, given):
        assert entry.keys() >= {"adjustment", "effective_from", "seq", "state"}
        assert {name: entry.get(name) for name in fields} == fields


def test_the_trail_keeps_what_was_retracted_and_what_ran_out(client, run):
    client.adjust(run=run, factor=0.5)
    client.adjust(run=run, factor=0.5, until="2020-01-06T02:00")
    client.adjust(run=run, factor=0.5, **{"from": "2020-01-07"})
    client.adjust(run=run, factor=0.5)
    client.retract(run=run, adjustment="a1")
    client.step(run=run, format="none", count=3)
    states = [entry["state"] for entry in trail(client, run)]
    assert len(states) == 4 and len(set(states)) == 4, "retracted, expired, to come and in force are told apart"
    assert states[:2] == ["retracted", "expired"]


def test_retracted_before_it_acted_it_never_acts(client, run):
    client.adjust(run=run, factor=0)
    client.retract(run=run, adjustment="a1")
    reply = client.step(run=run, format="none")
    assert reply["expected"] == reply["baseline"] and reply["in_force"] == 0


def test_a_retraction_acts_at_the_next_step(client, new_run):
    run, twin = new_run(), new_run()
    client.step(run=run, count=5, adjust=[{"factor": 0.5}])
    client.step(run=twin, count=5)
    client.retract(run=run, adjustment="a1")
    assert client.step(run=run)["incidents"] == client.step(run=twin)["incidents"]


def test_adjusting_a_run_that_ended_is_refused(client, new_run):
    run = new_run(end="2020-01-06T01:00")
    client.step(run=run, format="none")
    assert client.refused("adjust", run=run, factor=0.5)["code"] == "run_ended"
