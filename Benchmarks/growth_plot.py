#!/usr/bin/env python3
"""Draws what growth.py measured: `growth.py --json | growth_plot.py docs/growth.svg`. Needs matplotlib."""

import json
import sys

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams.update({"svg.hashsalt": "crims", "svg.fonttype": "none", "font.size": 9})

import matplotlib.pyplot as plot  # noqa: E402

TITLES = {
    "areas": "areas",
    "categories": "categories of crime",
    "adjustments": "adjustments in force",
    "listeners": "listeners that read",
    "runs": "runs, stepped in turn",
    "before": "hours stepped before",
}


def draw(results, path):
    figure, panels = plot.subplots(2, 3, figsize=(9, 5), sharey=True, layout="constrained")
    for panel, (name, points) in zip(panels.flat, results.items()):
        values = [point[name] for point in points]
        panel.axhline(1, color="#999999", linewidth=0.8)
        panel.plot(values, [point["ratio"] for point in points], marker="o", markersize=4, color="#0072b2")
        panel.set_xscale("symlog" if 0 in values else "log")
        panel.set_xticks(values, [f"{value:,}" for value in values], rotation=30)
        panel.minorticks_off()
        panel.set_yscale("log", base=2)
        panel.set_yticks([0.5, 1, 2, 4, 8], ["½", "1", "2", "4", "8"])
        panel.set_xlabel(TITLES[name])
    for row in panels:
        row[0].set_ylabel("time of a step, 1 = one run\nof Merseyside, alone")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: growth.py --json | growth_plot.py FILE.svg")
    draw(json.load(sys.stdin), sys.argv[1])
