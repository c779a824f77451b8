"""Reading and counting street files, against pandas and DuckDB."""

import csv
import importlib.util
import io
import json
import pathlib
import random
import statistics
import subprocess
import sys
import zipfile

from served import RELEASE, ROOT, BenchmarkError

RECORDS = ROOT.parent / "shared" / "data" / "police-uk" / "merseyside-2018-01-to-2020-12.zip"
FORCE = "merseyside"
# A process counts as its own what its parent had in memory when it began, so the parent is a small one.
RUN = """
import json, os, sys, time
begin = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - begin
measured = {"status": status, "seconds": seconds, "peak_kib": usage.ru_maxrss}
print("\\n" + json.dumps(measured), file=sys.stderr)
"""


# By the module that has to be there.
YARDSTICKS = {"pandas": "pandas_reading.py", "duckdb": "duckdb_reading.py"}


def yardsticks():
    """Those that are installed."""
    return [name for name in YARDSTICKS if importlib.util.find_spec(name) is not None]


def make_up_records(path, months=36, rows=14_000):
    """An archive of the size and kind of three years of Merseyside, where the real one is not at hand."""
    with open(ROOT / "reference" / "areas.csv", encoding="utf-8") as file:
        areas = {row["code"]: row["name"] for row in csv.DictReader(file) if row["force"] == FORCE}
    with open(ROOT / "reference" / "lsoa.csv", encoding="utf-8") as file:
        places = [(row["lsoa"], areas[row["msoa"]] + "A") for row in csv.DictReader(file) if row["msoa"] in areas]
    with open(ROOT / "reference" / "profile.csv", encoding="utf-8") as file:
        kinds = [row["category"].capitalize() for row in csv.DictReader(file)]
    outcomes = ["Investigation complete; no suspect identified", "Unable to prosecute suspect", "Local resolution"]
    header = ["Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location", "LSOA code",
              "LSOA name", "Crime type", "Last outcome category", "Context"]  # fmt: skip
    chance = random.Random(1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(months):
            month = f"{2018 + number // 12}-{number % 12 + 1:02}"
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(header)
            for _ in range(rows):
                code, place = chance.choice(places)
                kind, outcome = chance.choice(kinds), chance.choice(outcomes)
                id = f"{chance.getrandbits(256):064x}"
                if kind == "Anti-social behaviour":
                    id, outcome = "", ""
                where = [f"{-3 + chance.random():.6f}", f"{53 + chance.random():.6f}"]
                street = f"On or near Street {chance.randrange(9_000)}"
                writer.writerow([id, month, *["Merseyside Police"] * 2, *where, street, code, place, kind, outcome, ""])
            archive.writestr(f"{month}/{month}-{FORCE}-street.csv", text.getvalue())


def run(command):
    """A process's output, its seconds from start to end, and its peak of memory."""
    words = [sys.executable, "-c", RUN, *map(str, command)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    words, _, measured = done.stderr.rstrip("\n").rpartition("\n")
    if done.returncode != 0 or json.loads(measured)["status"] != 0:
        raise BenchmarkError(f"{command[0]} failed: {words}")
    return done.stdout, json.loads(measured)


def measure_reading(rounds, records=None):
    """Of each the median, taken in turn; CriMS as a whole process, the others from after their imports."""
    path = pathlib.Path(records) if records else RECORDS
    is_real = path.exists()
    if not is_real:
        if records:
            raise BenchmarkError(f"{records}: no such archive")
        path = ROOT / ".build" / "benchmarks" / "records.zip"
        if not path.exists():
            make_up_records(path)
    ours = [RELEASE / "crims", "calibrate", path, "--force", FORCE, "--dry-run"]
    account = json.loads(run([*ours, "--json"])[0])["account"]
    counts = {}
    for entry in account["entries"]:
        key = f"{entry['month']} {entry['category']}"
        counts[key] = counts.get(key, 0) + entry["used"] + sum(entry["rejected"].values())
    crims, others = [], {name: [] for name in yardsticks()}
    for _ in range(rounds):
        crims.append(run(ours)[1])
        for name, measured in others.items():
            output, whole = run([sys.executable, ROOT / "Benchmarks" / YARDSTICKS[name], path])
            measured.append({**json.loads(output), "whole_seconds": whole["seconds"], "peak_kib": whole["peak_kib"]})

    def median(results, key):
        return statistics.median(result[key] for result in results)

    result = {
        "records": path.name,
        "is_real": is_real,
        "rows": account["rows"],
        "crims": {"seconds": median(crims, "seconds"), "peak_kib": max(one["peak_kib"] for one in crims)},
        "others": [],
        "identical": all(one["by_month_and_category"] == counts for results in others.values() for one in results),
    }
    for name, results in others.items():
        result["others"].append({
            "name": name,
            "version": results[0]["version"],
            "seconds": median(results, "seconds"),
            "whole_seconds": median(results, "whole_seconds"),
            "peak_kib": max(one["peak_kib"] for one in results),
            "ratio": result["crims"]["seconds"] / median(results, "seconds"),
            "ratios": sorted(one["seconds"] / other["seconds"] for one, other in zip(crims, results)),
        })
    return result


def reading_rows(reading):
    """Lines of the table: what, the measured, the yardstick, their ratio."""
    crims = reading["crims"]
    what = f"reading {reading['rows']:,} rows" + ("" if reading["is_real"] else ", made up")
    milliseconds = f"{crims['seconds'] * 1e3:.0f} ms"
    for other in reading["others"]:
        name = other["name"]
        yield what, milliseconds, f"{name} {other['seconds'] * 1e3:.0f} ms", f"{other['ratio']:.2f}"
        yield "  least to most", "", "", f"{other['ratios'][0]:.2f} to {other['ratios'][-1]:.2f}"
        yield ("  from start to end", milliseconds, f"{name} {other['whole_seconds'] * 1e3:.0f} ms",
               f"{crims['seconds'] / other['whole_seconds']:.2f}")
        yield ("  peak of memory", f"{crims['peak_kib'] / 1024:.0f} MiB", f"{name} {other['peak_kib'] / 1024:.0f} MiB",
               f"{crims['peak_kib'] / other['peak_kib']:.2f}")
    yield "  same rows by month and category", "yes" if reading["identical"] else "NO", "", ""
