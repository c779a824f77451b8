"""Asking a daemon, and asking again when it does not answer."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import zmq

from .asking import COPIED_ROWS, Patience, Reply, Wait, decode, encode, require_endpoint, require_size
from .errors import DaemonLost, Refused
from .keys import Keys


class Connection:
    """A client's connection: any number of threads may ask at once, each on a socket of its own."""

    def __init__(self, endpoint: str, patience: Patience, keys: Keys | None = None) -> None:
        self.endpoint, self.patience, self.keys = endpoint, patience, keys
        self.was_heard = False
        # Says that the daemon has ended, where that can be known.
        self.obituary: Callable[[], str | None] | None = None
        # The largest request that the daemon reads, once it has said so: above it, it cuts the connection.
        self.frame_bytes = 1 << 24
        # One for the process: a context of one's own that is left to the garbage collector waits for its sockets.
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._idle: list[zmq.Socket[Any]] = []
        self._ids = itertools.count(1)
        self._process = os.getpid()
        self.is_closed = False
        require_endpoint(endpoint)
        self._idle.append(self._connect())

    def _connect(self) -> zmq.Socket[Any]:
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        if self.keys:
            self.keys.set(socket)
        socket.connect(self.endpoint)
        return socket

    def _take(self) -> zmq.Socket[Any]:
        if self._process != os.getpid():
            raise RuntimeError(
                "this connection was made by another process, and ZeroMQ's sockets do not survive a fork: "
                "call crims.connect() in each process"
            )
        if self.is_closed:
            raise RuntimeError("this connection is closed: call crims.connect() again")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def ask(self, op: str, fields: dict[str, Any]) -> Reply:
        """Sends a request and returns the reply.

        Raises `Refused`, `NoAnswer`, or `ProtocolError`. Ctrl-C ends the wait; what was asked may or may not be done.
        """
        request_id = str(next(self._ids))
        request = encode(op, fields, request_id)
        require_size(op, request, self.frame_bytes)
        socket = self._take()
        try:
            socket.send(request)
            reply = self._receive(socket, op, request_id, self.patience.look)
            if reply is None:
                run = fields.get("run")
                wait = Wait(self.endpoint, self.patience, self.was_heard, time.monotonic())
                while reply is None:
                    if self.obituary and (words := self.obituary()):
                        raise DaemonLost(words)
                    if wait.asks_again(self._status(run), time.monotonic()):
                        socket.close()
                        socket = self._connect()
                        socket.send(request)
                    reply = self._receive(socket, op, request_id, wait.next_seconds(time.monotonic()))
        except BaseException:
            # A reply that comes later must not meet another request.
            socket.close()
            raise
        self.was_heard = True
        if self.is_closed:
            socket.close()
        else:
            self._idle.append(socket)
        if isinstance(reply, Refused):
            raise reply
        return reply

    def _receive(self, socket: zmq.Socket[Any], op: str, request_id: str, seconds: float) -> Reply | Refused | None:
        """The reply to that request, None if none comes in time."""
        deadline = time.monotonic() + seconds
        # A time-out of the socket's own takes less than to poll it.
        socket.setsockopt(zmq.RCVTIMEO, int(1000 * seconds))
        try:
            while True:
                found = decode(self.endpoint, op, socket.recv(), request_id)
                frames: list[Any] = []
                copies = not isinstance(found, dict) or found.get("count", 0) <= COPIED_ROWS
                while socket.getsockopt(zmq.RCVMORE):
                    frames.append(socket.recv(copy=copies))
                if found is not None:
                    return found if isinstance(found, Refused) else Reply(found, frames)
                socket.setsockopt(zmq.RCVTIMEO, max(0, int(1000 * (deadline - time.monotonic()))))
        except zmq.Again:
            return None

    def _status(self, run: str | None) -> dict[str, Any] | None:
        """What the daemon says of the run while it owes us a reply; None if it says nothing."""
        request_id = str(next(self._ids))
        with self._connect() as second:
            second.send(encode("status", {"run": run}, request_id))
            reply = self._receive(second, "status", request_id, self.patience.status_seconds)
        if reply is None:
            return None
        return {} if isinstance(reply, Refused) else reply.fields

    def close(self) -> None:
        """Closes the sockets. What another thread waits for may still be answered."""
        self.is_closed = True
        while self._idle:
            self._idle.pop().close()
