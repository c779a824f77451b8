#!/usr/bin/env python3
"""Builds and runs the benchmarks and prints one table; see README.md beside it.

Needs gcc, taskset, libzmq and the release build: crims and sampling-bench in .build/release; and pandas, for the part
"reading". Everything runs one after the other and on 127.0.0.1.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from lockstep import lockstep_rows, measure_lockstep
from reading import has_pandas, measure_reading, reading_rows
from served import OUTPUT, RELEASE, ROOT, BenchmarkError, Control, daemon, run_json
from starting import measure_start, start_rows

SOURCES = ROOT / "Benchmarks"
# Tables must come out with the bits of the Swift code, which never fuses a multiplication and an addition.
CFLAGS = ["-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
PROGRAMS = {
    "kernel": (["kernel.c", "tables.c", "model.c"], ["-lm"]),
    "lockstep": (["lockstep.c", "bare.c", "exchange.c", "timings.c"], ["-lzmq", "-lm"]),
}
PARTS = ["lockstep", "sampling", "start", "memory", "reading"]


def build():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name, (sources, libraries) in PROGRAMS.items():
        paths = [str(SOURCES / source) for source in sources]
        subprocess.run(["gcc", *CFLAGS, *paths, "-o", str(OUTPUT / name), *libraries], check=True)


def measure_sampling(rounds):
    """Both programs in turn, so that both see the same machine."""
    kernel, swift, dispersed = [], [], []
    for _ in range(rounds):
        kernel.append(run_json([OUTPUT / "kernel"]))
        swift.append(run_json([RELEASE / "sampling-bench"]))
        dispersed.append(run_json([RELEASE / "sampling-bench", "--dispersion"]))

    def summary(results):
        seconds = statistics.median(result["seconds"] for result in results)
        return {
            "seconds": seconds,
            "incidents": results[0]["incidents"],
            "incidents_per_second": results[0]["incidents"] / seconds,
            "checksum": results[0]["checksum"],
        }

    result = {"kernel": summary(kernel), "swift": summary(swift), "swift_dispersion": summary(dispersed)}
    result["kernel"]["tables_seconds"] = statistics.median(one["tables_seconds"] for one in kernel)
    result["ratio"] = result["swift"]["seconds"] / result["kernel"]["seconds"]
    result["identical"] = result["swift"]["checksum"] == result["kernel"]["checksum"]
    return result


def measure_memory():
    """What stays resident while one run is stepped through 2020, hour by hour."""
    with daemon() as served:
        ready = served.resident_kib()
        control = Control(served.control)
        control.request(op="open", run="bench-year", model="merseyside", start="2020-01-01", seed=1)
        month = incidents = 0
        for seq in range(366 * 24):
            incidents += control.request(op="step", run="bench-year", seq=seq, format="records")["count"]
            if seq == 31 * 24:
                month = served.resident_kib()
        year = served.resident_kib()
        control.close()
        return {"ready_kib": ready, "month_kib": month, "year_kib": year, "incidents": incidents}


def rows(results):
    """The table: what, the measured, the yardstick, their ratio."""
    yield from lockstep_rows(results.get("lockstep", []))
    if "sampling" in results:
        sampling = results["sampling"]
        swift, kernel, dispersed = sampling["swift"], sampling["kernel"], sampling["swift_dispersion"]
        yield ("sampling ten years", f"{swift['seconds'] * 1e3:.1f} ms", f"C {kernel['seconds'] * 1e3:.1f} ms",
               f"{sampling['ratio']:.2f}")
        yield ("  million incidents a second", f"{swift['incidents_per_second'] / 1e6:.1f}",
               f"C {kernel['incidents_per_second'] / 1e6:.1f}", "")
        yield ("  of this, tables", "", f"C {kernel['tables_seconds'] * 1e3:.1f} ms", "")
        yield ("  with dispersion", f"{dispersed['seconds'] * 1e3:.1f} ms", "",
               f"{dispersed['seconds'] / kernel['seconds']:.2f}")
        yield ("  same incidents, to the byte", "yes" if sampling["identical"] else "NO", swift["checksum"], "")
    if "start" in results:
        yield from start_rows(results["start"])
    if "memory" in results:
        memory = results["memory"]
        yield ("resident memory, ready", f"{memory['ready_kib'] / 1024:.1f} MiB", "", "")
        yield ("resident memory, a month stepped", f"{memory['month_kib'] / 1024:.1f} MiB", "", "")
        yield ("resident memory, a year stepped", f"{memory['year_kib'] / 1024:.1f} MiB", "", "")
    if "reading" in results:
        yield from reading_rows(results["reading"])


def print_table(results):
    table = [("", "CriMS", "yardstick", "ratio"), *rows(results)]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        cells = [row[0].ljust(widths[0])] + [row[column].rjust(widths[column]) for column in (1, 2, 3)]
        print("  ".join(cells).rstrip())


def machine():
    model = ""
    with contextlib.suppress(OSError):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the load is {load}: times of microseconds want a machine that does nothing else", file=sys.stderr)
    return {"processor": model, "cores": os.cpu_count(), "system": platform.platform(), "load": load}


def main():
    parser = argparse.ArgumentParser(description="Runs the benchmarks of CriMS and prints one table.")
    parser.add_argument("--json", action="store_true", help="print a JSON document instead of the table")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part only; may be repeated")
    parser.add_argument("--steps", type=int, default=2000, help="steps of a lockstep measurement (default 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the sampling measurement (default 5)")
    parser.add_argument("--starts", type=int, default=10, help="starts of the daemon (default 10)")
    parser.add_argument("--records", metavar="ZIP", help="Merseyside's street files (../shared/data, else made up)")
    options = parser.parse_args()
    if min(options.steps, options.rounds, options.starts) < 1:
        parser.error("--steps, --rounds and --starts are 1 or more")
    parts = {
        "lockstep": lambda: measure_lockstep(options.steps, options.rounds),
        "sampling": lambda: measure_sampling(options.rounds),
        "start": lambda: measure_start(options.starts),
        "memory": measure_memory,
        "reading": lambda: measure_reading(options.rounds, options.records),
    }
    results = {"machine": machine()}
    try:
        build()
        for part in options.only or PARTS:
            if part == "reading" and not has_pandas():
                print("left out: reading (pip install -r Benchmarks/requirements.txt)", file=sys.stderr)
                continue
            print(f"measuring: {part}", file=sys.stderr)
            results[part] = parts[part]()
    except FileNotFoundError as error:
        sys.exit(f"run.py: {error.filename} is missing; `swift build -c release` makes crims and sampling-bench")
    except (BenchmarkError, subprocess.SubprocessError) as error:
        sys.exit(f"run.py: {error}")
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print_table(results)
    if not results.get("sampling", {"identical": True})["identical"]:
        sys.exit("run.py: the C kernel and the Swift sampler draw different incidents")
    if not results.get("reading", {"identical": True})["identical"]:
        sys.exit("run.py: pandas and crims count different rows")


if __name__ == "__main__":
    main()
