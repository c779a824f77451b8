"""The examples, run as a user runs them, against a daemon of their own.

CRIMS_BIN names the executable, if it is not .build/release/crims. The examples need the packages in
examples/requirements.txt.
"""

import csv
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
import zmq

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CRIMS = Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
WEEK = 7 * 24

needs_mesa = pytest.mark.skipif(
    not (find_spec("mesa") and find_spec("matplotlib")),
    reason="pip install -r examples/requirements.txt",
)
names = (f"test-{number}" for number in count())


class Daemon:
    def __init__(self, data):
        self.process = subprocess.Popen(
            [CRIMS, "serve", "--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
             "--data", data],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        ready = json.loads(self.process.stdout.readline())
        self.control, self.events = ready["control"][0], ready["events"][0]
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger, self.socket.rcvtimeo = 0, 10_000
        self.socket.connect(self.control)

    def ask(self, op, **fields):
        self.socket.send_json({"v": 1, "op": op, **fields})
        reply, *self.frames = self.socket.recv_multipart()
        reply = json.loads(reply)
        assert reply["ok"], reply
        return reply

    def incidents(self, run):
        end = self.ask("status", run=run)["runs"][0]["next_seq"]
        return self.ask("read", run=run, seq=0, count=end)["incidents"]

    def end(self):
        self.socket.close()
        self.process.terminate()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("data"))
    yield daemon
    daemon.end()


def run(name, *options, timeout=60):
    """Run an example to its end, wherever it is started from."""
    command = [sys.executable, EXAMPLES / name, *map(str, options)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=timeout)


def well(finished):
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return finished.stdout


def police(daemon, file, **options):
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    name = next(names)
    printed = well(run("police_abm.py", "--control", daemon.control, "--run", name, "--weeks", 1,
                       "--json", file, *words))
    return name, printed, json.loads(file.read_text())


@needs_mesa
def test_police_is_a_function_of_its_seed(daemon, tmp_path):
    first, printed, weeks = police(daemon, tmp_path / "a.json", seed=5)
    again, printed_again, weeks_again = police(daemon, tmp_path / "b.json", seed=5)
    other, _, other_weeks = police(daemon, tmp_path / "c.json", seed=6)
    assert (printed, weeks) == (printed_again, weeks_again)
    assert daemon.incidents(first) == daemon.incidents(again)
    assert weeks != other_weeks
    assert daemon.incidents(first) != daemon.incidents(other)


@needs_mesa
def test_police_answers_some_and_feeds_back(daemon, tmp_path):
    name, printed, (week,) = police(daemon, tmp_path / "a.json")
    incidents = daemon.incidents(name)
    assert week["answered"] + week["unanswered"] == len(incidents)
    assert 0.1 < week["unanswered"] / len(incidents) < 0.5
    assert 0.001 < abs(week["burglary_and_robbery_expected"] / week["without_feedback"] - 1) < 0.1
    assert str(week["answered"]) in printed

    trail = daemon.ask("adjustments", run=name)["adjustments"]
    assert {entry["reason"] for entry in trail} == {"unanswered burglary", "patrol"}
    assert 0 < week["in_force"] < 1000
    assert len({entry["key"] for entry in trail}) == len(trail) < 1000


@needs_mesa
def test_no_officers_answer_nothing(daemon, tmp_path):
    _, _, (week,) = police(daemon, tmp_path / "a.json", officers=0)
    assert week["answered"] == 0
    assert week["burglary_and_robbery_expected"] > week["without_feedback"]


@needs_mesa
def test_more_officers_leave_less_unanswered(daemon, tmp_path):
    _, _, (few,) = police(daemon, tmp_path / "a.json", officers=45)
    _, _, (many,) = police(daemon, tmp_path / "b.json", officers=120)
    assert many["unanswered"] < few["unanswered"]
    assert many["burglary_and_robbery_expected"] < few["burglary_and_robbery_expected"]


def open_run(daemon):
    name = next(names)
    daemon.ask("open", run=name, model="merseyside", start="2020-03-02", seed=3)
    return name


def listen(daemon, name, file, *options):
    command = [sys.executable, EXAMPLES / "listener.py", "--control", daemon.control,
               "--events", daemon.events, "--run", name, "--csv", file, *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def step_and_close(daemon, name, steps=WEEK):
    for _ in range(steps):
        daemon.ask("step", run=name, format="none")
    daemon.ask("close", run=name)


def figures(printed):
    steps, incidents = map(int, re.search(r"(\d+) steps with (\d+) incidents", printed).groups())
    filled, missed = map(int, re.search(r"(\d+) of these .* (\d+) incidents", printed).groups())
    return steps, incidents, filled, missed


@pytest.mark.parametrize("drop", [0, 0.3, 1])
def test_listener_is_complete_whatever_it_loses(daemon, tmp_path, drop):
    name, file = open_run(daemon), tmp_path / "incidents.csv"
    listener = listen(daemon, name, file, "--drop", drop, "--idle", 2)
    time.sleep(1)  # until it has subscribed
    step_and_close(daemon, name)
    printed, errors = listener.communicate(timeout=30)
    assert listener.returncode == 0, errors

    incidents = daemon.incidents(name)
    daemon.ask("read", run=name, seq=0, count=WEEK, format="csv")
    assert file.read_bytes() == daemon.frames[0]
    with open(file, newline="") as rows:
        assert [int(row["id"]) for row in csv.DictReader(rows)] == [i["id"] for i in incidents]

    steps, logged, filled, missed = figures(printed)
    assert (steps, logged) == (WEEK, len(incidents))
    if drop == 0:
        assert (filled, missed) == (0, 0)
    elif drop == 1:
        assert (filled, missed) == (WEEK, len(incidents))
    else:
        assert 0 < filled < WEEK and 0.2 < missed / len(incidents) < 0.5


def test_listener_may_come_late_or_after_the_end(daemon, tmp_path):
    name = open_run(daemon)
    daemon.ask("step", run=name, count=WEEK, format="none")
    late = listen(daemon, name, tmp_path / "late.csv")
    time.sleep(0.5)
    step_and_close(daemon, name, 24)
    after = listen(daemon, name, tmp_path / "after.csv")
    daemon.ask("read", run=name, seq=0, count=WEEK + 24, format="csv")
    complete = daemon.frames[0]
    for listener, file, filled in ((late, "late.csv", WEEK), (after, "after.csv", WEEK + 24)):
        printed, errors = listener.communicate(timeout=20)
        assert listener.returncode == 0, errors
        assert (tmp_path / file).read_bytes() == complete
        assert figures(printed)[2] >= filled


def test_listener_ends_when_nothing_comes_any_more(daemon, tmp_path):
    name, nobody = open_run(daemon), next(names)
    daemon.ask("step", run=name, count=5, format="none")
    waiting = [listen(daemon, one, tmp_path / f"{one}.csv", "--idle", 1) for one in (name, nobody)]
    printed, errors = waiting[0].communicate(timeout=20)
    assert (waiting[0].returncode, errors) == (0, "") and figures(printed)[0] == 5
    printed, errors = waiting[1].communicate(timeout=20)
    assert (waiting[1].returncode, printed) == (1, "") and nobody in errors and "Traceback" not in errors


def test_listener_waits_for_a_run_that_is_opened_later(daemon, tmp_path):
    name, file = next(names), tmp_path / "incidents.csv"
    listener = listen(daemon, name, file)
    time.sleep(1)
    daemon.ask("open", run=name, model="merseyside", start="2020-03-02", seed=3)
    step_and_close(daemon, name, 24)
    assert figures(listener.communicate(timeout=20)[0])[:2] == (24, len(daemon.incidents(name)))


def test_listener_does_not_take_in_a_run_of_like_name(daemon, tmp_path):
    name = open_run(daemon)
    like = f"{name}0"
    daemon.ask("open", run=like, model="merseyside", start="2020-03-02", seed=4)
    listener = listen(daemon, name, tmp_path / "incidents.csv")
    time.sleep(0.5)
    step_and_close(daemon, like, 5)
    step_and_close(daemon, name, 5)
    assert figures(listener.communicate(timeout=20)[0])[:2] == (5, len(daemon.incidents(name)))


@needs_mesa
def test_scenario_changes_only_what_the_policy_changes(daemon, tmp_path):
    name, png = next(names), tmp_path / "scenario.png"
    options = ("--control", daemon.control, "--run", name, "--week", 1, "--weeks", 3, "--png", png)
    printed = well(run("scenario.py", *options))
    assert png.read_bytes().startswith(b"\x89PNG") and png.stat().st_size > 40_000

    (policy,) = daemon.ask("adjustments", run=f"{name}-with")["adjustments"]
    before, after = (
        {incident["id"]: incident for incident in daemon.incidents(f"{name}-{future}")}
        for future in ("without", "with")
    )
    fork = "2020-01-13"
    assert all(after[key] == incident for key, incident in before.items() if key in after)
    prevented = [incident for key, incident in before.items() if key not in after]
    displaced = [incident for key, incident in after.items() if key not in before]
    assert prevented and displaced
    for incident in prevented + displaced:
        assert incident["crime_category"] in policy["categories"]
        assert incident["time"] >= fork
    assert all(incident["MSOA"] in policy["areas"] for incident in prevented)
    assert not any(incident["MSOA"] in policy["areas"] for incident in displaced)

    compared = [incident for incident in before.values() if incident["time"] >= fork]
    expected = (len(compared) - len(prevented), len(compared), len(prevented), len(displaced))
    assert tuple(int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", printed)) == expected

    assert well(run("scenario.py", *options)) == printed  # a second time, on the same runs
    longer = well(run("scenario.py", *options[:-4], "--weeks", 4, "--png", png))
    assert int(longer.split()[2].replace(",", "")) > len(compared), "and they can be gone on with"


@needs_mesa
def test_without_a_daemon_there_is_a_sentence(tmp_path):
    with socket.socket() as nobody:  # bound but not listening: the port stays nobody's
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        began = time.monotonic()
        examples = [
            subprocess.Popen([sys.executable, EXAMPLES / name, "--control", endpoint],
                             cwd=tmp_path, stderr=subprocess.PIPE, text=True)
            for name in ("police_abm.py", "listener.py", "scenario.py")
        ]
        for example in examples:
            said = example.communicate(timeout=30)[1]
            assert said.startswith(f"no answer from {endpoint} within 4")
            assert "Is `crims serve` running there?" in said and said.count("\n") == 1
            assert example.returncode == 1
    assert time.monotonic() - began < 12  # they wait for 4 s, and take a second or more to start


@needs_mesa
def test_a_refusal_is_told(daemon):
    finished = run("police_abm.py", "--control", daemon.control, "--run", "Not A Name")
    assert finished.returncode == 1
    assert re.fullmatch(r"open: 'run' .* \(bad_request\)\n", finished.stderr)


@needs_mesa
def test_demo(tmp_path):
    out = tmp_path / "out"
    options = ("--crims", CRIMS, "--weeks", 1, "--out", out)
    first, second = well(run("demo.py", *options)), well(run("demo.py", *options))
    watch, first = first.split("\n", 1)
    assert re.fullmatch(r"Watch it in a browser: http://127\.0\.0\.1:\d+/", watch)
    assert first.rsplit("It took", 1)[0] == second.split("\n", 1)[1].rsplit("It took", 1)[0]
    week = r"^   1  +[\d,]+  +[\d,]+  +[\d,]+  +\d+  +[\d.]+  +[\d.]+  +[+-][\d.]+%$"
    assert re.search(week, first, re.MULTILINE)
    assert "168 steps with" in first and "incidents are the same" in first
    assert {"incidents.csv", "police_abm.json", "scenario.png"} <= {f.name for f in out.iterdir()}


def children(pid):
    ps = ["ps", "-o", "pid=", "--ppid", str(pid)]
    listed = subprocess.run(ps, capture_output=True, text=True)
    return [int(line) for line in listed.stdout.split()]


@needs_mesa
@pytest.mark.skipif(not shutil.which("ps"), reason="ps is not installed")
@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM])
def test_demo_ends_what_it_started(tmp_path, signalled):
    command = [sys.executable, EXAMPLES / "demo.py", "--crims", CRIMS, "--out", tmp_path,
               "--weeks", "50"]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while len(begun := children(demo.pid)) < 4 and demo.poll() is None:
        time.sleep(0.05)
    demo.send_signal(signalled)
    assert demo.communicate(timeout=20)[1] in ("Interrupted.\n", "Ended.\n")
    assert demo.returncode == 1
    assert len(begun) == 4
    for pid in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


class Terminal:
    """The demo at a terminal, as a person has it."""

    def __init__(self, out, *options, **environment):
        self.screen, inner = pty.openpty()
        command = [sys.executable, EXAMPLES / "demo.py", "--crims", CRIMS, "--out", out, *options]
        rest = {name: value for name, value in os.environ.items() if name != "CI"}
        self.demo = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, cwd="/",
                                     env=rest | environment, start_new_session=True)
        os.close(inner)
        self.said = ""

    def until(self, words, seconds=60):
        """Reads on until there is a match for something, and returns it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(words, self.said)):
            assert time.monotonic() < deadline, self.said
            if select.select([self.screen], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self.screen, 4096).decode().replace("\r\n", "\n")
                except OSError:  # nobody is left to write
                    assert re.search(words, self.said), self.said
        return found

    def page(self):
        """Where the page is said to be: at once, before anything else."""
        page = self.until(r"^Watch it in a browser: (http://\S+/)\n", 20).group(1)
        assert "<title>CriMS" in urllib.request.urlopen(page, timeout=5).read().decode()
        return page

    def end(self):
        code = self.demo.wait(20)
        os.close(self.screen)
        return code


def police_run(page):
    runs = json.load(urllib.request.urlopen(f"{page}api/v1/runs", timeout=5))["runs"]
    return next((one for one in runs if one["run"] == "police"), None)


def gone(page):
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=5)


@needs_mesa
@pytest.mark.parametrize("key", ["\n", "\x03"])
def test_demo_can_be_watched_at_a_terminal(tmp_path, key):
    terminal = Terminal(tmp_path, "--weeks", "1")
    page, began = terminal.page(), time.monotonic()
    terminal.until("Ctrl-C ends it; --fast")
    seen = set()
    while (run := police_run(page)) is None or run["state"] == "open":
        seen.add(run and run["next_seq"])
        time.sleep(0.2)
        assert time.monotonic() < began + 60
    assert len(seen) > 20, "it moves before one's eyes"
    assert 168 * 0.06 < time.monotonic() - began
    terminal.until("stays at http://.* until you press Enter")
    other = urllib.request.urlopen(f"{page}api/v1/runs/police-without", timeout=5)
    assert json.load(other)["forked_from"] == "police"
    time.sleep(0.5)
    assert terminal.demo.poll() is None and police_run(page)["next_seq"] == 168
    os.write(terminal.screen, key.encode())
    if key == "\x03":  # what a terminal makes of Ctrl-C, if it is the controlling one
        terminal.demo.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    gone(page)


@needs_mesa
@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_watched_demo_leaves_nothing_behind(tmp_path, signalled):
    terminal = Terminal(tmp_path, "--weeks", "4")
    page = terminal.page()
    while not (police_run(page) or {"next_seq": 0})["next_seq"]:
        time.sleep(0.1)
    terminal.demo.send_signal(signalled)
    assert terminal.end() != 0
    if signalled == signal.SIGKILL:
        time.sleep(2)  # what it had no time to end sees its input end
    gone(page)


@needs_mesa
@pytest.mark.parametrize(("options", "environment"), [(("--fast",), {}), ((), {"CI": "true"})])
def test_demo_waits_for_nobody_where_nobody_watches(tmp_path, options, environment):
    terminal = Terminal(tmp_path, "--weeks", "1", *options, **environment)
    terminal.until(r"It took [\d.]+ s\.", 30)
    assert terminal.end() == 0
    assert "until you press Enter" not in terminal.said
    assert float(re.search(r"It took ([\d.]+) s", terminal.said).group(1)) < 9


@needs_mesa
def test_demo_says_what_failed(tmp_path):
    finished = run("demo.py", "--crims", "/nowhere/crims", "--out", tmp_path)
    assert finished.returncode == 1
    assert finished.stderr.startswith("Cannot start /nowhere/crims: No such file or directory.")
    finished = run("demo.py", "--crims", CRIMS, "--out", tmp_path, "--weeks", "x")
    assert finished.returncode == 2
    not_crims = shutil.which("true")
    finished = run("demo.py", "--crims", not_crims, "--out", tmp_path)
    assert finished.returncode == 1
    assert finished.stderr.startswith("crims did not say that it is ready.")


def as_run(source, daemon, tmp_path):
    """A copy of a client that has its endpoint written in it, for the daemon at hand."""
    text = source.read_text()
    assert text.count("tcp://127.0.0.1:5555") == 1
    copy = tmp_path / source.name
    copy.write_text(text.replace("tcp://127.0.0.1:5555", daemon.control))
    return copy


def test_client_of_20_lines(daemon, tmp_path):
    client = as_run(EXAMPLES / "client_20_lines.py", daemon, tmp_path)
    printed = well(run(client)).splitlines()
    assert len(printed) == 24
    assert re.fullmatch(r"2020-01-06T00:00:00 \d+ incidents, [\d.]+ expected", printed[0])
    assert len(client.read_text().splitlines()) == 20


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed")
def test_client_in_r_sees_the_same(daemon, tmp_path):
    packages = "library(pbdZMQ); library(jsonlite)"
    if subprocess.run(["Rscript", "-e", packages], capture_output=True).returncode:
        pytest.skip("R's packages pbdZMQ and jsonlite are not installed")
    in_r = subprocess.run(["Rscript", EXAMPLES / "client.R", daemon.control],
                          capture_output=True, text=True, timeout=30)
    rows = [line.split() for line in well(in_r).splitlines()[1:]]
    in_python = well(run(as_run(EXAMPLES / "client_20_lines.py", daemon, tmp_path)))
    seen = [(line.split()[0], line.split()[1]) for line in in_python.splitlines()]
    assert [(row[0], row[1]) for row in rows] == seen


@pytest.mark.parametrize("name", ["police_abm.py", "listener.py", "scenario.py", "client.R"])
def test_examples_are_short(name):
    lines = (EXAMPLES / name).read_text().splitlines()
    assert len(lines) < 100
    assert max(map(len, lines)) <= 100


def test_demo_is_not_long():
    assert len((EXAMPLES / "demo.py").read_text().splitlines()) < 200
