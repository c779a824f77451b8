"""Listeners: every step once and in order, whatever is lost on the way."""

import os
import signal
import threading
import time

import crims
import pytest


def listen(name, heard, kind=crims.Listener, **options):
    """Listens in a thread until the run is over."""
    listener = kind(name, **options)

    def go():
        with listener:
            heard.extend(listener)

    thread = threading.Thread(target=go)
    thread.start()
    return listener, thread


def as_rows(steps):
    return [row for step in steps for row in step.incidents]


def test_what_is_heard_is_what_was_taken(sim):
    run = sim.open("merseyside", start="2020-01-06", seed=6, run="heard")
    early = [run.step() for _ in range(3)]
    heard = []
    listener, thread = listen("heard", heard, control=sim.control)
    time.sleep(0.3)
    taken = early + [run.step() for _ in range(30)]
    run.close()
    thread.join(10)
    assert [step.seq for step in heard] == list(range(33))
    assert as_rows(heard) == as_rows(taken)
    for one, other in zip(heard, taken):
        assert (one.start, one.end, one.count) == (other.start, other.end, other.count)
        assert (one.expected, one.baseline) == (other.expected, other.baseline)
    assert [step.was_read for step in heard[:3]] == [True] * 3
    assert listener.gaps < 33 and not all(step.was_read for step in heard), "nothing was heard, all was read"
    run.delete()


def test_what_is_lost_is_read(sim):
    """A third of the messages is lost on purpose, and the news of the end."""

    class Lossy(crims.Listener):
        received = 0

        def receive(self, seconds):
            event = super().receive(seconds)
            self.received += 1
            if event and (event[0].startswith(b"run/") or self.received % 3 == 0):
                return None
            return event

    run = sim.open("merseyside", start="2020-01-06", seed=7, run="lossy")
    heard = []
    listener, thread = listen("lossy", heard, kind=Lossy, simulation=crims.connect(sim.control))
    taken = []
    for _ in range(40):
        taken.append(run.step())
        time.sleep(0.005)
    run.close()
    thread.join(20)
    assert [step.seq for step in heard] == list(range(40)) and as_rows(heard) == as_rows(taken)
    assert 0 < listener.gaps <= 40
    run.delete()


def test_it_may_come_late_and_begin_where_it_likes(sim):
    run = sim.open("merseyside", start="2020-01-06", seed=8, run="late")
    run.step(24, format="none")
    run.close()
    with crims.Listener("late", control=sim.control) as whole:
        assert [step.seq for step in whole] == list(range(24))
    with crims.Listener("late", control=sim.control, seq=20) as end:
        assert [step.seq for step in end] == [20, 21, 22, 23]
    run.delete()
    with pytest.raises(crims.UnknownRun):
        crims.Listener("late", control=sim.control)


def test_it_may_come_early_and_give_up_when_nothing_happens(sim):
    heard = []

    def go():
        with crims.Listener("early", control=sim.control, wait=10, idle=1) as listener:
            heard.extend(listener)

    thread = threading.Thread(target=go)
    thread.start()
    time.sleep(0.5)
    run = sim.open("merseyside", start="2020-01-06", run="early")
    for _ in range(3):
        time.sleep(0.4)
        run.step()
    begun = time.monotonic()
    thread.join(10)
    assert [step.seq for step in heard] == [0, 1, 2] and 0.8 < time.monotonic() - begun < 4
    assert all(step.heard == step.count or step.was_read for step in heard)
    run.close()
    run.delete()
    begun = time.monotonic()
    with pytest.raises(crims.UnknownRun):
        crims.Listener("early", control=sim.control, wait=0.5)
    assert time.monotonic() - begun >= 0.5


def test_a_run_that_ends_ends_it(sim):
    run = sim.open("merseyside", start="2020-01-06", end="2020-01-07", run="ends")
    heard = []
    _, thread = listen("ends", heard, control=sim.control)
    list(run.until("2020-01-07"))
    thread.join(10)
    assert len(heard) == 24
    run.close()
    run.delete()


def test_a_daemon_that_stops_is_an_exception_in_time(launch):
    sim = launch(timeout=2)
    sim.open("merseyside", start="2020-01-06", run="silent")
    with crims.Listener("silent", control=sim.control, timeout=2) as listener:
        os.kill(sim.daemon.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with pytest.raises(crims.DaemonLost, match="died or hangs"):
                list(listener)
            assert 1.5 < time.monotonic() - begun < 6
        finally:
            os.kill(sim.daemon.pid, signal.SIGCONT)
