"""A step of one hour against the same exchange through other tools for coupling simulations: HELICS and mosaik."""

import importlib.util
import pathlib
import socket
import sys

from programs import SOURCES, compile_program
from served import BenchmarkError, daemon, run_json

# HELICS takes the first unless told otherwise. Its tcp did not connect two processes here, and its tcp_ss, which did,
# mostly stood still after some steps until HELICS gave up.
CORES = ["zmq", "zmq_ss"]


def installed():
    """The tools that can be measured against."""
    wanted = {"helics": ["helics"], "mosaik": ["mosaik", "zmq"]}
    return [tool for tool, names in wanted.items() if all(importlib.util.find_spec(name) for name in names)]


def build_helics():
    """The library comes with the Python package."""
    folder = pathlib.Path(importlib.util.find_spec("helics").origin).parent / "install"
    library = next((path for path in folder.glob("lib*") if (path / "libhelics.so").exists()), None)
    if library is None:
        raise BenchmarkError(f"there is no libhelics.so in {folder}")
    sources = ["helics_exchange.c", "exchange.c", "timings.c"]
    libraries = [f"-L{library}", "-lhelics", f"-Wl,-rpath,{library}", "-lzmq", "-lm"]
    return compile_program("helics_exchange", sources, libraries, [f"-I{folder / 'include'}"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure_others(steps, rounds):
    """Each exchange is timed in turn with the daemon's; of each tool and way, the round with the median ratio."""
    measured = {}
    program = build_helics() if "helics" in installed() else None
    for _ in range(rounds):
        if program:
            for core in CORES:
                with daemon() as served:
                    command = [program, served.control, steps, "records", core, free_port()]
                    measured.setdefault(("helics", core), []).append(run_json(command))
        if "mosaik" in installed():
            for way in ("", "apart"):
                with daemon() as served:
                    command = [sys.executable, SOURCES / "mosaik_exchange.py", served.control, min(steps, 1000)]
                    command += [f"--{way}"] if way else []
                    measured.setdefault(("mosaik", way), []).append(run_json(command))
    chosen = []
    for (tool, way), results in measured.items():
        results.sort(key=lambda one: one["ratio"])
        ratios = [one["ratio"] for one in results]
        chosen.append({"tool": tool, "way": way, **results[len(results) // 2], "ratios": ratios})
    return chosen


def others_rows(measured):
    """Lines of the table: what, the measured, the yardstick, their ratio."""
    for one in measured:
        tool = " ".join(filter(None, [one["tool"], one["way"]]))
        theirs = one[f"{one['tool']}_us"]
        for name in ("p50", "p99"):
            ours = one["daemon_us"][name]
            yield (f"lockstep hour against {tool}, {name}", f"{ours:.1f} us", f"{tool} {theirs[name]:.1f} us",
                   f"1 / {theirs[name] / ours:.1f}")
        yield "  p50, least to most", "", "", f"1 / {one['ratios'][0]:.1f} to {one['ratios'][-1]:.1f}"
