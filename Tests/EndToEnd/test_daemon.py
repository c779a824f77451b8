"""The daemon as a process: starting, refusing to start, answering during long work, ending, and its data folder."""

import json
import signal
import time

import pytest
from conftest import ANY_PORT, CRIMS, MODEL, ROOT, read_line
from crims_client import Client, Dealer, Listener

FAR = {"until": "2200-01-01", "format": "none"}


def begin_long_step(daemon, connect, **fields):
    """Sends a step of 180 years by the hour, of which none is published, and waits until it is under way."""
    client, dealer = connect(Client, daemon.control), connect(Dealer, daemon.control)
    client.open(model=MODEL, start="2020-01-01", run="long", publish=False)
    for area in client.describe(model=MODEL)["areas"][:20]:
        client.adjust(run="long", factor=1.5, areas=[area["code"]])
    dealer.send("step", run="long", **{**FAR, **fields})
    deadline = time.monotonic() + 3
    while not client.status(run="long")["runs"][0]["stepping"]:
        assert time.monotonic() < deadline, "the long step did not begin, or was over at once"
    return client, dealer


def test_one_line_says_ready_and_nothing_follows_on_stdout(start_daemon, connect):
    daemon = start_daemon()
    assert daemon.ready.keys() >= {"ready", "control", "events", "http"}
    assert (daemon.ready["ready"], daemon.ready["http"]) == (True, [])
    assert not daemon.control.endswith("*") and not daemon.events.endswith(":0")
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-01", run="r1")
    client.step(run="r1")
    client.ask("nonsense")
    assert daemon.signal(signal.SIGTERM, within=2) == 0
    assert daemon.process.stdout.read() == b""


def test_ready_comes_within_two_seconds(start_daemon):
    begun = time.monotonic()
    start_daemon()
    assert time.monotonic() - begun < 2


def test_the_log_is_json_lines_where_no_terminal_is(start_daemon):
    daemon = start_daemon()
    daemon.end()
    lines = daemon.words().splitlines()
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)


def test_ipc_endpoints_work_the_same(start_daemon, connect, tmp_path):
    daemon = start_daemon("--control", f"ipc://{tmp_path}/control", "--events", f"ipc://{tmp_path}/events")
    assert len(daemon.ready["control"]) == len(daemon.ready["events"]) == 2
    listener = connect(Listener, f"ipc://{tmp_path}/events", "run/").sync()
    connect(Client, f"ipc://{tmp_path}/control").open(model=MODEL, start="2020-01-01", run="r1")
    assert listener.next()[1]["event"] == "opened"
    assert connect(Client, daemon.control).status(run="r1")["ok"]


@pytest.mark.parametrize("form", ["none", "records"])
def test_status_is_answered_while_a_long_step_runs(start_daemon, connect, form):
    daemon = start_daemon()
    fields = {"format": form} | ({} if form == "none" else {"until": "2025-01-01"})
    client, dealer = begin_long_step(daemon, connect, **fields)
    asked, waits = 0, []
    while not dealer.socket.poll(0) and asked < 20:
        begun = time.monotonic()
        told = client.status(run="long")["runs"][0]
        waits.append(time.monotonic() - begun)
        asked += told["stepping"]
        time.sleep(0.01)
    assert asked >= 5, "the step was over too soon to see"
    assert max(waits) < 0.2, waits


def test_heartbeats_come_during_a_long_step(start_daemon, connect):
    daemon = start_daemon()
    listener = connect(Listener, daemon.events, "heartbeat/").sync()
    listener.socket.subscribe("heartbeat/")
    _, dealer = begin_long_step(daemon, connect)
    beats, begun = 0, time.monotonic()
    while not dealer.socket.poll(0) and time.monotonic() - begun < 3:
        beats += bool(listener.socket.poll(50)) and bool(listener.next())
    lasted = time.monotonic() - begun
    assert lasted > 1.2, "the step was over too soon to see"
    assert beats >= int(lasted - 0.2)


def test_other_clients_step_while_a_long_step_runs(start_daemon, connect):
    daemon = start_daemon()
    client, dealer = begin_long_step(daemon, connect)
    client.open(model=MODEL, start="2020-01-01", run="short")
    assert client.step(run="short")["next_seq"] == 1
    assert not dealer.socket.poll(0), "the short one had not to wait for the long one"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("form", ["none", "csv"])
def test_a_signal_during_a_long_step_ends_the_daemon_within_a_second(start_daemon, connect, number, form):
    daemon = start_daemon()
    fields = {"format": form} | ({} if form == "none" else {"until": "2025-01-01"})
    begin_long_step(daemon, connect, **fields)
    begun = time.monotonic()
    assert daemon.signal(number, within=5) == 0
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_rest_ends_the_daemon(start_daemon, number):
    assert start_daemon().signal(number, within=1) == 0


@pytest.mark.parametrize("option", [["--end-with-input"], []])
def test_the_end_of_its_input_ends_the_daemon_only_if_asked_to(option):
    import subprocess

    process = subprocess.Popen(
        [CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT, "--no-data", *option], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
    )  # fmt: skip
    try:
        client = Client(json.loads(read_line(process.stdout, 5))["control"][0])
        process.stdin.write(b"what comes in means nothing\n" * 1000)
        assert client.hello()["ok"] and process.poll() is None
        process.stdin.close()
        if option:
            assert process.wait(2) == 0
        else:
            assert client.hello()["ok"] and process.poll() is None
        client.end()
    finally:
        process.terminate()
        assert process.wait(3) == 0
        process.stdout.close()


def test_a_large_reply_takes_time_in_proportion(start_daemon, connect):
    client = connect(Client, start_daemon().control)
    took = []
    for days in (60, 240):
        client.open(model=MODEL, start="2020-01-01", run=f"d{days}", publish=False)
        begun = time.monotonic()
        client.step(run=f"d{days}", count=24 * days, format="csv")
        took.append(time.monotonic() - begun)
    assert took[1] < 8 * took[0] + 0.2, f"four times the incidents took {took[1] / took[0]:.0f} times as long"


@pytest.mark.parametrize("option", ["--control", "--events"])
@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://192.0.2.1:5555", "tcp://[::]:*"])
def test_only_loopback_is_listened_on(crims, option, endpoint):
    done = crims("serve", option, endpoint)
    assert (done.returncode, done.stdout) == (1, "")
    assert "127.0.0.1" in done.stderr or "loopback" in done.stderr
    assert "ipc" in done.stderr or "127.0.0.1" in done.stderr or "CURVE" in done.stderr, "and a way out"


def test_a_port_in_use_is_said(crims, daemon):
    done = crims("serve", "--control", daemon.control, "--events", ANY_PORT)
    assert (done.returncode, done.stdout) == (1, "")
    assert daemon.control in done.stderr and "in use" in done.stderr.lower()


def test_a_second_daemon_on_an_ipc_path_is_refused(start_daemon, crims, tmp_path, connect):
    endpoint = f"ipc://{tmp_path}/control"
    start_daemon("--control", endpoint)
    done = crims("serve", "--control", endpoint, "--events", ANY_PORT)
    assert done.returncode == 1 and endpoint in done.stderr
    assert connect(Client, endpoint).hello()["ok"], "the first is not robbed of it"


def test_a_second_daemon_on_the_same_data_is_refused(start_daemon, crims, tmp_path):
    first = start_daemon("--data", str(tmp_path))
    done = crims("serve", "--control", ANY_PORT, "--events", ANY_PORT, "--data", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(first.process.pid) in done.stderr


def test_the_data_folder_keeps_the_id_and_counts_the_boots(start_daemon, connect, tmp_path):
    told = []
    for end in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        daemon = start_daemon("--data", str(tmp_path / "made" / "for it"))
        hello = connect(Client, daemon.control).hello()
        told.append((hello["journal"], hello["boot"]))
        daemon.signal(end, within=2)
    assert [boot for _, boot in told] == [1, 2, 3]
    assert len({journal for journal, _ in told}) == 1


def test_a_data_folder_that_cannot_be_is_refused(crims, tmp_path):
    (tmp_path / "file").write_text("")
    done = crims("serve", "--control", ANY_PORT, "--events", ANY_PORT, "--data", tmp_path / "file")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "file") in done.stderr


def test_models_are_found_in_folders_named_and_none_is_no_end(start_daemon, connect, tmp_path):
    (tmp_path / "copy").symlink_to(ROOT / "models" / MODEL)
    daemon = start_daemon("--models", str(tmp_path))
    assert MODEL in connect(Client, daemon.control).hello()["models"]


def test_too_many_runs_are_limit_exceeded(start_daemon, connect):
    client = connect(Client, start_daemon("--max-runs", "2").control)
    for name in ("r1", "r2"):
        client.open(model=MODEL, start="2020-01-01", run=name)
    error = client.refused("open", model=MODEL, start="2020-01-01", run="r3")
    assert (error["code"], bool(error["limit"])) == ("limit_exceeded", True)
    client.close(run="r1")
    client.delete(run="r1")
    assert client.open(model=MODEL, start="2020-01-01", run="r3")["ok"]


def test_a_daemon_whose_stdout_is_closed_still_serves():
    import subprocess

    process = subprocess.Popen(
        [CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, bufsize=0,
    )  # fmt: skip
    try:
        ready = json.loads(read_line(process.stdout, 5))
        process.stdout.close()
        client = Client(ready["control"][0])
        assert client.hello()["ok"] and process.poll() is None
        client.end()
    finally:
        process.terminate()
        assert process.wait(3) == 0
