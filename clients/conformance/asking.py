"""Asking a server what the cases ask."""

from __future__ import annotations

import json

import zmq


class NoAnswer(Exception):
    """The server has not answered in time."""


class Connections:
    """A case's connections to a server, each made when it is first used, and the runs that were made on them."""

    def __init__(self, endpoint, seconds):
        self.endpoint, self.seconds = endpoint, seconds
        self.sockets, self.runs = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete(self.runs)
        for socket in self.sockets.values():
            socket.close()

    def send(self, exchange):
        """Sends a request as it stands: an object, a text that is no object, or several frames."""
        request = exchange["request"]
        frames = request if isinstance(request, list) else [request]
        texts = [frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False) for frame in frames]
        self._socket(exchange).send_multipart([text.encode() for text in texts])

    def send_ahead(self, exchange):
        """Sends a request that is answered later, and sees to it that the server has it before anybody else asks."""
        self.send(exchange)
        hello = {**exchange, "request": {"v": 1, "op": "hello", "id": "it is there"}}
        self.send(hello)
        self.receive(hello)

    def receive(self, exchange):
        """The next reply on that connection: what is in its first frame, and the data frames."""
        socket = self._socket(exchange)
        if not socket.poll(1000 * self.seconds):
            raise NoAnswer(f"no answer from {self.endpoint} within {self.seconds:g} s")
        first, *frames = socket.recv_multipart()
        try:
            reply = json.loads(first)
        except ValueError:
            return first.decode(errors="replace"), frames
        if isinstance(reply, dict) and reply.get("ok") is True and reply.get("op") in ("open", "fork"):
            self.runs.append(reply.get("run"))
        return reply, frames

    def ask(self, **request):
        """One request of our own."""
        exchange = {"request": {"v": 1, **request}, "connection": "our own"}
        self.send(exchange)
        return self.receive(exchange)[0]

    def delete(self, runs):
        """Takes runs away that were left behind; those that there are not do no harm."""
        try:
            for run in dict.fromkeys(runs):
                self.ask(op="close", run=run)
                self.ask(op="delete", run=run)
        except NoAnswer:
            pass  # whoever asks next will say so

    def _socket(self, exchange):
        name = exchange.get("connection", "main")
        if name not in self.sockets:
            socket = zmq.Context.instance().socket(zmq.DEALER)
            socket.linger = 0
            socket.connect(self.endpoint)
            self.sockets[name] = socket
        return self.sockets[name]


def runs_named(case):
    """The names that a case gives to its runs, all of which begin with `conformance-`."""
    for exchange in case.exchanges:
        request = exchange.get("request")
        if isinstance(request, dict):
            yield from (name for name in (request.get("run"), request.get("as"))
                        if isinstance(name, str) and name.startswith("conformance-"))
