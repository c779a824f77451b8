"""The daemon as a process: until it is ready, until it is again after a long run, and its memory."""

import statistics
import tempfile
import time

from served import Control, Daemon, daemon

STEPS = 100_000
OPEN = {"op": "open", "model": "merseyside", "start": "2020-01-01", "seed": 1}


def measure_start(times):
    """From spawning it until its ready line, and from then until a run is open; and the first, after many steps."""
    ready, opened = [], []
    for _ in range(times):
        with daemon() as served:
            ready.append(served.seconds_to_ready)
            begin = time.monotonic()
            control = Control(served.control)
            control.request(**OPEN)
            opened.append(time.monotonic() - begin)
            control.close()
    again = measure_restart(times)
    return {
        "median_seconds": statistics.median(ready),
        "worst_seconds": max(ready),
        "first_run_median_seconds": statistics.median(opened),
        "steps_before": STEPS,
        "after_steps_median_seconds": statistics.median(again),
        "after_steps_worst_seconds": max(again),
        "ratio": statistics.median(again) / statistics.median(ready),
    }


def measure_restart(times):
    """Each step is a record of the journal, as of a police model; the daemon is killed, as it might be."""
    again = []
    with tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        served = Daemon(folder)
        try:
            control = Control(served.control)
            control.request(**OPEN, run="long", publish=False)
            for seq in range(STEPS):
                control.request(op="step", run="long", seq=seq, format="none")
            control.close()
        finally:
            served.kill()
        for _ in range(times):
            served = Daemon(folder)
            again.append(served.seconds_to_ready)
            served.kill()
    return again


def measure_memory():
    """What stays resident while one run is stepped through 2020, hour by hour."""
    with daemon() as served:
        ready = served.resident_kib()
        control = Control(served.control)
        control.request(**OPEN, run="bench-year")
        month = incidents = 0
        for seq in range(366 * 24):
            incidents += control.request(op="step", run="bench-year", seq=seq, format="records")["count"]
            if seq == 31 * 24:
                month = served.resident_kib()
        year = served.resident_kib()
        control.close()
        return {"ready_kib": ready, "month_kib": month, "year_kib": year, "incidents": incidents}


def start_rows(start):
    """Lines of the table: what, the measured, the yardstick, their ratio."""
    ready = f"{start['median_seconds'] * 1e3:.1f} ms"
    yield "start until ready, median", ready, "", ""
    yield "start until ready, worst", f"{start['worst_seconds'] * 1e3:.1f} ms", "", ""
    yield "then until the first run is open, median", f"{start['first_run_median_seconds'] * 1e3:.1f} ms", "", ""
    again = f"{start['after_steps_median_seconds'] * 1e3:.1f} ms"
    yield f"start until ready, {start['steps_before']:,} steps behind", again, f"none {ready}", f"{start['ratio']:.1f}"
    yield "  worst", f"{start['after_steps_worst_seconds'] * 1e3:.1f} ms", "", ""


def memory_rows(memory):
    yield "resident memory, ready", f"{memory['ready_kib'] / 1024:.1f} MiB", "", ""
    yield "resident memory, a month stepped", f"{memory['month_kib'] / 1024:.1f} MiB", "", ""
    yield "resident memory, a year stepped", f"{memory['year_kib'] / 1024:.1f} MiB", "", ""
