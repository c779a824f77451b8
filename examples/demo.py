"""The examples together: a daemon, a listener, a police force and a scenario, and what came of it.

Starts crims on free ports of this machine alone, runs listener.py and police_abm.py on one run and
scenario.py on another, and prints a table. Files go to out/. What it started, it ends.

    pip install -r requirements.txt ../clients/python
    python demo.py --crims ../.build/release/crims
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import crims

HERE = Path(__file__).resolve().parent
started = []
starting = False
stopped_by = None


def stop(number, frame):
    """End the demo, but not between a process's birth and its entry among those to be ended."""
    global stopped_by
    stopped_by = number
    if not starting:
        sys.exit("Interrupted." if number == signal.SIGINT else "Ended.")


def start(name, command):
    """Start a process in a session of its own: Ctrl-C reaches this program, which ends the rest."""
    global starting
    starting = True
    try:
        with open(out / f"{name}.log", "w") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                       stderr=log, text=True, start_new_session=True)
        started.append(process)
    finally:
        starting = False
    if stopped_by:
        stop(stopped_by, None)
    return process


def fail(name, what):
    words = (out / f"{name}.log").read_text().strip()
    raise SystemExit(f"{name} {what}.\n{words or 'It said nothing.'}")


def start_daemon(data):
    """Start crims on free ports and return the endpoints that it says it listens on."""
    ports = ["--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*"]
    models = ["--models", HERE.parent / "models", "--data", data]
    try:
        daemon = start("crims", [args.crims, "serve", *ports, *models])
    except OSError as error:
        raise SystemExit(f"Cannot start {args.crims}: {error.strerror}. Is it built?") from None
    try:
        ready = json.loads(daemon.stdout.readline())
        return ready["control"][0], ready["events"][0]
    except (ValueError, KeyError):
        fail("crims", "did not say that it is ready")


def start_example(name, *options):
    return start(name, [sys.executable, HERE / f"{name}.py", *options])


def finish(name, process):
    """Wait for an example and return what it printed."""
    try:
        printed, _ = process.communicate(timeout=50)
    except subprocess.TimeoutExpired:
        fail(name, "did not end within 50 s")
    if process.returncode != 0:
        fail(name, f"failed with exit code {process.returncode}")
    return printed


def end_all():
    for process in reversed(started):  # the daemon last
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def table(weeks):
    yield "                                       feedback   burglary and robbery expected"
    yield "week  incidents  answered  unanswered  in force     with    without    difference"
    for week in weeks:
        incidents = week["answered"] + week["unanswered"]
        expected, without = week["burglary_and_robbery_expected"], week["without_feedback"]
        yield (f"{week['week']:4}  {incidents:9,}  {week['answered']:8,}"
               f"  {week['unanswered']:10,}  {week['in_force']:8}"
               f"  {expected:7.1f}    {without:7.1f}    {expected / without - 1:+10.1%}")


def demo(data):
    control, events = start_daemon(data)
    with crims.connect(control) as sim:  # so that the listener finds the run that it listens to
        sim.open("merseyside", start="2020-01-06", seed=1, run="police")
    csv, results, png = out / "incidents.csv", out / "police_abm.json", out / "scenario.png"
    run = ["--control", control, "--run", "police"]
    listener = start_example("listener", *run, "--events", events, "--csv", csv, "--idle", 10)
    police = start_example("police_abm", *run, "--weeks", args.weeks, "--json", results)
    scenario = start_example("scenario", "--control", control, "--weeks", args.weeks, "--png", png)
    finish("police_abm", police)
    heard, compared = finish("listener", listener), finish("scenario", scenario)

    print("Crime in Merseyside, answered by a small police force\n")
    print(*table(json.loads(results.read_text())), sep="\n")
    print("\nUnanswered burglary makes more of it, patrols make less: examples/police_abm.py")
    print("\nThe listener beside it: examples/listener.py\n" + heard)
    print("Hot-spot patrols, with and without: examples/scenario.py\n" + compared)
    print(f"Look at {png} and {csv}.")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--crims", default=HERE.parent / ".build" / "release" / "crims", type=Path)
parser.add_argument("--weeks", type=int, default=4, help="weeks to simulate")
parser.add_argument("--out", default=HERE.parent / "out", type=Path, help="folder for the files")
args = parser.parse_args()
out = args.out
out.mkdir(parents=True, exist_ok=True)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
began = time.monotonic()
with tempfile.TemporaryDirectory() as data:
    try:
        demo(data)
    finally:
        end_all()
print(f"It took {time.monotonic() - began:.1f} s.")
