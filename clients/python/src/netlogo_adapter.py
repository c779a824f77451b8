"""Crimes for a police model in NetLogo, an hour at a time, and its feedback: docs/netlogo.md.

NetLogo's `py` extension runs these functions in a Python process of its own. What they raise is shown in a dialogue,
so each message stands for itself.
"""

from __future__ import annotations

import atexit
import csv
import hashlib
import io
import math
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

# NetLogo puts the model's folder first on the path. The predecessor's has another package of that name in it, so ours
# is looked for beside this file.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import crims
    from crims.netlogo import TIME, Loading, Scope, TestForce, table
    from crims.simulation import DEFAULT_CONTROL
finally:
    del sys.path[0]

HOUR = timedelta(hours=1)


def init_model(
    run_no: float, force_area: str, year: float, month: float, initial_loading: float = 1.0, burn_in: float = 1
) -> None:
    """Begins a run on the first of that month; the one before it is over.

    - `run_no`: the seed. Which crimes there are follows from it, the force, year and month, and the loading.
    - `force_area`: a model of the daemon, in any spelling, or `TEST`.
    - `initial_loading`: what every rate is multiplied by until `set_loading` says otherwise.
    - `burn_in`: months in which the police model fills up. They are simulated like any others, hour by hour.
    """
    global _model
    seed = _whole("run_no", run_no, 0, 2**53 - 1)
    begin = datetime(_whole("year", year, 1970, 2208), _whole("month", month, 1, 12), 1)
    factor = _factor(initial_loading)
    _whole("burn_in", burn_in, 0, 1200)
    if force_area.strip().lower() == "test":
        _leave()
        _model = TestForce(begin)
        return
    simulation = _connected()
    try:
        model = _force(force_area, simulation.models)
        _leave()
        _clear(simulation)
        name = f"netlogo-{_place()}-{os.getpid()}-{secrets.token_hex(4)}"
        run = _Run(simulation, simulation.open(model, start=begin, seed=seed, run=name), begin)
        run.set_loading(factor, None, f"initial loading {factor:g}")
    except BaseException:
        if simulation is not _launched:
            simulation.close()
        raise
    _model = run


def get_crimes(start: str, end: str) -> str:
    """The crimes from `start` until before `end` as CSV with a header, sorted by time.

    Hours not simulated yet are, up to `end`; others are read again. Times are written `2020-01-31 23:00:00`.
    """
    model = _initialised("get_crimes")
    since, until = _time(start), _time(end)
    if since >= until:
        raise ValueError(f"get_crimes: the start, {start}, is not before the end, {end}")
    if since < model.begin:
        raise ValueError(f"get_crimes: there is nothing at {start}, since init_model began at {model.begin:{TIME}}")
    with _gone():
        return model.crimes(since, until)


def set_loading(f: float, category: str | None = None) -> None:
    """Multiplies rates by `f` from the next hour on, in place of what was set before.

    `category` is a category or the description of an offence; without it, all rates are meant.
    """
    model = _initialised("set_loading")
    factor = _factor(f)
    with _gone():
        model.set_loading(factor, category, f"set_loading({factor:g}{'' if category is None else f', {category!r}'})")


def get_loading(name: str | None = None) -> Any:
    """The loading in force of a category or offence; without a name, those of all categories by name, and of offences
    that have one of their own."""
    loading = _initialised("get_loading").loading
    return loading.all() if name is None else loading.of(name)


class _Run:
    """A run of the daemon, stepped by the hour."""

    def __init__(self, simulation: crims.Simulation, run: crims.Run, begin: datetime) -> None:
        self.begin = begin
        self.loading = Loading((crime.category, crime.description) for crime in run.model.crimes)
        self._simulation, self._run = simulation, run
        # Adjustments as they were sent, with their keys, and the ids of those that were acknowledged.
        self._sent: dict[Scope, dict[str, Any]] = {}
        self._ids: dict[Scope, str] = {}
        self._replaced: list[str] = []
        self._keys = 0
        # Why the loading was changed, until it is in force.
        self._reason: str | None = None

    def set_loading(self, factor: float, name: str | None, reason: str) -> None:
        before = self.loading
        self.loading, self._reason = before.changed(factor, name), reason
        try:
            self._settle()
        except crims.Refused:
            self.loading = before
            raise

    def _settle(self) -> None:
        """Puts the loading into force, whatever of it is by now: if a reply was lost, the next call goes on from there.

        Its adjustments multiply, so what others have adjusted stays as it is. Each is retracted when it is replaced, so
        that few are in force.
        """
        if self._reason is None:
            return
        wanted = self.loading.scopes()
        for scope in [scope for scope in self._sent if scope not in wanted]:
            self._replaced.append(self._sent_as(scope))
            del self._sent[scope], self._ids[scope]
        while self._replaced:
            self._run.retract(self._replaced[-1])
            self._replaced.pop()
        for scope in wanted:
            self._sent_as(scope)
        self._reason = None

    def _sent_as(self, scope: Scope) -> str:
        """The id of that adjustment, which is sent if it is not known to be there. The key makes that safe."""
        if scope not in self._ids:
            if scope not in self._sent:
                self._keys += 1
                self._sent[scope] = {
                    "factor": scope.factor, "categories": scope.categories or None,
                    "descriptions": scope.descriptions or None, "key": f"loading-{self._keys}",
                    "source": "netlogo", "reason": self._reason,
                }
            try:
                self._ids[scope] = self._run.adjust(**self._sent[scope]).id
            except crims.Refused:
                del self._sent[scope]
                raise
        return self._ids[scope]

    def crimes(self, since: datetime, until: datetime) -> str:
        self._settle()
        first, last = (since - self.begin) // HOUR, -((self.begin - until) // HOUR)
        text = None
        if self._run.next_seq == first:
            text = self._take(last, "csv")
        while self._run.next_seq < last:
            self._take(last, "none")
        if text is None:
            text = self._run.read(first, last - first, format="csv").csv
        if (since, until) == (self.begin + first * HOUR, self.begin + last * HOUR):
            return text
        rows = list(csv.reader(io.StringIO(text)))[1:]
        return table(row for row in rows if since <= datetime.strptime(row[5], TIME) < until)

    def _take(self, last: int, format: str) -> str | None:
        """Simulates up to that hour."""
        try:
            step = self._run.step(until=self.begin + last * HOUR, format=format)
            return step.csv if format == "csv" else None
        except (crims.Conflict, crims.OutOfStep):
            # An earlier request was carried out though its answer was lost, and then another window was asked for.
            self._run.refresh()
            return None

    def leave(self) -> None:
        """Takes the run away, or gives up soon: somebody waits for the next one, or for the end of this process."""
        with suppress(crims.CrimsError), _connect(self._simulation.control, 2) as door:
            _delete(door, self._run.name)
        if self._simulation is not _launched:
            self._simulation.close()


_model: _Run | TestForce | None = None
_launched: crims.Simulation | None = None


def _initialised(function: str) -> _Run | TestForce:
    if _model is None:
        raise RuntimeError(f"{function} before init_model: call init_model first, in the model's setup")
    return _model


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except crims.UnknownRun as error:
        raise RuntimeError(
            "the daemon does not have this run any more: it was started again without its data, or somebody deleted "
            "the run. Call init_model again, in the model's setup"
        ) from error


def _seconds() -> float:
    """How long a daemon may be silent before it is an error."""
    text = os.environ.get("CRIMS_TIMEOUT", "10")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e9:
        raise ValueError(f"CRIMS_TIMEOUT in the environment is a number of seconds above 0, not {text!r}")
    return seconds


def _connect(control: str, timeout: float) -> crims.Simulation:
    return crims.connect(control, timeout=timeout)


def _connected() -> crims.Simulation:
    """The daemon that the environment names, else the one at the usual place, else one of our own."""
    global _launched
    timeout, control = _seconds(), os.environ.get("CRIMS_CONTROL")
    if control:
        try:
            return _connect(control, timeout)
        except crims.NoAnswer as error:
            raise crims.NoDaemon(
                f"no CriMS daemon answers at {control}, where CRIMS_CONTROL in the environment says that it is. "
                "Start it with `crims serve`, or mend or unset CRIMS_CONTROL"
            ) from error
    if _launched and _launched.daemon and _launched.daemon.is_running():
        return _launched
    if _is_there(DEFAULT_CONTROL):
        with suppress(crims.CrimsError):
            return _connect(DEFAULT_CONTROL, timeout)
    try:
        _launched = crims.launch(timeout=timeout)
    except crims.LaunchError as error:
        raise crims.NoDaemon(
            f"there is no CriMS daemon. Start one with `crims serve`, which listens at {DEFAULT_CONTROL}, or say in "
            f"CRIMS_CONTROL where one is. One of our own could not be started either: {error}"
        ) from error
    return _launched


def _is_there(endpoint: str) -> bool:
    """Whether somebody listens at a place on this machine. ZeroMQ knows at once, and says so to who looks."""
    seen = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    with zmq.Context() as context, context.socket(zmq.DEALER) as door:
        door.linger = 0
        monitor = door.get_monitor_socket(seen | zmq.EVENT_CONNECT_RETRIED)
        door.connect(endpoint)
        is_there = bool(monitor.poll(1000)) and recv_monitor_message(monitor)["event"] != zmq.EVENT_CONNECT_RETRIED
        door.disable_monitor()
    return is_there


def _force(name: str, models: list[str]) -> str:
    """The model of a force, however it is spelt."""
    slugs = {_slug(model): model for model in models}
    found = slugs.get(_slug(name))
    if found is None:
        there = ", ".join(models) or "none"
        raise ValueError(f"the daemon has no model of {name!r}. It has: {there}. There is also TEST, which needs none")
    return found


def _slug(name: str) -> str:
    words = re.sub("[^a-z0-9]+", "-", name.lower().replace("&", " and ")).strip("-")
    return re.sub("-(police|constabulary)$", "", words)


def _place() -> str:
    """Names this machine and user, and the container if there is one: where a process is known by its number."""
    about = [socket.gethostname(), str(os.getuid()) if hasattr(os, "getuid") else ""]
    with suppress(OSError):
        about.append(os.readlink("/proc/self/ns/pid"))
    with suppress(OSError), open("/etc/machine-id", encoding="ascii") as file:
        about.append(file.read())
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:10]


def _clear(simulation: crims.Simulation) -> None:
    """Takes away runs of adapters that have ended: NetLogo kills its Python, and a daemon holds so many runs only."""
    for found in simulation.status():
        ours = re.fullmatch(rf"netlogo-{_place()}-(\d{{1,9}})-[0-9a-f]+", found["run"])
        if ours and not found.get("stepping") and not _is_alive(int(ours[1])):
            with suppress(crims.Refused):  # another adapter was faster
                _delete(simulation, found["run"])


def _is_alive(process: int) -> bool:
    """Whether an adapter with a run of its own may be running there."""
    if process == os.getpid():
        return False  # an earlier run of ours, which could not be taken away
    if os.name != "posix":
        return True  # where it cannot be asked without harm
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _delete(simulation: crims.Simulation, run: str) -> None:
    simulation.ask("close", run=run)
    simulation.ask("delete", run=run)


def _leave() -> None:
    global _model
    model, _model = _model, None
    if isinstance(model, _Run):
        model.leave()


@atexit.register
def _end() -> None:
    _leave()
    if _launched:
        _launched.close()


def _whole(name: str, value: float, least: int, most: int) -> int:
    """NetLogo has one kind of number: 1 may come as 1.0."""
    try:
        number = int(value)
        if number == value and least <= number <= most:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"{name} is a whole number from {least} to {most}, not {value!r}")


def _factor(value: float) -> float:
    try:
        if 0 <= float(value) <= 1000:
            return float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"a loading is a number from 0 to 1000, and 1 changes nothing; not {value!r}")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, TIME)
    except (TypeError, ValueError):
        raise ValueError(f"get_crimes: {text!r} is no time: '2020-01-31 23:00:00' would be one") from None
