#!/usr/bin/env python3
"""What a step costs in counts that do not depend on the load: system calls, allocations, bytes, instructions.

    python3 Benchmarks/counts.py             # a JSON document
    python3 Benchmarks/counts.py --check     # against counts.json beside it; status 1 for a count that has grown
    python3 Benchmarks/counts.py --accept    # write what is counted now to counts.json

Needs gcc, strace, valgrind, libzmq and the release build. A step here is a plain one, of an hour of Merseyside, after
the first week of a month: what is made once a month, or for each hour of its week, is not counted.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

from served import OUTPUT, ROOT, BenchmarkError, Control, daemon

STORED = ROOT / "Benchmarks" / "counts.json"
# All of it within one month of 744 hours. Instructions are the difference of a short and a long run.
WARM_UP, STEPS, SHORT, LONG = 170, 300, 20, 520
# What a client thinks between steps whose system calls are counted: what the daemon does meanwhile is then always done.
PAUSE_SECONDS = 0.002
FORMATS = ["columns", "records", "csv", "none"]
# By how much a count may grow: a share of it, and so much in all. Calls and allocations are of whole steps, but a
# second's heartbeat may fall among them.
TOLERANCES = {"instructions": (0.05, 0), "system_calls": (0, 0.3), "allocations": (0, 0.1), "bytes": (0.01, 0)}


def steps_of(control, first, count, name, pause=0):
    """Steps the run and says how many bytes went each way."""
    sent = received = 0
    for seq in range(first, first + count):
        request, reply = control.exchange(op="step", run="counted", seq=seq, format=name)
        sent += request
        received += reply
        time.sleep(pause)
    return sent / count, received / count


@contextlib.contextmanager
def counted(name, tracer=(), **options):
    """A daemon with a run that is warm, and a client of it."""
    with daemon(tracer=tracer, **options) as served:
        control = Control(served.control)
        try:
            control.request(op="open", run="counted", model="merseyside", start="2020-01-01", seed=1)
            steps_of(control, 0, WARM_UP, name)
            yield served, control
        finally:
            control.close()


def system_calls(name):
    """Calls a step of the thread that serves, by name; and of libzmq's threads in all, which depends on timing."""
    with counted(name) as (served, control), tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace"
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, "-p", str(served.process.pid)],
                                  stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (trace.exists() and trace.stat().st_size) and time.monotonic() < deadline:
            steps_of(control, served_steps(control), 1, name)
        first = served_steps(control)
        before = lines(trace)
        steps_of(control, first, STEPS, name, PAUSE_SECONDS)
        after = lines(trace)
        tracer.send_signal(signal.SIGTERM)
        tracer.wait()
    by_call, others = collections.Counter(), 0
    for line in after[len(before):]:
        call = re.match(r"(\d+) +(\w+)\(", line)
        if not call:
            continue
        if int(call[1]) == served.process.pid:
            by_call[call[2]] += 1
        else:
            others += 1
    calls = {call: round(count / STEPS, 2) for call, count in sorted(by_call.items()) if count >= STEPS / 20}
    return {"serving": round(sum(calls.values()), 2), "by_call": calls, "libzmq": round(others / STEPS, 1)}


def lines(path):
    return path.read_text(errors="replace").splitlines()


def served_steps(control):
    return control.request(op="status", run="counted")["runs"][0]["next_seq"]


def build_counter():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    library = OUTPUT / "allocations.so"
    source = ROOT / "Benchmarks" / "allocations.c"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-o", library, source], check=True)
    return library


def allocations(name, library):
    """Allocations a step: the daemon's own, with Swift's library, and those of the libraries that it uses."""
    with tempfile.TemporaryDirectory() as folder:
        counts = pathlib.Path(folder) / "counts"

        def read():
            return struct.unpack("3Q", counts.read_bytes())

        tracer = ["env", f"LD_PRELOAD={library}", f"ALLOCATIONS_FILE={counts}"]
        with counted(name, tracer) as (_, control):
            before = read()
            steps_of(control, WARM_UP, STEPS, name)
            after = read()
    of = [round((b - a) / STEPS, 2) for a, b in zip(before, after)]
    return {"daemon": of[0], "libzmq": of[1], "sqlite": of[2]}


def instructions(name):
    """Instructions a step outside the kernel, of all threads: the difference between two lengths of a run."""
    totals = []
    for count in (SHORT, LONG):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out"
            tracer = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
            with counted(name, tracer) as (served, control):
                steps_of(control, WARM_UP, count, name)
                served.process.send_signal(signal.SIGTERM)
                served.process.wait(30)
            totals.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1]))
    return round((totals[1] - totals[0]) / (LONG - SHORT))


def byte_counts(name):
    with counted(name) as (_, control):
        sent, received = steps_of(control, WARM_UP, STEPS, name)
    return {"request": round(sent, 1), "reply": round(received, 1)}


def count_all():
    library = build_counter()
    counts = {}
    for name in FORMATS:
        print(f"counting: {name}", file=sys.stderr)
        counts[name] = {"system_calls": system_calls(name), "allocations": allocations(name, library),
                        "bytes": byte_counts(name), "instructions": instructions(name)}
    return counts


def grown(stored, now):
    """Words for each count that has grown by more than its tolerance."""
    for name, kinds in stored.items():
        for kind, (share, more) in TOLERANCES.items():
            before, after = kinds[kind], now[name][kind]
            # What libzmq does besides depends on how its threads meet.
            pairs = {"": (before, after)} if kind == "instructions" else {
                part: (before[part], after[part]) for part in before if part not in ("by_call", "libzmq")}
            for part, (was, is_now) in pairs.items():
                if is_now > was * (1 + share) + more:
                    yield f"{name}: {kind}{' ' if part else ''}{part}: {is_now} a step, and {was} are stored"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="compare with what is stored")
    which.add_argument("--accept", action="store_true", help="store what is counted now")
    options = parser.parse_args()
    try:
        counts = count_all()
    except FileNotFoundError as error:
        sys.exit(f"counts.py: {error.filename} is missing: it needs the release build, gcc, strace and valgrind")
    except (BenchmarkError, subprocess.SubprocessError) as error:
        sys.exit(f"counts.py: {error}")
    print(json.dumps(counts, indent=2))
    if options.accept:
        STORED.write_text(json.dumps(counts, indent=2) + "\n")
    elif options.check:
        worse = list(grown(json.loads(STORED.read_text()), counts))
        for words in worse:
            print(words, file=sys.stderr)
        if worse:
            sys.exit("counts.py: make it less, or accept it with Benchmarks/counts.py --accept and say why")
        print("no count has grown", file=sys.stderr)


if __name__ == "__main__":
    main()
