"""What the daemon tells a service manager: ready, alive, ending. The manager here is a datagram socket of the test."""

import json
import re
import signal
import socket
import time

import pytest
from crims_client import Client
from test_daemon import begin_long_step

HALF_SECOND = "500000"  # of WATCHDOG_USEC, so that a sign of life is due each quarter


class Manager:
    """Hears what comes on a socket whose address is in the environment of daemons started later."""

    def __init__(self, address, monkeypatch):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", address)

    def next(self, within=3.0):
        """The next message, as a list of lines; nothing, if none comes in time."""
        self.socket.settimeout(within)
        try:
            return self.socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return []

    def beats(self, seconds):
        """When signs of life came, in seconds from now on; it hears nothing else."""
        begun, times = time.monotonic(), [0.0]
        while (left := begun + seconds - time.monotonic()) > 0:
            if message := self.next(left):
                assert message == ["WATCHDOG=1"]
                times.append(time.monotonic() - begun)
        return times

    def last(self):
        """The last message of those that have come."""
        message = []
        while heard := self.next(0.1):
            message = heard
        return message


@pytest.fixture
def manager(tmp_path, monkeypatch):
    manager = Manager(f"{tmp_path}/notify", monkeypatch)
    yield manager
    manager.socket.close()


def longest_gap(times):
    return max(later - earlier for earlier, later in zip(times, times[1:]))


def test_ready_is_told_with_the_endpoint_once_requests_are_answered(manager, start_daemon, connect):
    daemon = start_daemon()
    ready, status = manager.next()
    assert ready == "READY=1"
    assert status == f"STATUS=takes requests on {daemon.control}"
    assert connect(Client, daemon.control).hello()["ok"]
    assert manager.next(1.5) == [], "nobody watches"


def test_an_abstract_socket_will_do(tmp_path, monkeypatch, start_daemon):
    manager = Manager(f"@crims-test{tmp_path}", monkeypatch)
    start_daemon()
    assert manager.next()[0] == "READY=1"
    manager.socket.close()


def test_nothing_is_told_where_the_start_fails(manager, crims, daemon):
    assert crims("serve", "--control", daemon.control).returncode == 1
    assert manager.next(0.3) == []


def test_signs_of_life_come_twice_as_often_as_they_must(manager, monkeypatch, start_daemon):
    monkeypatch.setenv("WATCHDOG_USEC", HALF_SECOND)
    start_daemon()
    assert manager.next()[0] == "READY=1"
    times = manager.beats(2.6)
    assert longest_gap(times) < 0.5
    assert 8 <= len(times) - 1 <= 12


def test_signs_of_life_come_during_a_long_step(manager, monkeypatch, start_daemon, connect):
    monkeypatch.setenv("WATCHDOG_USEC", HALF_SECOND)
    daemon = start_daemon()
    assert manager.next()[0] == "READY=1"
    _, dealer = begin_long_step(daemon, connect)
    manager.last()
    times = manager.beats(1.2)
    assert not dealer.socket.poll(0), "the step was over too soon to see"
    assert longest_gap(times) < 0.5


def test_a_daemon_that_hangs_is_silent(manager, monkeypatch, start_daemon):
    monkeypatch.setenv("WATCHDOG_USEC", HALF_SECOND)
    daemon = start_daemon()
    assert manager.next()[0] == "READY=1"
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    manager.last()
    assert manager.beats(1) == [0.0]
    daemon.process.send_signal(signal.SIGCONT)
    assert manager.next() == ["WATCHDOG=1"]


@pytest.mark.parametrize("variables", [
    {"WATCHDOG_USEC": HALF_SECOND, "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "half a second"},
])  # fmt: skip
def test_no_sign_of_life_where_this_process_is_not_watched(manager, monkeypatch, start_daemon, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    start_daemon()
    assert manager.next()[0] == "READY=1"
    assert manager.next(0.8) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_told_when_it_begins(manager, start_daemon, connect, number):
    daemon = start_daemon()
    begin_long_step(daemon, connect)
    manager.last()
    daemon.process.send_signal(number)
    assert manager.next(0.4)[0] == "STOPPING=1", "before the grace of half a second is over"
    assert daemon.process.wait(3) == 0


def test_reading_the_keys_again_is_told_when_it_begins_and_when_it_is_done(manager, start_daemon):
    daemon = start_daemon()
    manager.next()
    begun = time.monotonic()
    daemon.process.send_signal(signal.SIGHUP)
    reloading, at = manager.next()
    assert reloading == "RELOADING=1"
    assert begun - 1e-3 <= int(re.fullmatch(r"MONOTONIC_USEC=(\d+)", at)[1]) / 1e6 <= time.monotonic()
    assert manager.next() == ["READY=1"]
    assert daemon.process.poll() is None


def test_a_manager_that_does_not_read_holds_nobody_up(manager, monkeypatch, start_daemon, connect):
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    client = connect(Client, start_daemon().control)
    answered, end = 0, time.monotonic() + 3  # the socket's queue is full long before
    while time.monotonic() < end:
        client.hello()
        answered += 1
        time.sleep(0.01)
    assert answered > 30, "waiting a second for the manager, time and again, would leave half a dozen"


@pytest.mark.parametrize("address", ["/nowhere/notify", "vsock:2:1", "/" + 200 * "x", ""])
def test_a_manager_that_cannot_be_told_is_logged_and_the_daemon_serves(monkeypatch, start_daemon, connect, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    daemon = start_daemon()
    assert connect(Client, daemon.control).hello()["ok"]
    events = [json.loads(line)["event"] for line in daemon.words().splitlines()]
    assert events.count("service manager not told") == 1
