"""Listening to a run that somebody else steps, without missing anything."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import zmq

from .errors import DaemonLost, UnknownRun
from .keys import Path
from .incidents import Incidents, from_records
from .simulation import Run, Simulation, connect


@dataclass(frozen=True)
class HeardStep:
    """A step as it was published: [`start`, `end`), its incidents, and the mean count with and without adjustments.

    `heard` is how many of its incidents came by themselves. `was_read` if it did not come as a whole, and so was read
    from the daemon.
    """

    run: str
    seq: int
    start: datetime
    end: datetime
    count: int
    expected: float
    baseline: float
    incidents: Incidents
    heard: int
    was_read: bool


class Listener:
    """The steps of a run, each once and in order, whatever was lost on the way:

        for step in crims.Listener("police"):
            print(step.start, len(step.incidents))

    Events are not repeated, so a listener that is slow or comes late misses some. Summaries of steps are numbered and
    count their incidents: where they do not add up, or one is missing, the step is read from the daemon; `gaps` counts
    such steps. It begins with step `seq`, however long ago that was, and ends when the run is closed or ended.

    - `run`: the run's name; `wait`: seconds to wait for it to be opened.
    - `simulation`: a connection to use; without one it makes its own, with the options of `connect`.
    - `events`: where events are published, if it is not where the daemon says.
    - `timeout`: seconds without a heartbeat until it fails; a daemon that is started again meanwhile is heard again.
    - `idle`: seconds without a new step after which it ends, as if the run were over; None for never.

    Raises `UnknownRun`, `DaemonLost`, and what `connect` raises.
    """

    def __init__(
        self,
        run: str,
        *,
        simulation: Simulation | None = None,
        control: str | None = None,
        events: str | None = None,
        seq: int = 0,
        wait: float = 0.0,
        idle: float | None = None,
        timeout: float = 60.0,
        client_key: Path | None = None,
        server_key: Path | None = None,
    ) -> None:
        self._is_own = simulation is None
        self.simulation = simulation or connect(
            control, timeout=timeout, client_key=client_key, server_key=server_key)
        self.timeout, self.idle = timeout, idle
        self.seq = seq
        self.gaps = 0
        self._heard: dict[int, list[Any]] = {}
        self._socket: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.SUB)
        try:
            self._socket.setsockopt(zmq.LINGER, 0)
            keys = self.simulation.keys
            if keys:
                keys.set(self._socket)
            for topic in (f"incidents/{run}/", f"step/{run}/", f"run/{run}/", "heartbeat/"):
                self._socket.subscribe(topic)
            self._socket.connect(events or events_endpoint(self.simulation))
            # After subscribing, so that nothing falls between what is read and what is heard.
            self.run: Run = self._opened(run, time.monotonic() + wait)
        except BaseException:
            self.close()
            raise

    def _opened(self, run: str, deadline: float) -> Run:
        while True:
            try:
                return self.simulation.run(run)
            except UnknownRun:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.1)

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        """The next event's topic and payload, None if none comes in time. Whoever wants to lose some overrides this."""
        if not self._socket.poll(int(1000 * seconds)):
            return None
        topic, payload = self._socket.recv_multipart()
        return topic, payload

    def __iter__(self) -> Iterator[HeardStep]:
        """Steps with their incidents, until the run is closed or ended."""
        yield from self._catch_up()
        heard = moved = time.monotonic()
        reached = published = self.seq
        while self.run.state == "open":
            if self.seq > reached:
                # What is done with a step between this and the next takes its time.
                heard, moved, reached = time.monotonic(), time.monotonic(), self.seq
            if self.idle is not None and time.monotonic() - moved >= self.idle:
                return
            event = self.receive(min(1.0, self.timeout, self.idle or 1.0))
            if event is None:
                if time.monotonic() - heard > self.timeout:
                    raise DaemonLost(
                        f"no heartbeat from {self.simulation.control} for {time.monotonic() - heard:.0f} s: the daemon "
                        f"has died or hangs, or its events do not get here. All steps before {self.seq} are complete."
                    )
                continue
            topic, payload = event
            heard = time.monotonic()
            kind = topic.split(b"/", 1)[0]
            fields = json.loads(payload)
            if kind == b"incidents":
                if fields["seq"] >= self.seq:
                    self._heard.setdefault(fields["seq"], []).extend(fields["incidents"])
            elif kind == b"step":
                yield from self._take(fields)
            elif kind == b"run":
                if fields["event"] in ("ended", "closed"):
                    yield from self._catch_up()
            else:
                # Both the last summary and the news of the end can be lost.
                alive = {run["run"]: run["next_seq"] for run in fields["runs"]}
                if self.run.name not in alive:
                    yield from self._catch_up()
                else:
                    # What had been taken by the heartbeat before has been published by this one.
                    yield from self._read_until(published)
                    published = alive[self.run.name]

    def _take(self, summary: dict[str, Any]) -> Iterator[HeardStep]:
        """A step of which all incidents should have come by now."""
        seq = summary["seq"]
        yield from self._read_until(seq)
        if seq < self.seq:
            return
        records = self._heard.get(seq, [])
        counts = Counter(record["crime_category"] for record in records)
        if counts != Counter(summary["by_category"]):
            yield from self._read_until(seq + 1)
            return
        self._heard.pop(seq, None)
        self.seq += 1
        start = datetime.fromisoformat(summary["from"])
        incidents = from_records(self.run.model, start, records)
        yield HeardStep(summary["run"], seq, start, datetime.fromisoformat(summary["to"]), summary["count"],
                        summary["expected"], summary["baseline"], incidents, len(incidents), False)

    def _catch_up(self) -> Iterator[HeardStep]:
        self.run.refresh()
        yield from self._read_until(self.run.next_seq)

    def _read_until(self, end: int) -> Iterator[HeardStep]:
        while self.seq < end:
            step = self.run.read(self.seq)
            heard = len(self._heard.pop(self.seq, []))
            self.gaps += 1
            self.seq += 1
            yield HeardStep(step.run, step.seq, step.start, step.end, step.count, step.expected, step.baseline,
                            step.incidents, heard, True)

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()
        if self._is_own:
            self.simulation.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


def events_endpoint(simulation: Simulation) -> str:
    """Where the daemon publishes, as seen from here: where it listens on all addresses, at the host of requests."""
    (endpoint, *_) = simulation.endpoints["events"]
    here = urlsplit(simulation.control)
    for anywhere in ("//0.0.0.0:", "//*:", "//[::]:"):
        endpoint = endpoint.replace(anywhere, f"//{here.hostname}:")
    return endpoint
