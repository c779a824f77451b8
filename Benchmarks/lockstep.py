"""A lockstep hour against a bare libzmq round trip with the same bytes: formats, transports, keys, listeners."""

import os
import pathlib
import statistics
import subprocess
import tempfile

from served import OUTPUT, RELEASE, daemon, run_json

FORMATS = ["records", "columns", "csv", "none"]
# What differs from: tcp, with a journal, nothing adjusted, no keys, nobody listens.
CASES = [
    *({"format": name} for name in FORMATS),
    *({"format": name, "transport": "ipc"} for name in ("records", "columns")),
    {"format": "columns", "adjust": True},
    {"format": "columns", "keys": True},
    {"format": "columns", "listeners": 10},
    {"format": "columns", "journal": False},
]
# The bars, of p50 and pinned, of the plain cases.
BARS = {"columns": 1.15, "records": 1.3}


def title(case):
    words = [case["format"], case.get("transport", "tcp")]
    words += [word for word in ("adjust", "keys") if case.get(word)]
    words += [f"{case['listeners']} listeners"] if case.get("listeners") else []
    words += ["no journal"] if not case.get("journal", True) else []
    return ", ".join(words)


def make_keys(folder):
    """Keys of a daemon and of one client that may step: the daemon's options, and lockstep's words."""
    folder = pathlib.Path(folder)
    (folder / "clients").mkdir()

    def make(name, *more):
        command = [RELEASE / "crims", "keys", "new", name, "-o", folder, *more]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def key(name, which):
        lines = (folder / name).read_text().splitlines()
        return next(line.split('"')[1] for line in lines if line.strip().startswith(which))

    make("server")
    make("client", "--role", "driver")
    (folder / "client.key").rename(folder / "clients" / "client.key")
    options = ["--server-key", folder / "server.key_secret", "--client-keys", folder / "clients"]
    words = [key("server.key", "public-key"), key("client.key_secret", "public-key"),
             key("client.key_secret", "secret-key")]
    return options, " ".join(words)


def measure_case(case, steps, pin):
    """One round of a case, with a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        options, words = [], ["--format", case["format"], "--steps", steps, "--json"]
        if case.get("keys"):
            options, keys = make_keys(folder)
            words += ["--keys", keys]
        if case.get("adjust"):
            words += ["--adjust"]
        if not case.get("journal", True):
            options += ["--no-data"]
        if pin:
            words += ["--pin", f"{pin[0]},{pin[1]}"]
        transport = f"ipc://{folder}/" if case.get("transport") == "ipc" else None
        with daemon(pin and pin[1], options, transport) as served:
            if case.get("listeners"):
                words += ["--listeners", case["listeners"], served.events]
            return run_json([OUTPUT / "lockstep", served.control, *words])


def measure_lockstep(steps, rounds=5, cases=None):
    """Of each case the round with the median ratio of the medians; each round has a daemon of its own.

    Pinned, the client has one processor and both servers share another: this repeats. Free, the scheduler places them
    as it would in use, and they change between fast and slow neighbourhoods from run to run.
    """
    processors = sorted(os.sched_getaffinity(0))
    ways = {"free": None}
    if len(processors) > 1:
        ways["pinned"] = processors[:2]
    measured = {}
    for _ in range(rounds):
        for number, case in enumerate(cases or CASES):
            for way, pin in ways.items():
                # Free, only what has a bar: the rest would say nothing more.
                if way == "free" and case not in ({"format": name} for name in BARS):
                    continue
                measured.setdefault((number, way), []).append(measure_case(case, steps, pin))
    chosen = []
    for (number, way), results in sorted(measured.items()):
        results.sort(key=lambda result: result["ratio"]["p50"])
        case = (cases or CASES)[number]
        ratios = [result["ratio"]["p50"] for result in results]
        chosen.append({"case": title(case), "placement": way, **results[rounds // 2], "ratios_of_medians": ratios,
                       "median_ratio": statistics.median(ratios),
                       "bar": BARS.get(case["format"]) if len(case) == 1 and way == "pinned" else None})
    return chosen


def lockstep_rows(results):
    """Rows of the table: what, the measured, the yardstick, their ratio."""
    for one in results:
        name = f"lockstep hour, {one['case']}, {one['placement']}"
        for share in ("p50", "p99", "p99.9"):
            yield (f"{name}, {share}", f"{one['daemon_us'][share]:.1f} us", f"bare {one['bare_us'][share]:.1f} us",
                   f"{one['ratio'][share]:.2f}")
        least, most = one["ratios_of_medians"][0], one["ratios_of_medians"][-1]
        bar = f"at most {one['bar']}" if one["bar"] else ""
        yield f"{name}, p50, least to most", bar, "", f"{least:.2f} to {most:.2f}"
        if "listeners" not in one["case"]:
            yield f"{name}, p50, without pause", f"{one['without_pause_us']['p50']:.1f} us", "", ""
