"""A small police force in Mesa that answers simulated incidents and changes what comes next.

Officers work three shifts. Each hour they take the new incidents, severest first; what nobody can
begin within the hour stays unanswered. Two things feed back, once per area and shift:
- unanswered burglary makes burglary there 1.2 times as likely; half of that is gone in 7 days;
- officers with nothing to do patrol where burglary and robbery were: 0.8 times, for the shift.
The numbers are for illustration. The same --seed gives the same crimes and the same policing. So
when this program is started again on a run that it did not finish, it reads what was, decides the
same again, and goes on. When the daemon dies, it waits for it: steady.py.
Start `crims serve`, then: python police_abm.py --officers 65 --weeks 4
"""

import argparse
from datetime import datetime, timedelta

import mesa
import pandas
from steady import Daemon

WEEK = 7 * 24  # steps of an hour
NEGLECT = {"factor": 1.2, "categories": ["burglary"], "half_life": "7d"}
PATROL = {"factor": 0.8, "categories": ["burglary", "robbery"]}


class Officer(mesa.Agent):
    work = 0  # minutes of work at hand; what is left at the end of a shift waits for the next day


class Police(mesa.Model):
    def __init__(self, run, taken, officers, seed):
        super().__init__(seed=seed)
        self.run, self.seq, self.feedback, self.hit = run, 0, [], []
        self.taken = taken  # steps, by an earlier start of this program
        self.answered = self.unanswered = 0
        Officer.create_agents(self, officers)

    def step(self):
        if self.seq < self.taken:
            hour = ask("read", run=self.run, seq=self.seq)
            if len(hour["adjusted"]) != len(self.feedback):
                raise SystemExit(f"Run {self.run} was policed otherwise. Say --run another-name.")
        else:
            hour = ask("step", run=self.run, seq=self.seq, adjust=self.feedback)
        self.seq, self.feedback, self.in_force = hour["next_seq"], [], hour["in_force"]
        now = datetime.fromisoformat(hour["from"])
        shift, hours_in = divmod((now.hour - 6) % 24, 8)  # from 6:00, 14:00 and 22:00
        self.until = (now + timedelta(hours=8 - hours_in)).isoformat()
        on_duty = self.agents.select(lambda officer: officer.unique_id % 3 == shift).shuffle()
        for incident in sorted(hour["incidents"], key=lambda i: i["severity"], reverse=True):
            if incident["crime_category"] in PATROL["categories"]:
                self.hit = [*self.hit[-199:], incident["MSOA"]]  # the areas of the last 200
            officer = min(on_duty, key=lambda officer: officer.work, default=None)
            if officer and officer.work < 60:
                officer.work += 15 + 0.3 * incident["severity"]  # most burglaries: 155 minutes
                self.answered += 1
                continue
            self.unanswered += 1
            if incident["crime_category"] == "burglary":
                self.feed_back("unanswered burglary", incident["MSOA"], **NEGLECT)
        for officer in on_duty:
            if officer.work == 0 and self.hit and hours_in < 7:
                self.feed_back("patrol", self.random.choice(self.hit), until=self.until, **PATROL)
            officer.work = max(0, officer.work - 60)

    def feed_back(self, reason, area, **effect):
        key = f"{reason}, {area}, shift to {self.until}"  # the daemon takes a key once
        self.feedback.append(dict(effect, areas=[area], key=key, reason=reason, source="Mesa"))


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", default="tcp://127.0.0.1:5555")
parser.add_argument("--run", default="police", help="a new name, or one to go on with")
parser.add_argument("--start", default="2020-01-06")
parser.add_argument("--weeks", type=int, default=4)
parser.add_argument("--officers", type=int, default=65, help="on the three shifts together")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--json", help="write the table there, too")
parser.add_argument("--give-up", type=float, default=60, help="after seconds without an answer")
args = parser.parse_args()
ask = Daemon(args.control, args.give_up).ask
run = ask("open", run=args.run, model="merseyside", start=args.start, seed=args.seed)
police, weeks = Police(args.run, run["next_seq"], args.officers, args.seed), []
for week in range(1, args.weeks + 1):
    police.answered = police.unanswered = 0
    for _ in range(WEEK):
        police.step()
    targets = ask("read", run=args.run, seq=police.seq - WEEK, count=WEEK, format="none",
                  categories=PATROL["categories"])
    weeks.append({"week": week, "answered": police.answered, "unanswered": police.unanswered,
                  "in_force": police.in_force, "burglary_and_robbery_expected": targets["expected"],
                  "without_feedback": targets["baseline"]})
ask("close", run=args.run)  # it can still be read and forked
print(pandas.DataFrame(weeks).to_string(index=False))
if args.json:
    pandas.DataFrame(weeks).to_json(args.json, orient="records", indent=1)
