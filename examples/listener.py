"""A listener that keeps a complete log of a run's incidents, whatever it misses on the way.

It writes the incidents of each step to a CSV file. A message can be lost, when a listener is slow
or joins late; nothing holds up the simulation. `crims.Listener` notices, and reads such a step
again from the daemon. So this may be started at any time, and always begins with step 0. It ends
when the run does, or after --idle seconds without a step. --drop 0.3 loses messages on purpose.

Start `crims serve`, then: python listener.py --run police --csv incidents.csv
"""

import argparse
import csv
import random

import crims


class Forgetful(crims.Listener):
    """Loses some of what is published, for showing that nothing is missing in the end."""

    def receive(self, seconds):
        event = super().receive(seconds)
        lost = event and not event[0].startswith(b"heartbeat/") and chance.random() < args.drop
        return None if lost else event


def main():
    count = read = missed = logged = 0
    listener = Forgetful(args.run, control=args.control, events=args.events, wait=args.idle,
                         idle=args.idle, timeout=args.give_up)
    with listener, open(args.csv, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(crims.Incident._fields)
        for step in listener:
            writer.writerows(step.incidents)
            count, logged = count + 1, logged + step.count
            read, missed = read + step.was_read, missed + step.count - step.heard
    print(f"{count} steps with {logged} incidents are in {args.csv}.")
    print(f"{read} of these steps were read from the daemon, for {missed} incidents missed.")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", help="CRIMS_CONTROL, or tcp://127.0.0.1:5555")
parser.add_argument("--events", help="without it, where the daemon says")
parser.add_argument("--run", default="police")
parser.add_argument("--csv", default="incidents.csv")
parser.add_argument("--idle", type=float, default=30, help="seconds of silence to end after")
parser.add_argument("--drop", type=float, default=0, help="share of messages to lose on purpose")
parser.add_argument("--seed", type=int, default=1, help="of --drop")
parser.add_argument("--give-up", type=float, default=60, help="after seconds without an answer")
args = parser.parse_args()
chance = random.Random(args.seed)
try:
    main()
except crims.CrimsError as error:
    raise SystemExit(str(error)) from None
