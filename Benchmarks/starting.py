"""How long the daemon takes until it is ready: on an empty folder, and on one with many steps."""

import pathlib
import statistics
import tempfile
import time

from served import Control, Daemon, daemon

# Seconds. The bars of the medians.
BARS = {"median_seconds": 0.03, "after_steps_median_seconds": 0.1}
STEPS = 100_000


def measure_start(times):
    ready, opened = [], []
    for _ in range(times):
        with daemon() as served:
            ready.append(served.seconds_to_ready)
            begin = time.monotonic()
            control = Control(served.control)
            control.request(op="open", model="merseyside", start="2020-01-01")
            opened.append(time.monotonic() - begin)
            control.close()
    after = restarts(times)
    return {
        "median_seconds": statistics.median(ready),
        "worst_seconds": max(ready),
        "first_run_median_seconds": statistics.median(opened),
        "steps": STEPS,
        "after_steps_median_seconds": statistics.median(after),
        "after_steps_worst_seconds": max(after),
    }


def restarts(times):
    """Seconds until a daemon is ready on a folder with a run that was stepped hour by hour."""
    with tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        served = Daemon(folder, None)
        control = Control(served.control)
        try:
            control.request(op="open", run="long", model="merseyside", start="2020-01-01")
            for seq in range(STEPS):
                control.exchange(op="step", run="long", seq=seq, format="none")
        finally:
            control.close()
            served.stop()
        seconds = []
        for _ in range(times):
            again = Daemon(pathlib.Path(folder), None)
            seconds.append(again.seconds_to_ready)
            again.stop()
        return seconds


def start_rows(start):
    yield ("start until ready, median", f"{start['median_seconds'] * 1e3:.1f} ms",
           f"at most {BARS['median_seconds'] * 1e3:.0f} ms", "")
    yield ("start until ready, worst", f"{start['worst_seconds'] * 1e3:.1f} ms", "", "")
    yield ("then until the first run is open, median", f"{start['first_run_median_seconds'] * 1e3:.1f} ms", "", "")
    name = f"start until ready after {start['steps']:,} steps"
    yield (f"{name}, median", f"{start['after_steps_median_seconds'] * 1e3:.1f} ms",
           f"at most {BARS['after_steps_median_seconds'] * 1e3:.0f} ms", "")
    yield (f"{name}, worst", f"{start['after_steps_worst_seconds'] * 1e3:.1f} ms", "", "")
