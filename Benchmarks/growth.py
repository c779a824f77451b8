#!/usr/bin/env python3
"""How the cost of a step grows: with areas, categories, adjustments in force, listeners, runs at once, and the
length of a run. Prints a table, or JSON with --json.

Each point has a daemon of its own that is stepped in turn with one that is the same every time: Merseyside, one run, no
adjustments, no listeners. So points that were measured at different times can be compared: by their ratio to that. They
take turns of some steps, so that what a daemon does after its reply is in its own next step, not in the other's.
"""

import argparse
import contextlib
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from served import ROOT, BenchmarkError, Control, daemon

MODEL = ROOT / "models" / "merseyside"
OPEN = {"op": "open", "start": "2020-01-01", "seed": 1, "publish": False}
HALF_LIFE_DAYS = 7
# Turns of so many steps each.
WARM_UP, TURN, PAUSE_SECONDS = 5, 20, 0.005

# A process of its own for all listeners, so that reading takes none of the client's time.
LISTENERS = """
import ctypes, sys, time
zmq = ctypes.CDLL("libzmq.so.5")
zmq.zmq_ctx_new.restype = zmq.zmq_socket.restype = ctypes.c_void_p
context = ctypes.c_void_p(zmq.zmq_ctx_new())
buffer = ctypes.create_string_buffer(1 << 20)
sockets = []
for _ in range(int(sys.argv[2])):
    socket = ctypes.c_void_p(zmq.zmq_socket(context, 2))
    zmq.zmq_connect(socket, sys.argv[1].encode())
    zmq.zmq_setsockopt(socket, 6, b"", ctypes.c_size_t(0))
    sockets.append(socket)
time.sleep(1)
print("listening", flush=True)
end = time.monotonic() + 120
while time.monotonic() < end:
    took = 0
    for socket in sockets:
        while zmq.zmq_recv(socket, buffer, ctypes.c_size_t(1 << 20), 1) >= 0:
            took += 1
    if not took:
        time.sleep(0.002)
"""


def read(name):
    with open(MODEL / name, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def make_model(folder, areas, categories):
    """Merseyside with so many of its areas, or with all of them several times over, and its first categories."""
    target = pathlib.Path(folder) / "grown"
    target.mkdir()
    header, *rows = read("areas.csv")
    copies = -(-areas // len(rows))
    codes = {}
    grown = []
    for copy in range(copies):
        for row in rows:
            if len(grown) == areas:
                break
            code = f"{row[0]}-{copy}" if copy else row[0]
            codes.setdefault(row[0], []).append(code)
            grown.append([code, *row[1:]])
    write(target / "areas.csv", [header, *grown])
    kept = {row[0] for row in read("trend.csv")[1 : categories + 1]}
    for name, column in (("trend.csv", 0), ("profile.csv", 0), ("dispersion.csv", 0), ("crimes.csv", 2)):
        header, *rows = read(name)
        write(target / name, [header, *(row for row in rows if row[column] in kept)])
    for name in ("rates.csv", "suspect.csv"):
        header, *rows = read(name)
        order = {row[0]: index for index, row in enumerate(grown)}
        rows = [[code, *row[1:]] for row in rows if row[1] in kept for code in codes.get(row[0], [])]
        write(target / name, [header, *sorted(rows, key=lambda row: order[row[0]])])
    header, *rows = read("neighbours.csv")
    write(target / "neighbours.csv", [header, *(row for row in rows if row[0] in codes and row[1] in codes)])
    facts = json.loads((MODEL / "model.json").read_text())
    (target / "model.json").write_text(json.dumps({**facts, "name": "grown"}))
    return target


class Run:
    """A run that is stepped hour by hour."""

    def __init__(self, control, model, name):
        self.control, self.name, self.seq = control, name, 0
        control.request(**OPEN, model=model, run=name)

    def step(self):
        """Microseconds."""
        begin = time.perf_counter_ns()
        self.control.request(op="step", run=self.name, seq=self.seq, format="none")
        self.seq += 1
        return (time.perf_counter_ns() - begin) / 1e3


def measure(turns, *, areas=184, categories=14, adjustments=0, listeners=0, runs=1, before=0):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crims-bench-"))
        name = "merseyside"
        options = []
        if (areas, categories) != (184, 14):
            name = "grown"
            make_model(folder, areas, categories)
            options = ["--models", folder, "--models", str(ROOT / "models")]
        base = stack.enter_context(daemon())
        grown = stack.enter_context(daemon(options=options))
        base_run = Run(Control(base.control), "merseyside", "base")
        control = Control(grown.control)
        grown_runs = [Run(control, name, f"grown-{number}") for number in range(runs)]
        publishing = listeners > 0
        if publishing:
            control.request(**{**OPEN, "publish": True}, model=name, run="published")
            grown_runs[0].name = "published"
            code = [sys.executable, "-c", LISTENERS, grown.events, str(listeners)]
            process = subprocess.Popen(code, stdout=subprocess.PIPE)
            stack.callback(lambda: (process.kill(), process.wait(), process.stdout.close()))
            process.stdout.readline()
        cells = [(row[0], row[1]) for row in read("rates.csv")[1:]]
        for number in range(adjustments):
            area, category = cells[number * 997 % len(cells)]
            control.request(
                op="adjust", run=grown_runs[0].name, factor=1.1, areas=[area], categories=[category],
                half_life=f"{HALF_LIFE_DAYS}d")
        if before:
            done = 0
            while done < before:
                count = min(1000, before - done)
                control.request(op="step", run=grown_runs[0].name, seq=done, count=count, format="none")
                done += count
            grown_runs[0].seq = before
        times, yardstick = [], []
        for number in range(WARM_UP + turns):
            one = [grown_runs[(number * TURN + turn) % runs].step() for turn in range(TURN)]
            time.sleep(PAUSE_SECONDS)
            other = [base_run.step() for _ in range(TURN)]
            if number >= WARM_UP:
                times += one
                yardstick += other
        return {
            "us": statistics.median(times), "base_us": statistics.median(yardstick),
            "ratio": statistics.median(times) / statistics.median(yardstick), "resident_kib": grown.resident_kib(),
        }  # fmt: skip


# "before" is how many hours were stepped before; an adjustment is of one area and category.
SERIES = {
    "areas": [11, 46, 184, 736, 2944, 7360],
    "categories": [1, 2, 4, 7, 14],
    "adjustments": [0, 1, 10, 100, 1000],
    "listeners": [0, 1, 3, 10, 30],
    "runs": [1, 10, 100, 1000],
    "before": [0, 100, 1_000, 10_000, 100_000],
}


def main():
    parser = argparse.ArgumentParser(description="How the cost of a step of one hour grows.")
    parser.add_argument("--turns", type=int, default=100, help=f"turns of {TURN} steps of each point (100)")
    parser.add_argument("--only", action="append", choices=SERIES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {}
    try:
        for name in options.only or SERIES:
            results[name] = [{name: value, **measure(options.turns, **{name: value})} for value in SERIES[name]]
    except BenchmarkError as error:
        sys.exit(f"growth.py: {error}")
    if options.json:
        print(json.dumps(results, indent=1))
        return
    for name, points in results.items():
        print(f"{name:>11}  {'us':>8} {'base us':>8} {'ratio':>7} {'MiB':>6}")
        for point in points:
            print(f"{point[name]:>11,}  {point['us']:8.1f} {point['base_us']:8.1f} {point['ratio']:7.2f} "
                  f"{point['resident_kib'] / 1024:6.1f}")


if __name__ == "__main__":
    main()
