"""`crims backtest`: forecasts of months that were not learnt from, scored beside baselines."""

import csv
import json
import math
import random
import zipfile

import pytest
from conftest import ROOT

METHODS = ["model", "poisson", "raw", "seasonal", "last year", "last twelve"]
SCORES = {"cells", "incidents", "deviance", "mae", "crps", "logScore", "pit90", "pit50", "cellCoverage", "totals",
          "totalCoverage", "pai5", "pai10"}  # fmt: skip
HEADER = ("Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
          "Last outcome category,Context\n")  # fmt: skip
CATEGORIES = ["Burglary", "Robbery", "Anti-social behaviour"]


def months(first, count):
    year, month = map(int, first.split("-"))
    return [f"{year + (month - 1 + n) // 12}-{(month - 1 + n) % 12 + 1:02}" for n in range(count)]


@pytest.fixture(scope="module")
def places():
    """An LSOA of each of Merseyside's areas."""
    with open(ROOT / "reference/areas.csv") as file:
        areas = [row["code"] for row in csv.DictReader(file) if row["force"] == "merseyside"]
    with open(ROOT / "reference/lsoa.csv") as file:
        lsoas = {row["msoa"]: row["lsoa"] for row in csv.DictReader(file)}
    return [lsoas[area] for area in areas]


@pytest.fixture(scope="module")
def archive(tmp_path_factory, places):
    """Twenty months of Merseyside from the end of 2017, drawn; March 2019 is missing."""
    draws = random.Random(5)
    path = tmp_path_factory.mktemp("archive") / "merseyside.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, month in enumerate(months("2017-10", 20)):
            if month == "2019-03":
                continue
            rows = []
            for size, lsoa in enumerate(places):
                for category in CATEGORIES:
                    mean = 0.3 + 4 * math.exp(-size / 30) * (1 + 0.01 * index)
                    for _ in range(sum(draws.random() < mean / 20 for _ in range(20))):
                        rows.append(f"a,{month},M,M,-3,53,On,{lsoa},X 1A,{category},Under investigation,\n")
            draws.shuffle(rows)
            archive.writestr(f"{month}/{month}-merseyside-street.csv", HEADER + "".join(rows))
    return path


def backtest(crims, archive, *options, train="2017-10..2018-12", test="2019-01..2019-05"):
    return crims("backtest", archive, "--force", "merseyside", "--train", train, "--test", test, *options, timeout=60)


def test_all_scores_as_json(crims, archive):
    done = backtest(crims, archive, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["months"] == ["2019-01", "2019-02", "2019-04", "2019-05"]
    assert found["missing"] == ["2019-03"] and found["breaks"] == []
    assert [split["train"] for split in found["splits"]] == [{"from": "2017-10", "to": "2018-12"}]
    assert [method["method"] for method in found["methods"]] == METHODS
    for method in found["methods"]:
        total = method["total"]
        assert SCORES <= set(total)
        # 184 areas, 14 categories, four months; all parts add up to the whole.
        assert total["cells"] == 184 * 14 * 4 and total["totals"] == 14 * 4
        for part in ("byCategory", "byMonth"):
            parts = [score.get("total", score) for score in method[part].values()]
            assert sum(score["cells"] for score in parts) == total["cells"]
            assert math.isclose(sum(score["deviance"] for score in parts), total["deviance"], rel_tol=1e-5)
        for month in method["byMonth"].values():
            deviance = sum(score["deviance"] for score in month["byCategory"].values())
            assert math.isclose(deviance, month["total"]["deviance"], rel_tol=1e-5)
    model, poisson = found["methods"][0]["total"], found["methods"][1]["total"]
    assert model["deviance"] == poisson["deviance"] and model["mae"] == poisson["mae"]
    assert all(model["deviance"] < method["total"]["deviance"] for method in found["methods"][2:])
    assert 1 < model["pai10"] < model["pai5"] < 20


def test_rolling_origins_learn_from_all_months_before(crims, archive):
    found = json.loads(backtest(crims, archive, "--rolling", "2", "--json").stdout)
    splits = [(s["train"]["to"], s["test"]["from"], s["test"]["to"]) for s in found["splits"]]
    assert splits == [("2018-12", "2019-01", "2019-02"), ("2019-02", "2019-03", "2019-04"),
                      ("2019-04", "2019-05", "2019-05")]  # fmt: skip
    assert {split["train"]["from"] for split in found["splits"]} == {"2017-10"}
    # The first split is the one of two months alone: nothing later has entered.
    alone = json.loads(backtest(crims, archive, "--json", test="2019-01..2019-02").stdout)
    for method, other in zip(found["methods"], alone["methods"], strict=True):
        for month in ("2019-01", "2019-02"):
            assert method["byMonth"][month] == other["byMonth"][month]


def test_the_tables_for_people_say_the_same_twice(crims, archive):
    first, second = backtest(crims, archive), backtest(crims, archive)
    assert first.stdout == second.stdout and first.returncode == 0
    found = json.loads(backtest(crims, archive, "--json").stdout)
    for method in found["methods"]:
        row = next(line for line in first.stdout.splitlines() if line.startswith(method["method"] + " "))
        assert row.split()[len(method["method"].split())] == f"{method['total']['deviance']:.0f}"
    assert "no records, not scored: 2019-03" in first.stdout
    assert "PAI" in first.stdout and "rows in 19 files" in first.stderr


@pytest.mark.parametrize(
    "train, test, options, said",
    [
        ("2018-01", "2019-01..2019-02", [], "--train is like 2018-01..2018-12, not '2018-01'"),
        ("2018-01..2018-13", "2019-01..2019-02", [], "not '2018-01..2018-13'"),
        ("2018-12..2018-01", "2019-01..2019-02", [], "--train ends before it begins"),
        ("2018-01..2018-12", "2018-12..2019-02", [], "it must begin after --train ends, 2018-12"),
        ("2018-01..2018-12", "2019-01..2019-02", ["--rolling", "0"], "from 1 to 120, not '0'"),
        ("2018-01..2018-12", "2019-01..2019-02", ["--roling", "2"], "--rolling"),
    ],
)  # fmt: skip
def test_mistakes_are_told(crims, archive, train, test, options, said):
    done = backtest(crims, archive, *options, train=train, test=test)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr


def test_months_without_records_are_no_training(crims, archive):
    done = backtest(crims, archive, train="2015-01..2015-12", test="2019-01..2019-02")
    assert done.returncode == 1 and done.stdout == ""
    assert "0 months with records from 2015-01 to 2015-12" in done.stderr
    done = backtest(crims, archive, test="2021-01..2021-02")
    assert done.returncode == 1 and done.stdout == ""
    assert "no records of 2021-01 to 2021-02" in done.stderr
