"""Asking that survives the daemon's end: what the other examples send their requests through.

A reply is late because the step is long, because the daemon hangs, or because it was started again
and never saw the request. After 3 s, `status` on a second socket tells which. Unless the run is at
work, the same is asked again: safe, where the request has a name. docs/clients.md says all of it.
"""

import time

import zmq

PATIENCE = 3  # seconds
NAMED_BY = {"open": "run", "step": "seq", "adjust": "key", "fork": "as"}


class Daemon:
    def __init__(self, endpoint, give_up=60):
        self.endpoint, self.give_up = endpoint, give_up  # in seconds without an answer
        self.socket, self.has_answered = self.connect(), False

    def connect(self):
        socket = zmq.Context.instance().socket(zmq.REQ)
        socket.linger = 0
        socket.connect(self.endpoint)
        return socket

    def is_at_work(self, run):
        """Whether the run is stepping or waits for others; None if the daemon is silent, too."""
        with self.connect() as second:
            second.send_json({"v": 1, "op": "status", "run": run})
            if not second.poll(1000):
                return None
            self.has_answered = True
            runs = second.recv_json().get("runs", [])  # left out if there is no such run
        return any(run.get("stepping") or run.get("waiting_for") for run in runs)

    def ask(self, op, **fields):
        """Return the reply, or leave with a sentence that says what is wrong."""
        if op in NAMED_BY and NAMED_BY[op] not in fields:
            raise ValueError(f"{op} without {NAMED_BY[op]!r} is not safe to ask again")
        patience, since, request = PATIENCE, time.monotonic(), {"v": 1, "op": op, **fields}
        self.socket.send_json(request)
        while not self.socket.poll(1000 * patience):
            at_work = self.is_at_work(fields.get("run"))
            if at_work:
                since = time.monotonic()
                continue
            if not self.has_answered:
                raise SystemExit(f"No answer from {self.endpoint}. Is `crims serve` running there?")
            if (silent := time.monotonic() - since) > self.give_up:
                raise SystemExit(f"No answer from {self.endpoint} for {silent:.0f} s: given up.")
            patience *= 1 if at_work is None else 2  # alive: perhaps this takes long, so ask rarely
            self.socket.close()
            self.socket = self.connect()  # a REQ that waits for a reply cannot send again
            self.socket.send_json(request)
        reply, self.has_answered = self.socket.recv_json(), True
        if not reply["ok"]:
            raise SystemExit(f"{op}: {reply['error']['code']}, {reply['error']['message']}")
        return reply
