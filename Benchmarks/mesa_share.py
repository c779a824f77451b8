#!/usr/bin/env python3
"""How much of a Mesa model's time goes to CriMS, client and daemon together. The bar is a quarter.

A year of 8,760 hourly steps of 1,000 officers, a quarter of those that Merseyside has. They have a place; the nearest
who is free answers an incident, the others walk to where most has happened next to them. Each step feeds back: patrols
make burglary and robbery less likely where they are for the hour, and unanswered burglary makes more of it for a week.
What CriMS takes hardly depends on how many officers there are, so its share of a smaller model is larger: --officers.

All that the package does is counted: Run.step, until its reply is there, and making rows of incidents. As processors
are rarely free when one measures, it is told in two ways: by the clock, and by the processors' time of both processes.

Needs Mesa (examples/requirements.txt) and the package of clients/python. CRIMS_BIN names the daemon.
"""

import argparse
import json
import os
import pathlib
import sys
import time
from collections import Counter
from datetime import timedelta
from math import hypot

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))

import crims  # noqa: E402
import mesa  # noqa: E402
from crims.connection import Connection  # noqa: E402
from crims.incidents import Incidents  # noqa: E402
from crims.simulation import Run  # noqa: E402

TARGETS = ["burglary", "robbery"]
HOUR = timedelta(hours=1)
NEXT_TO = 6  # areas that an officer can walk to within an hour


class Officer(mesa.Agent):
    def __init__(self, model, place):
        super().__init__(model)
        self.place, self.work = place, 0

    def walk(self):
        """An hour of work, or to where most has happened nearby."""
        if self.work > 0:
            self.work = max(0, self.work - 60)
            return
        heat = self.model.heat
        self.place = max(self.model.next_to[self.place], key=lambda place: heat[place] + self.random.random())
        self.model.patrolled.add(self.place)


class Force(mesa.Model):
    def __init__(self, run, officers, seed):
        super().__init__(seed=seed)
        areas = run.model.areas
        self.run, self.feedback, self.patrolled = run, [], set()
        self.answered = self.unanswered = self.fed_back = 0
        self.index = {area.code: place for place, area in enumerate(areas)}
        # Degrees of longitude are shorter than those of latitude up here.
        self.distance = [[hypot(0.6 * (a.x - b.x), a.y - b.y) for b in areas] for a in areas]
        self.next_to = [sorted(range(len(areas)), key=row.__getitem__)[:NEXT_TO] for row in self.distance]
        self.heat = [0.0] * len(areas)
        Officer.create_agents(self, officers, [self.random.randrange(len(areas)) for _ in range(officers)])

    def step(self):
        self.fed_back += bool(self.feedback)
        hour, self.feedback = self.run.step(adjust=self.feedback), []
        self.heat = [0.99 * heat for heat in self.heat]
        shift = (hour.start.hour - 6) % 24 // 8
        on_duty = self.agents.select(lambda officer: officer.unique_id % 3 == shift)
        free = [officer for officer in on_duty if officer.work < 60]
        for incident in sorted(hour.incidents, key=lambda incident: incident.severity, reverse=True):
            place = self.index[incident.MSOA]
            if incident.crime_category in TARGETS:
                self.heat[place] += 1
            if free:
                distance = self.distance[place]
                officer = min(free, key=lambda officer: distance[officer.place])
                officer.place, officer.work = place, officer.work + 15 + 0.3 * incident.severity
                self.answered += 1
                if officer.work >= 60:
                    free.remove(officer)
                continue
            self.unanswered += 1
            if incident.crime_category == "burglary":
                self.feed_back(hour, "unanswered", 1.2, area=incident.MSOA, category="burglary", half_life="7d")
        self.patrolled.clear()
        on_duty.shuffle_do("walk")
        areas = [self.run.model.areas[place].code for place in sorted(self.patrolled)]
        if areas:
            self.feed_back(hour, "patrol", 0.8, areas=areas, categories=TARGETS, until=hour.end + HOUR)

    def feed_back(self, hour, reason, factor, **effect):
        key = f"{reason} {hour.seq} {len(self.feedback)}"
        self.feedback.append(crims.adjustment(factor, key=key, reason=reason, **effect))


class Clocks:
    """Times spent in methods, by the clock and on this process's processors; outer ones include inner ones."""

    def __init__(self):
        self.wall, self.processor = Counter(), Counter()

    def watch(self, kind, method, name):
        inner = getattr(kind, method)

        def timed(*arguments, **options):
            wall, processor = time.perf_counter(), time.process_time()
            try:
                return inner(*arguments, **options)
            finally:
                self.wall[name] += time.perf_counter() - wall
                self.processor[name] += time.process_time() - processor

        setattr(kind, method, timed)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(officers, steps, seed):
    clocks = Clocks()
    clocks.watch(Connection, "ask", "ask")
    clocks.watch(Run, "step", "step")
    clocks.watch(Incidents, "_made", "rows")
    with crims.launch(models=ROOT / "models") as sim:
        run = sim.open("merseyside", "2020-01-06", seed=seed, publish=False)
        force = Force(run, officers, seed)
        daemon = -processor_seconds(sim.daemon.pid)
        for clock in (clocks.wall, clocks.processor):
            clock.clear()
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            force.step()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        daemon += processor_seconds(sim.daemon.pid)
    ours = clocks.processor["step"] + clocks.processor["rows"] + daemon
    return {
        "officers": officers, "steps": steps, "steps_with_feedback": force.fed_back, "answered": force.answered,
        "unanswered": force.unanswered, "load": os.getloadavg()[0],
        "wall": {"seconds": wall, "ask": clocks.wall["ask"], "step": clocks.wall["step"], "rows": clocks.wall["rows"],
                 "share": (clocks.wall["step"] + clocks.wall["rows"]) / wall},
        "processor": {"seconds": processor + daemon, "daemon": daemon, "step": clocks.processor["step"],
                      "rows": clocks.processor["rows"], "share": ours / (processor + daemon)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--officers", type=int, default=1000, help="on three shifts together (default 1000)")
    parser.add_argument("--steps", type=int, default=8760, help="hours (default 8760)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print a JSON document instead of a line")
    options = parser.parse_args()
    if min(options.officers, options.steps) < 1:
        parser.error("--officers and --steps are 1 or more")
    try:
        result = measure(options.officers, options.steps, options.seed)
    except crims.CrimsError as error:
        sys.exit(f"mesa_share.py: {error}")
    if options.json:
        print(json.dumps(result, indent=2))
        return
    wall, processor = result["wall"], result["processor"]
    each = 1e6 / options.steps
    print(f"{options.steps} steps of {options.officers} officers in Mesa, {result['steps_with_feedback']} of them with "
          f"feedback: CriMS has {wall['share']:.1%} of {wall['seconds']:.2f} s by the clock "
          f"({each * (wall['step'] + wall['rows']):.0f} of {each * wall['seconds']:.0f} us a step), "
          f"{processor['share']:.1%} of the processors' time")


if __name__ == "__main__":
    main()
