"""How long to wait for a reply, and what to do when none comes: the rules of docs/clients.md, without any I/O.

Both the plain and the asyncio connection follow them, so they are written once: a `Wait` is told what was seen and
says what to do.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import DaemonLost, NoDaemon, ProtocolError, Refused, TooLong, refusal

log = logging.getLogger("crims")

# Frames of so many rows are received faster when they are copied out of libzmq at once; larger ones are left there.
COPIED_ROWS = 4_000


@dataclass(frozen=True)
class Patience:
    """Seconds to wait.

    `timeout`: without a sign of life, before a call fails. `look`: for a reply, before the daemon is asked whether it
    is at work. `limit`: for a reply in all, even if the daemon is at work; None for as long as it is.
    """

    timeout: float = 60.0
    look: float = 3.0
    limit: float | None = None

    @staticmethod
    def of(timeout: float, limit: float | None) -> Patience:
        """Looks after 3 seconds, or earlier if the time-out is short, so that it is asked at least twice."""
        for name, seconds in (("timeout", timeout), ("limit", limit)):
            if seconds is None and name == "limit":
                continue
            if not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
                raise ValueError(f"{name} is a number of seconds above 0, not {seconds!r}")
        look = min(3.0, timeout / 4)
        return Patience(timeout, look if limit is None else min(look, limit), limit)

    @property
    def status_seconds(self) -> float:
        """For the reply to `status`, which is given even during a step of years."""
        return min(1.0, self.look)


class Reply(NamedTuple):
    """A reply's members, and the data frames that follow it."""

    fields: dict[str, Any]
    frames: list[Any]


class Wait:
    """The wait for one reply, from when none has come within `patience.look`."""

    def __init__(self, endpoint: str, patience: Patience, was_heard: bool, now: float) -> None:
        self.endpoint, self.patience, self.was_heard = endpoint, patience, was_heard
        self.since = self.begun = now - patience.look
        self.seconds = patience.look
        self._has_warned = False

    def next_seconds(self, now: float) -> float:
        """How long to wait for the reply now."""
        longest = self.since + self.patience.timeout - now
        if self.patience.limit is not None:
            longest = min(longest, self.begun + self.patience.limit - now)
        return max(0.0, min(self.seconds, longest))

    def asks_again(self, status: dict[str, Any] | None, now: float) -> bool:
        """What to do after silence: ask the same again on a new socket, or wait on.

        `status` is the reply to `status` of the run, None if there was none in time.

        Raises `NoDaemon`, `DaemonLost` or `TooLong` when it is time to give up.
        """
        at_work = False
        if status is not None:
            self.was_heard = True
            at_work = any(run.get("stepping") or run.get("waiting_for") for run in status.get("runs") or [])
        if self.patience.limit is not None and now - self.begun >= self.patience.limit:
            raise TooLong(
                f"no reply from {self.endpoint} within limit={self.patience.limit:g} s, though the daemon "
                f"{'is at work on it or waits for others' if at_work else 'may be alive'}. "
                "The same call asks for the same again."
            )
        if at_work:
            self.since = now
            return False
        if not self.was_heard:
            raise NoDaemon(
                f"no answer from {self.endpoint} within {now - self.since:.1f} s, and there never was one. "
                "Is `crims serve` running there? Is your key admitted? `python -m crims.doctor` looks into it."
            )
        if now - self.since >= self.patience.timeout:
            raise DaemonLost(
                f"no answer from {self.endpoint} for {now - self.since:.1f} s: the daemon has died or hangs. "
                "What was acknowledged is kept: start it again on its data, and the same call goes on from there."
            )
        if status is not None:
            # Alive, and not at work on this: perhaps reading takes long, which is not made shorter by asking twice.
            self.seconds *= 2
        elif not self._has_warned:
            self._has_warned = True
            log.warning(
                "no answer from %s; asking again for up to %.0f s (Ctrl-C to stop)",
                self.endpoint,
                self.patience.timeout - (now - self.since),
            )
        return True


def _plain(value: Any) -> Any:
    """What JSON has no form of its own for: numbers and lists of numpy and pandas, and any other collection."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{value!r} is nothing that can be sent")


# Kept, since making them takes longer than a small request.
_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_plain)
_decoder = json.JSONDecoder()


def require_endpoint(endpoint: Any) -> None:
    """Raises `ValueError` for what is no endpoint of ZeroMQ."""
    place = re.fullmatch(r"tcp://[^/\s]+:(\d{1,5})|(ipc|inproc)://.+", endpoint) if isinstance(endpoint, str) else None
    if place is None or place[1] and not 0 < int(place[1]) < 65536:
        raise ValueError(f"{endpoint!r} is no endpoint: tcp://127.0.0.1:5555 or ipc:///path/to/socket would be one")


def require_size(op: str, request: bytes, limit: int) -> None:
    """Raises `LimitExceeded` for a request upon which the daemon would cut the connection instead of answering."""
    if len(request) > limit:
        words = f"the request has {len(request):,} bytes, and the daemon reads {limit:,} at most"
        raise refusal(op, {"code": "limit_exceeded", "message": words, "limit": "frame_bytes"})


def encode(op: str, fields: dict[str, Any], request_id: str) -> bytes:
    """A request's frame. What is None is left out.

    Raises `ValueError` for a number that is not finite, and `TypeError` for what JSON cannot say.
    """
    request: dict[str, Any] = {"v": 1, "op": op, "id": request_id}
    for name, value in fields.items():
        if value is not None:
            request[name] = value
    try:
        return _encoder.encode(request).encode()
    except ValueError as error:
        raise ValueError(f"{op}: a number is infinite or NaN ({error})") from None
    except TypeError as error:
        raise TypeError(f"{op}: {error}") from None


def decode(endpoint: str, op: str, first: bytes, request_id: str) -> dict[str, Any] | Refused | None:
    """A reply's first frame: its members, or the refusal that it holds; None if it answers another request.

    Raises `ProtocolError` for what is no reply.
    """
    try:
        fields = _decoder.decode(first.decode())
        answers = fields.get("id")
        if fields["ok"]:
            return fields if answers == request_id else None
        # What could not be read as a request comes back with an id of null.
        return refusal(op, fields["error"]) if answers in (request_id, None) else None
    except (ValueError, LookupError, AttributeError, TypeError):
        raise ProtocolError(f"{endpoint} answers {first[:80]!r}, which is no reply of a CriMS daemon") from None
