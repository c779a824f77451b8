"""Limits: each can be set, is told under its name, and is named by the error that it causes."""

import json
import re

import pytest
import zmq
from conftest import MODEL, ROOT
from crims_client import Client, Dealer, Listener
from hostile import eventually, peers


def documented():
    """The table of limits in docs/protocol.md: name, option or nothing, default."""
    text = (ROOT / "docs" / "protocol.md").read_text().split("\n## Limits\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|(?: `--([a-z-]+)`)? \| ([\d,]+) \|", text, re.MULTILINE)
    return {name: (option, int(default.replace(",", ""))) for name, option, default in rows}


LIMITS = documented()


def test_hello_tells_every_limit_that_is_documented_and_no_other(client):
    told = client.hello()["limits"]
    assert told == {name: default for name, (_, default) in LIMITS.items()}


def test_every_limit_can_be_set(start_daemon, connect):
    settable = [name for name, (option, _) in LIMITS.items() if option]
    wanted = {name: LIMITS[name][1] // 2 + 50_000 if "bytes" in name else 20 for name in settable}
    arguments = [word for name, value in wanted.items() for word in (f"--{LIMITS[name][0]}", str(value))]
    told = connect(Client, start_daemon(*arguments).control).hello()["limits"]
    assert {name: told[name] for name in wanted} == wanted


def test_the_help_names_every_limit_with_its_default(crims):
    words = crims("serve", "--help").stdout
    for name, (option, default) in LIMITS.items():
        if option:
            assert re.search(rf"--{option} N .*\({default}\)", words), name


@pytest.mark.parametrize("option", [option for option, _ in LIMITS.values() if option])
def test_a_limit_that_is_no_number_in_range_is_wrong_usage(crims, option):
    for value in "-1", "99999999999999999999":
        done = crims("serve", f"--{option}={value}")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--{option} is a whole number from" in done.stderr and value in done.stderr


@pytest.fixture
def bounded(start_daemon, connect):
    """A client of a daemon with low limits, and a run `r`."""

    def make(**limits):
        daemon = start_daemon(*(f"--{LIMITS[name][0]}={value}" for name, value in limits.items()))
        client = connect(Client, daemon.control)
        client.open(model=MODEL, start="2020-01-06", run="r")
        return daemon, client

    return make


TWO = [{"factor": 0.5}, {"factor": 0.25}]
PAIR = [{"name": "a"}, {"name": "b"}]
ANSWERED = {
    "request_bytes": (1_024, "hello", {"id": "x" * 1_024}),
    "runs": (1, "open", {"model": MODEL, "start": "2020-01-06"}),
    "adjustments_in_force": (1, "step", {"run": "r", "adjust": TWO}),
    "participants": (1, "open", {"model": MODEL, "start": "2020-01-06", "participants": PAIR}),
    "incidents_per_reply": (10, "step", {"run": "r", "count": 24}),
    "rows_per_reply": (10, "rates", {"run": "r", "from": "2020-01-06", "to": "2020-01-07", "by": ["hour"]}),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_the_error_names_the_limit_and_changes_nothing(bounded, name):
    value, op, fields = ANSWERED[name]
    _, client = bounded(**{name: value})
    before = client.status(run="r")["runs"]
    error = client.refused(op, **fields)
    assert (error["code"], error["limit"]) == ("limit_exceeded", name)
    assert str(value) in error["message"]
    assert client.status(run="r")["runs"] == before


LONG_RATES = {"from": "1970-01-01", "to": "2200-01-01", "by": ["category"]}


def codes(dealer, count):
    """How each of so many replies ended: with the name of a limit, or nothing."""
    return [dealer.receive().get("error", {}).get("limit") for _ in range(count)]


def test_reads_at_hand_are_bounded_until_their_client_leaves(bounded, connect):
    daemon, client = bounded(reads_waiting=3)
    context = zmq.Context()
    leaver = Dealer(daemon.control, context)
    for _ in range(4):
        leaver.send("rates", run="r", **LONG_RATES)
    assert codes(leaver, 1) == ["reads_waiting"]
    error = client.refused("rates", run="r", **LONG_RATES)
    assert (error["code"], error["limit"]) == ("limit_exceeded", "reads_waiting")
    leaver.end()
    context.term()
    short = {"from": "2020-01-06", "to": "2020-01-07", "by": ["category"]}
    eventually(lambda: client.ask("rates", run="r", **short)["ok"], seconds=5)


def test_unanswered_requests_of_a_connection_are_bounded(bounded, connect):
    daemon, client = bounded(requests_in_flight=3)
    dealer = connect(Dealer, daemon.control)
    for _ in range(5):
        dealer.send("rates", run="r", **LONG_RATES)
    assert codes(dealer, 2) == ["requests_in_flight"] * 2
    assert client.hello()["ok"], "others are not held to it"


def test_requests_that_wait_for_a_step_are_bounded(bounded, connect):
    daemon, client = bounded(requests_waiting=2)
    dealer = connect(Dealer, daemon.control)
    dealer.send("step", run="r", count=200_000, format="none")
    for _ in range(4):
        dealer.send("adjust", run="r", factor=0.5)
    assert codes(dealer, 2) == ["requests_waiting"] * 2


def unread(client, bytes_at_least):
    return peers(client, "unread_bytes") >= bytes_at_least


def never_reading(daemon, context):
    """A DEALER that takes next to nothing before it is read."""
    socket = context.socket(zmq.DEALER)
    socket.linger, socket.rcvhwm, socket.rcvbuf, socket.rcvtimeo = 0, 1, 4096, 10_000
    socket.connect(daemon.control)
    return socket


READ = json.dumps({"v": 1, "op": "read", "run": "r", "seq": 0, "count": 240}).encode()


def test_who_leaves_replies_unread_is_refused_more_of_them(bounded):
    daemon, client = bounded(unread_bytes=2_000_000)
    client.step(run="r", count=240, format="none")
    context = zmq.Context()
    dealer = never_reading(daemon, context)
    for _ in range(20):
        dealer.send(READ)
    eventually(lambda: unread(client, 2_000_000))
    dealer.send(READ)
    replies = [json.loads(dealer.recv()) for _ in range(21)]
    # Some of the twenty may have come when too much was unread already; a refusal does not wait its turn.
    refused = [reply for reply in replies if not reply["ok"]]
    assert 1 <= len(refused) <= 11 and {reply["error"]["limit"] for reply in refused} == {"unread_bytes"}
    dealer.send(READ)
    assert json.loads(dealer.recv())["ok"], "once they are read, it is served again"
    assert peers(client, "unread_bytes") < 2_000_000
    dealer.close()
    context.term()


def test_who_leaves_most_unread_is_cut_when_all_together_leave_too_much(bounded):
    daemon, client = bounded(unread_bytes_in_all=4_000_000)
    client.step(run="r", count=240, format="none")
    context = zmq.Context()
    dealer = never_reading(daemon, context)
    for _ in range(100):
        dealer.send(READ)
    eventually(lambda: peers(client, "cut_unread"))
    eventually(lambda: peers(client, "unread_bytes") < 1_000_000)
    assert client.read(run="r", seq=0, count=240)["ok"]
    eventually(lambda: "do not read their replies" in daemon.words())
    dealer.close()
    context.term()


def test_status_counts_peers_only_where_no_run_is_asked_about(bounded, connect):
    daemon, client = bounded(runs=5)
    told = peers(client)
    assert told["connections"] == 1
    assert all(isinstance(value, int) and value >= 0 for value in told.values())
    assert "peers" not in client.status(run="r")
    connect(Client, daemon.control).hello()
    assert peers(client, "connections") == 2


def test_a_silent_connection_ends_after_its_time_and_a_listener_or_a_waiting_client_does_not(start_daemon, connect):
    daemon = start_daemon("--idle-seconds", "1")
    connect(Client, daemon.control).hello()
    listener = connect(Listener, daemon.events, "heartbeat/")
    waiting = connect(Dealer, daemon.control)
    waiting.send("open", model=MODEL, start="2020-01-06", run="pair", participants=PAIR)
    waiting.receive()
    waiting.send("step", run="pair", participant="a", format="none")
    client = connect(Client, daemon.control)
    # The silent one's own ZeroMQ connects again by itself, and is cut again.
    eventually(lambda: peers(client, "cut_idle") >= 1, seconds=8, pause=0.3)
    assert listener.next(3_000)
    client.step(run="pair", participant="b", format="none")
    assert waiting.receive()["steps"] == 1
