"""Hostile HTTP: refused with words or cut, and stepping does not notice."""

import base64
import json
import socket
import statistics
import time

import pytest
from conftest import MODEL
from crims_client import Client
from http_client import Web

ANY = "127.0.0.1:*"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def served(start_daemon, connect, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    daemon = start_daemon("--http", ANY, "--http-token-file", str(token), "--http-rate", "0")
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r")
    client.step(run="r", seq=0)
    return daemon, client


def status(answer):
    return int(answer.split(b" ", 2)[1])


def step_time(client, count=200):
    """The median time of a step, in seconds."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        client.step(run="r", format="counts")
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


@pytest.mark.parametrize("path", [
    "/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fetc%2fpasswd",
    "/static//etc/passwd", "/static/leaflet/../../x", "/static/%00", "/static/leaflet%2fleaflet.js", "/..", "//",
    "/static/.gitkeep", "/static/leaflet", "/static/leaflet/", "/%ff", "/api/v1/runs/r%2fsteps", "/static/\\..\\x",
    "/api/v1/runs/..", "http://localhost/healthz", "*", "/static/leaflet/leaflet.js/",
])  # fmt: skip
def test_paths_lead_nowhere_else(served, path):
    answer = Web(served[0]).raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    if path == "/static/leaflet/leaflet.js/":
        assert status(answer) == 200, "a slash at the end is passed over"
    else:
        assert status(answer) in (400, 404)
        assert b"root:" not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]"])
def test_a_host_that_is_not_ours_is_refused(served, host):
    web = Web(served[0])
    answer = web.raw(f"GET /api/v1/runs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) in (400, 421) and b'"runs"' not in answer
    answer = web.raw(b"GET /api/v1/runs HTTP/1.0\r\n\r\n")
    assert status(answer) == 421


def test_a_proxys_name_is_ours_if_it_was_given(start_daemon):
    web = Web(start_daemon("--http", ANY, "--http-host", "crims.example"))
    assert web.get("/readyz", Host="crims.example").status == 200
    assert web.get("/readyz", Host="other.example").status == 421


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
    {"Origin": "http://localhost:1"},
])  # fmt: skip
def test_other_sites_change_nothing_even_with_the_token(served, headers):
    daemon, client = served
    right = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
    web = Web(daemon)
    answer = web.send("POST", "/api/v1/runs/r/adjustments", '{"factor":0.5}', **right, **headers)
    assert (answer.status, answer.error) == (403, "cross_site")
    assert client.adjustments(run="r")["adjustments"] == []
    own = {"Origin": web.url, "Sec_Fetch_Site": "same-origin"}
    assert web.send("POST", "/api/v1/runs/r/adjustments", '{"factor":0.5}', **right, **own).status == 201


def test_what_is_too_large_is_refused(served):
    daemon, client = served
    web = Web(daemon)
    head = "GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n"
    for answer in (
        web.raw((head + f"X: {'x' * 100_000}\r\n\r\n").encode()),
        web.raw((head + "".join(f"X-{number}: y\r\n" for number in range(20_000)) + "\r\n").encode()),
        web.raw(f"GET /{'x' * 100_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()),
    ):
        assert not answer or status(answer) in (400, 413, 414, 431)
    post = f"POST /api/v1/runs/r/adjustments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n" \
        "Content-Type: application/json\r\n"  # fmt: skip
    body = json.dumps({"factor": 0.5, "reason": "x" * 100_000})
    answer = web.raw(f"{post}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    assert status(answer) == 413
    for bad in ("Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: x"):
        answer = web.raw(f"{post}{bad}\r\n\r\n{{}}".encode(), seconds=1)
        assert not answer or status(answer) in (400, 413)
    chunks = post + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert status(web.raw(f"{chunks}10\r\n{{\"factor\": 0.50}}\r\n0\r\n\r\n".encode())) == 201
    answer = web.raw(f"{chunks}ffffffffffffffff\r\nx\r\n".encode(), seconds=1)
    assert not answer or status(answer) in (400, 413)
    assert len(client.adjustments(run="r")["adjustments"]) == 1


@pytest.mark.parametrize("data", [
    b"\x00" * 1000, b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe /\x00 HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n",
])  # fmt: skip
def test_garbage_does_no_harm(served, data):
    daemon, client = served
    Web(daemon).raw(data, seconds=0.3)
    assert Web(daemon).get("/readyz").status == 200
    assert client.step(run="r", seq=1)["seq"] == 1


def test_slow_heads_and_bodies_are_cut_and_stepping_does_not_notice(served):
    daemon, client = served
    web = Web(daemon)
    quiet = step_time(client)
    head = b"GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nX: "
    post = f"POST /api/v1/runs/r/adjustments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n" \
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"  # fmt: skip
    slow = []
    for number in range(200):
        sock = socket.create_connection((web.host, web.port))
        sock.sendall(head if number % 2 else post.encode())
        slow.append(sock)
    begun, alive, worst = time.monotonic(), set(slow), 0
    while alive and time.monotonic() < begun + 25:
        for sock in list(alive):
            try:
                sock.send(b" ")
            except OSError:
                alive.discard(sock)
        worst = max(worst, step_time(client, 50))
        time.sleep(0.2)
    lasted = time.monotonic() - begun
    for sock in slow:
        sock.close()
    assert not alive and 10 < lasted < 22, lasted
    assert worst < 3 * quiet + 0.002, (quiet, worst)
    assert web.get("/readyz").status == 200


def test_thousands_of_connections_lock_nobody_out(served):
    daemon, client = served
    web = Web(daemon)
    quiet = step_time(client)
    many = []
    try:
        for _ in range(3_000):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((web.host, web.port))
            many.append(sock)
        assert step_time(client) < 3 * quiet + 0.002
        begun = time.monotonic()
        assert Web(daemon).get("/api/v1/runs").status == 200
        assert time.monotonic() - begun < 8
    finally:
        for sock in many:
            sock.close()


def test_with_a_token_to_read_nobody_reads_without(start_daemon, connect, tmp_path):
    files = {name: tmp_path / name for name in ("reading", "adjusting")}
    for name, path in files.items():
        path.write_text(f"{name}-0123456789")
        path.chmod(0o600)
    tokens = ["--http-token-file", str(files["adjusting"]), "--http-read-token-file", str(files["reading"])]
    daemon = start_daemon("--http", ANY, *tokens)
    connect(Client, daemon.control).open(model=MODEL, start="2020-01-06", run="r")
    web = Web(daemon)
    for path in ("/healthz", "/readyz"):
        assert web.get(path).status == 200
    basic = {name: base64.b64encode(f"anybody:{name}-0123456789".encode()).decode() for name in files}
    for path in ("/", "/metrics", "/api/v1/", "/api/v1/runs", "/api/v1/runs/r", "/api/v1/runs/r/events", "/nowhere"):
        for headers in ({}, {"Authorization": "Bearer wrong-0123456789"}, {"Authorization": "Basic eDp5"}):
            answer = web.get(path, **headers)
            assert (answer.status, answer.error) == (401, "unauthorized"), path
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert b"merseyside" not in answer.body
    for headers in [f"Bearer {name}-0123456789" for name in files] + [f"Basic {word}" for word in basic.values()]:
        # What was told to one who may read is told to no other.
        assert web.get("/api/v1/runs/r", Authorization=headers).json["run"] == "r"
        assert web.get("/api/v1/runs/r").status == 401
    post = ("POST", "/api/v1/runs/r/adjustments", '{"factor":0.5}')
    # A browser sends a password by itself, so it is none to change anything with.
    for word in basic.values():
        assert web.send(*post, Authorization=f"Basic {word}", Content_Type="application/json").status == 401
    for name, status in (("reading", 401), ("adjusting", 201)):
        answer = web.send(*post, Authorization=f"Bearer {name}-0123456789", Content_Type="application/json")
        assert answer.status == status
