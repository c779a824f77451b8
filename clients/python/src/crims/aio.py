"""The same client for asyncio: what `crims.connect` gives, with `await`.

    import crims.aio

    async with await crims.aio.connect() as sim:
        async with await sim.open("merseyside", start="2020-01-06", seed=42) as run:
            async for step in run.until("2020-01-13"):
                await run.adjust(1.2, category="burglary", half_life="7d", reason="unanswered")

Any number of tasks may ask at once. A task that is cancelled while it waits leaves nothing behind that could meet
another's request.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import zmq
import zmq.asyncio

from . import plans
from .asking import COPIED_ROWS, Patience, Reply, Wait, decode, encode
from .compare import require_comparable, tabulate
from .errors import CrimsError, NoAnswer, Refused, refusal
from .incidents import Incidents
from .keys import Keys, Path
from .model import Model
from .plans import Opening, Plan, RunPlans
from .simulation import DEFAULT_CONTROL
from .step import Adjustment, Step
from .values import Duration, Time, adjustment

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")


async def connect(
    control: str | None = None,
    *,
    timeout: float = 60.0,
    limit: float | None = None,
    client_key: Path | None = None,
    server_key: Path | None = None,
) -> AsyncSimulation:
    """As `crims.connect`."""
    endpoint = control or os.environ.get("CRIMS_CONTROL") or DEFAULT_CONTROL
    connection = AsyncConnection(endpoint, Patience.of(timeout, limit), Keys.read(client_key, server_key))
    try:
        return AsyncSimulation(connection, (await connection.ask("hello", {})).fields)
    except BaseException:
        connection.close()
        raise


class AsyncConnection:
    """As `Connection`: each request that is under way has a socket of its own."""

    def __init__(self, endpoint: str, patience: Patience, keys: Keys | None = None) -> None:
        self.endpoint, self.patience, self.keys = endpoint, patience, keys
        self.was_heard = False
        self.is_closed = False
        self._context = zmq.asyncio.Context()
        self._idle: list[zmq.asyncio.Socket] = []
        self._ids = itertools.count(1)

    def _connect(self) -> zmq.asyncio.Socket:
        if self.is_closed:
            raise RuntimeError("this connection is closed: call crims.aio.connect() again")
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        if self.keys:
            self.keys.set(socket)
        try:
            socket.connect(self.endpoint)
        except zmq.ZMQError:
            socket.close()
            raise ValueError(f"{self.endpoint!r} is no endpoint: tcp://127.0.0.1:5555 would be one") from None
        return socket

    async def ask(self, op: str, fields: dict[str, Any]) -> Reply:
        """As `Connection.ask`."""
        request_id = str(next(self._ids))
        request = encode(op, fields, request_id)
        socket = self._idle.pop() if self._idle else self._connect()
        try:
            await socket.send(request)
            reply = await self._receive(socket, op, request_id, self.patience.look)
            if reply is None:
                wait = Wait(self.endpoint, self.patience, self.was_heard, time.monotonic())
                while reply is None:
                    if wait.asks_again(await self._status(fields.get("run")), time.monotonic()):
                        socket.close()
                        socket = self._connect()
                        await socket.send(request)
                    reply = await self._receive(socket, op, request_id, wait.next_seconds(time.monotonic()))
        except BaseException:
            socket.close()
            raise
        self.was_heard = True
        self._idle.append(socket)
        if isinstance(reply, Refused):
            raise reply
        return reply

    async def _receive(
        self, socket: zmq.asyncio.Socket, op: str, request_id: str, seconds: float
    ) -> Reply | Refused | None:
        deadline = time.monotonic() + seconds
        while await socket.poll(max(0, int(1000 * seconds))):
            first, *frames = await socket.recv_multipart(copy=False)
            found = decode(self.endpoint, op, first.bytes, request_id)
            if isinstance(found, Refused):
                return found
            if found is not None:
                copies = found.get("count", 0) <= COPIED_ROWS
                return Reply(found, [frame.bytes if copies else frame for frame in frames])
            seconds = deadline - time.monotonic()
        return None

    async def _status(self, run: str | None) -> dict[str, Any] | None:
        request_id = str(next(self._ids))
        second = self._connect()
        try:
            await second.send(encode("status", {"run": run}, request_id))
            reply = await self._receive(second, "status", request_id, self.patience.status_seconds)
        finally:
            second.close()
        if reply is None:
            return None
        return {} if isinstance(reply, Refused) else reply.fields

    def close(self) -> None:
        """Closes all sockets."""
        self.is_closed = True
        self._idle.clear()
        self._context.destroy(linger=0)


class AsyncSimulation:
    """As `Simulation`."""

    def __init__(self, connection: AsyncConnection, hello: dict[str, Any]) -> None:
        self._connection = connection
        self._models: dict[str, Model] = {}
        self._unnamed: list[AsyncRun] = []
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

    async def ask(self, op: str, **fields: Any) -> Reply:
        """As `Simulation.ask`."""
        return await self._connection.ask(op, fields)

    async def _do(self, plan: Plan[T]) -> T:
        try:
            call = next(plan)
            while True:
                try:
                    reply = await self._connection.ask(*call)
                except CrimsError as error:
                    call = plan.throw(error)
                else:
                    call = plan.send(reply)
        except StopIteration as done:
            return done.value

    async def open(
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
    ) -> AsyncRun:
        """As `Simulation.open`."""
        plan = plans.open_run(self._models, model, start, end, step, seed, replicate, dispersion, trend, run, publish,
                              participants)
        return self._made(await self._do(plan))

    async def run(self, name: str) -> AsyncRun:
        """As `Simulation.run`."""
        return self._made(await self._do(plans.attach(self._models, name)))

    def _made(self, opening: Opening) -> AsyncRun:
        run = AsyncRun(self, opening)
        if not run.is_named:
            self._unnamed.append(run)
        return run

    async def describe(self, model: str) -> Model:
        """As `Simulation.describe`."""
        return await self._do(plans.describe(self._models, model, None))

    async def status(self, run: str | None = None) -> list[dict[str, Any]]:
        """As `Simulation.status`."""
        return (await self.ask("status", run=run)).fields["runs"]

    async def rates(self, model: str, start: Time, end: Time, by: Iterable[str] | str = ()) -> pandas.DataFrame:
        """As `Simulation.rates`."""
        return await self._do(plans.rates({"model": model}, start, end, by))

    async def close(self) -> None:
        """As `Simulation.close`."""
        try:
            if not self._connection.is_closed:
                for run in self._unnamed:
                    await run._leave_quietly()
                self._unnamed.clear()
        finally:
            self._connection.close()

    async def __aenter__(self) -> AsyncSimulation:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, NoAnswer):
            self._unnamed.clear()
        await self.close()


class AsyncRun(RunPlans):
    """As `Run`."""

    def __init__(self, simulation: AsyncSimulation, opening: Opening) -> None:
        super().__init__(opening)
        self.simulation = simulation

    async def _do(self, plan: Plan[T]) -> T:
        return await self.simulation._do(plan)

    async def step(
        self,
        count: int = 1,
        *,
        until: Time | None = None,
        format: str = "columns",
        adjust: Iterable[dict[str, Any]] = (),
        participant: str | None = None,
    ) -> Step:
        """As `Run.step`."""
        return await self._do(self._step(count, until, format, adjust, participant))

    def until(self, end: Time, *, format: str = "columns") -> AsyncIterator[Step]:
        """As `Run.until`."""
        return self._each(self._steps_until(end), format)

    def steps(self, count: int, *, format: str = "columns") -> AsyncIterator[Step]:
        """As `Run.steps`."""
        return self._each(self.next_seq + count, format)

    async def _each(self, last: int, format: str) -> AsyncIterator[Step]:
        while self.next_seq < last:
            yield await self.step(format=format)

    async def read(
        self,
        seq: int,
        count: int = 1,
        *,
        format: str = "columns",
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Step:
        """As `Run.read`."""
        return await self._do(self._read(seq, count, format, areas, categories))

    async def incidents(
        self,
        seq: int = 0,
        end: int | None = None,
        *,
        areas: str | Iterable[str] | None = None,
        categories: str | Iterable[str] | None = None,
    ) -> Incidents:
        """As `Run.incidents`."""
        return await self._do(self._incidents(seq, end, areas, categories))

    async def history(self, seq: int = 0, end: int | None = None, *, by_category: bool = False) -> pandas.DataFrame:
        """As `Run.history`."""
        return await self._do(self._history(seq, end, by_category))

    async def rates(
        self, by: Iterable[str] | str = (), start: Time | None = None, end: Time | None = None
    ) -> pandas.DataFrame:
        """As `Run.rates`."""
        return await self._do(self._rates(by, start, end))

    async def adjust(self, factor: float, **scope: Any) -> Adjustment:
        """As `Run.adjust`."""
        return await self._do(self._adjust(adjustment(factor, **scope)))

    async def retract(self, adjustment: str | Adjustment) -> datetime:
        """As `Run.retract`."""
        return await self._do(self._retract(adjustment))

    async def adjustments(self) -> list[dict[str, Any]]:
        """As `Run.adjustments`."""
        return await self._do(self._adjustments())

    async def fork(
        self,
        seq: int | None = None,
        name: str | None = None,
        participants: Sequence[str | dict[str, Any]] | None = None,
    ) -> AsyncRun:
        """As `Run.fork`."""
        return self.simulation._made(await self._do(self._fork(seq, name, participants)))

    async def refresh(self) -> AsyncRun:
        """As `Run.refresh`."""
        (found,) = await self.simulation.status(self.name)
        if "error" in found:
            raise refusal("status", found["error"])
        self._stands(found)
        return self

    async def close(self) -> None:
        """As `Run.close`."""
        await self._do(self._close())

    async def delete(self) -> None:
        """As `Run.delete`."""
        await self._do(self._delete())

    async def _leave_quietly(self) -> None:
        with suppress(CrimsError, RuntimeError):
            await self._do(self._leave())

    async def __aenter__(self) -> AsyncRun:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            await self._do(self._leave())
        elif not self.is_named and not isinstance(error, (NoAnswer, asyncio.CancelledError)):
            await self._leave_quietly()
        if self in self.simulation._unnamed:
            self.simulation._unnamed.remove(self)


async def compare(
    run: AsyncRun, other: AsyncRun, by: str = "category", *, seq: int = 0, end: int | None = None
) -> pandas.DataFrame:
    """As `crims.compare`."""
    require_comparable(run, other, by)
    last = min(run.next_seq, other.next_seq) if end is None else end
    return tabulate(await run.incidents(seq, last), await other.incidents(seq, last), by)
