"""A small police force in Mesa that answers simulated incidents and changes what comes next.

Officers work three shifts. Each hour they take the new incidents, severest first; what nobody can
begin within the hour stays unanswered. Two things feed back, once per area and shift: unanswered
burglary makes burglary there 1.2 times as likely, half of which is gone in 7 days; officers with
nothing to do patrol where burglary and robbery were, 0.8 times, for the shift. The numbers are for
illustration. The same --seed gives the same crimes and policing: killed and started again, it goes
on where it was. Start `crims serve`, then: python police_abm.py --officers 65 --weeks 4
"""

import argparse
import time
from datetime import timedelta

import crims
import mesa
import pandas

WEEK = 7 * 24  # steps of an hour
NEGLECT = {"factor": 1.2, "categories": ["burglary"], "half_life": "7d"}
PATROL = {"factor": 0.8, "categories": ["burglary", "robbery"]}


class Officer(mesa.Agent):
    work = 0  # minutes of work at hand; what is left at the end of a shift waits for the next day


class Police(mesa.Model):
    def __init__(self, run, officers, seed):
        super().__init__(seed=seed)
        self.run, self.feedback, self.hit, self.answered, self.unanswered = run, [], [], 0, 0
        Officer.create_agents(self, officers)

    def step(self):
        if self.steps > self.run.next_seq:
            hour = self.run.step(adjust=self.feedback)
        else:  # taken by an earlier start of this program
            hour = self.run.read(self.steps - 1)
            if len(hour.adjusted) != len(self.feedback):
                raise SystemExit(f"Run {args.run} was policed otherwise. Say --run another-name.")
        self.feedback, self.in_force = [], hour.in_force
        shift, hours_in = divmod((hour.start.hour - 6) % 24, 8)  # from 6:00, 14:00 and 22:00
        self.until = (hour.start + timedelta(hours=8 - hours_in)).isoformat()
        on_duty = self.agents.select(lambda officer: officer.unique_id % 3 == shift).shuffle()
        for incident in sorted(hour.incidents, key=lambda i: i.severity, reverse=True):
            if incident.crime_category in PATROL["categories"]:
                self.hit = [*self.hit[-199:], incident.MSOA]  # the areas of the last 200
            officer = min(on_duty, key=lambda officer: officer.work, default=None)
            if officer and officer.work < 60:
                officer.work += 15 + 0.3 * incident.severity  # most burglaries: 155 minutes
                self.answered += 1
                continue
            self.unanswered += 1
            if incident.crime_category == "burglary":
                self.feed_back("unanswered burglary", incident.MSOA, **NEGLECT)
        for officer in on_duty:
            if officer.work == 0 and self.hit and hours_in < 7:
                self.feed_back("patrol", self.random.choice(self.hit), until=self.until, **PATROL)
            officer.work = max(0, officer.work - 60)

    def feed_back(self, reason, area, **effect):
        key = f"{reason}, {area}, shift to {self.until}"  # the daemon takes a key once
        self.feedback.append(dict(effect, areas=[area], key=key, reason=reason, source="Mesa"))


def main():
    sim = crims.connect(args.control, timeout=args.give_up)
    run = sim.open("merseyside", start=args.start, seed=args.seed, run=args.run)
    police, weeks = Police(run, args.officers, args.seed), []
    for week in range(args.weeks):
        police.answered = police.unanswered = 0
        for _ in range(WEEK):
            police.step()
            time.sleep(args.pause)
        hours = run.read(week * WEEK, WEEK, format="none", categories=PATROL["categories"])
        weeks.append(dict(week=week + 1, answered=police.answered, unanswered=police.unanswered,
                          in_force=police.in_force, burglary_and_robbery_expected=hours.expected,
                          without_feedback=hours.baseline))
    run.close()  # it can still be read and forked
    print(pandas.DataFrame(weeks).to_string(index=False))
    if args.json:
        pandas.DataFrame(weeks).to_json(args.json, orient="records", indent=1)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", help="CRIMS_CONTROL, or tcp://127.0.0.1:5555")
parser.add_argument("--run", default="police", help="a new name, or one to go on with")
parser.add_argument("--start", default="2020-01-06")
parser.add_argument("--weeks", type=int, default=4)
parser.add_argument("--officers", type=int, default=65, help="on the three shifts together")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--pause", type=float, default=0, help="seconds between hours, to watch them")
parser.add_argument("--json", help="write the table there, too")
parser.add_argument("--give-up", type=float, default=60, help="seconds without an answer")
args = parser.parse_args()
try:
    main()
except crims.CrimsError as error:
    raise SystemExit(str(error)) from None
