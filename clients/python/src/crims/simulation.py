"""The plain client: a simulation on a daemon, and its runs."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import plans
from .asking import Patience, Reply
from .connection import Connection
from .errors import CrimsError, NoAnswer, refusal
from .incidents import Incidents, needs
from .keys import Keys, Path
from .model import Model
from .plans import Opening, Plan, RunPlans
from .step import Adjustment, Step
from .values import Duration, Time, Words, adjustment, step_count

if TYPE_CHECKING:
    import pandas

    from .launch import Daemon

T = TypeVar("T")
DEFAULT_CONTROL = "tcp://127.0.0.1:5555"


def connect(
    control: str | None = None,
    *,
    timeout: float = 60.0,
    limit: float | None = None,
    client_key: Path | None = None,
    server_key: Path | None = None,
) -> Simulation:
    """Connects to a daemon, and returns when it has answered.

    - `control`: where it takes requests; without it the environment's `CRIMS_CONTROL`, or tcp://127.0.0.1:5555.
    - `timeout`: seconds without a sign of life, until a call fails. The daemon may be started again meanwhile.
    - `limit`: seconds that a call may take in all, though the daemon is at work on it.
    - `client_key`, `server_key`: the files NAME.key_secret and server.key, for a daemon with keys; without them the
      environment's `CRIMS_CLIENT_KEY` and `CRIMS_SERVER_KEY`.

    Raises `NoDaemon` after a few seconds if nobody answers.
    """
    endpoint = control or os.environ.get("CRIMS_CONTROL") or DEFAULT_CONTROL
    connection = Connection(endpoint, Patience.of(timeout, limit), Keys.read(client_key, server_key))
    try:
        return Simulation(connection)
    except BaseException:
        connection.close()
        raise


class Simulation:
    """A daemon that answers. Threads may share it; each process makes its own."""

    def __init__(self, connection: Connection, daemon: Daemon | None = None) -> None:
        self._connection = connection
        self._models: dict[str, Model] = {}
        # Names of runs that nobody has chosen, and of those whose objects are gone, so that nobody can ask for them.
        self._unnamed: set[str] = set()
        self._forgotten: list[str] = []
        self.daemon = daemon
        hello = connection.ask("hello", {}).fields
        connection.frame_bytes = hello["limits"].get("frame_bytes", connection.frame_bytes)
        self.version: str = hello["version"]
        self.models: list[str] = hello["models"]
        self.limits: dict[str, Any] = hello["limits"]
        self.role: str = hello["role"]
        self.journal: str = hello["journal"]
        self.endpoints: dict[str, list[str]] = hello["endpoints"]

    @property
    def control(self) -> str:
        """Where the daemon takes requests."""
        return self._connection.endpoint

    @property
    def keys(self) -> Keys | None:
        """The keys of the connection, if it has any."""
        return self._connection.keys

    def ask(self, op: str, **fields: Any) -> Reply:
        """Any request of the protocol, as it is; the reply's `fields` and `frames`.

        Waits and asks again as all calls do, so what changes something should have its name: `run`, `seq`, `key`, `as`.
        """
        return self._connection.ask(op, fields)

    def _do(self, plan: Plan[T]) -> T:
        try:
            call = next(plan)
            while True:
                try:
                    reply = self._connection.ask(*call)
                except CrimsError as error:
                    call = plan.throw(error)
                else:
                    call = plan.send(reply)
        except StopIteration as done:
            return done.value

    def open(
        self,
        model: str,
        start: Time,
        end: Time | None = None,
        step: Duration = "1h",
        seed: int = 0,
        replicate: int = 0,
        *,
        dispersion: bool = True,
        trend: bool = True,
        run: str | None = None,
        publish: bool = True,
        participants: Sequence[str | dict[str, Any]] | None = None,
    ) -> Run:
        """Opens a run, or takes it up where it stands if it is there with the same arguments.

        - `step`: a text in `m`, `h`, `d`, `w` or `mo`, or a timedelta.
        - `run`: its name. A run without one is taken away when its `with` block, or that of the connection, ends.
        - `publish`: whether listeners hear of it.
        - `participants`: names, or objects with `name`, `timeout` and `on_timeout`, of who steps it together.
        """
        plan = plans.open_run(self._models, model, start, end, step, seed, replicate, dispersion, trend, run, publish,
                              participants)
        self._leave(self._take_forgotten())
        return self._made(self._do(plan))

    def run(self, name: str) -> Run:
        """A run that is there, where it stands."""
        run = self._made(self._do(plans.attach(self._models, name)))
        self._unnamed.discard(name)
        return run

    def _made(self, opening: Opening) -> Run:
        run = Run(self, opening)
        if not run.is_named:
            self._unnamed.add(run.name)
            weakref.finalize(run, self._forgotten.append, run.name).atexit = False
        return run

    def _take_forgotten(self) -> list[str]:
        names = [self._forgotten.pop() for _ in range(len(self._forgotten))]
        return [name for name in names if name in self._unnamed]

    def _leave(self, names: list[str]) -> None:
        """Takes runs away that nobody can ask for any more."""
        for name in names:
            self._unnamed.discard(name)
            with suppress(CrimsError):
                self.ask("close", run=name)
                self.ask("delete", run=name)

    def describe(self, model: str) -> Model:
        """Areas, categories and crimes of a model."""
        return self._do(plans.describe(self._models, model, None))

    def status(self, run: str | None = None) -> list[dict[str, Any]]:
        """All runs, or one, as the daemon sees them."""
        return self.ask("status", run=run).fields["runs"]

    def rates(self, model: str, start: Time, end: Time, by: Iterable[str] | str = ()) -> pandas.DataFrame:
        """Expected counts of a model without adjustments: as `Run.rates`."""
        return self._do(plans.rates({"model": model}, start, end, by))

    def close(self) -> None:
        """Takes runs without a name away, closes the connection, and ends the daemon if it was launched for this."""
        try:
            if not (self._connection.is_closed or self.daemon):
                self._leave(sorted(self._unnamed))
        finally:
            self._connection.close()
            if self.daemon:
                self.daemon.end()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, NoAnswer):
            self._unnamed.clear()
        self.close()

    def __repr__(self) -> str:
        return f"<Simulation at {self.control}: crims {self.version}, models {', '.join(self.models)}>"

    def _repr_html_(self) -> str:
        from .html import table

        return table(
            f"CriMS at {self.control}",
            [("version", self.version), ("models", ", ".join(self.models)), ("role", self.role)],
        )


class Run(RunPlans):
    """A run: `name`, `model`, `start`, `step_length`, and where it stands: `time`, `next_seq`, `state`."""

    def __init__(self, simulation: Simulation, opening: Opening) -> None:
        super().__init__(opening)
        self.simulation = simulation
        self._stepping = threading.RLock()

    def _do(self, plan: Plan[T]) -> T:
        return self.simulation._do(self._require_kept(plan))

    def step(
        self,
        count: int = 1,
        *,
        until: Time | None = None,
        format: str = "columns",
        adjust: Iterable[dict[str, Any]] = (),
        participant: str | None = None,
    ) -> Step:
        """Takes the next step, or `count`, or all up to `until`, as one.

        - `format`: `columns` for incidents, `counts` for `by_category`, `csv`, or `none`.
        - `adjust`: adjustments of `crims.adjustment(…)` that act from this step on; all are taken or none.
        - `participant`: who asks, in a run with participants.
        """
        if participant is not None:
            return self._do(self._step(count, until, format, adjust, participant))
        # Two threads at once would ask for the same step, and both be given it.
        with self._stepping:
            return self._do(self._step(count, until, format, adjust, None))

    def until(
        self, end: Time, *, format: str = "columns", participant: str | None = None, progress: bool = False
    ) -> Iterator[Step]:
        """Takes one step after the other up to a time, a boundary between steps."""
        return self._each(self._steps_until(end), format, participant, progress)

    def steps(
        self, count: int, *, format: str = "columns", participant: str | None = None, progress: bool = False
    ) -> Iterator[Step]:
        """Takes so many steps, one after the other."""
        return self._each(self.next_seq + step_count(count), format, participant, progress)

    def _each(self, last: int, format: str, participant: str | None, progress: bool) -> Iterator[Step]:
        bar = needs("tqdm.auto", "frame").tqdm(total=last - self.next_seq, unit="step") if progress else None
        try:
            while self.next_seq < last:
                before = self.next_seq
                yield self.step(format=format, participant=participant)
                if bar is not None:
                    bar.update(self.next_seq - before)
        finally:
            if bar is not None:
                bar.close()

    def read(
        self,
        seq: int,
        count: int = 1,
        *,
        format: str = "columns",
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Step:
        """Steps that were taken, again, of all areas and categories or those named."""
        return self._do(self._read(seq, count, format, areas, categories))

    def incidents(
        self,
        seq: int = 0,
        end: int | None = None,
        *,
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Incidents:
        """All incidents of the steps `seq` to `end` − 1, of the whole run without them."""
        return self._do(self._incidents(seq, end, areas, categories))

    def history(self, seq: int = 0, end: int | None = None, *, by_category: bool = False) -> pandas.DataFrame:
        """A row for each step that was taken: `start`, `end`, `count`, `expected`, `baseline`, `in_force`, `capped`.

        With `by_category` also a column of counts for each category.
        """
        return self._do(self._history(seq, end, by_category))

    def rates(
        self, by: Iterable[str] | str = (), start: Time | None = None, end: Time | None = None
    ) -> pandas.DataFrame:
        """Expected counts under the adjustments as known now, and `baseline` ones without them.

        `by` is any of `area`, `category`, `code`, `hour`, `hour_of_week`, `day`, `month`. Without `start` and `end` it
        is of the time from the run's start to where it stands; times ahead are possible, too.
        """
        return self._do(self._rates(by, start, end))

    def adjust(
        self,
        factor: float,
        *,
        area: Words | None = None,
        areas: Words | None = None,
        category: Words | None = None,
        categories: Words | None = None,
        code: Words | None = None,
        codes: Words | None = None,
        description: Words | None = None,
        descriptions: Words | None = None,
        mode: str | None = None,
        target: str | None = None,
        start: Time | None = None,
        until: Time | None = None,
        half_life: Duration | None = None,
        displacement: float | None = None,
        key: str | None = None,
        source: str | None = None,
        reason: str | None = None,
    ) -> Adjustment:
        """Multiplies rates by `factor` from the next step on.

        - `area`, `category`, `code`, `description`, or their plurals: what is meant; all, where none is given.
        - `mode`: `scale` or `set`. `target`: `incidence` or `suspect`.
        - `start`, `until`: simulated times. `half_life`: a text such as `7d`, or a timedelta.
        - `displacement`: the share of what is removed that goes to the neighbours.
        - `key`: the same key is taken once, whoever sends it again; each call has one of its own without it.
        - `source`, `reason`: for the audit trail.
        """
        made = adjustment(
            factor, area=area, areas=areas, category=category, categories=categories, code=code, codes=codes,
            description=description, descriptions=descriptions, mode=mode, target=target, start=start, until=until,
            half_life=half_life, displacement=displacement, key=key, source=source, reason=reason,
        )
        return self._do(self._adjust(made))

    def retract(self, adjustment: str | Adjustment) -> datetime:
        """Ends an adjustment at the start of the next step, and returns when that is."""
        return self._do(self._retract(adjustment))

    def adjustments(self) -> list[dict[str, Any]]:
        """The audit trail, oldest first."""
        return self._do(self._adjustments())

    def fork(
        self,
        seq: int | None = None,
        name: str | None = None,
        participants: Sequence[str | dict[str, Any]] | None = None,
    ) -> Run:
        """A run that is this one up to step `seq` − 1, or up to now, and then goes its own way."""
        return self.simulation._made(self._do(self._fork(seq, name, participants)))

    def refresh(self) -> Run:
        """Looks where the run stands, when others step it too."""
        (found,) = self.simulation.status(self.name)
        if "error" in found:
            raise refusal("status", found["error"])
        self._stands(found)
        return self

    def close(self) -> None:
        """Ends stepping and adjusting. The run can still be read and forked."""
        self._do(self._close())

    def delete(self) -> None:
        """Takes a closed run away for good."""
        self._do(self._delete())

    def _leave_quietly(self) -> None:
        with suppress(CrimsError, RuntimeError):
            self._do(self._leave())

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            self._do(self._leave())
        elif not self.is_named and not isinstance(error, NoAnswer):
            # One with a name stays as it is: whoever mends the error may go on with it.
            self._leave_quietly()
        self.simulation._unnamed.discard(self.name)
