"""A small client of the CriMS wire protocol: JSON over a REQ or a DEALER socket, never without a timeout."""

import json
import os

import zmq

# A daemon in which a sanitizer looks at every access takes ten times as long.
TIMEOUT_MILLISECONDS = int(10_000 * float(os.environ.get("CRIMS_PATIENCE", "1")))


class Refused(Exception):
    """A reply with `ok` false; `code` and the error's other fields are for the test to look at."""

    def __init__(self, reply):
        super().__init__(f"{reply['error'].get('code')}: {reply['error'].get('message')}")
        self.reply = reply
        self.error = reply["error"]
        self.code = reply["error"]["code"]


class Reply(dict):
    """A reply's JSON object, with its `frames`: all of them as bytes, the JSON first."""

    def __init__(self, frames):
        super().__init__(json.loads(frames[0]))
        self.frames = frames


def _open(context, kind, endpoint, keys=None):
    socket = context.socket(kind)
    if keys:
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = keys
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = TIMEOUT_MILLISECONDS
    socket.connect(endpoint)
    return socket


class Client:
    """One REQ socket: `client.step(run="r1")` sends the operation `step` and returns its reply, or raises Refused."""

    def __init__(self, endpoint, context=None, keys=None):
        self.socket = _open(context or zmq.Context.instance(), zmq.REQ, endpoint, keys)

    def send(self, *frames):
        """Sends frames as they are and returns the reply, refused or not."""
        self.socket.send_multipart(frames)
        return Reply(self.socket.recv_multipart())

    def ask(self, op, **fields):
        """As a method call, but a refusal is returned as a reply."""
        return self.send(json.dumps({"v": 1, "op": op, **fields}).encode())

    def __getattr__(self, op):
        def call(**fields):
            reply = self.ask(op, **fields)
            if not reply["ok"]:
                raise Refused(reply)
            return reply

        return call

    def refused(self, op, **fields):
        """The error of a request that must be refused."""
        reply = self.ask(op, **fields)
        assert reply["ok"] is False, f"{op} {fields} was accepted: {str(dict(reply))[:300]}"
        return reply["error"]

    def end(self):
        self.socket.close()


class Dealer:
    """One DEALER socket: many requests in flight, frames as they are."""

    def __init__(self, endpoint, context=None, keys=None):
        self.socket = _open(context or zmq.Context.instance(), zmq.DEALER, endpoint, keys)

    def send(self, op, **fields):
        self.socket.send(json.dumps({"v": 1, "op": op, **fields}).encode())

    def receive(self, timeout=TIMEOUT_MILLISECONDS):
        """The next reply; raises zmq.Again when none comes in time."""
        self.socket.rcvtimeo = timeout
        return Reply(self.socket.recv_multipart())

    def end(self):
        self.socket.close()


class Listener:
    """One SUB socket on the events endpoint; `sync` makes sure that the subscription has arrived."""

    def __init__(self, endpoint, *topics, context=None, keys=None):
        self.socket = _open(context or zmq.Context.instance(), zmq.SUB, endpoint, keys)
        for topic in topics:
            self.socket.subscribe(topic)

    def next(self, timeout=TIMEOUT_MILLISECONDS):
        """The next event as (topic, payload); raises zmq.Again when none comes in time."""
        self.socket.rcvtimeo = timeout
        frames = self.socket.recv_multipart()
        assert len(frames) == 2, f"{len(frames)} frames instead of topic and payload"
        return frames[0].decode(), json.loads(frames[1])

    def until(self, topic, timeout=TIMEOUT_MILLISECONDS):
        """All events up to the next one with this topic, that one included."""
        events = []
        while not events or events[-1][0] != topic:
            events.append(self.next(timeout))
        return events

    def sync(self):
        """Waits for a heartbeat, subscribed to last: subscriptions arrive in order, so all the others are there."""
        self.socket.subscribe("heartbeat/")
        self.until("heartbeat/", timeout=3_000)
        self.socket.unsubscribe("heartbeat/")
        return self

    def end(self):
        self.socket.close()


def ids(reply):
    """The ids of a reply's incidents, as a list."""
    return [incident["id"] for incident in reply["incidents"]]
