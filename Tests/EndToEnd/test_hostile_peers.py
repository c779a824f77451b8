"""Peers that hold connections, send what is too large or no ZMTP at all, or subscribe to everything there could be:
others are served, memory and descriptors come back, and the daemon says what it did."""

import contextlib
import json
import random
import statistics
import struct
import time

import pytest
import zmq
from conftest import MODEL
from crims_client import Client, Listener
from hostile import (
    GREETING,
    LONG,
    deaf_listeners,
    descriptors,
    dial,
    eventually,
    is_open,
    long_form,
    many,
    newcomer_is_served,
    peers,
    processor_seconds,
    ready,
    report,
    resident,
    shake_hands,
)


@pytest.fixture
def honest(start_daemon, connect):
    """A daemon and a client of it with a run `r`; further arguments are the daemon's."""

    def make(*arguments, **options):
        daemon = start_daemon("--no-data", *arguments, **options)
        client = connect(Client, daemon.control)
        client.open(model=MODEL, start="2020-01-06", run="r")
        client.step(run="r")
        return daemon, client

    return make


def timed(client, count):
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        client.step(run="r")
        taken.append(time.perf_counter() - begun)
    return taken


def compared(client, hostility, rounds=10, count=100):
    """Medians of a step in microseconds: undisturbed, and while `hostility()` — a context — goes on; in turn."""
    quiet, disturbed = [], []
    for _ in range(rounds):
        quiet += timed(client, count)
        with hostility():
            disturbed += timed(client, count)
    return statistics.median(quiet) * 1e6, statistics.median(disturbed) * 1e6


# MARK: Connections


@pytest.mark.parametrize("side", ["control", "events"])
def test_idle_connections_lock_nobody_out(honest, side):
    daemon, client = honest(descriptors=128)
    limit = client.hello()["limits"]["connections"]
    assert limit <= 64
    with many(lambda _: dial(getattr(daemon, side)), 300 if LONG else 120):
        assert newcomer_is_served(daemon)
        assert client.step(run="r")["ok"], "who was there before is served on"
        told = peers(client)
        assert told["connections"] <= limit + 2 and told["cut_connections"] > 0
        assert descriptors(daemon) < 128
    assert "connections cut: too many" in daemon.words()


def test_idle_zeromq_peers_that_connect_again_and_again_lock_nobody_out(honest):
    daemon, client = honest(descriptors=128)
    count = 300 if LONG else 60
    with deaf_listeners(daemon.events, count, topics=()), deaf_listeners(daemon.control, count, topics=()):
        eventually(lambda: peers(client, "cut_connections") > 10)
        for _ in range(5):
            assert newcomer_is_served(daemon)
        assert client.step(run="r")["ok"]


def test_listeners_are_not_idle(honest, connect):
    daemon, client = honest(descriptors=128)
    listener = connect(Listener, daemon.events, "step/r/").sync()
    with many(lambda _: dial(daemon.events), 120):
        for _ in range(10):
            client.step(run="r")
        eventually(lambda: peers(client, "cut_connections") > 0)
        assert [listener.next()[1]["seq"] for _ in range(10)] == list(range(1, 11)), "none is lost, so it was not cut"


def test_descriptors_come_back(honest):
    daemon, client = honest()
    before = descriptors(daemon)
    for side in (daemon.control, daemon.events):
        with many(lambda _, side=side: dial(side), 200):
            eventually(lambda: peers(client, "connections") >= 200)
    eventually(lambda: peers(client, "connections") == 1)
    eventually(lambda: descriptors(daemon) <= before + 2)


# MARK: Frames


def test_a_frame_that_is_too_large_is_counted_and_told_of(honest):
    daemon, client = honest()
    before = resident(daemon)
    announced = 300_000_000

    def is_counted():
        # A connection that has come and gone before the daemon looks is not.
        with shake_hands(daemon.control, "DEALER") as peer, contextlib.suppress(ConnectionError, TimeoutError):
            peer.sendall(b"\x02" + struct.pack(">Q", announced) + b" " * 1_000_000)
            time.sleep(0.05)
        return peers(client, "cut_malformed")

    eventually(is_counted)
    lines = eventually(lambda: [line for line in daemon.words().splitlines() if "too large" in line])
    told = [json.loads(line) for line in lines]
    assert told[0]["total"] >= 1 and told[0]["frame_bytes"] == client.hello()["limits"]["frame_bytes"]
    assert resident(daemon) < before + 20


def test_a_long_topic_ends_its_connection(honest):
    daemon, client = honest()
    with shake_hands(daemon.events, "SUB") as peer:
        topic = b"\x01" + b"x" * 4_000
        peer.sendall(b"\x02" + struct.pack(">Q", len(topic)) + topic + b"x" * 4_000)
        eventually(lambda: not is_open(peer))
    assert newcomer_is_served(daemon)


def send_whole(endpoint, size):
    """Sends a frame of so many bytes by ZeroMQ, as far as it is taken."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    socket.send(b" " * size, copy=False)
    return context, socket


@long_form
def test_a_frame_of_300_megabytes(honest):
    daemon, client = honest()
    before = resident(daemon)

    @contextlib.contextmanager
    def hostility():
        context, socket = send_whole(daemon.control, 300_000_000)
        yield
        socket.close()
        context.term()

    quiet, disturbed = compared(client, hostility)
    report(step_us=quiet, disturbed_us=disturbed, ratio=disturbed / quiet, memory_before=before,
           memory_peak=resident(daemon, "VmHWM"), cut=peers(client, "cut_malformed"))
    assert disturbed < 2 * quiet
    assert resident(daemon, "VmHWM") < before + 50


# MARK: Subscriptions


def subscribe(endpoint, count):
    """A SUB socket with so many topics."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.linger, socket.sndhwm = 0, 0
    for number in range(count):
        socket.subscribe(f"incidents/nobody/{number}/")
    socket.connect(endpoint)
    return context, socket


def test_many_subscriptions_end_their_connection_and_are_forgotten(honest, connect):
    daemon, client = honest()
    before = resident(daemon)
    listener = connect(Listener, daemon.events, "step/r/").sync()
    context, greedy = subscribe(daemon.events, 300_000 if LONG else 20_000)
    eventually(lambda: peers(client, "cut_subscriptions") > 0)
    assert newcomer_is_served(daemon)
    client.step(run="r")
    assert listener.next()[1]["seq"] == 1
    greedy.close()
    context.term()
    eventually(lambda: peers(client, "subscriptions") <= 1, seconds=30)
    report(memory_before=before, memory_peak=resident(daemon, "VmHWM"), memory_after=resident(daemon))
    assert resident(daemon, "VmHWM") < before + 60
    assert "too many subscriptions" in daemon.words()


def test_as_many_subscriptions_as_allowed_are_served(honest, connect):
    daemon, client = honest("--max-subscriptions", "50")
    listener = connect(Listener, daemon.events, *(f"step/other{number}/" for number in range(48)), "step/r/").sync()
    client.step(run="r")
    assert listener.next()[0] == "step/r/"
    assert (peers(client, "listeners"), peers(client, "cut_subscriptions")) == (1, 0)


@long_form
def test_honest_clients_beside_300_000_subscriptions(honest):
    daemon, client = honest()
    before = resident(daemon)

    @contextlib.contextmanager
    def hostility():
        context, socket = subscribe(daemon.events, 300_000)
        yield
        socket.close()
        context.term()

    quiet, disturbed = compared(client, hostility, rounds=5, count=300)
    report(step_us=quiet, disturbed_us=disturbed, ratio=disturbed / quiet, memory_before=before,
           memory_peak=resident(daemon, "VmHWM"), cut=peers(client, "cut_subscriptions"))
    assert disturbed < 2 * quiet
    assert resident(daemon, "VmHWM") < before + 60


@long_form
def test_honest_clients_beside_300_idle_connections_at_128_descriptors(honest):
    daemon, client = honest(descriptors=128)

    @contextlib.contextmanager
    def hostility():
        with many(lambda number: dial(daemon.events if number % 2 else daemon.control), 300):
            yield

    quiet, disturbed = compared(client, hostility, rounds=5, count=300)
    with deaf_listeners(daemon.events, 300, topics=()):
        spent, begun = processor_seconds(daemon), time.monotonic()
        beside = statistics.median(timed(client, 3_000)) * 1e6
        spent = (processor_seconds(daemon) - spent) / (time.monotonic() - begun)
    report(step_us=quiet, disturbed_us=disturbed, ratio=disturbed / quiet, beside_reconnecting_us=beside,
           ratio_beside_reconnecting=beside / quiet, processor_share=spent, cut=peers(client, "cut_connections"))
    assert newcomer_is_served(daemon)
    assert disturbed < 2 * quiet and beside < 2 * quiet


# MARK: Anything


def frames_of_noise(random, count):
    """Well-formed ZMTP frames with anything in them."""
    out = bytearray()
    for _ in range(count):
        body = random.choice([
            b"", random.randbytes(random.randrange(64)), b'{"v":1,"op":"hello"}', b'{"v":1,"op":"step"',
            b"\x01" + random.randbytes(8), b"\x00" + random.randbytes(8), b'{"v":1,"op":"read","run":"r","seq":0}',
        ])  # fmt: skip
        out += bytes([random.choice([0, 0, 0, 1]), len(body)]) + body
    return bytes(out)


def hurl(daemon, random, frames):
    """Sends something that no honest peer would, and hangs up. Returns how many frames it had."""
    side, kind = random.choice([(daemon.control, "DEALER"), (daemon.control, "REQ"), (daemon.events, "SUB")])
    what = random.randrange(5)
    sent = 0
    with contextlib.suppress(OSError, AssertionError):
        if what == 0:
            with dial(side) as peer:
                peer.sendall(random.randbytes(random.randrange(1, 4_096)))
                sent = 1
        elif what == 1:
            with dial(side) as peer:
                peer.sendall(GREETING[: random.randrange(65)])
        elif what == 2:
            with dial(side) as peer:
                peer.sendall(GREETING + ready(random.choice([kind, "PAIR", "NONSENSE"]))[: random.randrange(40)])
        elif what == 3:
            with shake_hands(side, kind) as peer:
                peer.sendall(random.randbytes(random.randrange(1, 4_096)))
                sent = 1
        else:
            with shake_hands(side, kind) as peer:
                peer.sendall(frames_of_noise(random, frames))
                sent = frames
    return sent


def test_noise_at_the_sockets_leaves_nothing_behind(honest):
    daemon, client = honest()
    source = random.Random(4)
    for _ in range(100):
        hurl(daemon, source, 50)
    eventually(lambda: peers(client, "connections") == 1)
    before, open_before = resident(daemon), descriptors(daemon)
    sent, wanted = 0, 1_000_000 if LONG else 10_000
    while sent < wanted:
        sent += hurl(daemon, source, 5_000 if LONG else 500)
    def quiet():
        told = peers(client)
        held = (told["connections"], told["subscriptions"], told["unread_bytes"], told["event_bytes"])
        return held == (1, 0, 0, 0) and told

    told = eventually(quiet, seconds=30)
    report(frames=sent, memory_before=before, memory_after=resident(daemon), memory_peak=resident(daemon, "VmHWM"),
           descriptors_before=open_before, descriptors_after=descriptors(daemon),
           failed_handshakes=told["failed_handshakes"], cut_malformed=told["cut_malformed"])
    assert descriptors(daemon) <= open_before + 2
    assert resident(daemon) < before + (30 if LONG else 15)
    assert client.step(run="r")["ok"] and newcomer_is_served(daemon)


def test_log_lines_come_at_a_bounded_rate(honest):
    daemon, client = honest()
    for _ in range(100):
        with dial(daemon.control) as peer:
            peer.sendall(b"\xff" * 200)
    eventually(lambda: peers(client, "failed_handshakes") + peers(client, "cut_malformed") >= 90)
    time.sleep(1.2)
    assert 1 <= len([line for line in daemon.words().splitlines() if "ready" not in line]) <= 6
