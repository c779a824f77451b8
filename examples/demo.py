"""The examples together: a daemon, a listener, a police force and a scenario, and what came of it.

Starts crims on free ports of this machine alone, runs listener.py and police_abm.py on one run and
scenario.py on another, and prints a table. Files go to out/. What it started, it ends.

Somebody at a terminal can watch in a browser: then the police model takes a minute, and the page
stays until Enter. --fast, CI in the environment, or a pipe for the terminal, and nothing waits.

    pip install -r requirements.txt ../clients/python
    python demo.py --crims ../.build/release/crims
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import crims

HERE = Path(__file__).resolve().parent
PAUSE = 0.06  # seconds for an hour of the police model, when somebody watches
PATIENCE = 3600  # seconds after which nobody seems to watch any more
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
            process = subprocess.Popen([str(word) for word in command], cwd=HERE.parent,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                       text=True, start_new_session=True)
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
    """Start crims on free ports and return the addresses that it says it has.

    It ends when its standard input does, which is with this program, however that ends.
    """
    ports = ["--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
             "--http", "127.0.0.1:0", "--end-with-input"]
    models = ["--models", HERE.parent / "models", "--data", data]
    try:
        daemon = start("crims", [args.crims, "serve", *ports, *models])
    except OSError as error:
        raise SystemExit(f"Cannot start {args.crims}: {error.strerror}. Is it built?") from None
    try:
        ready = json.loads(daemon.stdout.readline())
        return ready["control"][0], ready["events"][0], ready["http"][0]
    except (ValueError, KeyError, IndexError):
        fail("crims", "did not say that it is ready")


def start_example(name, *options):
    return start(name, [sys.executable, HERE / f"{name}.py", *options])


def finish(name, process):
    """Wait for an example and return what it printed."""
    limit = 50 + 168 * args.weeks * pause
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        fail(name, f"did not end within {limit:.0f} s")
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


def wait_for_enter(page):
    """Keep the page for as long as somebody looks at it. A second Ctrl-C is not needed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"The map of it all stays at {page} until you press Enter.", flush=True)
    try:
        select.select([sys.stdin], [], [], PATIENCE)
    except KeyboardInterrupt:
        print()


def demo(data):
    control, events, page = start_daemon(data)
    print(f"Watch it in a browser: {page}/", flush=True)
    if pause:
        seconds = 168 * args.weeks * pause
        print(f"It takes {seconds:.0f} s and a little more, so that there is something to see.\n"
              "Ctrl-C ends it; --fast (make demo FAST=1) does not wait for the eye.", flush=True)
    with crims.connect(control) as sim:  # so that the listener finds the run that it listens to
        run = sim.open("merseyside", start="2020-01-06", seed=1, run="police")
        without = run.fork(0, "police-without")  # what would be without feedback, to compare with
        for _ in range(args.weeks):
            without.step(168, format="none")
    csv, results, png = out / "incidents.csv", out / "police_abm.json", out / "scenario.png"
    run = ["--control", control, "--run", "police"]
    listener = start_example("listener", *run, "--events", events, "--csv", csv, "--idle", 10)
    police = start_example("police_abm", *run, "--weeks", args.weeks, "--json", results,
                           "--pause", pause)
    scenario = start_example("scenario", "--control", control, "--weeks", args.weeks, "--png", png)
    finish("police_abm", police)
    heard, compared = finish("listener", listener), finish("scenario", scenario)

    print("Crime in Merseyside, answered by a small police force\n")
    print(*table(json.loads(results.read_text())), sep="\n")
    print("\nUnanswered burglary makes more of it, patrols make less: examples/police_abm.py")
    print("\nThe listener beside it: examples/listener.py\n" + heard)
    print("Hot-spot patrols, with and without: examples/scenario.py\n" + compared)
    print(f"Look at {png} and {csv}.")
    print(f"It took {time.monotonic() - began:.1f} s.")
    if pause:
        wait_for_enter(page)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--crims", default=HERE.parent / ".build" / "release" / "crims", type=Path)
parser.add_argument("--weeks", type=int, default=4, help="weeks to simulate")
parser.add_argument("--fast", action="store_true", help="do not wait for anybody who watches")
parser.add_argument("--out", default=HERE.parent / "out", type=Path, help="folder for the files")
args = parser.parse_args()
out = args.out
out.mkdir(parents=True, exist_ok=True)
is_watched = sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")
pause = PAUSE if is_watched and not args.fast else 0
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, stop)
began = time.monotonic()
with tempfile.TemporaryDirectory() as data:
    try:
        demo(data)
    finally:
        end_all()
