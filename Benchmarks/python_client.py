#!/usr/bin/env python3
"""A step through the Python package, incidents as numpy arrays, against pyzmq's bare round trip. The bar is 2.5.

A first run is stepped and its replies are recorded. A bare peer in C (replay.c) then answers request i with recorded
reply i. A second run of the same world is stepped by the package in turn with it, in this process: step, bare, step,
bare. Requests have the same size, replies the same bytes, and every array is held against the recording.

Needs gcc, libzmq, pyzmq and numpy, and the package of clients/python. CRIMS_BIN names the daemon.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))

import crims  # noqa: E402
import zmq  # noqa: E402
from crims.asking import encode  # noqa: E402

WARM_UP = 200
WORLD = {"start": "2020-01-06", "seed": 1, "publish": False}


def build(folder):
    sources = [str(ROOT / "Benchmarks" / name) for name in ("replay.c", "bare.c", "exchange.c")]
    program = os.path.join(folder, "replay")
    subprocess.run(["gcc", "-std=c11", "-O2", *sources, "-o", program, "-lzmq"], check=True)
    return program


def pin(pid, processor):
    """Keeps all threads of a process on one processor."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {processor})


def requests(run, count):
    """What the package asks, but for the number of the request."""
    fields = {"run": run, "format": "columns"}
    return [encode("step", {**fields, "seq": seq}, f"{seq % 1000:03}") for seq in range(count)]


def connect(kind, endpoint):
    socket = zmq.Context.instance().socket(kind)
    socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, 3000, 3000
    socket.connect(endpoint)
    return socket


def record(sim, name, step, count):
    """The replies of a run, frame by frame."""
    sim.open("merseyside", step=step, run=name, **WORLD)
    with connect(zmq.REQ, sim.control) as socket:
        replies = []
        for request in requests(name, count):
            socket.send(request)
            replies.append(socket.recv_multipart())
            assert b'"ok":true' in replies[-1][0], replies[-1][0]
    return replies


def write(replies, path):
    with open(path, "wb") as file:
        for frames in replies:
            file.write(bytes([len(frames)]))
            for frame in frames:
                file.write(len(frame).to_bytes(4, "little") + frame)


def measure(step, count, processors):
    with crims.launch(models=ROOT / "models") as sim, tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        count += WARM_UP
        replies = record(sim, "recorded", step, count)
        write(replies, os.path.join(folder, "replies"))
        command = [build(folder), os.path.join(folder, "replies")]
        if processors:
            pin(os.getpid(), processors[0])
            pin(sim.daemon.pid, processors[1])
            command += ["--pin", str(processors[1])]
        peer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            endpoint = peer.stdout.readline().strip()
            run = sim.open("merseyside", step=step, run="measured", **WORLD)
            times = {"package": [], "bare": []}
            with connect(zmq.REQ, endpoint) as bare:
                for request, reply in zip(requests("measured", count), replies):
                    begin = time.perf_counter()
                    arrays = run.step().incidents.arrays()
                    between = time.perf_counter()
                    bare.send(request)
                    frames = bare.recv_multipart()
                    end = time.perf_counter()
                    times["package"].append(between - begin)
                    times["bare"].append(end - between)
                    assert frames == reply
                    assert [array.tobytes() for array in arrays.values()] == reply[1:]
        finally:
            peer.terminate()
            peer.wait()
            peer.stdout.close()
    result = {"step": step, "steps": count - WARM_UP, "bytes": statistics.median(sum(map(len, one)) for one in replies)}
    for name, seconds in times.items():
        cut = sorted(seconds[WARM_UP:])
        result[f"{name}_us"] = {"p50": 1e6 * statistics.median(cut), "p90": 1e6 * cut[len(cut) * 9 // 10]}
    result["ratio"] = result["package_us"]["p50"] / result["bare_us"]["p50"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="steps of each round (default 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="each with a daemon of its own (default 5)")
    parser.add_argument("--step", default="1h", help="length of a step (default 1h)")
    parser.add_argument("--pin", action="store_true", help="this process on one processor, both servers on another")
    parser.add_argument("--json", action="store_true", help="print a JSON document instead of a line")
    options = parser.parse_args()
    if min(options.steps, options.rounds) < 1:
        parser.error("--steps and --rounds are 1 or more")
    processors = sorted(os.sched_getaffinity(0))[:2] if options.pin else None
    if processors and len(processors) < 2:
        parser.error("--pin needs two processors")
    try:
        rounds = [measure(options.step, options.steps, processors) for _ in range(options.rounds)]
    except crims.CrimsError as error:
        sys.exit(f"python_client.py: {error}")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"python_client.py: cannot build the bare peer: {error}")
    rounds.sort(key=lambda one: one["ratio"])
    result = {**rounds[len(rounds) // 2], "placement": "pinned" if processors else "free",
              "ratios": [one["ratio"] for one in rounds], "load": os.getloadavg()[0]}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['step']} as numpy arrays, {result['placement']}: {result['package_us']['p50']:.1f} us, bare pyzmq "
          f"{result['bare_us']['p50']:.1f} us, ratio {result['ratio']:.2f} "
          f"({result['ratios'][0]:.2f} to {result['ratios'][-1]:.2f} in {options.rounds} rounds)")


if __name__ == "__main__":
    main()
