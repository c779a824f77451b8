"""A daemon that serves the page, and a police model for it, for the page's tests.

    CRIMS_BIN=.build/release/crims python Tests/Page/serve_page.py

prints the page's address, and patrols the worst areas of Merseyside, hour after hour.
"""

import contextlib
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))

from crims.launch import launch  # noqa: E402


class Site:
    """A daemon with the page at `address`. `simulation` drives it."""

    def __init__(self, *arguments, models=None, data=None, port=0):
        with contextlib.chdir(ROOT):  # where it finds the page
            self.simulation = launch("--http", f"127.0.0.1:{port}", *arguments, models=models or ROOT / "models",
                                     data=data)
        self.address = self.simulation.daemon.http

    def ask(self, op, **fields):
        return self.simulation.ask(op, **fields)

    def model(self, name):
        return self.ask("describe", model=name).fields

    def close(self):
        self.simulation.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def patrol(simulation, name, hours=None, pause=0.25, start="2020-01-06", history=24 * 7, wait=time.sleep):
    """A police model that patrols ten areas each shift, the worst of the week before, and the same run without it."""
    run = simulation.open("merseyside", start=start, seed=7, run=name)
    list(run.steps(history))
    other = run.fork(name=f"{name}-without")
    week, hour = {}, history
    while hours is None or hour < history + hours:
        adjust = []
        if hour % 8 == 0:
            worst = sorted(week, key=week.get, reverse=True)[:10]
            week = {area: count * 0.9 for area, count in week.items()}
            if worst:
                adjust = [{"factor": 0.6, "areas": worst, "half_life": "12h", "displacement": 0.3, "source": "police",
                           "reason": "patrols in the ten busiest areas"}]
            if hour % 72 == 0:
                adjust.append({"factor": 0.7, "categories": ["burglary"], "half_life": "3d", "source": "detectives",
                               "reason": "a burglar is arrested"})
        for incident in run.step(adjust=adjust).incidents:
            week[incident.MSOA] = week.get(incident.MSOA, 0) + 1
        other.step()
        hour += 1
        wait(pause)
    return run, other


if __name__ == "__main__":
    with Site(port=8080) as site, contextlib.suppress(KeyboardInterrupt):
        print(site.address, flush=True)
        patrol(site.simulation, "patrols")
