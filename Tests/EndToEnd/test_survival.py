"""Clients outlive the daemon, and the daemon its clients: the examples, disturbed, end as they do undisturbed.

Nothing here waits for a fixed time where it could wait for an event; moments to kill at are drawn from a seed.
"""

import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import crims
import pytest
import zmq
from conftest import CRIMS, MODEL, ROOT, read_line
from crims.asking import Patience
from crims.connection import Connection
from crims_client import Client, Listener

EXAMPLES = ROOT / "examples"

needs_mesa = pytest.mark.skipif(
    not (find_spec("mesa") and find_spec("matplotlib")), reason="pip install -r examples/requirements.txt"
)
KILLS = 4
WEEKS = 3
STEPS = 7 * 24  # nobody is killed after the first week, so that there is always something left to disturb
WAITING = r"no answer from tcp://\S+; asking again for up to \d+ s \(Ctrl-C to stop\)\n"
LONG = {"model": MODEL, "start": "2020-01-01", "publish": False}


def free_port(_taken=set()):  # noqa: B006, one set for all calls is what is wanted
    """A port that nobody has, below those that the kernel hands out: those could be taken while the daemon is dead."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            if port not in _taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                _taken.add(port)
                return port
    raise AssertionError("no free port in 100 tries")


class Mortal:
    """A daemon on endpoints and data that stay the same when it is killed and started again."""

    def __init__(self, data):
        self.control, self.events = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
        self.data = data
        self.start()

    def start(self):
        command = [CRIMS, "serve", "--control", self.control, "--events", self.events, "--data", self.data]
        with open(f"{self.data}.log", "a") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        ready = read_line(self.process.stdout, 10)
        assert ready, open(f"{self.data}.log").read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()

    def outcome(self, run):
        """All that there is to know of a run: where it stands, its incidents, and who adjusted what and why."""
        client = Client(self.control)
        told = client.status(run=run)["runs"][0]
        read = client.read(run=run, seq=0, count=told["next_seq"], format="csv")
        trail = client.adjustments(run=run)["adjustments"]
        client.end()
        return [told[name] for name in ("state", "time", "next_seq", "incidents")], read.frames, trail


@pytest.fixture
def mortal(tmp_path):
    daemons = []

    def make(name="data"):
        daemons.append(Mortal(tmp_path / name))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.end()


@pytest.fixture
def start_example():
    """Starts examples, which end with the test."""
    processes = []

    def start(name, daemon, *options):
        command = [sys.executable, EXAMPLES / name, "--control", daemon.control, *map(str, options)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finish(example, within=60):
    """What an example printed that ended well."""
    printed, said = example.communicate(timeout=within)
    assert (example.returncode, re.sub(WAITING, "", said)) == (0, "")
    return printed


def at_step(daemon, run, seq, within=30):
    """Waits until the run has taken that step, or a later one; it must not be over then."""
    client, deadline, told = Client(daemon.control), time.monotonic() + within, {}
    while told.get("next_seq", 0) <= seq:
        assert time.monotonic() < deadline, f"run {run} did not come to step {seq} within {within} s: {told}"
        (told,) = client.ask("status", run=run).get("runs", [{}])
    client.end()
    assert told["state"] == "open", "it was over too soon to disturb"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What three weeks of policing come to when nothing happens to anybody: outcome and table."""
    folder = tmp_path_factory.mktemp("undisturbed")
    daemon, table = Mortal(folder / "data"), folder / "table.json"
    command = [sys.executable, EXAMPLES / "police_abm.py", "--control", daemon.control]
    command += ["--weeks", str(WEEKS), "--json", table]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        yield daemon.outcome("police"), json.loads(table.read_text())
    finally:
        daemon.end()


@needs_mesa
@pytest.mark.parametrize("seed", [1, 2])
def test_police_and_listener_outlive_a_daemon_that_is_killed_again_and_again(
    mortal, start_example, undisturbed, tmp_path, seed
):
    moments, daemon = random.Random(seed), mortal()
    log, table = tmp_path / "log.csv", tmp_path / "table.json"
    listener = start_example("listener.py", daemon, "--events", daemon.events, "--csv", log, "--idle", 20)
    police = start_example("police_abm.py", daemon, "--weeks", WEEKS, "--json", table)
    for seq in sorted(moments.sample(range(STEPS), KILLS)):
        at_step(daemon, "police", seq)
        time.sleep(moments.uniform(0, 0.02))
        daemon.kill()
        time.sleep(moments.uniform(0, 1))
        daemon.start()
    finish(police)
    assert daemon.outcome("police") == undisturbed[0]
    assert json.loads(table.read_text()) == undisturbed[1]
    finish(listener)
    assert log.read_bytes() == undisturbed[0][1][1]
    client = Client(daemon.control)
    assert client.hello()["boot"] == KILLS + 1
    client.end()


@needs_mesa
def test_police_that_were_killed_go_on_with_their_run(mortal, start_example, undisturbed, tmp_path):
    moments, daemon, table = random.Random(3), mortal(), tmp_path / "table.json"
    options = ("police_abm.py", daemon, "--weeks", WEEKS, "--json", table)
    for seq in sorted(moments.sample(range(STEPS), 2)):
        police = start_example(*options)
        at_step(daemon, "police", seq)
        time.sleep(moments.uniform(0, 0.01))
        police.kill()
    printed = finish(start_example(*options))
    assert (daemon.outcome("police"), json.loads(table.read_text())) == undisturbed
    assert finish(start_example(*options)) == printed, "a run that is closed can be gone through again"


@needs_mesa
def test_police_do_not_go_on_with_what_others_did(mortal, start_example):
    daemon = mortal()
    finish(start_example("police_abm.py", daemon, "--weeks", 1, "--officers", 45))
    other = start_example("police_abm.py", daemon, "--weeks", 1, "--officers", 90)
    assert other.communicate(timeout=30)[1] == "Run police was policed otherwise. Say --run another-name.\n"
    assert other.returncode == 1


@needs_mesa
def test_a_scenario_outlives_a_daemon_that_is_killed_between_and_during_its_forks(mortal, start_example, tmp_path):
    def options(daemon, name):
        return ("scenario.py", daemon, "--week", 1, "--weeks", 2, "--png", tmp_path / f"{name}.png")

    calm, daemon = mortal("calm"), mortal("killed")
    expected = finish(start_example(*options(calm, "calm")))
    moments = random.Random(4)
    listener = Listener(daemon.events, "run/").sync()
    scenario = start_example(*options(daemon, "killed"))
    for event in ("opened", "forked"):
        while listener.next(timeout=20_000)[1]["event"] != event:
            pass
        time.sleep(moments.uniform(0, 0.003))
        daemon.kill()
        daemon.start()
    listener.end()
    assert finish(scenario) == expected
    for run in ("scenario", "scenario-with", "scenario-without"):
        assert daemon.outcome(run) == calm.outcome(run)


@needs_mesa
def test_police_wait_for_a_daemon_that_hangs(mortal, start_example, undisturbed, tmp_path):
    daemon, table = mortal(), tmp_path / "table.json"
    police = start_example("police_abm.py", daemon, "--weeks", WEEKS, "--json", table)
    at_step(daemon, "police", 40)
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(5)  # longer than a client waits before it asks what is the matter, and asks again
    assert police.poll() is None
    daemon.process.send_signal(signal.SIGCONT)
    finish(police)
    assert (daemon.outcome("police"), json.loads(table.read_text())) == undisturbed


@needs_mesa
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_police_give_up_on_a_daemon_that_does_not_come_back(mortal, start_example, number):
    daemon = mortal()
    police = start_example("police_abm.py", daemon, "--weeks", 50, "--give-up", 5)
    at_step(daemon, "police", 20)
    begun = time.monotonic()
    daemon.process.send_signal(number)
    said = police.communicate(timeout=20)[1]
    assert police.returncode == 1
    lost = rf"no answer from {daemon.control} for [\d.]+ s: the daemon has died or hangs\. .*\n"
    assert re.fullmatch(WAITING + lost, said)
    assert 5 < time.monotonic() - begun < 5 + 4 + 2, "the time that was given, and the last look"


class Tap:
    """Between clients and a daemon: it writes down what is asked, and can lose replies, but none to `status`."""

    def __init__(self, control):
        self.control, self.asked, self.lose, self.is_over = control, [], 0, False
        self.front, self.backs = zmq.Context.instance().socket(zmq.ROUTER), {}
        self.front.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self.front.bind_to_random_port('tcp://127.0.0.1')}"
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def connected(self, route):
        """The daemon has one connection for each client, as it would without this."""
        if route not in self.backs:
            self.backs[route] = zmq.Context.instance().socket(zmq.DEALER)
            self.backs[route].linger = 0
            self.backs[route].connect(self.control)
        return self.backs[route]

    def carry(self):
        while not self.is_over:
            if self.front.poll(5):
                route, *request = self.front.recv_multipart()
                self.asked.append(json.loads(request[-1])["op"])
                self.connected(route).send_multipart(request)
            for route, back in self.backs.items():
                if back.poll(0):
                    reply = back.recv_multipart()
                    if self.lose and json.loads(reply[0] or reply[1])["op"] != "status":
                        self.lose -= 1
                    else:
                        self.front.send_multipart([route, *reply])
        for side in (self.front, *self.backs.values()):
            side.close()

    def end(self):
        self.is_over = True
        self.thread.join()


@pytest.fixture
def tap(daemon):
    tap = Tap(daemon.control)
    yield tap
    tap.end()


class Impatience(Patience):
    """Looks what is the matter early, but gives the answer to that as long as others do."""

    status_seconds = 1.0


@pytest.fixture
def ask():
    """Makes clients of a tenth of the patience."""
    connections = []

    def make(endpoint, timeout=60):
        connections.append(Connection(endpoint, Impatience(timeout, look=0.3)))
        return lambda op, **fields: connections[-1].ask(op, fields).fields

    yield make
    for connection in connections:
        connection.close()


def without_id(reply):
    return {name: value for name, value in reply.items() if name != "id"}


def test_a_reply_that_was_lost_is_asked_for_again(client, new_run, tap, ask):
    run = new_run()
    tap.lose = 2
    step = ask(tap.endpoint)("step", run=run, seq=0, adjust=[{"factor": 0.5}])
    assert without_id(step) == dict(client.step(run=run, seq=0, adjust=[{"factor": 0.5}]))
    assert tap.asked == ["step", "status", "step", "status", "step"]
    assert client.status(run=run)["runs"][0]["next_seq"] == 1
    assert len(client.adjustments(run=run)["adjustments"]) == 1


def test_a_long_step_is_waited_for_and_not_asked_for_again(new_run, tap, ask):
    run = new_run(**LONG)
    begun = time.monotonic()
    step = ask(tap.endpoint, timeout=0.4)("step", run=run, seq=0, until="2200-01-01", format="none")
    assert time.monotonic() - begun > 0.6, "the step was over too soon to see"
    assert step["to"] == "2200-01-01T00:00:00"
    assert tap.asked.count("step") == 1 and 2 <= tap.asked.count("status") < 4 * (time.monotonic() - begun)


def test_other_participants_are_waited_for(client, new_run, tap, ask):
    run = new_run(participants=[{"name": "police"}, {"name": "traffic"}])
    asking, replies = ask(tap.endpoint, timeout=0.4), []
    step, begun = {"run": run, "seq": 0, "format": "counts"}, time.monotonic()
    police = threading.Thread(target=lambda: replies.append(asking("step", participant="police", **step)))
    police.start()
    time.sleep(1)  # three times as long as a client waits before it asks what is the matter
    assert client.step(participant="traffic", **step)["next_seq"] == 1
    police.join(10)
    assert replies[0]["next_seq"] == 1
    assert tap.asked.count("step") == 1 and 2 <= tap.asked.count("status") < 4 * (time.monotonic() - begun)


def test_a_daemon_that_hangs_in_a_long_step_gives_the_same_once_it_goes_on(start_daemon, connect, ask):
    daemon = start_daemon()
    calm = connect(Client, daemon.control)
    whole = {"seq": 0, "until": "2120-01-01", "format": "none"}
    calm.open(run="calm", **LONG)
    expected = calm.step(run="calm", **whole)
    calm.open(run="hung", **LONG)
    hung, replies = ask(daemon.control), []
    hung("hello")
    asking = threading.Thread(target=lambda: replies.append(hung("step", run="hung", **whole)))
    asking.start()
    while not calm.status(run="hung")["runs"][0]["stepping"]:
        assert asking.is_alive()
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(2)  # a silence of 0.3 s, of 1 s on the second socket, and the same begun again
    daemon.process.send_signal(signal.SIGCONT)
    asking.join(20)
    (reply,) = replies
    assert without_id(reply) == dict(expected) | {"run": "hung"}
    assert calm.status(run="hung")["runs"][0]["incidents"] == expected["count"]


def test_a_daemon_that_answers_status_alone_is_given_up_too(new_run, tap, ask):
    run, asking = new_run(), ask(tap.endpoint, timeout=2)
    tap.lose = 1_000
    begun = time.monotonic()
    with pytest.raises(crims.DaemonLost, match=rf"no answer from {tap.endpoint} for [\d.]+ s: the daemon has died"):
        asking("step", run=run, seq=0)
    assert time.monotonic() - begun < 6
    assert 3 <= tap.asked.count("step") <= 5, "rarer each time: what is slow is not made slower"
