"""Asking a daemon from asyncio: as `connection`, by the same rules."""

from __future__ import annotations

import itertools
import time
from typing import Any

import zmq
import zmq.asyncio

from .asking import COPIED_ROWS, Patience, Reply, Wait, decode, encode, require_endpoint, require_size
from .errors import Refused
from .keys import Keys


class AsyncConnection:
    """As `Connection`: each request that is under way has a socket of its own."""

    def __init__(self, endpoint: str, patience: Patience, keys: Keys | None = None) -> None:
        self.endpoint, self.patience, self.keys = endpoint, patience, keys
        self.was_heard = False
        self.is_closed = False
        self.frame_bytes = 1 << 24
        self._context = zmq.asyncio.Context.instance()
        self._idle: list[zmq.asyncio.Socket] = []
        self._all: set[zmq.asyncio.Socket] = set()
        require_endpoint(endpoint)
        self._ids = itertools.count(1)

    def _connect(self) -> zmq.asyncio.Socket:
        if self.is_closed:
            raise RuntimeError("this connection is closed: call crims.aio.connect() again")
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        if self.keys:
            self.keys.set(socket)
        socket.connect(self.endpoint)
        self._all.add(socket)
        return socket

    def _drop(self, socket: zmq.asyncio.Socket) -> None:
        self._all.discard(socket)
        socket.close()

    async def ask(self, op: str, fields: dict[str, Any]) -> Reply:
        """As `Connection.ask`."""
        request_id = str(next(self._ids))
        request = encode(op, fields, request_id)
        require_size(op, request, self.frame_bytes)
        socket = self._idle.pop() if self._idle else self._connect()
        try:
            await socket.send(request)
            reply = await self._receive(socket, op, request_id, self.patience.look)
            if reply is None:
                wait = Wait(self.endpoint, self.patience, self.was_heard, time.monotonic())
                while reply is None:
                    if wait.asks_again(await self._status(fields.get("run")), time.monotonic()):
                        self._drop(socket)
                        socket = self._connect()
                        await socket.send(request)
                    reply = await self._receive(socket, op, request_id, wait.next_seconds(time.monotonic()))
        except BaseException:
            self._drop(socket)
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
            self._drop(second)
        if reply is None:
            return None
        return {} if isinstance(reply, Refused) else reply.fields

    def close(self) -> None:
        """Closes all sockets."""
        self.is_closed = True
        self._idle.clear()
        while self._all:
            self._all.pop().close()
