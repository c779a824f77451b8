"""`crims calibrate`: which rows it reads, and how it accounts for them."""

import collections
import csv
import json
import subprocess
import sys

import pytest
from conftest import CRIMS, ROOT
from street_files import AREA_NAME, AREAS, ELSEWHERE, HEADER, HERE, LSOAS, NONE_FOUND, archive, months, name, row, rows
from street_files import text, usual

DATA = ROOT.parent / "shared" / "data" / "police-uk"
MERSEYSIDE = DATA / "merseyside-2018-01-to-2020-12.zip"
CITY = DATA / "city-of-london-2016-01-to-2020-12.zip"


@pytest.fixture
def calibrate(crims):
    """Calibrates and returns the account; it must succeed."""

    def run(*arguments, force="city-of-london", timeout=30):
        done = crims("calibrate", *arguments, "--force", force, "--json", timeout=timeout)
        assert done.returncode == 0, done.stderr
        run.stderr = done.stderr
        return json.loads(done.stdout)["account"]

    return run


@pytest.fixture
def account(calibrate, tmp_path):
    """The account of files in a zip."""

    def run(files, *arguments, **options):
        account = calibrate(archive(tmp_path / "archive.zip", files), "--dry-run", *arguments, **options)
        run.stderr = calibrate.stderr
        assert account["rows"] == account["used"] + sum(account["rejected"].values())
        for key in ("used", "rejected"):
            parts = [entry[key] if key == "used" else sum(entry[key].values()) for entry in account["entries"]]
            assert sum(parts) == (account["used"] if key == "used" else sum(account["rejected"].values()))
        return account

    return run


def rejected(account):
    return {reason: count for reason, count in account["rejected"].items() if count}


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# Reading


def test_every_row_is_used_or_rejected_by_reason_month_and_category(account):
    strange = [
        row("2019-01", lsoa=""), row("2019-01", lsoa=""), row("2019-01", lsoa=ELSEWHERE, lsoa_name="Liverpool 001A"),
        row("2019-01", "Violent crime"), row("2019-02", lsoa="95GG01S1", lsoa_name="Belfast"),
        row("2019-02", lsoa="E01099999", lsoa_name="Nowhere 001A"), row("2019-13"), row("02/2019"),
        row("2019-02")[:-1], row("2019-02") + ["more"],
    ]  # fmt: skip
    files = usual(3)
    files[name("2019-02")] += strange
    found = account(files)
    assert found["used"] == 3 * 80 and found["rows"] == 3 * 80 + len(strange) and found["files"] == 3
    assert rejected(found) == {"malformed_row": 2, "bad_month": 2, "unknown_category": 1, "no_lsoa": 2,
                               "unknown_lsoa": 1, "other_lsoa": 1, "outside_force": 1}  # fmt: skip
    table = {(entry["month"], entry["category"]): entry for entry in found["entries"]}
    assert table["2019-02", "burglary"]["used"] == 60
    assert rejected(table["2019-02", "burglary"]) == {"unknown_lsoa": 1, "other_lsoa": 1}
    assert rejected(table["2019-01", "burglary"]) == {"no_lsoa": 2, "outside_force": 1}
    assert rejected(table["2019-01", "violent crime"]) == {"unknown_category": 1}
    assert table[None, None]["rejected"]["malformed_row"] == 2
    said = account.stderr
    assert "2 rejected: no LSOA" in said and "violent crime" in said and "line 90" in said
    assert "4 rows of another month than their file's name says" in said


def test_months_outside_from_and_to_are_rejected_and_no_fault(account):
    found = account(usual(12), "--from", "2019-03", "--to", "2019-10", "--strict")
    assert rejected(found) == {"outside_period": 4 * 80} and found["faults"] == []
    assert (found["from"], found["to"]) == ("2019-03", "2019-10")


def test_zip_folder_files_and_several_archives_are_the_same_records(crims, calibrate, tmp_path):
    files = usual(12)
    (tmp_path / "unpacked").mkdir()
    for file, records in {**files, "2019-01/2019-01-merseyside-street.csv": [], "2019-01/notes.txt": "no"}.items():
        (tmp_path / "unpacked" / file).parent.mkdir(exist_ok=True)
        (tmp_path / "unpacked" / file).write_text(records if isinstance(records, str) else text(records), newline="")
    (tmp_path / "unpacked" / "2019-05" / "again").symlink_to(tmp_path / "unpacked")
    halves = [dict(list(files.items())[:7]), dict(list(files.items())[5:])]
    ways = {
        "zip": [archive(tmp_path / "whole.zip", files)],
        "folder": [tmp_path / "unpacked"],
        "files": [tmp_path / "unpacked" / file for file in files],
        "two": [archive(tmp_path / f"{number}.zip", half) for number, half in enumerate(halves)],
    }
    models, accounts = {}, {}
    for way, paths in ways.items():
        accounts[way] = calibrate(*paths, "-o", tmp_path / way / "city")
        models[way] = contents(tmp_path / way / "city")
        # Both tell of the files that the records came in.
        del models[way]["model.json"], models[way]["report.html"]
    assert models["zip"] == models["folder"] == models["files"] == models["two"]
    assert accounts["two"]["repeated_files"] == [name(month).split("/")[1] for month in months("2019-06", 2)]
    assert [accounts[way]["repeated_files"] for way in ("zip", "folder", "files")] == [[]] * 3
    assert [accounts[way]["used"] for way in ways] == [12 * 80] * 4
    assert crims("models", "check", tmp_path / "two" / "city").stdout.endswith("in order\n")


def test_a_file_given_twice_is_read_once(calibrate, tmp_path):
    (tmp_path / "street.csv").write_text(text(rows("2019-01")), newline="")
    found = calibrate(tmp_path / "street.csv", tmp_path / "." / "street.csv", "--dry-run")
    assert found["used"] == 80 and found["repeated_files"] == ["street.csv"]


SHUFFLED = ["Extra", *reversed(HEADER), "Later"]


@pytest.mark.parametrize(
    "content",
    [
        text([row("2019-01"), row("2019-01", "Drugs")]),
        "\ufeff" + text([row("2019-01"), row("2019-01", "Drugs")]).replace("\r\n", "\n"),
        "\r\n" + text([row("2019-01"), row("2019-01", "Drugs")]).replace("\r\n", "\r\n\r\n")[:-4],
        text([["x", *reversed(row("2019-01")), 'a,\r\n"b"'], ["", *reversed(row("2019-01", "Drugs")), ""]], SHUFFLED),
        text([row("2019-01")[:-1], row("2019-01", "Drugs")[:-1]], HEADER[:-1]),
        text([row("2019-01", "BURGLARY"), row("2019-01", "drugs")], [name.upper() for name in HEADER]),
        text([row("2019-01"), row("2019-01", "Drugs")]).replace("A Street", '"The ""Old"" Inn, yard"').replace(
            "On or near ", ""),
        text([["2019-01", HERE, kind] for kind in ("Burglary", "Drugs")], ["Month", "LSOA code", "Crime type"]),
    ],
    ids=["as published", "BOM and LF", "blank lines", "columns moved and added", "no Context", "other case", "quotes",
         "the first columns alone"],
)  # fmt: skip
def test_a_street_file_may_look_like_this(account, content):
    found = account({name("2019-01"): content})
    assert found["used"] == found["rows"] == 2
    assert [entry["category"] for entry in found["entries"]] == ["burglary", "drugs"]


def test_bytes_that_are_not_utf8_are_taken_as_they_are(account):
    content = text([row("2019-01")]).encode().replace(b"A Street", b"Caf\xe9 \xff\xfe Street")
    assert account({name("2019-01"): content})["used"] == 1


def test_outcomes_are_counted_by_what_they_say(account):
    outcomes = [NONE_FOUND, NONE_FOUND, "Under investigation", "Status update unavailable", "", "Settled by duel",
                "Offender sent to prison", "Suspect charged", "Local resolution"]  # fmt: skip
    found = account({name("2019-01"): [row("2019-01", outcome=outcome) for outcome in outcomes]})
    (entry,) = found["entries"]
    assert entry["outcomes"] == {"suspect": 2, "none": 2, "not_pursued": 1, "under_investigation": 1,
                                 "status_unavailable": 1, "blank": 1, "undocumented": 1}  # fmt: skip
    assert found["undocumented_outcomes"] == [{"outcome": "Settled by duel", "rows": 1}]
    (suspects,) = found["suspects"]
    assert suspects == {"category": "burglary", "suspect": 3, "none": 2, "unknown": 4, "share": 3 / 5,
                        "share_min": 3 / 9, "share_max": 7 / 9}  # fmt: skip


def test_repeated_crime_ids_are_said_and_used(account):
    twice = [row("2019-01", id="a" * 64), row("2019-01", id="a" * 64, outcome="Local resolution")] * 2
    plain = [row("2019-01", "Anti-social behaviour", outcome="")] * 5
    plain += [row("2019-01", id=f"{index:064x}") for index in range(9)]
    files = {name("2019-01"): twice + plain}
    for month in months("2019-02", 3):
        files[name(month)] = [row(month, id="a" * 64)] + [row(month, "Anti-social behaviour", outcome="")] * 15
    found = account(files, "--strict")
    assert found["used"] == found["rows"] == 18 + 3 * 16
    assert found["repeated_crime_ids"] == 3
    assert "3 rows repeat the Crime ID of an earlier row" in account.stderr


def test_many_crime_ids_are_told_apart(account):
    ids = [f"{index * 0x9E3779B97F4A7C15 % 2**256:064x}" for index in range(20_000)]
    found = account({name("2019-01"): [row("2019-01", id=id) for id in ids + ids[:7_000]]})
    assert found["repeated_crime_ids"] == 7_000 and found["used"] == 27_000


# Places


def test_every_lsoa_of_2011_is_known(account):
    everywhere = [row("2019-01", lsoa=lsoa, lsoa_name="") for lsoas in LSOAS.values() for lsoa in lsoas]
    found = account({name("2019-01", "merseyside"): everywhere}, force="merseyside")
    assert found["used"] == len(LSOAS["merseyside"])
    assert rejected(found) == {"outside_force": 34_753 - len(LSOAS["merseyside"])}


def test_lsoas_of_another_census_are_placed_by_the_name_of_their_area(account, calibrate, tmp_path):
    new = [
        row("2019-01", lsoa="E01035716", lsoa_name=f"{AREA_NAME}G"),
        row("2019-01", lsoa="W01002040", lsoa_name=f"{AREA_NAME}H"),
        row("2019-01", lsoa="E01035716", lsoa_name="Liverpool 031F"),  # of another force
        row("2019-01", lsoa="E01035716", lsoa_name="City of London 002A"),  # a number that 2011 did not have
        row("2019-01", lsoa="E01035716", lsoa_name=AREA_NAME),
        row("2019-01", lsoa="E01035716", lsoa_name=""),
        row("2019-01", lsoa="E0103571X", lsoa_name=f"{AREA_NAME}G"),  # no code at all
    ]
    files = {name("2019-01"): [*rows("2019-01"), *new]}
    found = account(files)
    assert (found["used"], found["placed_by_name"]) == (82, 2)
    assert rejected(found) == {"outside_force": 1, "other_lsoa": 3, "unknown_lsoa": 1}
    assert "2 rows used with an LSOA of another census, placed by the MSOA in the LSOA's name" in account.stderr
    calibrate(archive(tmp_path / "a.zip", files), "-o", tmp_path / "city")
    assert json.loads((tmp_path / "city" / "model.json").read_text())["method"]["settings"]["rowsPlacedByName"] == 2


def test_a_name_places_an_lsoa_as_the_lookup_would(account):
    places = [area for area in AREAS.values() if area["force"] == "merseyside"]
    by_code = [row("2019-01", lsoa=area["lsoa"], lsoa_name="?") for area in places]
    by_name = [row("2019-01", lsoa="E01035716", lsoa_name=area["name"] + "Z") for area in places]
    found = account({name("2019-01", "merseyside"): by_code + by_name}, force="merseyside")
    assert (found["used"], found["placed_by_name"]) == (2 * len(places), len(places))


# Months


def test_missing_empty_and_useless_months_count_for_nothing(calibrate, account, tmp_path):
    files = usual(12, m2019_04=None, m2019_06=[], m2019_08=[row("2019-08", lsoa="")] * 80)
    found = account(files)
    assert found["missing_months"] == ["2019-04", "2019-06", "2019-08"]
    assert found["empty_files"] == ["2019-06-city-of-london-street.csv"]
    assert "2019-04, 2019-06, 2019-08" in account.stderr
    assert "files without a row: 2019-06-city-of-london-street.csv" in account.stderr
    calibrate(archive(tmp_path / "a.zip", files), "-o", tmp_path / "a")
    calibrate(archive(tmp_path / "b.zip", usual(12, m2019_04=None, m2019_06=None, m2019_08=None)), "-o", tmp_path / "b")
    assert (tmp_path / "a" / "rates.csv").read_bytes() == (tmp_path / "b" / "rates.csv").read_bytes()
    assert "2019-06" in (tmp_path / "a" / "model.json").read_text()


def test_months_that_only_other_forces_have_are_missing(account):
    files = {**usual(6), **{name(month, "merseyside"): "" for month in months("2018-12", 9)}}
    assert account(files)["missing_months"] == ["2018-12", "2019-07", "2019-08"]


def test_a_month_with_a_tenth_of_the_rows_is_left_out(calibrate, account, tmp_path):
    files = usual(12, m2019_05=rows("2019-05", 6, 2))
    found = account(files)
    assert found["months_left_out"] == ["2019-05"] and found["thin_months"] == []
    assert found["used"] == 11 * 80 and rejected(found) == {"month_left_out": 8}
    assert "less than a quarter of the usual rows, which count for nothing: 2019-05" in account.stderr
    calibrate(archive(tmp_path / "a.zip", files), "-o", tmp_path / "a")
    calibrate(archive(tmp_path / "b.zip", usual(12, m2019_05=None)), "-o", tmp_path / "b")
    assert (tmp_path / "a" / "rates.csv").read_bytes() == (tmp_path / "b" / "rates.csv").read_bytes()
    assert "2019-05" in (tmp_path / "a" / "model.json").read_text()


@pytest.mark.parametrize("at", ["2019-01", "2019-12"], ids=["first", "last"])
def test_a_tenth_of_the_first_or_last_month_shortens_the_period(account, at):
    found = account(usual(12, **{"m" + at.replace("-", "_"): rows(at, 6, 2)}))
    assert found["months_left_out"] == [at] and at not in (found["from"], found["to"])


def test_a_month_with_a_third_of_the_rows_is_used_and_said(account):
    found = account(usual(12, m2019_05=rows("2019-05", 20, 7)))
    assert found["thin_months"] == ["2019-05"] and found["months_left_out"] == []
    assert found["used"] == found["rows"] == 11 * 80 + 27
    assert "less than half the usual rows, used all the same: 2019-05" in account.stderr


def test_a_force_that_shrinks_slowly_has_no_thin_month(account):
    names = months("2016-01", 48)
    sizes = [round(400 * 0.93**index) for index in range(48)]
    files = {name(month): rows(month, size, size // 3) for month, size in zip(names, sizes)}
    found = account(files)
    assert sizes[-1] < sizes[0] / 20
    assert found["thin_months"] == found["months_left_out"] == found["gaps"] == [] and found["used"] == found["rows"]


def test_few_rows_are_not_left_out(account):
    found = account({name(month): rows(month, 1 if month == "2019-02" else 9, 0) for month in months("2019-01", 6)})
    assert found["thin_months"] == ["2019-02"] and found["used"] == found["rows"]


def test_a_category_that_vanishes_for_a_month_is_said(account):
    found = account(usual(12, m2019_05=rows("2019-05", 75, 0)))
    assert found["gaps"] == [{"month": "2019-05", "category": "anti-social behaviour"}]
    assert "2019-05 anti-social behaviour" in account.stderr


# --strict, --dry-run, --json

FAULTS = {
    "malformed row": usual(6, m2019_03=[*rows("2019-03"), ["too", "few"]]),
    "month is not YYYY-MM": usual(6, m2019_03=[*rows("2019-03"), row("2019")]),
    "unknown category (duelling)": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", "Duelling")]),
    "no LSOA": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", lsoa="")]),
    "LSOA is not one of 2011": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", lsoa="S01006506")]),
    "LSOA of another census": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", lsoa="E01035716", lsoa_name="")]),
    "placed by the MSOA": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", lsoa="E01035716")]),
    "outside the force's areas": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", lsoa=ELSEWHERE)]),
    "Settled by duel": usual(6, m2019_03=[*rows("2019-03"), row("2019-03", outcome="Settled by duel")]),
    "of another month": usual(6, m2019_03=[*rows("2019-03"), row("2019-04")]),
    "without a row used": usual(6, m2019_03=None),
    "files without a row": usual(6, m2019_03=[]),
    "less than a quarter": usual(6, m2019_03=rows("2019-03", 6, 2)),
    "less than half": usual(6, m2019_03=rows("2019-03", 20, 7)),
    "2019-03 anti-social behaviour": usual(6, m2019_03=rows("2019-03", 80, 0)),
    "an earlier archive has the same": {**usual(6), f"other/{name('2019-03')}": []},
    "many outcomes being unknown": usual(6, m2019_03=[row("2019-03", outcome="")] * 80),
}


@pytest.mark.parametrize("said", FAULTS)
def test_strict_makes_an_error_of_what_is_only_said_otherwise(crims, tmp_path, said):
    path = archive(tmp_path / "archive.zip", FAULTS[said])
    common = ["calibrate", path, "--force", "city-of-london", "-o", tmp_path / "city"]
    done = crims(*common, "--strict", "--json")
    assert done.returncode == 1 and said in done.stderr.split("--strict")[-1], done.stderr
    assert any(said in fault for fault in json.loads(done.stdout)["account"]["faults"])
    assert json.loads(done.stdout)["model"] is None
    assert [file.name for file in tmp_path.iterdir()] == ["archive.zip"]
    done = crims(*common)
    assert done.returncode == 0 and said in done.stderr and (tmp_path / "city" / "model.json").exists()


def test_strict_passes_faultless_records(crims, tmp_path):
    path = archive(tmp_path / "archive.zip", usual(6))
    done = crims("calibrate", path, "--force", "city-of-london", "--strict", "-o", tmp_path / "city")
    assert done.returncode == 0 and (tmp_path / "city" / "model.json").exists(), done.stderr


def test_a_dry_run_reads_and_writes_nothing(crims, tmp_path):
    path = archive(tmp_path / "archive.zip", usual(6))
    done = crims("calibrate", path, "--force", "city-of-london", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "") and "480 rows in 6 files: 480 used, 0 rejected" in done.stderr
    done = crims("calibrate", path, "--force", "city-of-london", "--dry-run", "-o", tmp_path / "city")
    assert done.returncode == 0 and not (tmp_path / "city").exists()


def test_json_has_the_model_too(crims, tmp_path):
    path = archive(tmp_path / "archive.zip", usual(12))
    done = crims("calibrate", path, "--force", "city-of-london", "-o", tmp_path / "city", "--json")
    model = json.loads(done.stdout)["model"]
    assert (model["areas"], model["name"], model["folder"]) == (1, "city", str(tmp_path / "city"))
    assert abs(model["incidents_a_year"] / (12 * 80) - 1) < 0.01


# Memory, and real records


# A process counts what its parent had in memory when it began, so it gets a small one.
PEAK = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def test_memory_does_not_grow_with_the_records(tmp_path):
    peaks = []
    for count in (3, 60):
        files = {name(month): rows(month, 4_000, 2_000) for month in months("2016-01", count)}
        path = archive(tmp_path / f"{count}.zip", files)
        command = [sys.executable, "-c", PEAK, CRIMS, "calibrate", path, "--force", "city-of-london", "--dry-run"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < 100 and peaks[1] - peaks[0] < 5, peaks


def counted(path, force):
    """The same count by other means: rows of the force's areas by month and category."""
    import io
    import zipfile

    inside, counts = set(LSOAS[force]), collections.Counter()
    with zipfile.ZipFile(path) as zip:
        for entry in zip.namelist():
            if entry.endswith(f"-{force}-street.csv"):
                for record in csv.DictReader(io.TextIOWrapper(zip.open(entry), "utf-8-sig", newline="")):
                    if record["LSOA code"] in inside:
                        counts[record["Month"], record["Crime type"].lower()] += 1
    return counts


@pytest.mark.skipif(not MERSEYSIDE.exists(), reason="needs the records in ../shared/data")
def test_merseysides_records_are_accounted_for(calibrate):
    found = calibrate(MERSEYSIDE, "--dry-run", force="merseyside")
    assert (found["rows"], found["files"], found["used"]) == (504_439, 36, 504_202)
    assert rejected(found) == {"outside_force": 237} and found["repeated_crime_ids"] == 0
    assert found["missing_months"] == found["thin_months"] == found["months_left_out"] == found["gaps"] == []
    table = {(entry["month"], entry["category"]): entry["used"] for entry in found["entries"]}
    assert table == counted(MERSEYSIDE, "merseyside")


@pytest.mark.skipif(not CITY.exists(), reason="needs the records in ../shared/data")
def test_the_citys_records_are_accounted_for(calibrate):
    found = calibrate(CITY, "--dry-run")
    assert (found["rows"], found["files"], found["used"]) == (38_401, 60, 33_893)
    assert rejected(found) == {"no_lsoa": 2_491, "outside_force": 2_017}
    # Lockdown, and a month that anti-social behaviour was not published of.
    assert found["thin_months"] == ["2020-04", "2020-05"] and found["months_left_out"] == []
    assert found["gaps"] == [{"month": "2017-05", "category": "anti-social behaviour"}]
    assert found["repeated_crime_ids"] == 260
    table = {(entry["month"], entry["category"]): entry["used"] for entry in found["entries"] if entry["used"]}
    assert table == counted(CITY, "city-of-london")
