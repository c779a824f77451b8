"""What an adjustment does to rates and incidents, held to the arithmetic of the contract."""

import pytest
from conftest import ROOT
from crims_client import ids

EXACT = 3e-8  # sums of numbers written to 9 significant digits


def hourly(client, run, day="2020-01-06", **scope):
    """The baseline of each hour of a day, by `rates`, of one category, one area or all."""
    by = ["hour", *scope]
    fields = {"run": run, "from": day, "to": f"{day[:8]}{int(day[8:]) + 1:02}", "by": by}
    hours = [0.0] * 24
    for row in client.rates(**fields)["rows"]:
        if all(row[name] == value for name, value in scope.items()):
            hours[row["hour"]] += row["baseline"]
    return hours


def pair(client, new_run, count, first, second, **fields):
    """The replies of two runs alike but for their adjustments."""
    replies = []
    for changes in (first, second):
        run = new_run(**fields)
        replies.append(client.step(run=run, count=count, adjust=changes))
    return replies


def test_factor_0_everywhere_leaves_no_incident(client, new_run):
    reply = client.step(run=new_run(), count=48, adjust=[{"factor": 0}])
    assert (reply["count"], reply["expected"], reply["incidents"]) == (0, 0, [])
    assert reply["baseline"] > 100


def test_factor_1_changes_nothing(client, new_run):
    plain, same = pair(client, new_run, 48, [], [{"factor": 1}, {"factor": 1, "mode": "set"}])
    assert same["incidents"] == plain["incidents"] and same["expected"] == same["baseline"]


def test_lower_rates_draw_subsets_and_higher_ones_supersets(client, new_run):
    drawn = []
    for factor in (0, 0.1, 0.5, 0.9, 1, 1.1, 2, 5, 40):
        reply = client.step(run=new_run(), count=24, adjust=[{"factor": factor}])
        drawn.append({incident["id"]: incident for incident in reply["incidents"]})
    for fewer, more in zip(drawn, drawn[1:]):
        assert fewer.items() <= more.items(), "an incident vanished, moved or changed"
        assert len(fewer) < len(more)


def test_all_other_incidents_stay_as_they_were(client, new_run, model):
    areas = [area["code"] for area in model["areas"][:50]]
    for factor in (0.2, 6):
        change = {"factor": factor, "areas": areas, "categories": ["drugs", "robbery"]}
        plain, changed = pair(client, new_run, 240, [], [change])
        others = [
            [i for i in reply["incidents"] if i["MSOA"] not in areas or i["crime_category"] not in ("drugs", "robbery")]
            for reply in (plain, changed)
        ]
        assert others[0] == others[1] and plain["incidents"] != changed["incidents"]


def test_factor_1000_on_one_rare_offence_in_one_area(client, new_run, model):
    run = new_run()
    rows = client.rates(run=run, **{"from": "2020-01-06", "to": "2020-01-07", "by": ["code", "area"]})["rows"]
    rare = min((row for row in rows if row["baseline"] > 1e-6), key=lambda row: row["baseline"])
    change = {"factor": 1000, "areas": [rare["area"]], "codes": [rare["code"]]}
    plain, changed = pair(client, new_run, 24 * 30, [], [change])
    extra = set(ids(changed)) - set(ids(plain))
    assert set(ids(plain)) <= set(ids(changed))
    assert {(i["MSOA"], i["code"]) for i in changed["incidents"] if i["id"] in extra} <= {(rare["area"], rare["code"])}
    one_day = client.step(run=run, count=24, format="none", adjust=[change])
    assert one_day["expected"] - one_day["baseline"] == pytest.approx(999 * rare["baseline"], abs=2e-5)
    assert one_day["capped"] in (False, True)


def test_expected_follows_the_factor_in_its_scope(client, new_run):
    run = new_run()
    burglary = sum(hourly(client, run, category="burglary"))
    reply = client.step(run=run, count=24, format="none", adjust=[{"factor": 0.25, "categories": ["Burglary"]}])
    assert reply["baseline"] - reply["expected"] == pytest.approx(0.75 * burglary, rel=1e-6)


def test_a_description_is_not_the_category_of_that_name(client, new_run, model):
    category = {crime["code"] for crime in model["crimes"] if crime["category"] == "other theft"}
    name = next(c["description"] for c in model["crimes"] if c["category"] == "other theft")
    assert len(category) > 1
    for change, gone in [
        ({"categories": ["OTHER THEFT"]}, category),
        ({"descriptions": [name.upper()]}, {c["code"] for c in model["crimes"] if c["description"] == name}),
    ]:
        plain, changed = pair(client, new_run, 240, [], [{"factor": 0, **change}])
        assert changed["incidents"] == [i for i in plain["incidents"] if i["code"] not in gone]
        assert changed["count"] < plain["count"]


def test_any_match_of_category_code_or_description_counts(client, new_run):
    plain, changed = pair(client, new_run, 48, [], [{"factor": 0, "categories": ["drugs"], "codes": ["asb", "44"]}])
    gone = {"drugs", "anti-social behaviour", "bicycle theft"}
    assert changed["incidents"] == [i for i in plain["incidents"] if i["crime_category"] not in gone]


def test_a_window_acts_to_the_minute_under_steps_of_an_hour(client, new_run):
    run = new_run()
    hours, drugs = hourly(client, run), hourly(client, run, category="drugs")
    window = {"from": "2020-01-06T14:30", "until": "2020-01-06T16:15"}
    client.adjust(run=run, factor=0.2, categories=["drugs"], **window)
    shares = {14: 0.5, 15: 1, 16: 0.25}
    for hour in range(24):
        reply = client.step(run=run, format="none")
        expected = hours[hour] - 0.8 * shares.get(hour, 0) * drugs[hour]
        assert reply["expected"] == pytest.approx(expected, rel=EXACT), hour
        assert reply["baseline"] == pytest.approx(hours[hour], rel=EXACT), hour
        assert reply["in_force"] == (1 if hour in shares else 0), hour


def test_a_window_takes_incidents_inside_it_only(client, new_run):
    change = {"factor": 0, "from": "2020-01-06T14:30", "until": "2020-01-06T16:15"}
    plain, changed = pair(client, new_run, 24, [], [change])
    inside = lambda i: "2020-01-06T14:30:00" <= i["time"] < "2020-01-06T16:15:00"  # noqa: E731
    assert changed["incidents"] == [i for i in plain["incidents"] if not inside(i)] != plain["incidents"]


def test_what_a_set_hid_comes_back_when_it_ends_or_is_retracted(client, new_run):
    run = new_run()
    hours = hourly(client, run)
    client.adjust(run=run, factor=0.5)
    client.adjust(run=run, factor=0.2, mode="set", **{"from": "2020-01-06T02:00", "until": "2020-01-06T04:00"})
    retracted = client.adjust(run=run, factor=3, mode="set", **{"from": "2020-01-06T05:00"})["adjustment"]
    client.adjust(run=run, factor=2)
    factors = [1, 1, 0.4, 0.4, 1, 6, 6, 1, 1]
    for hour, factor in enumerate(factors):
        if hour == 7:
            client.retract(run=run, adjustment=retracted)
        reply = client.step(run=run, format="none")
        assert reply["expected"] == pytest.approx(factor * hours[hour], rel=EXACT), hour


@pytest.mark.parametrize("factor", [0, 0.5, 2, 3, 100])
def test_a_half_life_decays_minute_by_minute(client, new_run, factor):
    run = new_run()
    hours = hourly(client, run)
    client.step(run=run, format="none")
    client.adjust(run=run, factor=factor, half_life="90m", **{"from": "2020-01-06T01:17"})
    for hour in range(1, 24):
        effects = [(factor - 1) * 2 ** (-(60 * hour + minute - 77) / 90) for minute in range(60)]
        acting = [effect if 60 * hour + minute >= 77 and abs(effect) >= 1 / 1024 else 0
                  for minute, effect in enumerate(effects)]  # fmt: skip
        reply = client.step(run=run, format="none")
        assert reply["expected"] == pytest.approx(hours[hour] * (1 + sum(acting) / 60), rel=EXACT), hour
        assert reply["in_force"] == (1 if any(acting) else 0), hour


def test_the_cap_is_1000_and_is_told(client, new_run):
    change = {"categories": ["drugs"], "areas": ["E02001327"]}
    run = new_run()
    drugs = sum(row["baseline"] for row in client.rates(
        run=run, by=["area", "category"], **{"from": "2020-01-06", "to": "2020-01-06T01:00"})["rows"]
        if (row["area"], row["category"]) == ("E02001327", "drugs"))  # fmt: skip
    reply = client.step(run=run, adjust=[{"factor": 1000, **change}, {"factor": 50, **change}])
    assert reply["capped"] is True
    assert reply["expected"] - reply["baseline"] == pytest.approx(999 * drugs, rel=1e-6)


def test_the_cap_is_on_the_product_and_not_on_its_parts(client, new_run):
    reply = client.step(run=new_run(), adjust=[{"factor": 1000}, {"factor": 1000}, {"factor": 0}])
    assert (reply["count"], reply["expected"], reply["capped"]) == (0, 0, False)
    reply = client.step(run=new_run(), adjust=[{"factor": 1000}, {"factor": 100}, {"factor": 1e-5}], format="none")
    assert reply["expected"] == pytest.approx(reply["baseline"], rel=EXACT)
    assert reply["capped"] is False


def neighbours():
    found = {}
    for line in (ROOT / "models" / "merseyside" / "neighbours.csv").read_text().splitlines()[1:]:
        one, other = line.split(",")
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def by_area(client, run, category, field="expected"):
    fields = {"from": "2020-01-06T00:00", "to": "2020-01-06T01:00", "by": ["area", "category"]}
    return {r["area"]: r[field] for r in client.rates(run=run, **fields)["rows"] if r["category"] == category}


def test_displacement_moves_to_neighbours_by_their_baseline(client, new_run):
    run, area = new_run(), "E02001327"
    client.adjust(run=run, factor=0.4, areas=[area], categories=["burglary"], displacement=0.75)
    base, now = by_area(client, run, "burglary", "baseline"), by_area(client, run, "burglary")
    near = neighbours()[area]
    moved, received = 0.75 * 0.6 * base[area], sum(base[other] for other in near)
    for other in base:
        share = 1 + moved / received if other in near else 0.4 if other == area else 1
        assert now[other] == pytest.approx(base[other] * share, rel=EXACT), other


def test_full_displacement_conserves_the_total(client, new_run, model):
    areas = [area["code"] for area in model["areas"][::3]]
    reply = client.step(run=new_run(), count=24, adjust=[{"factor": 0, "areas": areas, "displacement": 1}])
    plain = client.step(run=new_run(), count=24)
    isolated = [area for area in areas if neighbours()[area] <= set(areas)]
    assert not isolated
    assert reply["expected"] == pytest.approx(reply["baseline"], rel=EXACT)
    assert not {i["MSOA"] for i in reply["incidents"]} & set(areas)
    stay = [i for i in plain["incidents"] if i["MSOA"] not in areas]
    assert set(map(str, stay)) <= set(map(str, reply["incidents"])), "the rest stay as they were"


def test_displacement_without_neighbours_outside_is_lost_and_said(client, new_run):
    run = new_run()
    client.adjust(run=run, factor=0.5, displacement=1)
    reply = client.step(run=run, format="none")
    assert reply["expected"] == pytest.approx(reply["baseline"] / 2, rel=EXACT)
    (trail,) = client.adjustments(run=run)["adjustments"]
    assert any("lost" in name and value for name, value in trail.items()), trail


def test_displacement_takes_what_earlier_adjustments_left_and_respects_their_factors(client, new_run):
    run, area = new_run(), "E02001327"
    near = sorted(neighbours()[area])
    client.adjust(run=run, factor=0.5, areas=[area], categories=["burglary"])
    client.adjust(run=run, factor=0, areas=near[:1], categories=["burglary"])
    client.adjust(run=run, factor=0.2, areas=[area], categories=["burglary"], displacement=1)
    client.adjust(run=run, factor=3, areas=near[1:2], categories=["burglary"])
    base, now = by_area(client, run, "burglary", "baseline"), by_area(client, run, "burglary")
    given = 1 + 0.5 * 0.8 * base[area] / sum(base[other] for other in near)
    shares = {area: 0.1, near[0]: 0, near[1]: 3 * given} | {other: given for other in near[2:]}
    for other, share in shares.items():
        assert now[other] == pytest.approx(base[other] * share, rel=EXACT), other
