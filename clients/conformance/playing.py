"""Checking a client: the server is played to it, with everything that can go wrong between the two."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time

import cases
import zmq

HANGS = 10  # seconds without a sign of life, beyond what a client may take
QUIET = {"patience": 3, "give_up": 60}  # docs/clients.md; where the server answers at once, nobody has to wait so long
SAID = {"dead": "no_answer", "not json": "bad_reply"}  # what a client says where there is no reply
STATUS = {"state": "open", "waiting_for": [], "stepping": False}
SOMEBODY = [{"name": "somebody", "since": "2026-01-31T23:00:05Z", "seconds": 1, "overdue": False}]


class Wrong(Exception):
    """What a client did that it must not do."""


class Asked:
    """A request as it came: from which connection, when, and what is in it."""

    def __init__(self, frames):
        self.at = time.monotonic()
        self.sender, *rest = frames
        self.envelope = [b""] if len(rest) == 2 and rest[0] == b"" else []
        rest = rest[len(self.envelope):]
        if len(rest) != 1:
            raise Wrong(f"a request is one frame, and {len(rest)} came")
        try:
            self.request = json.loads(rest[0])
        except ValueError:
            raise Wrong(f"a request is JSON in UTF-8, and this came: {rest[0][:300]!r}") from None
        if not isinstance(self.request, dict):
            raise Wrong(f"a request is an object, and this came: {cases.shown(self.request)}")
        version, name = self.request.get("v"), self.request.get("id", "")
        if cases.difference(1, version):
            raise Wrong(f"a request has \"v\": 1, and this came: {cases.shown(self.request)}")
        if not isinstance(name, str) or len(name.encode()) > 128:
            raise Wrong(f"an id is a text of at most 128 bytes, and this came: {cases.shown(name)}")
        # null means left out.
        self.fields = {name: value for name, value in self.request.items()
                       if name not in ("v", "id") and value is not None}


class Client:
    """A client's process and the socket that it takes for the server's."""

    def __init__(self, command, patience, give_up):
        self.patience, self.give_up = patience, give_up
        self.server = zmq.Context.instance().socket(zmq.ROUTER)
        self.server.linger = 0
        port = self.server.bind_to_random_port("tcp://127.0.0.1")
        self.words = tempfile.TemporaryFile()
        options = ["--patience", str(patience), "--give-up", str(give_up), f"tcp://127.0.0.1:{port}"]
        self.process = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words, bufsize=0
        )
        self.poller = zmq.Poller()
        self.poller.register(self.server, zmq.POLLIN)
        self.poller.register(self.process.stdout.fileno(), zmq.POLLIN)
        self.printed = b""
        self.answered = None  # the last reply that was sent, with its frames, and the request it was for
        self.has_answered = False

    def tell(self, fields):
        """Gives the client a request to make."""
        try:
            self.process.stdin.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")
        except BrokenPipeError:
            raise Wrong(f"the client has ended.{self.last_words()}") from None

    def next(self, deadline):
        """What the client does next: an `Asked`, or the line that it prints."""
        while True:
            if b"\n" in self.printed:
                line, self.printed = self.printed.split(b"\n", 1)
                return line
            ready = dict(self.poller.poll(max(0, 1000 * (deadline - time.monotonic()))))
            if self.server in ready:
                return Asked(self.server.recv_multipart())
            if not ready:
                raise Wrong(f"the client neither asks nor prints a line: it hangs.{self.last_words()}")
            some = os.read(self.process.stdout.fileno(), 65536)
            if not some:
                raise Wrong(f"the client has ended without a line for this.{self.last_words()}")
            self.printed += some

    def reply(self, asked, reply, frames=()):
        """Sends a reply, with the id of the request if it had one."""
        if "id" in asked.request:
            reply = {**reply, "id": asked.request["id"]}
        frames = [json.dumps(reply, ensure_ascii=False).encode(), *frames]
        self.server.send_multipart([asked.sender, *asked.envelope, *frames])
        self.answered, self.has_answered = (asked, frames), True

    def send(self, asked, frame):
        """Sends what is no reply."""
        self.server.send_multipart([asked.sender, *asked.envelope, frame])

    def last_words(self):
        self.words.seek(0)
        said = self.words.read().decode(errors="replace").strip()
        return f" On stderr: {said[-1000:]}" if said else ""

    def end(self, is_wrong=False):
        """Takes the client's input away, which is how it is told to end; nobody waits for one that was wrong."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(0 if is_wrong else 3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process.stdout.close()
        self.words.close()
        self.server.close()


class Play:
    """One request of a case, from the line that asks for it to the line that answers."""

    def __init__(self, client, exchange, reply):
        self.client, self.exchange, self.fault = client, exchange, exchange.get("fault")
        self.fields = {name: value for name, value in exchange["request"].items() if name not in ("v", "id")}
        self.sent = cases.example(reply.get("reply"))
        self.frames = cases.frames_of(reply)
        self.data = {}  # the data frames as a client prints them
        if "columns" in reply:
            self.data["columns"] = {name: column["values"] for name, column in reply["columns"].items()}
        elif "csv" in reply:
            self.data["csv"] = self.frames[0].decode()
        self.asks, self.looks, self.looks_since = [], 0, 0

    def run(self):
        """Raises `Wrong` with what the client did wrong."""
        client = self.client
        was_heard = client.has_answered
        client.tell(self.fields)
        deadline = time.monotonic() + HANGS + 2 * client.give_up
        while True:
            came = client.next(deadline)
            if isinstance(came, bytes):
                break
            is_look = came.fields.get("op") == "status" and bool(self.asks) and self.fields["op"] != "status"
            (self.on_status if is_look else self.on_request)(came)
        self.compare(came)
        if not self.asks:
            raise Wrong("the client did not ask the server")
        if self.fault == "dead":
            self.on_giving_up(time.monotonic() - self.asks[0].at, was_heard)
        elif self.fault in ("stepping", "waiting") and self.looks < 2:
            raise Wrong("the client did not wait for the reply: it came after status had been asked twice")

    def on_request(self, asked):
        fields = {name: value for name, value in self.fields.items() if value is not None}
        found = cases.difference(fields, asked.fields)
        if found:
            raise Wrong(f"in the request {'as it was asked again' if self.asks else 'that the client sent'}, {found}")
        if self.asks and asked.sender in [other.sender for other in self.asks]:
            raise Wrong("the client asked again on the same connection, not on a new one")
        if self.asks and not self.looks_since:
            raise Wrong("the client asked again without having asked for status")
        self.asks.append(asked)
        self.looks_since = 0
        {"lost": self.lose, "silent": self.lose, "late": self.lose, "slow": self.lose, "stepping": self.hold,
         "waiting": self.hold, "dead": self.ignore, "not json": self.answer_nonsense, "twice": self.answer_twice,
         "older id": self.answer_with_an_older_one}.get(self.fault, self.answer)(asked)

    def answer(self, asked):
        more = {"weather": {"rain": True}} if self.fault == "unknown member" else {}
        self.client.reply(asked, {**self.sent, **more}, self.frames)

    def lose(self, asked):
        """Answers when it is asked again; what is slow is asked for after 1 and 3 times the patience, not after 2."""
        waited = asked.at - self.asks[0].at
        if len(self.asks) < 2 or (self.fault == "slow" and waited < 2.5 * self.client.patience):
            return
        if self.fault == "slow" and len(self.asks) > 3:
            raise Wrong(
                f"the client asked {len(self.asks)} times within {waited:.1f} s: status is answered and the reply is "
                f"not, so it has to wait longer each time, not {self.client.patience:g} s again"
            )
        self.answer(asked)
        if self.fault == "late":
            self.client.reply(self.asks[0], self.sent, self.frames)

    def hold(self, asked):
        if len(self.asks) > 1:
            raise Wrong("the client asked again, though status says that the run is at work: it has to wait on")

    def ignore(self, asked):
        pass

    def answer_nonsense(self, asked):
        self.client.send(asked, b"<html>503 Service Unavailable</html>")

    def answer_twice(self, asked):
        self.answer(asked)
        self.answer(asked)
        time.sleep(0.05)  # so that the second is there when the client asks for something else

    def answer_with_an_older_one(self, asked):
        before, frames = self.client.answered
        if "id" in asked.request and "id" in before.request:
            self.client.server.send_multipart([asked.sender, *asked.envelope, *frames])
        self.answer(asked)

    def on_status(self, asked):
        self.looks += 1
        self.looks_since += 1
        run = self.fields.get("run")
        if asked.sender in [other.sender for other in self.asks]:
            raise Wrong("the client asked for status on the connection of its request, not on a second one")
        if asked.fields.get("run", run) != run:
            raise Wrong(f"the client asked for the status of {cases.shown(asked.fields['run'])}, not of {run!r}")
        if self.fault in ("silent", "dead"):
            return
        status = {"v": 1, "op": "status", "ok": True, "runs": []}
        if run is not None:
            status["runs"] = [{"run": run, **STATUS, "next_seq": self.fields.get("seq", 0)}]
            status["runs"][0]["stepping"] = self.fault == "stepping"
            status["runs"][0]["waiting_for"] = SOMEBODY if self.fault == "waiting" else []
        before = self.client.answered
        self.client.reply(asked, status)
        self.client.answered = before
        if self.fault in ("stepping", "waiting") and self.looks == 2:
            self.answer(self.asks[0])

    def on_giving_up(self, took, was_heard):
        client = self.client
        if not self.looks:
            raise Wrong("the client gave up without having asked for status")
        if not was_heard and took > client.give_up:
            raise Wrong(f"the client took {took:.1f} s to give up, though there had never been an answer")
        if was_heard and len(self.asks) < 2:
            raise Wrong("the client gave up without having asked again")
        if was_heard and took < 0.8 * client.give_up:
            raise Wrong(f"the client gave up after {took:.1f} s, before its --give-up of {client.give_up:g} s")

    def compare(self, line):
        """What the client printed with what it should have understood."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or ("reply" in said) == ("error" in said):
            raise Wrong(f"the client has to print an object with either reply or error, and printed {line[:300]!r}")
        code = SAID.get(self.fault) or self.sent.get("error", {}).get("code")
        if code:
            expected, came = {"error": code}, {"error": said.get("error")}
        else:
            expected = {"reply": understood(self.sent), **self.data}
            came = {**said, "reply": understood(said.get("reply"))}
        if ("reply" in said) == bool(code):
            raise Wrong(f"the client should have understood {cases.shown(expected)}, and printed {cases.shown(said)}")
        found = cases.difference(expected, came)
        if found:
            raise Wrong(f"in what the client understood, {found}")


def understood(reply):
    """A reply's members as far as clients have to hand them on."""
    if not isinstance(reply, dict):
        return reply
    return {name: value for name, value in reply.items() if name not in ("v", "id", "op", "ok", "weather")}


def requests_of(case):
    """Each request with the exchange that has its reply, as a client that does one thing at a time makes them."""
    for number, exchange in enumerate(case.exchanges):
        if "request" in exchange:
            connection = exchange.get("connection")
            later = [other for other in case.exchanges[number:] if other.get("connection") == connection]
            yield exchange, next((other for other in later if other.get("reply") is not None), exchange)


def check(case, client):
    """What is wrong, as sentences; an empty list if nothing is."""
    for number, (exchange, reply) in enumerate(requests_of(case), 1):
        play = Play(client, exchange, reply)
        try:
            play.run()
        except Wrong as wrong:
            fault = f" ({play.fault})" if play.fault else ""
            return [f"request {number}{fault}: told the client to ask {cases.shown(play.fields)}", str(wrong)]
    return []
