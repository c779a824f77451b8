#!/usr/bin/env python3
"""Builds and runs the benchmarks and prints one table; see README.md beside it.

Needs gcc, taskset, libzmq and the release build: crims and sampling-bench in .build/release; what it is held against
beyond that is in requirements.txt, and left out where it is not installed. Everything runs one after the other and on
127.0.0.1.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys

import adjustments
import sampling
from lockstep import lockstep_rows, measure_lockstep
from memory import measure_memory, memory_rows
from others import installed, measure_others, others_rows
from programs import build
from reading import measure_reading, reading_rows, yardsticks
from served import ROOT, BenchmarkError
from starting import measure_start, start_rows

PARTS = ["lockstep", "others", "sampling", "adjustments", "start", "memory", "reading"]
# Made by make models where the records are.
MODELS = [name for name in ("merseyside", "england-and-wales") if (ROOT / "models" / name / "model.json").exists()]
ADJUSTED = [("single", 10), ("single", 1000), ("broad", 100), ("displacing", 1000)]


def measure_sampling(rounds):
    """Ten years of a force, one of the country."""
    return {model: sampling.measure(f"models/{model}", 10 if model == "merseyside" else 1, rounds) for model in MODELS}


def sampling_rows(measured):
    for model, speeds in measured.items():
        for name, speed in speeds.items():
            if name.startswith("Swift"):
                words = f"sampling {model}, {name.removeprefix('Swift, ')}"
                ours = f"{speed / 1e6:.1f} M/s"
                for other in ("C", "numpy"):
                    if other in speeds:
                        yield words, ours, f"{other} {speeds[other] / 1e6:.1f} M/s", f"{speeds[other] / speed:.2f}"
                yield words, ours, f"predecessor {sampling.PREDECESSOR} /s", f"1 / {speed / sampling.PREDECESSOR:,.0f}"


def measure_adjustments(steps):
    return [
        adjustments.measure("merseyside", scope, count, steps // 4 if think else steps, think=think)
        for scope, count in ADJUSTED for think in (0, 1_000)
    ]  # fmt: skip


def adjustments_rows(measured):
    for one in measured:
        pause = f", {one['think_us'] / 1e3:.0f} ms of thought" if one["think_us"] else ""
        yield (f"an hour with {one['adjustments']} {one['scope']} adjustments{pause}", f"{one['with_us']:.1f} us",
               f"none {one['without_us']:.1f} us", f"{one['ratio']:.2f}")


ROWS = {
    "lockstep": lockstep_rows, "others": others_rows, "sampling": sampling_rows, "adjustments": adjustments_rows,
    "start": start_rows, "memory": memory_rows, "reading": reading_rows,
}  # fmt: skip


def print_table(results):
    table = [("", "CriMS", "yardstick", "ratio")]
    for part in PARTS:
        table += ROWS[part](results[part]) if part in results else []
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
        "others": lambda: measure_others(options.steps, options.rounds),
        "sampling": lambda: measure_sampling(options.rounds),
        "adjustments": lambda: measure_adjustments(options.steps),
        "start": lambda: measure_start(options.starts),
        "memory": lambda: measure_memory(MODELS),
        "reading": lambda: measure_reading(options.rounds, options.records),
    }
    results = {"machine": machine()}
    try:
        build()
        for part in options.only or PARTS:
            if not {"reading": yardsticks, "others": installed}.get(part, lambda: True)():
                print(f"left out: {part} (pip install -r Benchmarks/requirements.txt)", file=sys.stderr)
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
    if not results.get("reading", {"identical": True})["identical"]:
        sys.exit("run.py: crims and a yardstick count different rows")


if __name__ == "__main__":
    main()
