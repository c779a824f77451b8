"""A listener that keeps a complete log of a run's incidents, whatever it misses on the way.

It subscribes to a run and writes each step's incidents to a CSV file. A message can be lost, when
a listener is slow or joins late; nothing holds up the simulation. Each step's summary counts its
incidents by category: where they do not add up, or a summary is missing, it reads the step again
from the daemon. So it may be started at any time, and always begins with step 0. It ends when the
run does, or after --idle seconds without news. --drop 0.3 loses messages on purpose, for showing.

Start `crims serve`, then: python listener.py --run police --csv incidents.csv
"""

import argparse
import csv
import random
from collections import Counter, defaultdict

import zmq
from steady import Daemon

COLUMNS = "id MSOA crime_category code description time suspect severity".split()
events = zmq.Context.instance().socket(zmq.SUB)


class Log:
    def __init__(self, file):
        self.writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        self.writer.writeheader()
        self.heard = defaultdict(list)  # incidents by step, until its summary comes
        self.steps = self.incidents = self.steps_read = self.incidents_heard = 0

    def write(self, incidents):
        for incident in sorted(incidents, key=lambda incident: (incident["time"], incident["id"])):
            self.writer.writerow(incident | {"time": incident["time"].replace("T", " ")})
        self.incidents += len(incidents)
        self.incidents_heard += len(self.heard.pop(self.steps, []))
        self.steps += 1

    def read_until(self, end):
        while self.steps < end:
            self.write(ask("read", run=args.run, seq=self.steps)["incidents"])
            self.steps_read += 1

    def catch_up(self):
        for run in ask("status")["runs"]:
            if run["run"] == args.run:
                self.read_until(run["next_seq"])
                return run["state"]

    def hear(self, topic, payload):
        seq = payload.get("seq", -1)
        if topic.startswith("incidents/") and seq >= self.steps:
            self.heard[seq] += payload["incidents"]
        elif topic.startswith("step/") and seq >= self.steps:
            self.read_until(seq)  # steps of which no summary came
            categories = Counter(incident["crime_category"] for incident in self.heard[seq])
            if categories == Counter(payload["by_category"]):
                self.write(self.heard[seq])
            self.read_until(seq + 1)  # if it was not complete


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
ask = Daemon(args.control, args.give_up).ask
events.connect(args.events)
for topic in ("incidents", "step", "run"):
    events.subscribe(f"{topic}/{args.run}/")
lost = random.Random(args.seed)
with open(args.csv, "w", newline="") as file:
    log = Log(file)
    state = log.catch_up()
    while state not in ("closed", "ended") and events.poll(1000 * args.idle):
        topic, payload = events.recv_string(), events.recv_json()
        if lost.random() >= args.drop:
            log.hear(topic, payload)
            state = payload.get("event")
    log.catch_up()
missed = log.incidents - log.incidents_heard
print(f"{log.steps} steps with {log.incidents} incidents are in {args.csv}.")
print(f"{log.steps_read} of these steps had gaps and were read again: {missed} incidents missed.")
