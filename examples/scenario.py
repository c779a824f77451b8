"""What would hot-spot patrols have changed? One run, forked into a future with and one without.

The areas with most robbery and violence expected get patrols: 20 % less of both there, of which
30 % moves to the areas around. But for what is prevented or displaced, the two futures are the
same, incident by incident: the difference between them is the policy's, without random noise.

Start `crims serve`, then: python scenario.py --week 2 --weeks 8 --png scenario.png
"""

import argparse
from collections import Counter
from itertools import accumulate

import matplotlib.pyplot as plt
from steady import Daemon

TARGETS = ["robbery", "violence and sexual offences"]


def future(run):
    """Step a run to the end, unless it is there, and return its days since the fork."""
    day = ask("status", run=run)["runs"][0]["next_seq"]
    if day < end:
        ask("step", run=run, seq=day, count=end - day, format="none")
    return [ask("read", run=run, seq=day) for day in range(fork, end)]


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", default="tcp://127.0.0.1:5555")
parser.add_argument("--run", default="scenario", help="the run to fork: opened, if it is new")
parser.add_argument("--week", type=int, default=2, help="the patrols begin after it")
parser.add_argument("--weeks", type=int, default=8, help="how long to compare")
parser.add_argument("--areas", type=int, default=10, help="how many have patrols")
parser.add_argument("--png", default="scenario.png")
parser.add_argument("--give-up", type=float, default=60, help="after seconds without an answer")
args = parser.parse_args()
ask = Daemon(args.control, args.give_up).ask
fork, end = 7 * args.week, 7 * (args.week + args.weeks)  # steps are days

run = ask("open", run=args.run, model="merseyside", start="2020-01-06", step="1d", seed=1)
if run["next_seq"] < fork:
    ask("step", run=args.run, seq=run["next_seq"], count=fork - run["next_seq"], format="none")
without, patrols = f"{args.run}-without", f"{args.run}-with"
for name in (without, patrols):
    ask("fork", **{"run": args.run, "seq": fork, "as": name})
year, expected = {"from": "2020-01-01", "to": "2021-01-01"}, Counter()
for row in ask("rates", model="merseyside", by=["area", "category"], **year)["rows"]:
    expected[row["area"]] += row["expected"] * (row["category"] in TARGETS)
hot = [area for area, _ in expected.most_common(args.areas)]
ask("adjust", run=patrols, factor=0.8, areas=hot, categories=TARGETS, displacement=0.3,
    key="patrols", source="scenario.py", reason="hot-spot patrols")

days_without, days_with = future(without), future(patrols)
before = {incident["id"]: incident for day in days_without for incident in day["incidents"]}
after = {incident["id"]: incident for day in days_with for incident in day["incidents"]}
same = sum(after.get(key) == incident for key, incident in before.items())
prevented, displaced = before.keys() - after.keys(), after.keys() - before.keys()
result = (f"{same:,} of {len(before):,} incidents are the same with patrols and without them; "
          f"{len(prevented)} are prevented, {len(displaced)} displaced.")
print(result)

fewer = (-sum(i["id"] in prevented for i in day["incidents"]) for day in days_without)
more = (sum(i["id"] in displaced for i in day["incidents"]) for day in days_with)
mean = (day["expected"] - day["baseline"] for day in days_with)
fewer, more, mean = ([*accumulate(days, initial=0)] for days in (fewer, more, mean))
change = Counter(after[key]["MSOA"] for key in displaced)
change.subtract(before[key]["MSOA"] for key in prevented)
limit = 2 * max(1, *change.values())
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.8), layout="constrained")
figure.suptitle(f"Hot-spot patrols in {len(hot)} areas of Merseyside\n{result}", fontsize=13)
left.plot(more, color="#D55E00", label="displaced to the areas around")
left.plot(mean, color="#000000", label="net, mean over many replicates", linestyle=":")
left.plot([sum(pair) for pair in zip(fewer, more)], color="#000000", label="net, in this run")
left.plot(fewer, color="#0072B2", label="prevented")
left.set(title="With patrols less without, added up", xlabel="days", ylabel="change in incidents")
left.legend(loc="lower left")
for area in ask("describe", model="merseyside")["areas"]:
    n = change[area["code"]]
    dots = right.scatter(area["x"], area["y"], s=70, c=n, cmap="PuOr_r", vmin=-limit, vmax=limit,
                         edgecolors="silver")
    if area["code"] in hot:
        right.plot(area["x"], area["y"], "ks", markersize=15, fillstyle="none")
figure.colorbar(dots, label="incidents fewer (purple) or more (orange)", extend="min")
right.set(title="The same by area (squares: patrols)", aspect=1.7)
right.set(xlabel="longitude", ylabel="latitude")
figure.savefig(args.png, dpi=120)
