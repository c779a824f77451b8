"""Adjustments of the suspect target: the odds that a suspect is identified, never how many incidents there are."""

import csv
import math

import pytest
from conftest import ROOT

CATEGORY = "shoplifting"


def shares():
    with open(ROOT / "models" / "merseyside" / "suspect.csv", newline="") as file:
        return {(row["area"], row["category"]): float(row["probability"]) for row in csv.DictReader(file)}


def without_suspect(incidents):
    return [{name: value for name, value in incident.items() if name != "suspect"} for incident in incidents]


def suspects(reply):
    return {incident["id"] for incident in reply["incidents"] if incident["suspect"]}


@pytest.fixture
def year(client, new_run):
    return lambda *factors: client.step(
        run=new_run(seed=11), count=24 * 366, format="records",
        adjust=[{"factor": factor, "target": "suspect", "categories": [CATEGORY]} for factor in factors],
    )  # fmt: skip


@pytest.fixture
def month(client, new_run):
    return lambda *changes: client.step(run=new_run(seed=11), count=24 * 31, adjust=list(changes))


def test_incidents_stay_and_suspects_only_grow_with_the_odds(month):
    plain = month()
    last = set()
    for factor in (0, 0.3, 1, 4, 1000):
        reply = month({"factor": factor, "target": "suspect"})
        assert without_suspect(reply["incidents"]) == without_suspect(plain["incidents"])
        assert (reply["expected"], reply["baseline"]) == (plain["expected"], plain["baseline"])
        assert last <= suspects(reply)
        last = suspects(reply)
        if factor in (0, 1):
            assert last == (suspects(plain) if factor else set())


@pytest.mark.parametrize("factors", [(1,), (3,), (0.25,), (2, 5)])
def test_the_share_follows_the_odds(month, factors):
    odds, probability = math.prod(factors), shares()
    reply = month(*({"factor": factor, "target": "suspect"} for factor in factors))
    seen = mean = variance = 0
    for incident in reply["incidents"]:
        p = probability[incident["MSOA"], incident["crime_category"]]
        p = p * odds / (1 - p + p * odds)
        seen, mean, variance = seen + incident["suspect"], mean + p, variance + p * (1 - p)
    assert abs(seen - mean) < 4.5 * math.sqrt(variance), f"{seen} suspects, {mean:.1f} expected"


def test_a_set_replaces_the_odds_before_it(month):
    twice = month({"factor": 7, "target": "suspect"}, {"factor": 2, "target": "suspect", "mode": "set"})
    assert suspects(twice) == suspects(month({"factor": 2, "target": "suspect"}))


def test_scope_and_window_hold(month, model):
    areas = [area["code"] for area in model["areas"][:90]]
    scope = {"categories": ["drugs"], "areas": areas, "from": "2020-01-10T12:30", "until": "2020-01-20"}
    plain, changed = month(), month({"factor": 0, "target": "suspect", **scope})
    for before, after in zip(plain["incidents"], changed["incidents"], strict=True):
        inside = before["crime_category"] == "drugs" and before["MSOA"] in areas
        inside = inside and "2020-01-10T12:30:00" <= before["time"] < "2020-01-20T00:00:00"
        assert after["suspect"] == (False if inside else before["suspect"])


def test_the_two_targets_do_not_mix(month):
    both = month({"factor": 0.5}, {"factor": 0, "target": "suspect"})
    assert without_suspect(both["incidents"]) == without_suspect(month({"factor": 0.5})["incidents"])
    assert suspects(both) == set()


def test_the_odds_are_capped_at_1000_and_it_is_told(month):
    once = month({"factor": 1000, "target": "suspect"})
    more = month({"factor": 1000, "target": "suspect"}, {"factor": 1000, "target": "suspect"})
    assert suspects(more) == suspects(once)
    assert more["capped"] is True
