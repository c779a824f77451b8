"""Daemons to test: one shared by most tests, others started and ended by the test that needs its own."""

import itertools
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from crims_client import Client, Dealer, Listener

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRIMS = pathlib.Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
MODEL = "merseyside"
ANY_PORT = "tcp://127.0.0.1:*"
# A daemon started without --data keeps its runs there, and never among those of whoever runs the tests.
STATE = tempfile.TemporaryDirectory(prefix="crims-state-")
os.environ["XDG_STATE_HOME"] = STATE.name
# The package of this checkout, whatever is installed; for the tests and for the programs that they start.
PACKAGE = str(ROOT / "clients" / "python" / "src")
sys.path.insert(0, PACKAGE)
os.environ["PYTHONPATH"] = os.pathsep.join([PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")])])


def read_line(pipe, seconds):
    """One line from a pipe, or what came of it in time."""
    line, deadline = b"", time.monotonic() + seconds * float(os.environ.get("CRIMS_PATIENCE", "1"))
    while not line.endswith(b"\n"):
        if not select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            return line
        byte = os.read(pipe.fileno(), 1)
        if not byte:
            return line
        line += byte
    return line


class Daemon:
    """A `crims serve` of our own, ended by its pid."""

    def __init__(self, *arguments, ready_within=10, descriptors=None):
        self.log = tempfile.TemporaryFile()
        self.folder = None
        if "--data" not in arguments and "--no-data" not in arguments:
            self.folder = tempfile.TemporaryDirectory(prefix="crims-data-")
            arguments = ("--data", self.folder.name, *arguments)
        command = [CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT, *arguments]
        if descriptors:
            command = ["prlimit", f"--nofile={descriptors}", *command]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.log, bufsize=0)
        line = read_line(self.process.stdout, ready_within)
        try:
            self.ready = json.loads(line)
            self.control, self.events = self.ready["control"][0], self.ready["events"][0]
        except (ValueError, LookupError):
            self.end()
            raise AssertionError(f"not ready, but: {line!r} {self.words()}") from None

    def words(self):
        """What the daemon has said on stderr."""
        self.log.seek(0)
        return self.log.read().decode()

    def signal(self, number, within):
        """Sends a signal and returns the exit code, or None when it has not ended in time."""
        self.process.send_signal(number)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            return None

    def end(self):
        if self.process.poll() is None and self.signal(signal.SIGTERM, 3) is None:
            self.process.kill()
        self.process.wait(5)
        self.process.stdout.close()
        if self.folder:
            self.folder.cleanup()


def wait_for_binary():
    """A rebuild takes the binary away for a moment."""
    deadline = time.monotonic() + 30
    while not os.access(CRIMS, os.X_OK):
        assert time.monotonic() < deadline, f"no daemon at {CRIMS}: `swift build -c release`, or set CRIMS_BIN"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def daemon():
    wait_for_binary()
    daemon = Daemon()
    yield daemon
    died = daemon.process.poll()
    daemon.end()
    assert died is None, f"the daemon of the tests ended with {died}: {daemon.words()[-1000:]}"


@pytest.fixture
def start_daemon():
    """Starts daemons that end with the test."""
    wait_for_binary()
    daemons = []

    def start(*arguments, **options):
        daemons.append(Daemon(*arguments, **options))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.end()


@pytest.fixture
def connect():
    """Makes sockets that close with the test: connect(Client, endpoint)."""
    sockets = []

    def make(kind, endpoint, *arguments, **options):
        sockets.append(kind(endpoint, *arguments, **options))
        return sockets[-1]

    yield make
    for socket in sockets:
        socket.end()


@pytest.fixture
def client(daemon, connect):
    return connect(Client, daemon.control)


@pytest.fixture
def dealer(daemon, connect):
    return connect(Dealer, daemon.control)


@pytest.fixture
def listen(daemon, connect):
    """Listens to topics, from now on."""
    return lambda *topics: connect(Listener, daemon.events, *topics).sync()


_names = itertools.count(1)


@pytest.fixture
def new_run(client):
    """Opens a run with a name of its own, from 2020-01-06 (a Monday) by the hour, and returns the name."""

    def open_run(**fields):
        fields = {"model": MODEL, "start": "2020-01-06", "run": f"t{next(_names)}", **fields}
        return client.open(**fields)["run"]

    return open_run


@pytest.fixture(scope="session")
def model(daemon):
    """The model as `describe` gives it."""
    client = Client(daemon.control)
    described = client.describe(model=MODEL)
    client.end()
    return described


@pytest.fixture
def crims():
    """Runs the command line tool and returns what it did; always bounded."""
    wait_for_binary()

    def run(*arguments, timeout=10):
        return subprocess.run([CRIMS, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)

    return run
