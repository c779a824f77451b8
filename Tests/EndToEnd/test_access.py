"""Keys: who has one that is admitted may do what its role says, and nobody else reaches anything."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import zmq
import zmq.auth
from conftest import CRIMS, MODEL, ROOT, wait_for_binary
from crims_client import Client, Dealer, Listener

ROLES = ["observer", "policy", "driver"]
# What each operation needs, with the fields of a request that is in order.
OPERATIONS = {
    "hello": ("observer", {}),
    "describe": ("observer", {"model": MODEL}),
    "status": ("observer", {}),
    "read": ("observer", {"run": "given", "seq": 0, "format": "none"}),
    "adjustments": ("observer", {"run": "given"}),
    "rates": ("observer", {"run": "given", "from": "2020-01-06", "to": "2020-01-07"}),
    "adjust": ("policy", {"run": "given", "factor": 0.5}),
    "retract": ("policy", {"run": "given", "adjustment": "a1"}),
    "open": ("driver", {"model": MODEL, "start": "2020-01-06", "run": "another"}),
    "step": ("driver", {"run": "given", "format": "none"}),
    "fork": ("driver", {"run": "given", "as": "forked"}),
    "close": ("driver", {"run": "given"}),
    "delete": ("driver", {"run": "given"}),
}
# Long enough for a connection and its handshake, many times over.
SILENCE = 700


class Keys:
    """A daemon's keys and a folder of its clients' ones, made by `crims keys new`."""

    def __init__(self, folder):
        self.folder, self.clients = folder, folder / "clients"
        self.clients.mkdir()
        self.new("server")
        for role in ROLES:
            self.new(f"an-{role}", role)

    def new(self, name, role=None):
        words = ["keys", "new", name, "-o", self.folder] + (["--role", role] if role else [])
        subprocess.run([CRIMS, *words], check=True, capture_output=True, timeout=10)
        if role:
            self.admit(name)

    def admit(self, name):
        shutil.copy(self.folder / f"{name}.key", self.clients)

    def revoke(self, name):
        (self.clients / f"{name}.key").unlink()

    def text(self, name, old="", new=""):
        """Changes a client's file."""
        file = self.clients / f"{name}.key"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def of(self, name):
        """What a client of that name connects with."""
        server, _ = zmq.auth.load_certificate(self.folder / "server.key")
        return *zmq.auth.load_certificate(self.folder / f"{name}.key_secret"), server

    @property
    def options(self):
        return "--server-key", str(self.folder / "server.key_secret"), "--client-keys", str(self.clients)


@pytest.fixture
def keys(tmp_path):
    wait_for_binary()
    return Keys(tmp_path)


@pytest.fixture
def guarded(keys, start_daemon):
    """A daemon with keys."""
    return start_daemon("--no-data", *keys.options)


def logged(daemon, event):
    return [line for line in map(json.loads, daemon.words().splitlines()) if line["event"] == event]


def hang_up(daemon, event="client keys read"):
    """Sends SIGHUP and returns what the daemon says to it."""
    before = len(logged(daemon, event))
    daemon.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 5
    while len(logged(daemon, event)) == before:
        assert time.monotonic() < deadline, daemon.words()
        time.sleep(0.01)
    return logged(daemon, event)[-1]


def wait_for_step(client):
    deadline = time.monotonic() + 5
    while not client.status()["runs"][0]["stepping"]:
        assert time.monotonic() < deadline, "no step is at hand"


def hears_nothing(made):
    """Whether neither an answer nor an event comes."""
    return not made.socket.poll(SILENCE)


# MARK: roles


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_is_for(guarded, keys, connect, role):
    driver = connect(Client, guarded.control, keys=keys.of("an-driver"))
    driver.open(model=MODEL, start="2020-01-06", run="given")
    driver.step(run="given", format="none")
    driver.adjust(run="given", factor=0.9)
    client = connect(Client, guarded.control, keys=keys.of(f"an-{role}"))
    assert client.hello()["role"] == role
    before = driver.status(run="given")["runs"][0]
    for op, (needed, fields) in OPERATIONS.items():
        reply = client.ask(op, **fields, id="x")
        if ROLES.index(role) >= ROLES.index(needed):
            assert reply["ok"], (op, dict(reply))
        else:
            assert (reply["ok"], reply["op"], reply["id"]) == (False, op, "x")
            error = reply["error"]
            assert (error["code"], error["needs"], error["role"]) == ("forbidden", needed, role)
            assert all(word in error["message"] for word in [op, needed, role, f"an-{role}", "ask"])
    after = driver.status()["runs"]
    if role == "observer":
        assert [run["run"] for run in after] == ["given"]
        assert {**after[0], "timings": 0} == {**before, "timings": 0}
    assert connect(Listener, guarded.events, keys=keys.of(f"an-{role}")).sync()


def test_without_keys_everybody_is_a_driver(client):
    assert client.hello()["role"] == "driver"


def test_all_operations_have_been_tried(client):
    assert set(re.findall(r"\b[a-z]+\b", client.refused("nothing")["message"])) >= set(OPERATIONS)


def test_the_file_tells_the_name_that_a_refusal_tells(guarded, keys, connect):
    shutil.move(keys.clients / "an-observer.key", keys.clients / "Jo.Bloggs_2.key")
    assert hang_up(guarded)["changed"] == ["Jo.Bloggs_2"]
    client = connect(Client, guarded.control, keys=keys.of("an-observer"))
    assert "'Jo.Bloggs_2'" in client.refused("step", run="r1")["message"]


# MARK: strangers


def strangers(keys):
    """Ways to connect that reach nothing."""
    public, secret = zmq.curve_keypair()
    other, _ = zmq.curve_keypair()
    own, own_secret, server = keys.of("an-driver")
    return {
        "a key of its own": (public, secret, server),
        "no key": None,
        "another server's key": (own, own_secret, other),
        "an admitted key without its secret": (own, secret, server),
    }


@pytest.mark.parametrize("kind", ["a key of its own", "no key", "another server's key",
                                  "an admitted key without its secret"])  # fmt: skip
def test_a_stranger_reaches_nothing(guarded, keys, connect, kind):
    stranger = strangers(keys)[kind]
    asking = connect(Dealer, guarded.control, keys=stranger)
    asking.send("hello")
    listening = connect(Listener, guarded.events, "", keys=stranger)
    assert hears_nothing(asking)
    # A heartbeat has passed meanwhile.
    assert connect(Listener, guarded.events, keys=keys.of("an-observer")).sync()
    assert not listening.socket.poll(0)
    peers = connect(Client, guarded.control, keys=keys.of("an-driver")).status()["peers"]
    assert peers["refused_handshakes" if kind == "a key of its own" else "failed_handshakes"] >= 2


@pytest.mark.parametrize("mechanism", [b"NULL", b"PLAIN", b"CURVE"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_older_and_plain_protocols_get_no_further(guarded, keys, connect, version, mechanism):
    """By hand, as libzmq will not do it: the greetings of ZMTP 1.0, 2.0 and 3.0, and then a request."""
    host, port = guarded.control.removeprefix("tcp://").split(":")
    request = b'{"v":1,"op":"open","model":"%s","start":"2020-01-06","run":"intruder"}' % MODEL.encode()
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        if version == 1:
            raw.sendall(b"\x01\x00" + bytes([len(request) + 1, 0]) + request)
        elif version == 2:
            raw.sendall(b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00" + bytes([0, len(request)]) + request)
        else:
            ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
            raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + mechanism.ljust(20, b"\x00") + bytes(32))
            raw.sendall(bytes([4, len(ready)]) + ready + bytes([0, len(request)]) + request)
        raw.settimeout(4)
        got = b""
        try:
            while part := raw.recv(4096):
                got += part
        except ConnectionResetError:
            pass
    assert b"intruder" not in got and b'"ok"' not in got
    assert connect(Client, guarded.control, keys=keys.of("an-driver")).status()["runs"] == []


def test_many_strangers_cost_little(guarded, keys, connect):
    client = connect(Client, guarded.control, keys=keys.of("an-driver"))
    client.hello()
    open_files = pathlib.Path(f"/proc/{guarded.process.pid}/fd")
    before = len(list(open_files.iterdir()))
    server = keys.of("an-driver")[2]
    context = zmq.Context()
    made = []
    for _ in range(100):
        made.append(context.socket(zmq.DEALER))
        made[-1].linger = 0
        made[-1].curve_publickey, made[-1].curve_secretkey = zmq.curve_keypair()
        made[-1].curve_serverkey = server
        made[-1].connect(guarded.control)
        made[-1].send(b'{"v":1,"op":"hello"}')
    slowest = 0
    for _ in range(100):
        begun = time.monotonic()
        client.hello()
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.01)
    context.destroy()
    assert slowest < 0.5
    assert client.status()["peers"]["refused_handshakes"] == 100
    lines = logged(guarded, "handshakes refused")
    assert 1 <= len(lines) <= 2 and lines[0]["last_address"] == "127.0.0.1" and len(lines[0]["last_key"]) == 40
    deadline = time.monotonic() + 5
    while len(list(open_files.iterdir())) > before:
        assert time.monotonic() < deadline, "connections of strangers stay"
        time.sleep(0.05)


# MARK: changes


def test_a_revoked_key_reaches_nothing_from_then_on(guarded, keys, connect):
    asking = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    asking.send("hello")
    assert asking.receive()["ok"]
    listening = connect(Listener, guarded.events, "", keys=keys.of("an-driver")).sync()
    # Connected, admitted, and silent so far.
    silent = connect(Listener, guarded.events, keys=keys.of("an-driver"))
    monitor = silent.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    unasked = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    honest = connect(Listener, guarded.events, keys=keys.of("an-observer")).sync()
    cut = honest.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    if not monitor.poll(0):
        assert connect(Listener, guarded.events, keys=keys.of("an-driver")).sync()
    keys.revoke("an-driver")
    assert hang_up(guarded)["removed"] == ["an-driver"]
    while listening.socket.poll(0):
        listening.next()
    silent.socket.subscribe("")
    asking.send("hello")
    unasked.send("hello")
    assert hears_nothing(asking)
    # Who is still admitted goes on listening as if nothing had happened.
    honest.sync()
    assert not cut.poll(0)
    assert not listening.socket.poll(0) and not silent.socket.poll(0) and not unasked.socket.poll(0)
    again = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    again.send("hello")
    assert hears_nothing(again)
    assert logged(guarded, "connections of revoked keys cut")[0]["count"] >= 3
    assert logged(guarded, "handshakes refused")
    assert connect(Client, guarded.control, keys=keys.of("an-policy")).hello()["ok"]


def test_a_request_under_way_when_its_key_is_revoked_is_dropped(guarded, keys, connect):
    keys.new("extra", "driver")
    hang_up(guarded)
    extra = connect(Dealer, guarded.control, keys=keys.of("extra"))
    extra.send("hello")
    extra.receive()
    driver = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    driver.send("open", model=MODEL, start="2020-01-06", run="given")
    driver.receive()
    # Between two slices of a long step, 10 ms each, the daemon finds the signal and the requests at once.
    driver.send("step", run="given", until="2120-01-06", format="counts")
    observer = connect(Client, guarded.control, keys=keys.of("an-observer"))
    wait_for_step(observer)
    time.sleep(0.003)
    keys.revoke("extra")
    guarded.process.send_signal(signal.SIGHUP)
    for _ in range(5):
        extra.send("open", model=MODEL, start="2020-01-06")
    assert hears_nothing(extra)
    assert len(observer.status()["runs"]) == 1


def test_a_key_revoked_during_its_step_gets_no_reply(guarded, keys, connect):
    driver = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    driver.send("open", model=MODEL, start="2020-01-06", run="given")
    driver.receive()
    driver.send("step", run="given", until="2120-01-06", format="counts")
    observer = connect(Client, guarded.control, keys=keys.of("an-observer"))
    wait_for_step(observer)
    keys.revoke("an-driver")
    hang_up(guarded)
    assert observer.status()["runs"][0]["stepping"], "the step was too short for this test"
    deadline = time.monotonic() + 60
    while observer.status()["runs"][0]["stepping"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert hears_nothing(driver)


def test_a_name_with_a_new_key_admits_the_new_one_alone(guarded, keys, connect):
    old = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    old.send("hello")
    assert old.receive()["ok"]
    for ending in ("key", "key_secret"):
        (keys.folder / f"an-driver.{ending}").unlink()
    keys.new("an-driver", "driver")
    said = hang_up(guarded)
    assert (said["added"], said["removed"]) == (["an-driver"], ["an-driver"])
    old.send("hello")
    assert hears_nothing(old)
    assert connect(Client, guarded.control, keys=keys.of("an-driver")).hello()["role"] == "driver"


def test_another_role_holds_at_once_on_open_connections(guarded, keys, connect):
    client = connect(Client, guarded.control, keys=keys.of("an-driver"))
    listening = connect(Listener, guarded.events, keys=keys.of("an-driver")).sync()
    client.open(model=MODEL, start="2020-01-06", run="given")
    keys.text("an-driver", '"driver"', '"observer"')
    assert hang_up(guarded)["changed"] == ["an-driver"]
    assert client.hello()["role"] == "observer"
    assert client.refused("step", run="given")["code"] == "forbidden"
    keys.text("an-driver", '"observer"', '"policy"')
    hang_up(guarded)
    assert client.adjust(run="given", factor=0.5)["ok"]
    # Nobody was cut off for that. The adjustment is told after its reply, and so perhaps after this.
    listening.socket.subscribe("")
    assert listening.next(3000)[0] in ("adjustment/given/", "heartbeat/")


def test_an_added_key_is_admitted_without_a_restart(guarded, keys, connect):
    listening = connect(Listener, guarded.events, "heartbeat/", keys=keys.of("an-observer")).sync()
    keys.new("new", "policy")
    early = connect(Dealer, guarded.control, keys=keys.of("new"))
    early.send("hello")
    assert hears_nothing(early)
    assert hang_up(guarded)["added"] == ["new"]
    assert connect(Client, guarded.control, keys=keys.of("new")).hello()["role"] == "policy"
    assert connect(Listener, guarded.events, keys=keys.of("new")).sync() and listening.socket.poll(3000)


def test_a_broken_file_admits_nobody_and_keeps_nobody_else_out(guarded, keys, connect):
    dealers = {role: connect(Dealer, guarded.control, keys=keys.of(f"an-{role}")) for role in ROLES}
    for dealer in dealers.values():
        dealer.send("hello")
        assert dealer.receive()["ok"]
    keys.text("an-driver", "public-key", "pubic-key")
    keys.new("new", "observer")
    said = hang_up(guarded)
    assert (said["removed"], said["added"]) == (["an-driver"], ["new"])
    assert len(said["problems"]) == 1 and "an-driver.key:6: " in said["problems"][0]
    for dealer in dealers.values():
        dealer.send("hello")
    assert dealers["observer"].receive()["ok"] and dealers["policy"].receive()["ok"]
    assert connect(Client, guarded.control, keys=keys.of("new")).hello()["ok"]
    assert hears_nothing(dealers["driver"])
    # In order again, it is admitted again.
    keys.admit("an-driver")
    hang_up(guarded)
    assert connect(Client, guarded.control, keys=keys.of("an-driver")).hello()["ok"]


def test_a_folder_that_cannot_be_read_changes_nothing(guarded, keys, connect):
    client = connect(Client, guarded.control, keys=keys.of("an-driver"))
    keys.clients.rename(keys.folder / "away")
    assert "clients" in hang_up(guarded, "client keys not read, the former ones hold")["problem"]
    assert client.hello()["ok"]
    assert connect(Client, guarded.control, keys=keys.of("an-policy")).hello()["ok"]


def test_sighup_without_keys_is_survived(start_daemon, connect):
    daemon = start_daemon("--no-data")
    hang_up(daemon, "SIGHUP changes nothing: there are no keys")
    assert connect(Client, daemon.control).hello()["ok"]


def test_whoever_connects_during_a_long_step_is_admitted(guarded, keys, connect):
    driver = connect(Dealer, guarded.control, keys=keys.of("an-driver"))
    driver.send("open", model=MODEL, start="2020-01-06", run="given")
    driver.receive()
    driver.send("step", run="given", until="2120-01-06", format="counts")
    first = connect(Client, guarded.control, keys=keys.of("an-observer"))
    wait_for_step(first)
    begun = time.monotonic()
    late = connect(Client, guarded.control, keys=keys.of("an-policy"))
    assert late.status()["runs"][0]["stepping"], "the step was too short for this test"
    assert time.monotonic() - begun < 1
    assert driver.receive(60_000)["ok"]


# MARK: files and endpoints


def refused(crims, keys, *options):
    """What `crims serve` says when it does not start."""
    at = ["--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*", "--no-data"]
    done = crims("serve", *at, *(options or keys.options), timeout=5)
    assert (done.returncode, done.stdout) == (1, ""), (done.returncode, done.stdout, done.stderr)
    return done.stderr


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_secret_that_others_may_read_is_refused(crims, keys, mode):
    secret = keys.folder / "server.key_secret"
    secret.chmod(mode)
    assert f"chmod 600 {secret}" in refused(crims, keys)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_of_another_user_is_refused(crims, keys):
    secret = keys.folder / "server.key_secret"
    os.chown(secret, 12345, -1)
    assert f"chown 0 {secret}" in refused(crims, keys)


@pytest.mark.parametrize("what", ["an-policy.key", ""])
def test_what_anybody_may_write_admits_nobody(crims, keys, what):
    path = keys.clients / what
    path.chmod(0o777 if not what else 0o646)
    assert "chmod o-w" in refused(crims, keys)


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('    role = "policy"\n', "", "an-policy.key: there is no role"),
        ('"policy"', '"boss"', 'an-policy.key:4: the role is one of "observer", "policy", "driver", not "boss"'),
        ("curve\n", "", "an-policy.key: there is no public-key under 'curve'"),
        ("    public-key", "public-key", "an-policy.key:6: 'metadata' or 'curve' is expected"),
        ('public-key = "', 'public-key = "x', "an-policy.key:6: this is no key"),
        ("metadata", "meta\x00data", "an-policy.key:2: it is not text"),
        ("    role", '    role = "driver"\n    role', "an-policy.key:5: 'role' is given twice"),
    ],
)
def test_a_client_file_that_is_not_in_order_is_told_by_line(crims, keys, old, new, said):
    keys.text("an-policy", old, new)
    assert said in refused(crims, keys)


def test_other_client_files_that_are_refused(crims, keys):
    shutil.copy(keys.folder / "server.key", keys.clients)
    shutil.copy(keys.folder / "an-policy.key_secret", keys.clients / "leak.key")
    shutil.copy(keys.clients / "an-driver.key", keys.clients / "twin.key")
    shutil.copy(keys.clients / "an-driver.key", keys.clients / "two words.key")
    os.mkfifo(keys.clients / "pipe.key")
    words = refused(crims, keys)
    for said in ["server.key: it is a server's key", "leak.key: it has a secret key", "twin.key: ", "same key",
                 "two words.key: a key's name is", "pipe.key: it is no file"]:  # fmt: skip
        assert said in words


def test_a_daemon_needs_its_secret_and_both_options(crims, keys):
    public = keys.folder / "server.key"
    public.chmod(0o600)
    assert "no secret key" in refused(crims, keys, "--server-key", public, "--client-keys", keys.clients)
    missing = keys.folder / "none"
    assert str(missing) in refused(crims, keys, "--server-key", missing, "--client-keys", keys.clients)
    assert str(missing) in refused(crims, keys, *keys.options[:2], "--client-keys", missing)
    for half in (keys.options[:2], keys.options[2:]):
        done = crims("serve", *half)
        assert done.returncode == 2 and "--server-key" in done.stderr and "--client-keys" in done.stderr


def test_a_secret_key_of_another_pair_is_refused(crims, keys):
    secret = keys.folder / "server.key_secret"
    other = (keys.folder / "an-driver.key_secret").read_text()
    line = re.search(r"secret-key.*", other)[0]
    secret.write_text(re.sub(r"secret-key.*", lambda _: line, secret.read_text()))
    assert "not of one pair" in refused(crims, keys)


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:*", "tcp://*:*"])
def test_other_addresses_want_keys(crims, start_daemon, keys, connect, endpoint):
    done = crims("serve", "--no-data", "--control", endpoint, "--events", "tcp://127.0.0.1:*", timeout=5)
    assert done.returncode == 1 and done.stdout == ""
    assert all(word in done.stderr for word in ["127.0.0.1", "ipc://", "SSH", "crims keys new", "--client-keys"])
    daemon = start_daemon("--no-data", *keys.options, "--control", endpoint, "--events", endpoint)
    control, events = (daemon.ready[kind][1].replace("0.0.0.0", "127.0.0.1") for kind in ("control", "events"))
    assert connect(Client, control, keys=keys.of("an-driver")).hello()["ok"]
    assert connect(Listener, events, keys=keys.of("an-driver")).sync()


def test_ipc_is_guarded_as_well(start_daemon, keys, connect):
    at = [f"ipc://{keys.folder}/{name}" for name in ("control", "events")]
    daemon = start_daemon("--no-data", *keys.options, "--control", at[0], "--events", at[1])
    client = connect(Client, at[0], keys=keys.of("an-driver"))
    assert client.hello()["role"] == "driver"
    stranger = connect(Dealer, at[0])
    stranger.send("hello")
    assert hears_nothing(stranger)
    gone = connect(Listener, at[1], "", keys=keys.of("an-policy")).sync()
    honest = connect(Listener, at[1], keys=keys.of("an-observer")).sync()
    keys.revoke("an-policy")
    hang_up(daemon)
    while gone.socket.poll(0):
        gone.next()
    honest.sync()
    assert not gone.socket.poll(0) and client.hello()["ok"]
    assert connect(Listener, at[1], keys=keys.of("an-driver")).sync()


# MARK: the command line


def test_new_keys_are_private_and_pyzmq_reads_them(crims, tmp_path):
    os.umask(0)
    try:
        done = crims("keys", "new", "alice", "--role", "policy", "-o", tmp_path / "made" / "here", "--json")
    finally:
        os.umask(0o022)
    told = json.loads(done.stdout)
    assert (told["name"], told["role"]) == ("alice", "policy")
    assert stat.S_IMODE(os.stat(told["secret"]).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(told["public"]).st_mode) == 0o644
    public, secret = zmq.auth.load_certificate(told["secret"])
    assert zmq.auth.load_certificate(told["public"]) == (public, None)
    assert public.decode() == told["public_key"] and zmq.curve_public(secret) == public
    before = pathlib.Path(told["secret"]).read_bytes()
    for gone in (None, told["public"], told["secret"]):
        if gone:
            shutil.move(gone, gone + ".kept")
        again = crims("keys", "new", "alice", "--role", "driver", "-o", tmp_path / "made" / "here")
        assert again.returncode == 1 and "never overwritten" in again.stderr
        if gone:
            assert not os.path.exists(gone), "half a pair was left"
            shutil.move(gone + ".kept", gone)
    assert pathlib.Path(told["secret"]).read_bytes() == before


def test_new_keys_say_what_to_do_with_them(crims, tmp_path):
    done = crims("keys", "new", "server", "-o", tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path / "server.key"), str(tmp_path / "server.key_secret")]
    assert "crims serve --server-key" in done.stderr
    done = crims("keys", "new", "bob", "--role", "driver", "-o", tmp_path)
    assert "SIGHUP" in done.stderr and "--client-key" in done.stderr


@pytest.mark.parametrize(
    "words, said",
    [(["new"], "NAME"), (["list"], "FOLDER"), (["lst", "x"], "list"), (["new", "../x"], "a-z"), (["new", ".x"], "a-z"),
     (["new", "x", "--role", "boss"], "'driver'"), (["list", "x", "--role", "driver"], "--role")],
)  # fmt: skip
def test_wrong_usage_of_keys_is_told(crims, words, said):
    done = crims("keys", *words)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr


def test_keys_are_listed(crims, keys):
    done = crims("keys", "list", keys.clients)
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [[f"an-{role}", role] for role in
                                                                           sorted(ROLES)]  # fmt: skip
    keys.text("an-driver", '"driver"', '"boss"')
    done = crims("keys", "list", keys.clients, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and "boss" in told["problems"][0] and "boss" in done.stderr
    assert [client["role"] for client in told["clients"]] == ["observer", "policy"]


def test_the_commands_of_the_command_line_take_keys(guarded, keys, crims):
    def at(name, server="server"):
        key, server = keys.folder / f"{name}.key_secret", keys.folder / f"{server}.key"
        return ["--connect", guarded.control, "--client-key", key, "--server-key", server]

    done = crims("open", "--model", MODEL, "--start", "2020-01-06", "--run", "by-hand", *at("an-driver"))
    assert done.returncode == 0, done.stderr
    assert crims("adjust", "by-hand", "--factor", "0.5", "--key", "once", *at("an-policy")).returncode == 0
    assert crims("step", "by-hand", *at("an-driver")).returncode == 0
    assert "by-hand" in crims("status", *at("an-observer")).stdout
    done = crims("step", "by-hand", *at("an-observer"))
    assert done.returncode == 1 and "driver" in done.stderr and "forbidden" in done.stderr
    tail = crims("tail", "--topic", "heartbeat/", "--count", "1", "--events", guarded.events, *at("an-observer")[2:])
    assert tail.stdout.startswith("heartbeat/\t")

    done = crims("status", "--connect", guarded.control)
    assert done.returncode == 1 and "--client-key" in done.stderr
    done = crims("status", *at("an-driver", "an-policy"))
    assert done.returncode == 1 and "admit this key" in done.stderr
    (keys.folder / "an-driver.key_secret").chmod(0o644)
    done = crims("status", *at("an-driver"))
    assert done.returncode == 1 and "chmod 600" in done.stderr
    done = crims("status", "--client-key", keys.folder / "an-policy.key_secret")
    assert done.returncode == 2 and "--server-key" in done.stderr


def test_certificates_of_pyzmq_are_taken(start_daemon, keys, connect):
    public, _ = zmq.auth.create_certificates(keys.folder, "from-pyzmq")
    text = pathlib.Path(public).read_text().replace("metadata\n", "metadata\n    role = observer\n")
    (keys.clients / "from-pyzmq.key").write_text(text)
    zmq.auth.create_certificates(keys.folder, "their-server")
    os.chmod(keys.folder / "their-server.key_secret", 0o600)
    options = ["--server-key", keys.folder / "their-server.key_secret", "--client-keys", keys.clients]
    daemon = start_daemon("--no-data", *options)
    own = zmq.auth.load_certificate(keys.folder / "from-pyzmq.key_secret")
    server, _ = zmq.auth.load_certificate(keys.folder / "their-server.key")
    assert connect(Client, daemon.control, keys=(*own, server)).hello()["role"] == "observer"


def test_the_python_in_the_page_about_access_works(guarded, keys):
    page = (ROOT / "docs" / "access.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for written, here in [("tcp://crims.example.org:5555", guarded.control), ("alice", "an-driver")]:
        assert written in program
        program = program.replace(written, here)
    done = subprocess.run([sys.executable, "-c", program], cwd=keys.folder, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "driver"
