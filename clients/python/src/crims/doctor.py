"""`python -m crims.doctor`: what is wrong with a set-up, and what to do about it."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .simulation import Simulation

_EXTRAS = {"frame": ("numpy", "pandas", "pyarrow", "tqdm"), "polars": ("polars",), "geo": ("geopandas",),
           "gym": ("gymnasium",)}


class Finding(NamedTuple):
    """`level` is `ok`, `note` or `wrong`."""

    level: str
    words: str


def main(arguments: list[str] | None = None) -> int:
    """Prints what was found, and returns 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m crims.doctor", description=__doc__)
    parser.add_argument("--control", help="where the daemon takes requests (CRIMS_CONTROL, or tcp://127.0.0.1:5555)")
    parser.add_argument("--client-key", help="your NAME.key_secret, if the daemon has keys")
    parser.add_argument("--server-key", help="the daemon's server.key")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds to wait for the daemon")
    options = parser.parse_args(arguments)
    wrong = 0
    for finding in findings(options):
        wrong += finding.level == "wrong"
        print(f"{finding.level:>5}  {finding.words}", flush=True)
    print("\nNothing is wrong." if not wrong else f"\nTo be mended: {wrong}.")
    return 1 if wrong else 0


def findings(options: argparse.Namespace) -> Iterator[Finding]:
    yield from _python()
    yield from _packages()
    can_launch = False
    for finding in _executable():
        can_launch = finding.level == "ok"
        yield finding
    yield from _daemon(options, can_launch)


def _python() -> Iterator[Finding]:
    words = f"Python {platform.python_version()} at {sys.executable}"
    yield Finding("ok", words) if sys.version_info >= (3, 9) else Finding("wrong", f"{words}: 3.9 or later is needed")


def _packages() -> Iterator[Finding]:
    try:
        import zmq

        yield Finding("ok", f"pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}")
        if not zmq.has("curve"):
            yield Finding("note", "this libzmq has no CURVE: daemons with keys are out of reach")
    except ImportError as error:
        yield Finding("wrong", f"pyzmq cannot be used ({error}): pip install pyzmq")
    for extra, packages in _EXTRAS.items():
        missing: list[str] = []
        there: list[str] = []
        for package in packages:
            try:
                importlib.import_module(package)
                there.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                there.append(package)
            except ImportError as error:
                # One that is there and broken is another matter than one that is not.
                is_absent = isinstance(error, ModuleNotFoundError) and error.name == package
                missing.append(package if is_absent else f"{package} ({error})")
        if there:
            yield Finding("ok", f"for {extra}: {', '.join(there)}")
        if missing:
            yield Finding("note", f"for {extra}: without {', '.join(missing)}, which pip install would bring")


def _executable() -> Iterator[Finding]:
    from .errors import LaunchError
    from .launch import find_executable

    try:
        found = find_executable()
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10)
        if said.returncode:
            yield Finding("wrong", f"{found} does not run: {(said.stderr or said.stdout).strip()[:300]}")
        else:
            yield Finding("ok", f"crims.launch() would start {found} ({said.stdout.strip()})")
    except LaunchError as error:
        yield Finding("note", f"crims.launch() will not work, crims.connect() may: {error}")
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("wrong", f"crims.launch() will not work: {error}")


def _daemon(options: argparse.Namespace, can_launch: bool) -> Iterator[Finding]:
    from .errors import CrimsError, NoDaemon
    from .simulation import DEFAULT_CONTROL, connect

    endpoint = options.control or os.environ.get("CRIMS_CONTROL") or DEFAULT_CONTROL
    try:
        sim = connect(endpoint, timeout=options.timeout, client_key=options.client_key, server_key=options.server_key)
    except NoDaemon:
        # Who launches daemons needs none to be there.
        level = "wrong" if options.control or os.environ.get("CRIMS_CONTROL") or not can_launch else "note"
        yield Finding(level, _why_silent(endpoint, bool(options.client_key or os.environ.get("CRIMS_CLIENT_KEY"))))
        return
    except (CrimsError, ValueError, OSError) as error:
        yield Finding("wrong", f"{endpoint}: {error}")
        return
    with closing(sim):
        yield Finding("ok", f"{endpoint} answers: crims {sim.version}, your role is {sim.role!r}")
        if not sim.models:
            yield Finding("wrong", "it has no models: `crims models list` in its folder, or start it with --models DIR")
            return
        yield Finding("ok", f"models: {', '.join(sim.models)}")
        yield from _trial(sim)


def _trial(sim: Simulation) -> Iterator[Finding]:
    """A step of a run that is taken away again."""
    from .errors import CrimsError

    model = sim.models[0]
    if sim.role != "driver":
        yield Finding("note", f"the role {sim.role!r} may not open runs; only 'driver' may")
        return
    try:
        described = sim.describe(model)
        with sim.open(model, start=f"{described.period[1]}-01", publish=False) as run:
            step = run.step()
            yield Finding("ok", f"an hour of {model}: {step.count} incidents, {step.expected:.1f} expected")
    except CrimsError as error:
        yield Finding("wrong", f"a trial run of {model}: {error}")


def _why_silent(endpoint: str, has_key: bool) -> str:
    """What a plain connection shows of an endpoint where no daemon answers."""
    place = urlsplit(endpoint)
    start = "start one with `crims serve`, or say where it is with --control or CRIMS_CONTROL"
    if place.scheme == "ipc":
        path = endpoint[len("ipc://"):]
        return f"{endpoint}: there is no such socket; {start}" if not os.path.exists(path) else (
            f"{endpoint}: the socket is there, and nobody answers: the daemon has died or hangs")
    if not place.hostname or not place.port:
        return f"{endpoint} is no endpoint: tcp://127.0.0.1:5555 would be one"
    try:
        with socket.create_connection((place.hostname, place.port), timeout=2) as plain:
            plain.settimeout(2)
            greeting = plain.recv(10)
    except ConnectionRefusedError:
        return f"{endpoint}: nobody listens there; {start}"
    except socket.gaierror as error:
        return f"{endpoint}: the name {place.hostname!r} is not known ({error})"
    except TimeoutError:
        return f"{endpoint}: no connection, or nothing is said on it: the daemon hangs, or a firewall is between"
    except OSError as error:
        return f"{endpoint}: {error}"
    if greeting[:1] != b"\xff":
        return f"{endpoint}: something listens that is not ZeroMQ (it says {greeting!r}); is the port right?"
    if has_key:
        return f"{endpoint}: it speaks ZeroMQ and does not answer: your key is not admitted, or server.key is another's"
    return (
        f"{endpoint}: it speaks ZeroMQ and does not answer: it has keys (give --client-key and --server-key), hangs, "
        "or it is not CriMS (is that the port of its events?)"
    )


if __name__ == "__main__":
    sys.exit(main())
