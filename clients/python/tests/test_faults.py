"""What a call does when the daemon is killed, stopped, out of disk, or out of reach: an exception, in time."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import crims
import pytest
from conftest import MODELS

HERE = pathlib.Path(__file__).parent


@contextlib.contextmanager
def within(least, most):
    """Holds that what is done in the block takes so many seconds."""
    begun = time.monotonic()
    yield
    assert least <= time.monotonic() - begun <= most, f"{time.monotonic() - begun:.1f} s"


@contextlib.contextmanager
def served(data, port=None):
    """A daemon on a folder; with a port, at that one, so that it can be found there again."""
    arguments = ("--control", f"tcp://127.0.0.1:{port}") if port else ()
    daemon = crims.Daemon(crims.find_executable(), arguments, MODELS, data)
    try:
        yield daemon
    finally:
        if daemon.is_running():
            os.kill(daemon.pid, signal.SIGCONT)
        daemon.end()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_killed_daemon_is_found_in_seconds(launch):
    sim = launch(timeout=20)
    run = sim.open("merseyside", start="2020-01-06")
    os.kill(sim.daemon.pid, signal.SIGKILL)
    with within(0, 6), pytest.raises(crims.DaemonLost, match="ended with SIGKILL"):
        run.step()


def test_a_daemon_of_another_that_is_killed_is_lost_after_the_time_out(tmp_path):
    with served(tmp_path) as daemon, crims.connect(daemon.control, timeout=2) as sim:
        run = sim.open("merseyside", start="2020-01-06")
        run.step()
        os.kill(daemon.pid, signal.SIGKILL)
        with within(1.5, 4), pytest.raises(crims.DaemonLost, match="start it again on its data"):
            run.step()


def test_a_stopped_daemon_is_lost_after_the_time_out_and_goes_on_afterwards(launch):
    sim = launch(timeout=2)
    run = sim.open("merseyside", start="2020-01-06")
    os.kill(sim.daemon.pid, signal.SIGSTOP)
    try:
        with within(1.5, 4), pytest.raises(crims.DaemonLost, match="died or hangs"):
            run.step()
    finally:
        os.kill(sim.daemon.pid, signal.SIGCONT)
    assert run.step().seq == 0, "what was asked in vain is asked again, and taken once"
    assert run.next_seq == 1


def test_a_daemon_that_comes_back_is_asked_again_and_nothing_is_taken_twice(tmp_path):
    port = free_port()
    endpoint = f"tcp://127.0.0.1:{port}"
    with served(tmp_path, port) as daemon:
        sim = crims.connect(endpoint, timeout=30)
        run = sim.open("merseyside", start="2020-01-06", seed=4, run="survivor")
        taken = [run.step() for _ in range(5)]
        run.adjust(0.5, category="drugs", key="k")
        os.kill(daemon.pid, signal.SIGKILL)
    restarted = []

    def start():
        time.sleep(1)
        restarted.append(served(tmp_path, port))
        restarted[0].__enter__()

    starting = threading.Thread(target=start)
    starting.start()
    try:
        with within(0, 20):
            taken += [run.step() for _ in range(5)]
        assert [step.seq for step in taken] == list(range(10)) and taken[-1].in_force == 1
        whole = [row for step in taken for row in step.incidents]
        assert whole == list(run.incidents())
        assert run.adjust(0.5, category="drugs", key="k").duplicate
    finally:
        starting.join()
        sim.close()
        restarted[0].__exit__(None, None, None)


def test_a_daemon_on_other_data_is_told_of(tmp_path):
    port = free_port()
    with served(tmp_path / "one", port):
        sim = crims.connect(f"tcp://127.0.0.1:{port}", timeout=20)
        run = sim.open("merseyside", start="2020-01-06", run="here")
    with served(tmp_path / "two", port), pytest.raises(crims.UnknownRun, match="another data folder"):
        run.step()
    sim.close()


def test_nobody_there_is_said_in_seconds():
    with within(2, 6), pytest.raises(crims.NoDaemon, match="crims serve"):
        crims.connect(f"tcp://127.0.0.1:{free_port()}", timeout=60)


def test_a_full_disk_is_said_and_changes_nothing(tmp_path):
    """With a limit on the size of files: a file system that is full needs rights that a test may not have."""
    shell = f'ulimit -f 300; exec "{crims.find_executable()}" "$@"'
    wrapper = tmp_path / "crims"
    wrapper.write_text(f"#!/bin/bash\n{shell}\n")
    wrapper.chmod(0o755)
    with crims.launch(executable=wrapper, models=MODELS, data=tmp_path / "data", timeout=10) as sim:
        run = sim.open("merseyside", start="2020-01-06", run="full")
        with pytest.raises(crims.StorageFailed, match="Make room") as raised:
            for number in range(5_000):
                run.adjust(0.99, reason="word " * 150, key=str(number))
        assert raised.value.code == "storage"
        before = run.adjustments()
        with pytest.raises(crims.StorageFailed):
            run.step()
        assert run.next_seq == 0 and run.refresh().next_seq == 0
        assert run.adjustments() == before, "reading goes on, and nothing has changed"


class Cable:
    """A TCP connection to a daemon that can be pulled: nothing gets through any more, and nobody is told."""

    def __init__(self, endpoint):
        self.target = ("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_pulled = threading.Event()
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                self.sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.is_pulled.is_set():
                    other.sendall(data)

    def close(self):
        for end in self.sockets:
            end.close()


def test_a_pulled_cable_is_an_exception_within_the_time_out(launch):
    sim = launch()
    cable = Cable(sim.control)
    try:
        with crims.connect(cable.endpoint, timeout=2) as far:
            run = far.open("merseyside", start="2020-01-06", run="far")
            assert run.step().seq == 0
            cable.is_pulled.set()
            with within(1.5, 4), pytest.raises(crims.DaemonLost):
                run.step()
            cable.is_pulled.clear()
            assert run.step().seq == 1
            cable.is_pulled.set()
    finally:
        cable.close()


def test_a_long_step_is_waited_for_beyond_the_time_out(launch):
    sim = launch(timeout=4)
    with sim.open("merseyside", start="2020-01-06") as run:
        # What is displaced to neighbours, and changes by the minute, is what takes longest to reckon with.
        codes = [area.code for area in run.model.areas]
        run.step(adjust=[
            crims.adjustment(0.5, area=codes[first : first + 92], half_life=f"{100 + first}w", displacement=0.5)
            for first in range(92)
        ])  # fmt: skip
        with within(4, 240):
            assert run.step(1_000, format="none").steps == 1_000


def test_a_limit_ends_even_the_wait_for_a_daemon_at_work(launch):
    sim = launch(timeout=20, limit=0.5)
    run = sim.open("merseyside", start="2020-01-06", participants=["police", "courts"])
    with within(0.4, 3), pytest.raises(crims.TooLong, match="limit=0.5"):
        run.step(participant="police")
    sim.daemon.end()


def test_waiting_for_another_participant_is_no_silence(launch):
    sim = launch(timeout=1)
    run = sim.open("merseyside", start="2020-01-06", participants=["police", "courts"])
    late = threading.Timer(2.5, lambda: sim.run(run.name).step(participant="courts"))
    late.start()
    with within(2.3, 10):
        assert run.step(participant="police").seq == 0
    late.join()


CHILD = """
import crims, sys
sim = crims.connect(sys.argv[1], timeout=60)
run = sim.open("merseyside", start="2020-01-06", run="interrupted", participants=["police", "courts"])
try:
    print("asking", flush=True)
    run.step(participant="police")
except KeyboardInterrupt:
    run.simulation.ask("status")
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_a_wait_and_leaves_the_connection_usable(launch):
    sim = launch()
    child = subprocess.Popen([sys.executable, "-c", CHILD, sim.control], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")})
    assert child.stdout.readline() == "asking\n"
    time.sleep(0.5)
    with within(0, 3):
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert child.wait(5) == 0
    child.stdout.close()


def test_a_launched_daemon_ends_with_its_client_however_that_ends(tmp_path):
    code = "import crims, os; sim = crims.launch(); print(sim.daemon.pid, flush=True); os.kill(os.getpid(), 9)"
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path, timeout=30,
                           env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")})
    command = pathlib.Path(f"/proc/{int(child.stdout)}/cmdline")
    deadline = time.monotonic() + 5
    while command.exists() and b"serve" in command.read_bytes():
        assert time.monotonic() < deadline, "the daemon has outlived its client"
        time.sleep(0.05)


def test_a_daemon_that_cannot_start_is_said_with_its_own_words(tmp_path):
    with pytest.raises(crims.LaunchError, match="no-such-option"):
        crims.launch("--no-such-option")
    with pytest.raises(crims.LaunchError, match="no executable"):
        crims.launch(executable=tmp_path / "none")


def test_a_connection_is_of_one_process(sim):
    import multiprocessing

    def ask(queue):
        try:
            sim.status()
        except RuntimeError as error:
            queue.put(str(error))

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=ask, args=(queue,))
    child.start()
    assert "in each process" in queue.get(timeout=10)
    child.join(10)


def test_what_is_no_daemon_is_said():
    import zmq

    with zmq.Context() as context, context.socket(zmq.ROUTER) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        answering = threading.Thread(target=lambda: other.send_multipart([other.recv_multipart()[0], b"hello?"]))
        answering.start()
        with pytest.raises(crims.ProtocolError, match="hello"):
            crims.connect(f"tcp://127.0.0.1:{port}")
        answering.join(5)
        other.linger = 0


@pytest.mark.parametrize("arguments", [{"timeout": 0}, {"timeout": -1}, {"limit": 0}, {"client_key": "x"}])
def test_arguments_of_connect_are_checked(arguments):
    with pytest.raises(ValueError):
        crims.connect("tcp://127.0.0.1:1", **arguments)
    with pytest.raises(ValueError, match="no endpoint"):
        crims.connect("127.0.0.1:5555")


def test_a_launched_daemon_says_where_its_map_is(launch):
    assert launch().daemon.http is None
    address = launch("--http", "127.0.0.1:0").daemon.http
    with urllib.request.urlopen(f"{address}/healthz", timeout=5) as reply:
        assert reply.status == 200
