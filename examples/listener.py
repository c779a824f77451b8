"""A listener that keeps a complete log of a run's incidents, whatever it misses on the way.

It writes the incidents of each step to a CSV file. A message can be lost, when a listener is slow
or joins late; nothing holds up the simulation. `crims.Listener` notices, and reads such a step
again from the daemon. So this may be started at any time, and always begins with step 0. It ends
when the run does, or after --idle seconds without a step. --drop 0.3 loses messages on purpose.

Start `crims serve`, then: python listener.py --run police --csv incidents.csv
"""

import argparse
import csv
import json
import random
import signal
import threading
import time

import crims
import zmq


class Line(threading.Thread):
    """Hands on what is published, but for what is lost on purpose, and counts the incidents."""

    def __init__(self, args):
        super().__init__(daemon=True)
        self.lost, self.share, self.incidents = random.Random(args.seed), args.drop, 0
        self.source, self.sink = map(zmq.Context.instance().socket, (zmq.SUB, zmq.PUB))
        for topic in ("incidents", "step", "run"):
            self.source.subscribe(f"{topic}/{args.run}/")
        self.source.subscribe("heartbeat/")
        self.source.connect(args.events)
        self.sink.bind("inproc://line")

    def run(self):
        while True:
            topic, payload = self.source.recv_multipart()
            if topic.startswith(b"heartbeat/") or self.lost.random() >= self.share:
                if topic.startswith(b"incidents/"):
                    self.incidents += len(json.loads(payload)["incidents"])
                self.sink.send_multipart([topic, payload])


class Idle(Exception):
    """Nothing has come for a while."""


def wake(*_):
    raise Idle


def steps(sim):
    """The run's steps, from when it is opened until it is over or nothing comes any more."""
    signal.signal(signal.SIGALRM, wake)
    signal.setitimer(signal.ITIMER_REAL, args.idle)
    try:
        while args.run not in (run["run"] for run in sim.status()):
            time.sleep(0.1)
        for step in crims.Listener(args.run, simulation=sim, events="inproc://line"):
            signal.setitimer(signal.ITIMER_REAL, 0)  # what is done with it takes its time
            yield step
            signal.setitimer(signal.ITIMER_REAL, args.idle)
    except Idle:
        pass


def main():
    sim, line = crims.connect(args.control, timeout=args.give_up), Line(args)
    line.start()
    count = read = logged = 0
    with open(args.csv, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(crims.Incident._fields)
        for step in steps(sim):
            writer.writerows(step.incidents)
            count, read, logged = count + 1, read + step.was_read, logged + step.count
    print(f"{count} steps with {logged} incidents are in {args.csv}.")
    missed = logged - line.incidents
    print(f"{read} of these steps had gaps and were read again: {missed} incidents missed.")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", default="tcp://127.0.0.1:5555")
parser.add_argument("--events", default="tcp://127.0.0.1:5556")
parser.add_argument("--run", default="police")
parser.add_argument("--csv", default="incidents.csv")
parser.add_argument("--idle", type=float, default=30, help="seconds of silence to end after")
parser.add_argument("--drop", type=float, default=0, help="share of messages to lose on purpose")
parser.add_argument("--seed", type=int, default=1, help="of --drop")
parser.add_argument("--give-up", type=float, default=60, help="after seconds without an answer")
args = parser.parse_args()
try:
    main()
except crims.CrimsError as error:
    raise SystemExit(str(error)) from None
