"""clients/conformance: the daemon and the client in R pass, and what is wrong in one way fails and is told."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest
import zmq
from conftest import ROOT

SUITE = ROOT / "clients" / "conformance"
WRONG_CLIENT = ROOT / "Tests" / "EndToEnd" / "wrong_client.py"
FILES = sorted((SUITE / "cases").glob("*.json"))
CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
# What a daemon says only with keys, a full disk, a model that was changed, or a fault of its own.
NOT_BY_ASKING = {"forbidden", "storage", "model_changed", "internal"}


def program(name, *arguments):
    return subprocess.run([sys.executable, SUITE / name, *arguments], capture_output=True, text=True, timeout=120)


def check(*arguments):
    return program("check.py", *arguments)


def failure(finished):
    """The text of a check in which one thing was wrong."""
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert not finished.stderr, finished.stderr
    assert re.search(r"^\d+ passed, [1-9]\d* failed$", finished.stdout.splitlines()[-1])
    return finished.stdout


def test_the_daemon_passes(daemon):
    # A daemon in which a sanitizer looks at every access takes ten times as long.
    finished = check("server", daemon.control, "--timeout", str(10 * float(os.environ.get("CRIMS_PATIENCE", "1"))))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    lines = finished.stdout.splitlines()
    assert len(lines) > 25 and all(line.startswith("ok ") for line in lines[:-1])
    assert lines[-1] == f"{len(lines) - 1} passed, 0 failed"


def test_it_passes_again_and_leaves_no_run_behind(daemon, client):
    before = [run["run"] for run in client.status()["runs"]]
    assert check("server", daemon.control, "--case", "20-", "--case", "27-").returncode == 0
    client.open(model="merseyside", start="2019-01-01", run="conformance-1")  # as an interrupted check leaves one
    assert check("server", daemon.control, "--case", "20-").returncode == 0
    assert [run["run"] for run in client.status()["runs"]] == before


def test_what_is_committed_is_what_the_daemon_says(daemon):
    finished = program("record.py", daemon.control, "--check")
    assert finished.returncode == 0, f"{finished.stdout}{finished.stderr}clients/conformance/record.py writes them anew"


def test_the_recorder_adds_replies_and_keeps_patterns(daemon, tmp_path):
    copy = tmp_path / "conformance"
    shutil.copytree(SUITE, copy)
    for path in (copy / "cases").iterdir():
        case = json.loads(path.read_text())
        if path.stem not in ("01-hello", "03-first-hour"):
            path.unlink()
        elif path.stem == "03-first-hour":
            for exchange in case["exchanges"]:
                del exchange["reply"]
            path.write_text(json.dumps(case))
    finished = subprocess.run([sys.executable, copy / "record.py", daemon.control], capture_output=True, text=True)
    assert finished.stdout == "03-first-hour: written\n", finished.stderr
    for name in ("01-hello", "03-first-hour"):
        assert (copy / "cases" / f"{name}.json").read_text() == (SUITE / "cases" / f"{name}.json").read_text()


EXCHANGES = [exchange for case in CASES.values() for exchange in case["exchanges"]]
REQUESTS = [exchange["request"] for exchange in EXCHANGES if isinstance(exchange.get("request"), dict)]


def section(begin, end):
    """A part of docs/protocol.md."""
    return PROTOCOL.split(begin)[1].split(end)[0]


def words(text):
    return set(re.findall(r"`(\w+)`", text))


def test_every_operation_of_the_protocol_is_asked_for():
    operations = words(" ".join(re.findall(r"^## (`\w+`(?:, `\w+`)*)$", PROTOCOL, re.MULTILINE)))
    assert len(operations) == 13
    assert operations <= {request.get("op") for request in REQUESTS}


def test_every_format_is_asked_for():
    table = section("### Formats and retries", "| field | type | column")
    formats = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) - {"format"}
    assert len(formats) == 5
    assert formats <= {request.get("format", "records") for request in REQUESTS}


def test_every_error_that_asking_can_bring_is_there():
    codes = set(re.findall(r"^\| `(\w+)` \|", section("## Errors", "## Limits"), re.MULTILINE))
    assert len(codes) > 18
    replies = [exchange.get("reply") or {} for exchange in EXCHANGES]
    assert {reply["error"]["code"] for reply in replies if not reply.get("ok", True)} == codes - NOT_BY_ASKING


def test_every_field_of_the_protocol_is_given():
    given = set()
    for request in REQUESTS:
        for one in [request, *(request.get("adjust") or []), *(request.get("participants") or [])]:
            given |= set(one)
    tables = re.findall(r"\| field \| type \| default \|\n.*?\n\n", section("## `open`", "## Events"), re.DOTALL)
    fields = words(" ".join(re.findall(r"^\| ([^|]*) \|", "".join(tables), re.MULTILINE)))
    assert len(tables) == 4 and len(fields) > 30
    assert fields <= given


def test_files_are_for_people():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert len(text) < 16_000 and len(text.splitlines()) < 300, path.name
        case = CASES[path.stem]
        assert case["title"] and case["shows"].endswith("."), path.name


class WrongServer(threading.Thread):
    """A server that hands on to the daemon, and changes the replies to one operation on their way back."""

    def __init__(self, daemon, op, change):
        super().__init__(daemon=True)
        self.op, self.change, self.is_over = op, change, False
        self.front, self.back = (zmq.Context.instance().socket(kind) for kind in (zmq.ROUTER, zmq.DEALER))
        self.front.linger = self.back.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self.front.bind_to_random_port('tcp://127.0.0.1')}"
        self.back.connect(daemon.control)

    def run(self):
        while not self.is_over:
            if not self.front.poll(100):
                continue
            sender, *request = self.front.recv_multipart()
            self.back.send_multipart(request)
            if not self.back.poll(5000):
                return
            reply = self.back.recv_multipart()
            if b'"op":"%s"' % self.op.encode() in reply[0]:
                reply = self.change(reply)
            if reply:
                self.front.send_multipart([sender, *reply])
        self.front.close()
        self.back.close()

    def end(self):
        self.is_over = True
        self.join(10)


def member(name, value):
    """Changes a member of the reply."""
    def change(frames):
        reply = json.loads(frames[0])
        if value is None:
            del reply[name]
        else:
            reply[name] = value
        return [json.dumps(reply).encode(), *frames[1:]]
    return change


WRONG_SERVERS = {
    "another number": ("03", "step", member("count", 6), ["count: expected 5, came 6", '"op": "step"']),
    "another text": ("03", "open", member("state", "ended"), ['state: expected "open", came "ended"', '"op": "open"']),
    "a member too few": ("03", "step", member("ended", None), ["ended: expected false, came nothing"]),
    "a member too many": ("03", "step", member("more", 1), ["more: expected nothing, came 1"]),
    "0 for false": ("03", "step", member("capped", 0), ["capped: expected false, came 0"]),
    "a wrong type": ("01", "hello", member("boot", "1"), ["boot: expected something like", 'came "1"']),
    "no integer": ("01", "hello", member("boot", 1.5), ["boot: expected something like", "came 1.5"]),
    "other areas": ("02", "describe", member("areas", [{}] * 184), ["areas: expected something like"]),
    "an area too few": ("02", "describe", lambda frames: [frames[0].replace(b'{"code":"E02006934"', b'{"code":"E0"')],
                        None),
    "an incident changed": ("03", "step", lambda frames: [frames[0].replace(b"E02001385", b"E02001384")],
                            ["incidents[2].MSOA: expected"]),
    "an incident too few": ("03", "step", member("incidents", []), ["incidents: expected", "came []"]),
    "an id of no use": ("07", "rates", member("id", "abm-2"), ['id: expected "abm-1", came "abm-2"']),
    "another error": ("08", "step", lambda frames: [frames[0].replace(b'"conflict"', b'"out_of_step"'), *frames[1:]],
                      ['error.code: expected "conflict", came "out_of_step"']),
    "CSV with a carriage return": ("04", "step", lambda frames: [frames[0], frames[1].replace(b"\n", b"\r\n")],
                                   ["in the frame 'csv', expected b'id,MSOA", "severity\\r\\n"]),
    "big-endian columns": ("05", "step", lambda frames: [*frames[:2], frames[2][::-1], *frames[3:]],
                           ["in the frame 'time', expected b"]),
    "a frame too few": ("05", "step", lambda frames: frames[:-1], ["expected 5 frames after the reply, came 4"]),
    "a frame too many": ("03", "step", lambda frames: [*frames, b""], ["expected 0 frames after the reply, came 1"]),
    "no JSON": ("03", "step", lambda frames: [b"<html>"], ['it: expected {"v": 1', 'came "<html>"']),
    "silence": ("03", "step", lambda frames: [], ["no answer from tcp://127.0.0.1:", "within 1 s"]),
}


@pytest.mark.parametrize("case, op, change, told", WRONG_SERVERS.values(), ids=WRONG_SERVERS.keys())
def test_a_wrong_server_fails(daemon, case, op, change, told):
    server = WrongServer(daemon, op, change)
    server.start()
    finished = check("server", server.endpoint, "--timeout", "1", "--case", case)
    server.end()
    if told is None:  # only those areas are compared that a person can read
        assert finished.returncode == 0
        return
    text = failure(finished)
    for words in told:
        assert words in text, text
    assert text.splitlines()[-1] == "0 passed, 1 failed"


def test_the_same_server_passes_if_it_changes_nothing(daemon):
    server = WrongServer(daemon, "step", lambda frames: frames)
    server.start()
    finished = check("server", server.endpoint, "--case", "03-", "--case", "04-", "--case", "05-", "--case", "08-")
    server.end()
    assert finished.returncode == 0, finished.stdout


def test_nobody_there_is_told_at_once():
    with zmq.Context.instance().socket(zmq.ROUTER) as free:
        endpoint = f"tcp://127.0.0.1:{free.bind_to_random_port('tcp://127.0.0.1')}"
        finished = check("server", endpoint, "--timeout", "0.5")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == f"no answer from {endpoint} within 0.5 s. Is a server running there?\n"


@pytest.mark.parametrize("arguments", [
    [], ["servers"], ["server"], ["server", "nowhere"], ["client"], ["client", "--", "no-such-command"],
    ["server", "tcp://127.0.0.1:1", "--case", "no-such-case"], ["server", "tcp://127.0.0.1:1", "--timeout", "0"],
    ["client", "--patience", "1", "--give-up", "2", "--", "true"],
])
def test_wrong_usage_exits_with_2(arguments):
    finished = check(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "usage: check.py" in finished.stderr


def of_client(*command, cases=(), patience="1"):
    options = [word for case in cases for word in ("--case", case)]
    return check("client", "--patience", patience, "--give-up", str(4 * float(patience)), *options, "--", *command)


def has_r():
    packages = ["Rscript", "-e", "library(pbdZMQ); library(jsonlite)"]
    return shutil.which("Rscript") and subprocess.run(packages, capture_output=True).returncode == 0


def assert_all_pass(finished, count):
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1] == f"{count} passed, 0 failed"


FOR_CLIENTS = sum("only" not in case for case in CASES.values())


@pytest.mark.skipif(not has_r(), reason="R with pbdZMQ and jsonlite is not installed")
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_the_client_in_r_passes(locale, monkeypatch):
    monkeypatch.setenv("LC_ALL", locale)
    if locale == "C":  # the locale matters where there are texts
        assert_all_pass(of_client("Rscript", ROOT / "examples" / "conforming_client.R", cases=["09-", "04-"]), 2)
    else:
        assert_all_pass(of_client("Rscript", ROOT / "examples" / "conforming_client.R"), FOR_CLIENTS)


@pytest.mark.skipif(not has_r(), reason="R with pbdZMQ and jsonlite is not installed")
def test_the_client_in_r_is_a_library_too(daemon):
    program = f"""
      source("{ROOT / "examples" / "conforming_client.R"}")
      crims <- crims_connect("{daemon.control}")
      run <- crims_ask(crims, "open", model = "merseyside", start = "2020-01-06", run = "from-r")
      step <- crims_ask(crims, "step", run = "from-r", seq = 0, format = "columns",
                        adjust = list(list(factor = 0.5, categories = list("burglary"))))
      stopifnot(is.data.frame(step$frame), nrow(step$frame) == step$count, max(step$frame$id) > 2^50)
      table <- read.csv(text = crims_ask(crims, "read", run = "from-r", seq = 0, format = "csv")$csv)
      stopifnot(identical(as.numeric(table$id), step$frame$id))
      refused <- tryCatch(crims_ask(crims, "step", run = "from-r", seq = 7), out_of_step = identity)
      stopifnot(refused$error$expected_seq == 1)
      cat("well\n")
    """
    finished = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True, timeout=30)
    assert finished.stdout == "well\n", finished.stderr


def test_a_client_without_a_flaw_passes():
    assert_all_pass(of_client(sys.executable, WRONG_CLIENT), FOR_CLIENTS)


WRONG_CLIENTS = {
    "another seq": ("50", "as it was asked again, seq: expected 0, came 1"),
    "forgets adjust": ("50", "as it was asked again, adjust: expected"),
    "no status": ("50", "asked again without having asked for status"),
    "status on the same connection": ("50", "status on the connection of its request"),
    "status of another run": ("50", "asked for the status of \"r1\", not of 'conformance-1'"),
    "asks again on the same connection": ("50", "on the same connection, not on a new one"),
    "never asks again": ("50", 'and printed {"error": "no_answer"}'),
    "does not wait for the step": ("52", "status says that the run is at work"),
    "does not wait for others": ("53", "status says that the run is at work"),
    "any id": ("56", "seq: expected 1, came 0"),
    "one id for all": ("55", "in what the client understood"),
    "hurries": ("57", "so it has to wait longer each time, not 0.6 s again"),
    "takes its time": ("58", "s to give up, though there had never been an answer"),
    "gives up early": ("59", "before its --give-up of 2.4 s"),
    "dies of nonsense": ("60", "JSONDecodeError: Expecting value"),
    "knows all members": ("61", 'and printed {"error": "bad_reply"}'),
    "15 digits": ("03", "reply.incidents[0].id: expected 1883068281389058, came 1883068281389060.0"),
    "ids of 32 bits": ("05", "columns.id: expected [1883068281389058,"),
    "other line ends": ("04", "csv: expected"),
    "no codes": ("23", 'error: expected "unknown_model", came "refused"'),
    "loses a member": ("03", "reply.next_seq: expected 0, came nothing"),
    "adds a member": ("03", "reply.more: expected nothing, came 1"),
    "Latin-1": ("09", "a request is JSON in UTF-8, and this came: b'"),
    "version 2": ("03", 'a request has "v": 1'),
    "does not ask": ("03", "in what the client understood"),
    "dies": ("03", "ended without a line for this. On stderr: something is wrong"),
    "talks": ("03", "an object with either reply or error, and printed b'Hello!'"),
}


@pytest.mark.parametrize("flaw", WRONG_CLIENTS)
def test_a_wrong_client_fails(flaw):
    case, told = WRONG_CLIENTS[flaw]
    text = failure(of_client(sys.executable, WRONG_CLIENT, flaw, cases=[f"{case}-"], patience="0.6"))
    assert told in text, text
    assert "told the client to ask {" in text


def test_a_client_that_hangs_fails():
    program = "import sys, check, playing; playing.HANGS = 0.5; sys.exit(check.main(sys.argv[1:]))"
    command, times = [sys.executable, WRONG_CLIENT, "waits for ever"], ["--patience", "0.25", "--give-up", "1"]
    finished = subprocess.run([sys.executable, "-c", program, "client", "--case", "59-", *times, "--", *command],
                              env={**os.environ, "PYTHONPATH": str(SUITE)}, capture_output=True, text=True, timeout=30)
    assert "neither asks nor prints a line: it hangs." in failure(finished)


def test_one_failure_does_not_spoil_the_next_case():
    text = failure(of_client(sys.executable, WRONG_CLIENT, "15 digits", cases=["02-", "03-", "04-", "05-"]))
    assert re.findall("^(?:ok|FAIL|.*passed)", text, re.MULTILINE) == ["ok", "FAIL", "ok", "ok", "3 passed"]


def test_the_same_as_json(daemon):
    finished = check("server", daemon.control, "--json", "--case", "03-", "--case", "04-")
    cases = [{"case": name, "title": CASES[name]["title"], "passed": True, "wrong": []}
             for name in ("03-first-hour", "04-csv")]
    assert json.loads(finished.stdout) == {"passed": 2, "failed": 0, "cases": cases}
    finished = check("client", "--json", "--case", "03-", "--", sys.executable, WRONG_CLIENT, "talks")
    assert finished.returncode == 1
    result = json.loads(finished.stdout)
    assert (result["passed"], result["failed"], len(result["cases"][0]["wrong"])) == (0, 1, 2)
