"""`crims calibrate --method upstream` against the predecessor's formulas in numpy, every cell, to the last bit."""

import calendar
import collections
import csv
import io
import json
import os
import pathlib
import zipfile

import numpy as np
import pytest
from conftest import ROOT
from crims_client import Client

DATA = pathlib.Path(os.environ.get("CRIMS_DATA", ROOT / ".." / "shared" / "data"))
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)
DAYS_IN_YEAR = 365.2475
FORCE = "gwent"
HEADER = ("Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
          "Last outcome category,Context\r\n")  # fmt: skip
NO_SUSPECT = {"", "Action to be taken by another organisation", "Formal action is not in the public interest",
              "Further action is not in the public interest", "Further investigation is not in the public interest",
              "Investigation complete; no suspect identified", "Local resolution", "Status update unavailable",
              "Under investigation"}  # fmt: skip
SUSPECT = {"Awaiting court outcome", "Court case unable to proceed", "Offender given a caution", "Offender fined",
           "Suspect charged as part of another case", "Unable to prosecute suspect"}  # fmt: skip


def daily_rates(counts, years):
    """The predecessor's: the mean of a Dirichlet law as scipy computes it, times the sum; then its days in a year."""
    annualised = np.array(counts).astype(float) * 12 / years
    posterior = annualised + MONTH_DAYS
    return posterior / np.sum(posterior) * np.sum(annualised) / DAYS_IN_YEAR


class Records:
    """Counts by area and category, as the predecessor makes them of rows: those with an area are all that count."""

    def __init__(self, force):
        with open(ROOT / "reference" / "areas.csv", newline="") as file:
            self.areas = [row["code"] for row in csv.DictReader(file) if row["force"] == force]
        with open(ROOT / "reference" / "lsoa.csv", newline="") as file:
            self.area_of = {row["lsoa"]: row["msoa"] for row in csv.DictReader(file)}
        self.lsoas = [lsoa for lsoa, area in self.area_of.items() if area in set(self.areas)]
        self.months = collections.defaultdict(lambda: [0] * 12)
        self.suspects = collections.Counter()

    def add(self, month, lsoa, category, outcome):
        if lsoa in self.area_of:
            cell = self.area_of[lsoa], category.lower()
            self.months[cell][int(month[5:]) - 1] += 1
            self.suspects[cell] += outcome not in NO_SUSPECT

    def check(self, folder, years):
        """Holds a model's tables to the formulas; returns how many cells had incidents."""
        rates, suspects = table(folder / "rates.csv"), table(folder / "suspect.csv")
        assert {area for area, _ in rates} == set(self.areas) and set(rates) == set(suspects)
        for cell, found in rates.items():
            expected = daily_rates(self.months[cell], years) if cell in self.months else np.zeros(12)
            assert found == expected.tolist(), cell
            count = sum(self.months[cell]) if cell in self.months else 0
            assert suspects[cell] == [self.suspects[cell] / count if count else 0], cell
        return sum(1 for cell in rates if cell in self.months)


def table(path):
    with open(path, newline="") as file:
        return {(row[0], row[1]): [float(text) for text in row[2:]] for row in list(csv.reader(file))[1:]}


def months(first, years):
    return [f"{year}-{month:02d}" for year in range(first, first + years) for month in range(1, 13)]


def archive(path, records, months, seed):
    """An archive with busy, quiet and empty cells, and rows that count for nothing."""
    dice = np.random.default_rng(seed)
    with open(ROOT / "reference" / "offences.csv", newline="") as file:
        categories = sorted({row["category"] for row in csv.DictReader(file)})
    outcomes = sorted(NO_SUSPECT | SUSPECT)
    lsoas = records.lsoas[::9]
    busy = dice.gamma(0.4, 3, (len(lsoas), len(categories)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for month in months:
            text = io.StringIO()
            text.write(HEADER)

            def write(lsoa, category, outcome, text=text, month=month):
                crime = "" if category == "anti-social behaviour" else "0a1b"
                text.write(f"{crime},{month},X,X,-3.0,51.6,On or near X,{lsoa},X 001A,{category.capitalize()},")
                text.write(f"{outcome},\r\n")

            for lsoa, means in zip(lsoas, busy):
                for category, mean in zip(categories, means):
                    for _ in range(dice.poisson(mean)):
                        outcome = "" if category == "anti-social behaviour" else str(dice.choice(outcomes))
                        write(lsoa, category, outcome)
                        records.add(month, lsoa, category, outcome)
            write("", "burglary", "Under investigation")
            write("E01000001", "burglary", "Offender fined")
            zip_file.writestr(f"{month}/{month}-{FORCE}-street.csv", text.getvalue())
    return path


def calibrate(crims, *arguments):
    done = crims("calibrate", *arguments, "--method", "upstream", timeout=60)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def one_year(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upstream")
    records = Records(FORCE)
    return records, archive(folder / "one.zip", records, months(2019, 1), seed=1)


# In five years, 12 / 5 is no double: every sum rounds, and its order shows.
@pytest.mark.parametrize("years", [1, 2, 3, 5])
def test_every_cell_is_the_formula_to_the_last_bit(crims, tmp_path, years):
    records = Records(FORCE)
    file = archive(tmp_path / "records.zip", records, months(2016, years), seed=years)
    done = calibrate(crims, file, "--force", FORCE, "-o", tmp_path / "model")
    assert f"{24 * years} rejected" in done.stderr
    cells = records.check(tmp_path / "model", years)
    assert 100 < cells < 14 * len(records.areas)
    assert crims("models", "check", tmp_path / "model").stdout.endswith(": in order\n")
    header = json.loads((tmp_path / "model" / "model.json").read_text())
    assert header["method"]["name"] == "upstream" and header["profileMean"] == "month"
    settings = header["method"]["settings"]
    assert (settings["years"], settings["months"], settings["daysInYear"]) == (years, 12 * years, DAYS_IN_YEAR)
    assert any("28 days" in note for note in header["notes"])
    assert not (tmp_path / "model" / "dispersion.csv").exists()


@pytest.mark.parametrize("force, first, years", [("merseyside", 2018, 3), ("city-of-london", 2016, 5)])
def test_a_whole_force_is_the_formula_to_the_last_bit(crims, tmp_path, force, first, years):
    path = DATA / "police-uk" / f"{force}-{first}-01-to-2020-12.zip"
    if not path.is_file():
        pytest.skip(f"needs the records of {force} in CRIMS_DATA or ../shared/data")
    records = Records(force)
    with zipfile.ZipFile(path) as zip_file:
        names = [name for name in zip_file.namelist() if name.endswith(f"-{force}-street.csv")]
        for name in names:
            with zip_file.open(name) as file:
                for row in csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline="")):
                    records.add(row["Month"], row["LSOA code"], row["Crime type"], row["Last outcome category"])
    assert len(names) == 12 * years
    calibrate(crims, path, "--force", force, "-o", tmp_path / "model")
    assert records.check(tmp_path / "model", years) == {"merseyside": 2567, "city-of-london": 14}[force]


def test_a_month_expects_its_rates_times_its_days(crims, start_daemon, connect, tmp_path, one_year):
    calibrate(crims, one_year[1], "--force", FORCE, "-o", tmp_path / "then")
    daily = np.array(list(table(tmp_path / "then" / "rates.csv").values())).sum(axis=0)
    client = connect(Client, start_daemon("--models", tmp_path).control)
    run = client.open(model="then", start="2020-01-01", step="1mo", seed=1)["run"]
    for month in range(1, 13):
        expected = daily[month - 1] * calendar.monthrange(2020, month)[1]
        reply = client.step(run=run, format="csv")
        assert reply["expected"] == pytest.approx(expected, rel=1e-8)
        assert abs(reply["count"] - expected) < 5 * expected**0.5


def test_a_run_is_the_same_for_any_step(crims, tmp_path, one_year):
    calibrate(crims, one_year[1], "--force", FORCE, "-o", tmp_path / "then")
    run = ["run", "--models", tmp_path, "--model", "then", "--start", "2020-02-01", "--end", "2020-04-01"]
    texts = {step: crims(*run, "--step", step).stdout for step in ("15m", "1h", "1d", "1mo")}
    assert len(set(texts.values())) == 1 and len(texts["1h"]) > 10_000


def test_the_same_archive_gives_the_same_bytes(crims, tmp_path, one_year):
    for folder in ("a", "b"):
        calibrate(crims, one_year[1], "--force", FORCE, "-o", tmp_path / folder / "then")
    names = sorted(path.name for path in (tmp_path / "a" / "then").iterdir())
    assert "rates.csv" in names
    for name in names:
        assert (tmp_path / "a" / "then" / name).read_bytes() == (tmp_path / "b" / "then" / name).read_bytes()


@pytest.mark.parametrize(
    "period, said",
    [
        (["--to", "2019-07"], "2019-01 to 2019-07 is 7 months"),
        (["--from", "2018-12"], "2018-12 to 2019-12 is 13 months; 2019-01 to 2019-12 would be"),
        (["--from", "2018-01"], "none of 2018-01, 2018-02,"),
    ],
)
def test_a_period_that_the_formula_cannot_take_is_refused(crims, tmp_path, one_year, period, said):
    done = crims("calibrate", one_year[1], "--force", FORCE, "--method", "upstream", *period, "-o", tmp_path / "m")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr and not (tmp_path / "m").exists()


def test_methods_are_named(crims, tmp_path, one_year):
    assert "shrunk|upstream" in crims("calibrate", "--help").stdout
    done = crims("calibrate", one_year[1], "--force", FORCE, "--method", "upsteam", "-o", tmp_path / "m")
    assert done.returncode == 2 and "shrunk or upstream, not 'upsteam'" in done.stderr
    assert not (tmp_path / "m").exists()
