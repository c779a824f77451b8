"""What would hot-spot patrols have changed? One run, forked into a future with and one without.

The areas with most robbery and violence expected get patrols: 20 % less of both there, of which
30 % moves to the areas around. But for what is prevented or displaced, the two futures are the
same, incident by incident: the difference between them is the policy's, without random noise.

Start `crims serve`, then: python scenario.py --week 2 --weeks 8 --png scenario.png
"""

import argparse

import crims
import matplotlib.pyplot as plt
import numpy
import pandas

TARGETS = ["robbery", "violence and sexual offences"]


def advance(run, seq):
    """Step a run to there, unless it is there."""
    if run.next_seq < seq:
        run.step(seq - run.next_seq, format="none")
    return run


def by_day(incidents, other, days):
    """How many incidents are missing in the other run, added up day by day."""
    missing = ~numpy.isin(incidents.array("id"), other.array("id"))
    per_day = numpy.bincount(incidents.array("time")[missing] // (24 * 60), minlength=days)
    return numpy.cumsum([0, *per_day])


def main():
    sim = crims.connect(args.control, timeout=args.give_up)
    fork, end = 7 * args.week, 7 * (args.week + args.weeks)  # steps are days
    run = sim.open("merseyside", start="2020-01-06", step="1d", seed=1, run=args.run)
    advance(run, fork)
    without = run.fork(fork, f"{args.run}-without").refresh()  # where it stands, if it was there
    patrols = run.fork(fork, f"{args.run}-with").refresh()
    rates = sim.rates("merseyside", "2020-01-01", "2021-01-01", by=["area", "category"])
    targets = rates[rates["category"].isin(TARGETS)]
    hot = list(targets.groupby("area")["expected"].sum().nlargest(args.areas).index)
    patrols.adjust(0.8, areas=hot, categories=TARGETS, displacement=0.3, key="patrols",
                   source="scenario.py", reason="hot-spot patrols")
    advance(without, end)
    advance(patrols, end)

    table = crims.compare(without, patrols, by="area", seq=fork, end=end)
    total = table.sum()
    result = (f"{total['same']:,} of {total['count']:,} incidents are the same with patrols and "
              f"without them; {total['removed']} are prevented, {total['added']} displaced.")
    print(result)

    before, after = without.incidents(fork, end), patrols.incidents(fork, end)
    fewer, more = -by_day(before, after, end - fork), by_day(after, before, end - fork)
    days = patrols.history(fork, end)
    mean = numpy.cumsum([0, *(days["expected"] - days["baseline"])])
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.8), layout="constrained")
    figure.suptitle(f"Hot-spot patrols in {len(hot)} areas of Merseyside\n{result}", fontsize=13)
    left.plot(more, color="#D55E00", label="displaced to the areas around")
    left.plot(mean, color="#000000", label="net, mean over many replicates", linestyle=":")
    left.plot(fewer + more, color="#000000", label="net, in this run")
    left.plot(fewer, color="#0072B2", label="prevented")
    left.set(title="With patrols less without, added up", xlabel="days",
             ylabel="change in incidents")
    left.legend(loc="lower left")
    areas = pandas.DataFrame(run.model.areas).set_index("code")
    change, limit = table["difference"], 2 * max(1, table["difference"].max())
    dots = right.scatter(areas["x"], areas["y"], s=70, c=change, cmap="PuOr_r", vmin=-limit,
                         vmax=limit, edgecolors="silver")
    right.plot(areas["x"][hot], areas["y"][hot], "ks", markersize=15, fillstyle="none")
    figure.colorbar(dots, label="incidents fewer (purple) or more (orange)", extend="min")
    right.set(title="The same by area (squares: patrols)", aspect=1.7)
    right.set(xlabel="longitude", ylabel="latitude")
    figure.savefig(args.png, dpi=120)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--control", help="CRIMS_CONTROL, or tcp://127.0.0.1:5555")
parser.add_argument("--run", default="scenario", help="the run to fork: opened, if it is new")
parser.add_argument("--week", type=int, default=2, help="the patrols begin after it")
parser.add_argument("--weeks", type=int, default=8, help="how long to compare")
parser.add_argument("--areas", type=int, default=10, help="how many have patrols")
parser.add_argument("--png", default="scenario.png")
parser.add_argument("--give-up", type=float, default=60, help="seconds without an answer")
args = parser.parse_args()
try:
    main()
except crims.CrimsError as error:
    raise SystemExit(str(error)) from None
