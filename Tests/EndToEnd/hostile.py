"""Peers that mean no good, and looks at the daemon that bears them. All of it bounded, and on the loopback alone."""

import contextlib
import os
import pathlib
import re
import socket
import struct
import time

import pytest
import zmq
from crims_client import Client, Listener

LONG = bool(os.environ.get("CRIMS_LONG"))
"""Whether the tests run in full: minutes, for docs/reliability.md."""

long_form = pytest.mark.skipif(not LONG, reason="the long form: CRIMS_LONG=1")

# A ZMTP 3.1 greeting without security, as any ZeroMQ socket sends it.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)


def ready(kind):
    """The command by which a peer says what socket it is."""
    kind = kind.encode()
    body = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    return bytes([4, len(body)]) + body


def dial(endpoint, timeout=5):
    """A bare TCP connection to an endpoint of the daemon."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=timeout)


def shake_hands(endpoint, kind):
    """A bare connection that has got through ZMTP's handshake as a DEALER or SUB, and so may send frames."""
    peer = dial(endpoint)
    peer.sendall(GREETING + ready(kind))
    got = b""
    while len(got) < len(GREETING) + 2 or len(got) < len(GREETING) + 2 + got[len(GREETING) + 1]:
        more = peer.recv(4096)
        assert more, "the daemon hung up amid the handshake"
        got += more
    return peer


def is_open(peer):
    """Whether a bare connection still stands."""
    peer.setblocking(False)
    try:
        return peer.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def resident(daemon, field="VmRSS"):
    """Megabytes of memory that the daemon has; with VmHWM, the most it ever had."""
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def processor_seconds(daemon):
    fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(daemon):
    """How many the daemon has open."""
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def eventually(what, seconds=10, pause=0.02):
    """Waits until something holds, and returns it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(pause)
    return found


def peers(client, name=None):
    """What `status` tells of the daemon's peers."""
    told = client.status()["peers"]
    return told[name] if name else told


@contextlib.contextmanager
def many(make, count):
    """Up to so many sockets at once, closed afterwards; those that cannot be made are left out."""
    made = []
    try:
        for number in range(count):
            with contextlib.suppress(OSError):
                made.append(make(number))
        yield made
    finally:
        for one in made:
            one.close()


@contextlib.contextmanager
def deaf_listeners(endpoint, count, topics=("",)):
    """SUB sockets that never read and take as little as they may before they are read."""
    context = zmq.Context()
    context.max_sockets = 2_000

    def make(_):
        listener = context.socket(zmq.SUB)
        # With less than this, TCP hands over a few bytes every 0.2 s for a while, and it is not stuck.
        listener.linger, listener.rcvhwm, listener.rcvbuf = 0, 1, 65_536
        for topic in topics:
            listener.subscribe(topic)
        listener.connect(endpoint)
        return listener

    with many(make, count) as made:
        yield made
    context.term()


def newcomer_is_served(daemon, seconds=10):
    """Whether somebody who connects now gets an answer and events, perhaps when asking again.

    Who connects while there is no room may be cut with a request under way: docs/clients.md says to ask again.
    """
    context = zmq.Context()
    listener = Listener(daemon.events, "heartbeat/", context=context)
    try:
        return any(greets(daemon, context, seconds / 2) for _ in range(2)) and (
            listener.next(int(seconds * 1000))[0] == "heartbeat/")
    finally:
        listener.end()
        context.term()


def greets(daemon, context, seconds):
    client = Client(daemon.control, context)
    client.socket.rcvtimeo = int(seconds * 1000)
    try:
        return client.hello()["ok"]
    except zmq.Again:
        return False
    finally:
        client.end()


def report(**figures):
    """Prints what was measured; pytest shows it with -rP or -s."""
    words = [f"{name}={round(value, 2) if isinstance(value, float) else value}" for name, value in figures.items()]
    print("measured:", ", ".join(words))
