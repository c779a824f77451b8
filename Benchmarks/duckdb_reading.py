"""Reads the street files in a zip and groups their rows with DuckDB; prints what it took as a line of JSON.

DuckDB cannot read a zip, so the files are unpacked into a folder first, which is timed as the rest is. It uses one
thread for each processor, and is imported before the clock starts.
"""

import json
import sys
import tempfile
import time
import zipfile

import duckdb

QUERY = """
    SELECT Month, "LSOA code", "Crime type", "Last outcome category", count(*)
    FROM read_csv('{folder}/**/*-street.csv', header = true, all_varchar = true)
    GROUP BY ALL
"""

begin = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    with zipfile.ZipFile(sys.argv[1]) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith("-street.csv")])
    counts = duckdb.sql(QUERY.format(folder=folder)).fetchall()
seconds = time.perf_counter() - begin
by_month = {}
for month, _, kind, _, rows in counts:
    key = f"{month} {kind.lower()}"
    by_month[key] = by_month.get(key, 0) + rows
json.dump(
    {
        "seconds": seconds,
        "version": duckdb.__version__,
        "rows": sum(by_month.values()),
        "groups": len(counts),
        "by_month_and_category": by_month,
    },
    sys.stdout,
)
