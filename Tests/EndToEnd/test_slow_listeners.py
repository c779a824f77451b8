"""Listeners that never read: they hold no step up, hold no more memory than they may, and cost the others no event."""

import json
import os
import statistics
import threading
import time

import pytest
import zmq
from conftest import MODEL
from crims_client import Client, Listener
from hostile import (
    LONG,
    deaf_listeners,
    eventually,
    long_form,
    newcomer_is_served,
    peers,
    report,
    resident,
)


@pytest.fixture
def served(start_daemon, connect):
    def make(*arguments):
        daemon = start_daemon("--no-data", *arguments)
        return daemon, connect(Client, daemon.control)

    return make


def open_run(client, name, **fields):
    client.open(**{"model": MODEL, "start": "2020-01-01", "run": name, "step": "1mo", **fields})


class Reader(threading.Thread):
    """A listener that does read, all the time: how many incidents it got of each step, and how many were told of."""

    def __init__(self, endpoint, run):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.listener = Listener(endpoint, f"incidents/{run}/", f"step/{run}/", context=self.context)
        self.listener.sync()
        self.run_name, self.steps, self.ended = run, [], threading.Event()

    def run(self):
        got = 0
        while not self.ended.is_set():
            try:
                topic, payload = self.listener.next(200)
            except zmq.Again:
                continue
            if topic.startswith("step/"):
                self.steps.append((payload["seq"], payload["count"], got))
                got = 0
            else:
                got += len(payload["incidents"])

    def end(self):
        self.ended.set()
        self.join(5)
        self.listener.end()
        self.context.term()


def test_events_that_wait_stay_under_their_bound_and_who_reads_loses_none(served):
    # Room for what is published while the others are found to take nothing: with a hundred, libzmq is busy filling the
    # buffers of their connections first.
    bound = 128_000_000 if LONG else 32_000_000
    daemon, client = served("--max-event-bytes", str(bound))
    open_run(client, "r")
    client.step(run="r", format="none")
    before = resident(daemon)
    reader = Reader(daemon.events, "r")
    reader.start()
    most = 0
    with deaf_listeners(daemon.events, 100 if LONG else 10):
        eventually(lambda: peers(client, "listeners") >= 10)
        for _ in range(96 if LONG else 24):
            seq = client.step(run="r", format="none")["seq"]
            most = max(most, peers(client, "event_bytes"))
            eventually(lambda seq=seq: reader.steps and reader.steps[-1][0] == seq)
            time.sleep(0.03)  # Who is stuck shows with time only: a faster machine would leave too little.
        assert peers(client, "cut_stuck") >= 10
    told = peers(client)
    reader.end()
    report(bound=bound, most_event_bytes=most, memory_before=before, memory_peak=resident(daemon, "VmHWM"),
           cut_stuck=told["cut_stuck"], dropped_events=told["dropped_events"])
    assert most <= bound + 1_000_000
    assert [seq for seq, _, _ in reader.steps] == list(range(1, len(reader.steps) + 1))
    assert all(count == got for _, count, got in reader.steps), "the one that reads lost events"
    assert resident(daemon, "VmHWM") < before + bound / 1e6 + 40


def test_a_listener_that_takes_nothing_is_cut_after_its_time(served):
    daemon, client = served("--stuck-seconds", "1")
    open_run(client, "r")
    with deaf_listeners(daemon.events, 1):
        eventually(lambda: peers(client, "listeners") == 1)
        for _ in range(20):
            client.step(run="r", format="none")
        eventually(lambda: peers(client, "cut_stuck") >= 1, seconds=20, pause=0.2)
    eventually(lambda: peers(client, "event_bytes") == 0)
    assert "they take nothing" in daemon.words()
    assert newcomer_is_served(daemon)


def test_a_listener_that_has_nothing_to_take_is_not_cut(served, connect):
    daemon, client = served("--stuck-seconds", "1")
    open_run(client, "r")
    listener = connect(Listener, daemon.events, "step/r/").sync()
    time.sleep(2.5)
    client.step(run="r", format="none")
    assert listener.next()[1]["seq"] == 0
    assert peers(client, "cut_stuck") == 0


def test_a_listener_that_reads_again_hears_again(served):
    daemon, client = served("--stuck-seconds", "0")
    open_run(client, "r")
    with deaf_listeners(daemon.events, 1) as (sleeper,):
        eventually(lambda: peers(client, "listeners") == 1)
        for _ in range(20):
            client.step(run="r", format="none")
        time.sleep(2.2)
        client.step(run="r", format="none")
        sleeper.rcvtimeo = 15_000
        while not sleeper.recv_multipart()[0].startswith(b"heartbeat/"):
            pass
        eventually(lambda: peers(client, "event_bytes") == 0 or sleeper.recv_multipart() is None)
        time.sleep(1.2)
        seq = client.step(run="r", format="none")["seq"]
        found = False
        while not found:
            topic, payload = sleeper.recv_multipart()
            found = topic == b"step/r/" and json.loads(payload)["seq"] == seq


def in_turn(clients, count):
    """The median step of each of these clients in microseconds, a step of each in turn: so all see the same machine."""
    taken = [[] for _ in clients]
    for _ in range(count):
        for client, times in zip(clients, taken):
            begun = time.perf_counter()
            client.step(run="r", format="none")
            times.append(time.perf_counter() - begun)
    return [statistics.median(times) * 1e6 for times in taken]


def share_a_processor(*daemons):
    """Puts these on one processor and whoever asks them on another: left to the scheduler, they change between fast and
    slow neighbourhoods from second to second."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        for daemon in daemons:
            for thread in os.listdir(f"/proc/{daemon.process.pid}/task"):
                os.sched_setaffinity(int(thread), processors[1:2])
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), processors[:1])


@pytest.fixture(autouse=True)
def processors():
    """Takes back what a test does to the processors of its own process."""
    allowed = os.sched_getaffinity(0)
    yield
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), allowed)


def filled(client):
    """Steps a while, and says whether what waits for the listeners has stopped growing: they take no more."""
    before = peers(client, "event_bytes")
    in_turn([client], 2_000)
    return peers(client, "event_bytes") <= before


@long_form
@pytest.mark.parametrize("count", [1, 10, 100])
def test_a_step_takes_as_long_beside_listeners_that_never_read(served, count):
    """Hours in lockstep, of a daemon without listeners and of one with them, step by step in turn."""
    (other, quiet), (daemon, beside) = served(), served()
    for client in quiet, beside:
        open_run(client, "r", step="1h")
    share_a_processor(other, daemon)
    in_turn([quiet, beside], 2_000)
    before = resident(daemon)
    with deaf_listeners(daemon.events, count):
        eventually(lambda: peers(beside, "listeners") == count)
        _, at_first = in_turn([quiet, beside], 500)
        eventually(lambda: filled(beside), seconds=60, pause=0)
        without, with_them = in_turn([quiet, beside], 30_000)
        told = peers(beside)
    report(listeners=count, step_us=without, beside_us=with_them, ratio=with_them / without, at_first_us=at_first,
           memory_before=before, memory_peak=resident(daemon, "VmHWM"), cut_stuck=told["cut_stuck"],
           dropped=told["dropped_events"])
    assert with_them < 1.1 * without
    assert resident(daemon, "VmHWM") < before + 300
