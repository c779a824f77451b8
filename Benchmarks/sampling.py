"""The sampler against C, numpy and the predecessor, on one core: all in turn, so that they see the same machine.

Needs the release build of sampling-bench, gcc and numpy. Prints a table of incidents in a second of the processor's
time; the median of the rounds counts. numpy's tables are made beforehand and not timed, which one row of Swift's is
like. It fails if the C kernel and the Swift sampler draw different incidents.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys

from programs import SOURCES, build
from served import OUTPUT, RELEASE, BenchmarkError, run_json

# Incidents a second that CriMS in Python, the predecessor, was measured to draw: the figure of the issue "Speed that
# can be shown". It is not measured here.
PREDECESSOR = 1300


def measure(model, years, rounds):
    common = ["--model", model, "--years", years]
    swift = [RELEASE / "sampling-bench", *common]
    programs = {
        "C": [OUTPUT / "kernel", *common],
        "Swift, steps of an hour": swift,
        "Swift, steps of a month": [*swift, "--step", "month"],
        "Swift, tables beforehand": [*swift, "--tables-kept"],
        "Swift, with dispersion": [*swift, "--dispersion"],
        "Swift, 10 adjustments in force": [*swift, "--adjustments", 10, "--scope", "single"],
        "Swift, 1,000 adjustments in force": [*swift, "--adjustments", 1000, "--scope", "single"],
    }
    if importlib.util.find_spec("numpy"):
        programs["numpy"] = [sys.executable, SOURCES / "numpy_sampling.py", *common]
    results = {name: [] for name in programs}
    for _ in range(rounds):
        for name, command in programs.items():
            results[name].append(run_json(command))
    same = ("C", "Swift, steps of an hour", "Swift, steps of a month")
    if len({results[name][0]["checksum"] for name in same}) != 1:
        raise BenchmarkError("the C kernel and the Swift sampler draw different incidents")
    return {
        name: statistics.median(result["incidents"] / result["seconds"] for result in measured)
        for name, measured in results.items()
    }


def main():
    parser = argparse.ArgumentParser(description="Measures the sampler on one core.")
    parser.add_argument("--model", default="models/merseyside", help="a model's folder")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # One core, for numpy's threads too.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        build()
        speeds = measure(options.model, options.years, options.rounds)
    except (BenchmarkError, OSError) as error:
        sys.exit(f"sampling.py: {error}")
    if options.json:
        print(json.dumps({"model": options.model, "load": os.getloadavg()[0], "incidents_per_second": speeds}))
        return
    print(f"{options.model}, load {os.getloadavg()[0]:.1f}: million incidents a second; over C, over numpy, over the "
          "predecessor")
    for name, speed in speeds.items():
        over_numpy = f"{speed / speeds['numpy']:8.2f}" if "numpy" in speeds else "       –"
        print(f"{name:26}{speed / 1e6:7.1f}{speed / speeds['C']:8.2f}{over_numpy}{speed / PREDECESSOR:9.0f}")


if __name__ == "__main__":
    main()
