"""Expected counts asked for: held to each other, to the steps over the same window and to what adjustments do."""

import pytest
from conftest import MODEL

EXACT = 3e-8  # sums of numbers written to 9 significant digits
WINDOW = {"from": "2020-02-27T05:00", "to": "2020-03-02T17:00"}
DIMENSIONS = ["area", "category", "code", "hour", "hour_of_week", "day", "month"]


@pytest.fixture
def stepped(client, new_run):
    """A run with changes of every kind, and the reply of a step over the window."""
    run = new_run(start="2020-02-27T05:00")
    changes = [
        {"factor": 0.3, "areas": ["E02001327", "E02001328"], "categories": ["burglary"], "displacement": 1},
        {"factor": 5, "categories": ["drugs"], "half_life": "9h", "from": "2020-02-28T10:10"},
        {"factor": 0.5, "mode": "set", "codes": ["ASB"], "from": "2020-02-29T23:30", "until": "2020-03-01T00:45"},
    ]
    return run, client.step(run=run, until=WINDOW["to"], format="none", adjust=changes)


def total(rows, field="expected"):
    return sum(row[field] for row in rows)


@pytest.mark.parametrize("by", [[], *([name] for name in DIMENSIONS), ["category", "day"], ["hour", "area"]])
def test_rates_sum_to_the_step_over_the_same_window(client, stepped, by):
    run, reply = stepped
    rows = client.rates(run=run, **WINDOW, **({"by": by} if by else {}))["rows"]
    assert total(rows) == pytest.approx(reply["expected"], rel=EXACT)
    assert total(rows, "baseline") == pytest.approx(reply["baseline"], rel=EXACT)
    assert all(list(row) == [*by, "expected", "baseline"] for row in rows)
    assert len({tuple(row[name] for name in by) for row in rows}) == len(rows)


def test_one_row_without_dimensions_is_the_step_to_all_digits(client, stepped):
    run, reply = stepped
    (row,) = client.rates(run=run, **WINDOW)["rows"]
    assert (row["expected"], row["baseline"]) == (reply["expected"], reply["baseline"])


def test_rates_tell_ahead_what_steps_then_expect(client, new_run):
    run = new_run()
    client.adjust(run=run, factor=0.2, **{"from": "2020-01-06T01:20", "until": "2020-01-06T04:10"})
    rows = client.rates(run=run, by=["hour"], **{"from": "2020-01-06", "to": "2020-01-06T06:00"})["rows"]
    for row, reply in zip(rows[:6], [client.step(run=run, format="none") for _ in range(6)]):
        assert (row["expected"], row["baseline"]) == (reply["expected"], reply["baseline"])


def test_values_of_each_dimension_are_the_models_or_the_calendars(client, stepped, model):
    run, _ = stepped
    values = {name: [row[name] for row in client.rates(run=run, **WINDOW, by=[name])["rows"]] for name in DIMENSIONS}
    assert sorted(values["area"]) == sorted(area["code"] for area in model["areas"])
    assert sorted(values["category"]) == sorted(model["categories"])
    assert sorted(values["code"]) == sorted({crime["code"] for crime in model["crimes"]})
    assert values["hour"] == list(range(24))
    assert values["day"] == ["2020-02-27", "2020-02-28", "2020-02-29", "2020-03-01", "2020-03-02"]
    assert values["month"] == ["2020-02", "2020-03"]
    assert set(values["hour_of_week"]) <= set(range(168))


@pytest.mark.parametrize("by", [[], ["area"], ["area", "category", "month"], ["code", "day"], ["hour_of_week"]])
def test_hours_without_adjustments_are_summed_as_those_with(client, new_run, by):
    """A factor of 1 changes nothing, but has every hour gone through cell by cell; the baseline never is."""
    run = new_run(start="2020-02-27T05:00")
    client.adjust(run=run, factor=1)
    rows = client.rates(run=run, **WINDOW, by=by)["rows"]
    for row in rows:
        # Nine digits are written, and sums in another order may part them by one in the last.
        assert row["expected"] == pytest.approx(row["baseline"], rel=1.01e-8), row
    assert sum(row["expected"] != row["baseline"] for row in rows) <= 1 + len(rows) / 10_000


@pytest.mark.parametrize("by", [[], ["area"], ["category", "day"], ["area", "code", "month"], ["hour"]])
def test_a_selection_has_the_rows_and_counts_of_its_part(client, stepped, by):
    run, _ = stepped
    areas, categories = ["E02001328", "E02001327", "E02001400"], ["burglary", "drugs"]
    chosen = client.rates(run=run, **WINDOW, by=by, areas=areas, categories=categories)["rows"]
    rest = [name for name in by if name not in ("area", "category")]
    full = client.rates(run=run, **WINDOW, by=["area", "category", *rest])
    theirs = [row for row in full["rows"] if row["area"] in areas and row["category"] in categories]
    sums = {}
    for row in theirs:
        key = tuple(row[name] for name in by)
        sums.setdefault(key, [0, 0])
        for index, field in enumerate(("expected", "baseline")):
            sums[key][index] += row[field]
    assert [tuple(row[name] for name in by) for row in chosen] and len(chosen) == len(sums)
    for row in chosen:
        expected, baseline = sums[tuple(row[name] for name in by)]
        assert row["expected"] == pytest.approx(expected, rel=EXACT)
        assert row["baseline"] == pytest.approx(baseline, rel=EXACT)


def test_a_selection_of_what_there_is_not_is_refused(client):
    assert client.refused("rates", model=MODEL, **WINDOW, areas=["E0"])["code"] == "unknown_area"
    assert client.refused("rates", model=MODEL, **WINDOW, categories=["burglry"])["code"] == "unknown_crime"
    assert client.refused("rates", model=MODEL, **WINDOW, areas=[])["field"] == "areas"


def test_rows_of_zero_are_kept(client, new_run, model):
    run = new_run()
    client.adjust(run=run, factor=0)
    rows = client.rates(run=run, by=["area", "code"], **{"from": "2020-01-06", "to": "2020-01-07"})["rows"]
    assert len(rows) == len(model["areas"]) * len({crime["code"] for crime in model["crimes"]})
    assert {row["expected"] for row in rows} == {0}


def test_monday_midnight_is_hour_0_of_the_week(client, new_run):
    rows = client.rates(run=new_run(), by=["hour_of_week"], **{"from": "2020-01-06", "to": "2020-01-06T01:00"})["rows"]
    acting = [row["hour_of_week"] for row in rows if row["baseline"] > 0]
    assert acting == [0]
    rows = client.rates(model=MODEL, by=["hour_of_week"], **{"from": "2020-01-12T23:00", "to": "2020-01-13"})["rows"]
    assert [row["hour_of_week"] for row in rows if row["baseline"] > 0] == [167]


def test_the_model_alone_is_a_runs_baseline(client, stepped):
    run, reply = stepped
    rows = client.rates(model=MODEL, **WINDOW, by=["category"])["rows"]
    ours = client.rates(run=run, **WINDOW, by=["category"])["rows"]
    assert [row["baseline"] for row in rows] == [row["baseline"] for row in ours]
    assert [row["expected"] for row in rows] == [row["baseline"] for row in rows]


def test_a_window_of_minutes_is_that_share_of_its_hour(client):
    ask = lambda begin, end: total(client.rates(model=MODEL, **{"from": begin, "to": end})["rows"])  # noqa: E731
    whole = ask("2020-01-06T05:00", "2020-01-06T06:00")
    assert ask("2020-01-06T05:17", "2020-01-06T05:18") == pytest.approx(whole / 60, rel=EXACT)
    assert ask("2020-01-06T05:17", "2020-01-06T06:17") == pytest.approx(
        whole * 43 / 60 + 17 * ask("2020-01-06T06:00", "2020-01-06T06:01"), rel=EXACT
    )


def test_a_year_is_what_describe_expects(client, model):
    rows = client.rates(model=MODEL, by=["month"], **{"from": "2021-01-01", "to": "2022-01-01"})["rows"]
    assert len(rows) == 12
    assert total(rows) == pytest.approx(model["expected_per_year"], rel=0.01)


def test_rates_change_nothing_and_are_asked_of_closed_runs(client, stepped, new_run):
    run, _ = stepped
    before = client.rates(run=run, **WINDOW, by=["area"])["rows"]
    client.close(run=run)
    assert client.rates(run=run, **WINDOW, by=["area"])["rows"] == before


def test_run_and_model_are_one_or_the_other(client, new_run):
    fields = {**WINDOW, "by": ["area"]}
    assert client.refused("rates", **fields)["code"] == "bad_request"
    assert client.refused("rates", run=new_run(), model=MODEL, **fields)["code"] == "bad_request"


def test_a_dimension_named_twice_is_refused(client):
    assert client.refused("rates", model=MODEL, **WINDOW, by=["area", "area"])["field"] == "by"


def test_too_many_rows_are_limit_exceeded(client):
    fields = {"from": "2000-01-01", "to": "2200-01-01", "by": ["area", "code", "day", "hour"]}
    error = client.refused("rates", model=MODEL, **fields)
    assert (error["code"], bool(error["limit"])) == ("limit_exceeded", True)


def test_simulated_counts_are_what_rates_expect(client, new_run):
    run = new_run(dispersion=False, step="1d", seed=8)
    reply = client.step(run=run, count=365, format="counts")
    rows = client.rates(run=run, by=["category"], **{"from": reply["from"], "to": reply["to"]})["rows"]
    scores = [(reply["by_category"][row["category"]] - row["expected"]) / row["expected"] ** 0.5 for row in rows]
    assert max(map(abs, scores)) < 4.5, scores
