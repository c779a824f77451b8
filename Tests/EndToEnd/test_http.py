"""What HTTP answers: the protocol's objects, with statuses, heads and bounds."""

import json
import re
import signal
import socket
import struct
import threading
import time

import pytest
from conftest import MODEL, ROOT
from crims_client import Client
from http_client import Web

ANY = "127.0.0.1:*"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def served(start_daemon, connect, token_file):
    """A daemon with a run of 30 steps, a client and an HTTP connection."""
    daemon = start_daemon("--http", ANY, "--http-token-file", str(token_file), "--http-rate", "0")
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r", seed=7)
    client.step(run="r", seq=0, count=30, format="none")
    web = Web(daemon)
    yield daemon, client, web
    web.end()


def said(reply):
    """What the protocol says without what HTTP says itself."""
    return {name: value for name, value in reply.items() if name not in ("v", "op", "ok", "id")}


def test_the_api_says_what_the_protocol_says(served):
    _, client, web = served
    steps = {"run": "r", "seq": 3, "count": 2}
    span = {"from": "2020-01-06", "to": "2020-01-07", "by": ["category", "hour"]}
    for path, reply in {
        f"/api/v1/models/{MODEL}": client.describe(model=MODEL),
        "/api/v1/runs/r/adjustments": client.adjustments(run="r"),
        "/api/v1/runs/r/steps?seq=3&count=2": client.read(**steps),
        "/api/v1/runs/r/steps?seq=3&count=2&format=counts": client.read(**steps, format="counts"),
        "/api/v1/runs/r/steps?seq=3&count=2&format=none&areas=E02001347": client.read(
            **steps, format="none", areas=["E02001347"]),
        "/api/v1/runs/r/steps?seq=3&count=2&categories=burglary,vehicle+crime": client.read(
            **steps, categories=["burglary", "vehicle crime"]),
        "/api/v1/runs/r/rates?from=2020-01-06&to=2020-01-07&by=category,hour": client.rates(run="r", **span),
        f"/api/v1/models/{MODEL}/rates?from=2020-01-06&to=2020-01-07&by=category,hour": client.rates(
            model=MODEL, **span),
    }.items():  # fmt: skip
        answer = web.get(path)
        assert (answer.status, answer.json) == (200, said(reply)), path
    (run,) = web.get("/api/v1/runs").json["runs"]
    assert run["run"] == "r" and run["next_seq"] == 30
    assert web.get("/api/v1/runs/r").json["next_seq"] == 30
    assert web.get("/api/v1/models").json == {"models": client.hello()["models"]}
    assert web.get("/api/v1/").json["server"] == "crims"
    assert web.get("/api/v1/status").json.keys() == {"runs", "peers"}


def test_steps_come_as_csv_and_as_columns(served):
    _, client, web = served
    answer = web.get("/api/v1/runs/r/steps?seq=0&count=24&format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.body == client.read(run="r", seq=0, count=24, format="csv").frames[1]

    answer = web.get("/api/v1/runs/r/steps?seq=0&count=24&format=columns")
    assert answer.headers["Content-Type"] == "application/vnd.crims.columns"
    frames = client.read(run="r", seq=0, count=24, format="columns").frames
    (length,) = struct.unpack_from("<I", answer.body)
    assert (4 + length) % 8 == 0
    head = json.loads(answer.body[4 : 4 + length])
    assert head == said(json.loads(frames[0]))
    place = 4 + length
    for column in frames[1:]:
        assert answer.body[place : place + len(column)] == column
        place += (len(column) + 7) // 8 * 8
    assert place == len(answer.body)


def test_adjusting_takes_the_token(served):
    _, client, web = served
    path, body = "/api/v1/runs/r/adjustments", json.dumps({"factor": 0.5, "key": "k"})
    right = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
    assert web.send("POST", path, body, Content_Type="application/json").status == 401
    assert web.send("POST", path, body, **{**right, "Authorization": "Bearer " + TOKEN[:-1] + "0"}).status == 401
    assert web.send("DELETE", path + "/a1").status == 401
    assert web.send("POST", path, body, Authorization=right["Authorization"], Content_Type="text/plain").status == 415
    assert client.adjustments(run="r")["adjustments"] == []
    first = web.send("POST", path, body, **right)
    assert (first.status, first.json["adjustment"], first.json["duplicate"]) == (201, "a1", False)
    again = web.send("POST", path, body, **right)
    assert (again.status, again.json["duplicate"]) == (200, True)
    assert web.send("POST", path, json.dumps({"factor": 0.7, "key": "k"}), **right).error == "conflict"
    assert web.send("POST", path, json.dumps({"facter": 1}), **right).json["error"]["field"] == "facter"
    (line,) = client.adjustments(run="r")["adjustments"]
    assert line["factor"] == 0.5
    assert web.send("DELETE", path + "/a1", Authorization=right["Authorization"]).json["retracted_at"]
    assert web.send("DELETE", path + "/a9", Authorization=right["Authorization"]).status == 404


def test_without_a_token_nothing_can_be_changed(start_daemon):
    web = Web(start_daemon("--http", ANY))
    answer = web.send("POST", "/api/v1/runs/r/adjustments", "{}", Authorization="Bearer ",
                      Content_Type="application/json")  # fmt: skip
    assert (answer.status, answer.error) == (403, "forbidden")
    web.end()


@pytest.mark.parametrize("path, status, code", [
    ("/nothing", 404, "unknown_path"),
    ("/api/v1/runs/r/stepps", 404, "unknown_path"),
    ("/api/v1/runs/x", 404, "unknown_run"),
    ("/api/v1/models/x", 404, "unknown_model"),
    ("/api/v1/runs/r/steps?areas=x", 404, "unknown_area"),
    ("/api/v1/runs/r/steps?categories=arson", 404, "unknown_crime"),
    ("/api/v1/runs/r/steps?seq=30", 409, "out_of_step"),
    ("/api/v1/runs/r/steps?seq=-1", 400, "bad_request"),
    ("/api/v1/runs/r/steps?count=0", 400, "bad_request"),
    ("/api/v1/runs/r/steps?sequ=1", 400, "bad_request"),
    ("/api/v1/runs/r/steps?format=xml", 400, "bad_request"),
    ("/api/v1/runs/r/rates?from=yesterday&to=2020-01-07", 400, "bad_request"),
    ("/" + 9000 * "a", 414, "address_too_long"),
])  # fmt: skip
def test_errors_are_json_with_a_status_that_fits(served, path, status, code):
    answer = served[2].get(path)
    assert (answer.status, answer.error) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"


def test_each_reply_has_what_keeps_a_browser_safe(served):
    for path in ("/", "/api/v1/", "/nothing", "/static/leaflet/leaflet.js"):
        headers = served[2].get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("Access-Control")]


def test_methods_that_a_path_does_not_take(served):
    _, _, web = served
    answer = web.send("PUT", "/api/v1/runs/r/adjustments", "{}")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    head, get = web.send("HEAD", "/api/v1/models"), web.get("/api/v1/models")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_too_many_requests_are_told_when_to_come_again(start_daemon):
    daemon = start_daemon("--http", ANY, "--http-rate", "5")
    web = Web(daemon)
    answers = [web.get("/api/v1/models") for _ in range(20)]
    assert [answer.status for answer in answers[:10]] == [200] * 10
    assert answers[-1].status == 429 and int(answers[-1].headers["Retry-After"]) >= 1
    assert web.get("/healthz").status == web.get("/readyz").status == 200
    web.end()


def test_a_daemon_with_http_ends_in_order(served):
    daemon, _, web = served
    web.get("/api/v1/")
    assert daemon.signal(signal.SIGTERM, within=3) == 0
    assert daemon.words().splitlines()[-1].endswith('"event":"ended"}')


@pytest.mark.parametrize("address, words", [
    ("0.0.0.0:8080", "this machine only"), ("127.0.0.1", "the port is missing"), ("127.0.0.1:x", "a number"),
])  # fmt: skip
def test_addresses_that_are_not_served(crims, address, words):
    done = crims("serve", "--no-data", "--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
                 "--http", address)  # fmt: skip
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr


def test_a_token_that_others_may_read_is_refused(crims, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o644)
    done = crims("serve", "--no-data", "--http", ANY, "--http-token-file", token)
    assert done.returncode == 1 and f"chmod 600 {token}" in done.stderr
    token.chmod(0o600)
    token.write_text("short")
    done = crims("serve", "--no-data", "--http", ANY, "--http-token-file", token)
    assert done.returncode == 1 and "openssl rand" in done.stderr
    done = crims("serve", "--no-data", "--http-token-file", token)
    assert done.returncode == 2 and "needs --http" in done.stderr


def test_every_status_and_code_is_in_the_manual():
    manual = (ROOT / "docs" / "http.md").read_text()
    source = (ROOT / "Sources" / "Protocol" / "ErrorCode.swift").read_text()
    for line in source.splitlines():
        if line.startswith("    case ") and " = " in line:
            code = line.split(chr(34))[1]
            assert f"`{code}`" in manual, code


def measured(web):
    """All samples of `/metrics`, by name and labels."""
    lines = web.get("/metrics").body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_metrics_count_what_happens(served):
    _, client, web = served
    before = measured(web)
    assert (before["crims_steps_total"], before['crims_runs{state="open"}']) == (30, 1)
    count = client.step(run="r", seq=30, adjust=[{"factor": 0.5}])["count"]
    client.step(run="r", seq=30, adjust=[{"factor": 0.5}])
    client.adjust(run="r", factor=0.9)
    client.retract(run="r", adjustment="a1")
    web.get("/api/v1/runs/r/steps?seq=99")
    client.open(model=MODEL, start="2020-01-06", run="s")
    client.close(run="s")
    after = measured(web)
    grown = {name: after[name] - value for name, value in before.items() if after[name] != value}
    for name, more in {
        "crims_steps_total": 1, "crims_incidents_total": count, "crims_adjustments_total": 2,
        "crims_retractions_total": 1, "crims_step_retries_total": 1, 'crims_refusals_total{code="out_of_step"}': 1,
        'crims_runs{state="closed"}': 1, 'crims_step_stage_seconds_count{stage="sampling"}': 1,
        'crims_step_stage_seconds_count{stage="sending"}': 2,
        'crims_step_stage_seconds_bucket{stage="sampling",le="+Inf"}': 1,
    }.items():  # fmt: skip
        assert grown.get(name) == more, name
    assert after["process_resident_memory_bytes"] > 1e6 and after["process_open_fds"] > 5
    assert abs(after["process_start_time_seconds"] - time.time()) < 60


def test_metrics_keep_to_the_rules_of_their_format(served):
    text = served[2].get("/metrics").body.decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert set(kinds) == set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    manual = (ROOT / "docs" / "http.md").read_text().split("## Metrics")[1]
    assert set(kinds) <= set(re.findall(r"`([a-z_]+)(?:\{\w+\})?`", manual))
    for name, labels, value in re.findall(r"^([a-z_]+)(\{.*\})? (\S+)$", text, re.MULTILINE):
        base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in kinds else name
        assert base in kinds and float(value) >= 0
        assert name.endswith("_total") == (kinds[base] == "counter"), name
        assert set(re.findall(r'(\w+)="', labels)) <= {"code", "state", "stage", "le", "reason", "status", "version"}
    buckets = re.findall(r'stage="sampling",le="([^"]+)"} (\d+)', text)
    assert [float(bound) for bound, _ in buckets] == sorted(float(bound) for bound, _ in buckets)
    assert [int(count) for _, count in buckets] == sorted(int(count) for _, count in buckets)
    assert re.search(r"^# TYPE crims_step_stage_seconds histogram$", text, re.MULTILINE)


def test_files_are_served_with_tags_and_types(served):
    _, _, web = served
    first = web.get("/static/leaflet/leaflet.js")
    if first.status == 404:
        pytest.skip("libjs-leaflet is not installed")
    assert first.headers["Content-Type"] == "text/javascript; charset=utf-8"
    tag = first.headers["ETag"]
    for sent in (tag, "W/" + tag, f'"x", {tag}', "*"):
        again = web.get("/static/leaflet/leaflet.js", If_None_Match=sent)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert web.get("/static/leaflet/leaflet.js", If_None_Match='"x"').body == first.body
    assert web.get("/static/leaflet/leaflet.css").headers["Content-Type"] == "text/css; charset=utf-8"


def test_it_is_ready_once_its_runs_are_there_and_serves_before(start_daemon, connect, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--data", str(tmp_path / "data"), "--http", f"127.0.0.1:{port}")
    daemon = start_daemon(*options)
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="1970-01-01", run="r", step="480mo")
    # Its last step is drawn again before the daemon is ready, which takes a while.
    client.step(run="r", seq=0, format="none")
    assert daemon.signal(signal.SIGTERM, within=5) == 0
    seen = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            try:
                web = Web(f"http://127.0.0.1:{port}")
                answers = [web.get(path) for path in ("/healthz", "/readyz", "/api/v1/runs", "/metrics")]
                seen.append([answer.status for answer in answers])
                web.end()
            except OSError:
                pass
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    daemon = start_daemon(*options, ready_within=30)
    web = Web(daemon)
    assert web.get("/readyz").status == web.get("/api/v1/runs/r").status == 200
    time.sleep(0.1)
    stop.set()
    watcher.join()
    assert [200, 503, 503, 503] in seen and seen[-1] == [200, 200, 200, 200], seen[:3]
    web.end()
