#!/usr/bin/env python3
"""Whether a police model in lockstep notices what HTTP does beside it. The bar is 1.10.

One daemon, one run that a model steps by the hour with its incidents, and one kind of load on HTTP after the other.
The load is stopped and let go on, a fifth of a second each, so that phases with and without it see the same machine. Of
each pair of phases the medians are held against each other; what is reported is the median of these ratios.

The police model thinks between two steps, which it does with its processor busy (--think, in microseconds), asleep
(--sleep), or not at all (--think 0). The load comes from one process, http_load.c, which gives way to all others as a
client on another machine would (--nice 0 has it fight for the processors). Where other programs keep the processors
busy, --real-time lets the threads that step pass them by, HTTP's threads among them; it needs root, and --sleep.

Needs gcc and pyzmq. CRIMS_BIN names the daemon.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import zmq

ROOT = pathlib.Path(__file__).resolve().parent.parent
YEAR = 8_784
KINDS = {
    "csv": "a year as CSV, again and again",
    "requests": "1 kB replies at 50,000 a second",
    "flood": "1 kB replies at full speed",
    "followers": "10 followers of the run's events",
    "page": "what a page reads, again and again",
    "missing": "1 kB replies, each of another step",
}
BAR = 1.10
SETTLING = 0.03
ADJUSTMENTS = "/api/v1/runs/police/adjustments"


def build(folder):
    program = os.path.join(folder, "http_load")
    source = str(ROOT / "Benchmarks" / "http_load.c")
    subprocess.run(["gcc", "-std=gnu11", "-O2", source, "-o", program], check=True)
    return program


@contextlib.contextmanager
def daemon():
    binary = os.environ.get("CRIMS_BIN", str(ROOT / ".build" / "release" / "crims"))
    ends = [word for name in ("--control", "--events") for word in (name, "tcp://127.0.0.1:*")]
    command = [binary, "serve", "--no-data", *ends, "--http", "127.0.0.1:*", "--http-rate", "0"]
    process = subprocess.Popen(
        [*command, "--models", str(ROOT / "models")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        ready = json.loads(process.stdout.readline())
        yield ready["control"][0], int(ready["http"][0].rsplit(":", 1)[1]), process.pid
    finally:
        process.terminate()
        process.wait(10)


class Police:
    """The least that a model does: it asks for its hour, and thinks."""

    def __init__(self, endpoint, think, sleeps=False):
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger, self.socket.rcvtimeo = 0, 20_000
        self.socket.connect(endpoint)
        self.think, self.sleeps = think / 1e6, sleeps
        self.seq = 0

    def ask(self, op, **fields):
        self.socket.send(json.dumps({"v": 1, "op": op, **fields}).encode())
        reply = json.loads(self.socket.recv_multipart()[0])
        assert reply["ok"], reply
        return reply

    def step(self):
        request = b'{"v":1,"op":"step","run":"police","seq":%d,"format":"columns"}' % self.seq
        begun = time.perf_counter()
        self.socket.send(request)
        frames = self.socket.recv_multipart()
        took = time.perf_counter() - begun
        assert len(frames) == 6, frames
        self.seq += 1
        until = time.perf_counter() + self.think
        if self.sleeps:
            time.sleep(self.think)
        while time.perf_counter() < until:
            pass
        return took

    def steps(self, seconds):
        """The times of so many seconds of steps, in microseconds."""
        until = time.perf_counter() + seconds
        times = []
        while time.perf_counter() < until or len(times) < 100:
            times.append(self.step() * 1e6)
        return times


def pass_by(daemon):
    """Has the daemon's threads that step, and this process, run before whatever else wants to."""
    first = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1)
    for pid in (daemon, os.getpid()):
        for thread in os.listdir(f"/proc/{pid}/task"):
            if os.getpriority(os.PRIO_PROCESS, int(thread)) <= 0:
                os.sched_setscheduler(int(thread), *first)


def paths(kind):
    return {
        "csv": [f"/api/v1/runs/year/steps?count={YEAR}&format=csv"],
        "requests": [ADJUSTMENTS, "/api/v1/runs/police"], "flood": [ADJUSTMENTS, "/api/v1/runs/police"],
        "followers": ["/api/v1/runs/police/events"],
        "page": [
            "/", "/api/v1/runs", "/api/v1/models/merseyside", "/api/v1/models/merseyside/areas.geojson",
            "/api/v1/runs/year/adjustments", "/api/v1/runs/police",
            "/api/v1/runs/year/rates?from=2020-01-01&to=2021-01-01&by=area",
            "/api/v1/runs/year/rates?from=2020-01-01&to=2021-01-01&by=hour_of_week",
            *(f"/api/v1/runs/year/steps?seq={first}&count=732&format=columns" for first in range(0, YEAR, 732)),
        ],
        "missing": [f"/api/v1/runs/year/steps?seq={seq}" for seq in range(60)],
    }[kind]  # fmt: skip


def load(program, port, kind, nice):
    options = {
        "csv": [], "requests": ["--connections", "32", "--ahead", "4", "--rate", "50000"],
        "flood": ["--connections", "32", "--ahead", "4"], "followers": ["--follow", "--connections", "10"],
        "page": [], "missing": ["--connections", "8"],
    }[kind]  # fmt: skip
    return subprocess.Popen(
        ["nice", "-n", str(nice), program, *options, "--seconds", "600", str(port), *paths(kind)],
        stdout=subprocess.PIPE, text=True)  # fmt: skip


def beside(police, program, port, kind, arguments):
    """The medians of phases with and without the load, which is stopped and let go on, and what the load got."""
    process = load(program, port, kind, arguments.nice)
    pairs = []
    try:
        police.steps(0.2)
        for _ in range(arguments.rounds):
            pair = []
            for order in (signal.SIGSTOP, signal.SIGCONT):
                process.send_signal(order)
                police.steps(SETTLING)
                pair.append(statistics.median(police.steps(arguments.seconds)))
            pairs.append(pair)
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        told = json.loads(process.communicate(timeout=20)[0])
    assert told["not_200"] == 0, told
    # It was stopped for half of the time. Followers catch up with that.
    if kind != "followers":
        told["seconds"] /= 2
    return pairs, told


def measure(arguments):
    kinds = arguments.only.split(",") if arguments.only else list(KINDS)
    found = {}
    with tempfile.TemporaryDirectory() as folder, daemon() as (control, port, pid):
        program = build(folder)
        police = Police(control, arguments.think, arguments.sleep)
        police.ask("open", model="merseyside", start="2020-01-01", run="year")
        police.ask("step", run="year", count=YEAR, format="none")
        police.ask("open", model="merseyside", start="2020-01-01", run="police")
        for beat in range(4):
            police.ask("adjust", run="police", factor=0.99, areas=["E02001328"], reason=f"patrols on beat {beat}")
        police.steps(1)
        if arguments.real_time:
            # So that HTTP's thread has said that it gives way.
            subprocess.run([program, "--seconds", "0.1", str(port), "/healthz"], check=True, capture_output=True)
            pass_by(pid)
        for kind in kinds:
            found[kind] = beside(police, program, port, kind, arguments)
    middle = statistics.median
    return {
        "think_us": arguments.think, "sleeps": arguments.sleep,
        "real_time": arguments.real_time, "nice": arguments.nice, "rounds": arguments.rounds,
        "seconds": arguments.seconds, "processors": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2),
        "beside": {
            kind: {
                "what": KINDS[kind], "quiet_us": round(middle(quiet for quiet, _ in pairs), 1),
                "median_us": round(middle(loaded for _, loaded in pairs), 1),
                "ratio": round(middle(loaded / quiet for quiet, loaded in pairs), 3),
                "ratios": [round(loaded / quiet, 3) for quiet, loaded in pairs],
                "answers_per_second": round(told["answers"] / told["seconds"]),
                "megabytes_per_second": round(told["bytes"] / told["seconds"] / 1e6, 1),
            }
            for kind, (pairs, told) in found.items()
        },
    }  # fmt: skip


def show(result):
    print(f"{result['processors']} processors, load {result['load_average']}, a model that "
          f"{'sleeps' if result['sleeps'] else 'thinks'} for {result['think_us']:g} µs between steps")  # fmt: skip
    print(f"{'beside':38}{'alone µs':>9}{'beside':>8}{'ratio':>8}  {'middle half':14}{'a second':>10}{'MB/s':>8}")
    for one in result["beside"].values():
        low, _, high = statistics.quantiles(one["ratios"], n=4)
        print(f"{one['what']:38}{one['quiet_us']:9.1f}{one['median_us']:8.1f}{one['ratio']:8.3f}  "
              f"{f'{low:.2f} to {high:.2f}':14}{one['answers_per_second']:10,}"
              f"{one['megabytes_per_second']:8.1f}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--think", type=float, default=1_000, help="microseconds between steps (1000)")
    parser.add_argument("--sleep", action="store_true", help="think asleep and not with the processor busy")
    parser.add_argument("--real-time", action="store_true", help="not to measure what else the machine does")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each phase")
    parser.add_argument("--nice", type=int, default=19, help="of the load's process (19)")
    parser.add_argument("--only", help=f"some of {','.join(KINDS)}")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments)
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        show(result)
    return 0 if all(one["ratio"] <= BAR for one in result["beside"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
