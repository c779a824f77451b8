"""`crims calibrate --force england-and-wales`: a table of counts in, a model of all forces out."""

import csv
import gzip
import json

import pytest
from conftest import ROOT

HEADER = "force,MSOA,Month,Crime type,n,suspect"
MONTHS = ["2018-10", "2018-11", "2018-12", "2019-01", "2019-02", "2019-07", "2019-08", "2019-09"]
ABSENT = {"greater-manchester", "metropolitan"}


@pytest.fixture(scope="module")
def areas():
    with open(ROOT / "reference" / "areas.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(tmp_path, areas):
    """Counts of the first areas of each force but two: one burglary for 500 residents, a quarter with a suspect."""
    rows = []
    for force in sorted({area["force"] for area in areas} - ABSENT):
        for area in [area for area in areas if area["force"] == force][:4]:
            n = int(area["population"]) // 500
            rows += [f"{force},{area['code']},{month},Burglary,{n},{n // 4}" for month in MONTHS]
    rows.append("btp,,2019-01,Burglary,7,0")
    path = tmp_path / "counts.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *rows, ""]).encode()))
    return path


@pytest.fixture
def calibrate(crims, tmp_path):
    def run(*arguments):
        output = tmp_path / "models" / "england-and-wales"
        return crims("calibrate", "--force", "england-and-wales", "-o", output, *arguments), output

    return run


def test_a_table_becomes_a_model_that_says_what_is_imputed(calibrate, crims, table, areas):
    done, output = calibrate(table)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "1 records of 7 rejected: not a territorial force of England and Wales (btp)" in done.stderr
    # What is not there of a force counts as no incident; two forces are not there at all.
    imputed = sum(area["force"] in ABSENT for area in areas)
    assert f"Greater Manchester, Metropolitan Police: their {imputed} areas are imputed" in done.stderr
    done = crims("models", "check", output)
    assert done.returncode == 0, done.stdout + done.stderr

    at = ["england-and-wales", "--models", output.parent]
    assert f"areas          7201, {imputed} of them imputed\n" in crims("models", "describe", *at).stdout
    described = json.loads(crims("models", "describe", *at, "--json").stdout)
    assert described["imputed_areas"] == imputed == sum(area.get("imputed", False) for area in described["areas"])
    settings = json.loads((output / "model.json").read_text())["method"]["settings"]
    assert settings["imputedForces"] == sorted(ABSENT)
    assert settings["imputedMonths"] == ["mar", "apr", "may", "jun"]
    assert settings["records"]["records"] == settings["recordsUsed"]["records"] + 1

    day = ["--model", "england-and-wales", "--models", output.parent, "--start", "2020-01-06", "--end", "2020-01-07"]
    drawn = list(csv.DictReader(crims("run", *day).stdout.splitlines()))
    force = {area["code"]: area["force"] for area in areas}
    assert drawn and {force[incident["MSOA"]] for incident in drawn} & ABSENT


def test_months_are_chosen(calibrate, table):
    months = ["--from", "2018-11", "--to", "2019-02", "--suspects", "2018-11..2018-12", "--half-lives", "4,none"]
    done, output = calibrate(table, *months)
    assert done.returncode == 0, done.stderr
    settings = json.loads((output / "model.json").read_text())["method"]["settings"]
    assert settings["suspectMonths"] == ["2018-11", "2018-12"]
    assert (settings["halfLifeOfLevel"], settings["halfLifeOfAreas"]) == (4, None)
    assert settings["recordsRejected"]["outside the period"]["records"] > 0


@pytest.mark.parametrize(
    "text, said",
    [
        ("Crime ID,Month,LSOA code,Crime type\n", "a street file of data.police.uk, which is of one force"),
        ("force,area,month\n", "no columns MSOA, Crime type, n, suspect in the first line"),
        (f"{HEADER},more\n", 'column "more" is not known'),
        (f"{HEADER}\nkent,,2019-01,Drugs,-1,0\n", 'counts.csv:2: n is "-1"'),
        (f"{HEADER}\nkent,,2019-01,Drugs,1,2\n", "counts.csv:2: suspect is 2, more than the n of 1"),
        (f"{HEADER}\nkent,,2019/01,Drugs,1,0\n", 'counts.csv:2: Month is "2019/01"; YYYY-MM is expected'),
        (f"{HEADER}\nkent,,2019-01,Drugs,1,0\n", "nothing to calibrate on"),
    ],
)
def test_a_table_that_cannot_be_right_is_told_and_nothing_is_written(calibrate, tmp_path, text, said):
    (tmp_path / "counts.csv").write_text(text)
    done, output = calibrate(tmp_path / "counts.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr, done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["calibrate", "x.csv", "--force", "england-and-wales", "-o", "x", "--suspects", "2019"], "2018-01..2018-12"),
        (["calibrate", "x.csv", "--force", "kent", "-o", "x", "--suspects", "2019-01..2019-02"], "england-and-wales"),
        (["calibrate", "x.csv", "--force", "kent", "--suspects"], "--suspects needs a value"),
        (["backtest", "x.csv", "--force", "england-and-wales", "--train", "2018-01..2018-12", "--test",
          "2019-01..2019-02"], "one force"),
        (["calibrate", "x.csv", "--force", "england-and-wales", "-o", "x", "--method", "upstream"], "of one force"),
        (["calibrate", "x.csv", "--force", "england-and-wales", "-o", "x", "--strict"], "one force's street files"),
        (["calibrate", "x.csv", "--force", "england-and-wales", "--dry-run"], "one force's street files"),
        (["calibrate", "x.csv", "--force", "england-and-wales", "-o", "x", "--report", "y"], "has no report yet"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told(crims, arguments, said):
    done = crims(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr, done.stderr


def test_the_name_is_offered_where_forces_are(crims, tmp_path):
    assert "england-and-wales" in crims("calibrate", "--help").stdout
    done = crims("calibrate", "x.csv", "--force", "atlantis", "-o", tmp_path / "x")
    assert done.returncode == 1 and "england-and-wales" in done.stderr
