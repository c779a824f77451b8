"""HTTP beside stepping: steps do not wait for what is read, nobody is told what no longer holds, and nobody works for
those who have gone."""

import json
import multiprocessing
import os
import socket
import statistics
import threading
import time

import pytest
from conftest import MODEL
from crims_client import Client
from hostile import eventually, processor_seconds
from http_client import Web

ANY = "127.0.0.1:*"
# Far more than a test would wait for: hours in which an adjustment acts are gone through one by one.
LONG_RATES = "/api/v1/runs/r/rates?from=2000-01-01&to=2199-01-01&by=area"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def served(start_daemon, connect, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    daemon = start_daemon("--http", ANY, "--http-rate", "0", "--http-token-file", str(token))
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2000-01-03", run="r", seed=7)
    client.adjust(run="r", factor=0.9, areas=["E02001328"])
    return daemon, client


def ask(daemon, path):
    """Sends a request and returns the connection, without waiting for the answer."""
    web = Web(daemon)
    sock = socket.create_connection((web.host, web.port), timeout=20)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return sock


def median_step(client, count=300):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        client.step(run="r", format="counts")
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def works(daemon, seconds=0.4):
    """The share of one processor that the daemon takes."""
    before = processor_seconds(daemon)
    time.sleep(seconds)
    return (processor_seconds(daemon) - before) / seconds


def test_a_step_does_not_wait_for_a_long_reading(served):
    daemon, client = served
    quiet = median_step(client)
    asked = [ask(daemon, LONG_RATES) for _ in range(3)]
    eventually(lambda: works(daemon) > 0.1)
    beside = median_step(client)
    for sock in asked:
        sock.close()
    # On the same thread it would wait for a slice of 10 ms.
    assert beside < 3 * quiet + 0.001, (quiet, beside)


@pytest.mark.parametrize("path", [LONG_RATES, "/api/v1/runs/r/steps?count=300000&format=csv&areas=E02001328"])
def test_nobody_works_for_those_who_have_gone(served, path):
    daemon, client = served
    if "steps" in path:
        client.socket.rcvtimeo = 60_000
        client.step(run="r", count=300_000, format="none")
    asked = [ask(daemon, path) for _ in range(3)]
    eventually(lambda: works(daemon, 0.2) > 0.1)
    for sock in asked:
        sock.close()
    eventually(lambda: works(daemon) < 0.1, 5)
    # Who still waits gets an answer, also after others who asked before have gone.
    assert Web(daemon).get("/api/v1/runs/r/rates?from=2020-01-01&to=2020-01-02").status == 200


def test_a_reply_is_of_the_run_as_it_stands(served):
    """Others ask the same all the while, so that there is always a reply that held a moment ago."""
    daemon, client = served
    over = threading.Event()

    def keep_asking():
        web = Web(daemon)
        while not over.is_set():
            web.get("/api/v1/runs/r")
            web.get("/api/v1/runs/r/adjustments")

    others = [threading.Thread(target=keep_asking) for _ in range(3)]
    for other in others:
        other.start()
    web = Web(daemon)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
    try:
        for number in range(1, 150):
            client.step(run="r", format="none")
            assert web.get("/api/v1/runs/r").json["next_seq"] == number
            if number % 3 == 0:
                client.adjust(run="r", factor=0.99)
            else:
                answer = web.send("POST", "/api/v1/runs/r/adjustments", '{"factor":0.99}', **headers)
                assert answer.status == 201
            assert len(web.get("/api/v1/runs/r/adjustments").json["adjustments"]) == number + 1
            assert [run["next_seq"] for run in web.get("/api/v1/runs").json["runs"]] == [number]
    finally:
        over.set()
        for other in others:
            other.join()
    client.close(run="r")
    assert web.get("/api/v1/runs/r").json["state"] == "closed"
    client.delete(run="r")
    assert web.get("/api/v1/runs/r").status == 404


def test_who_waits_for_others_is_told_how_long(served, connect):
    daemon, client = served
    client.open(model=MODEL, start="2020-01-06", run="both", participants=[{"name": "police"}, {"name": "traffic"}])
    waiter = connect(Client, daemon.control)
    waiter.socket.send(json.dumps({"v": 1, "op": "step", "run": "both", "participant": "police"}).encode())
    web = Web(daemon)
    eventually(lambda: web.get("/api/v1/runs/both").json["waiting_for"])
    first = web.get("/api/v1/runs/both").json["waiting_for"][0]["seconds"]
    time.sleep(0.1)
    assert web.get("/api/v1/runs/both").json["waiting_for"][0]["seconds"] >= first + 0.09
    client.step(run="both", participant="traffic")
    assert web.get("/api/v1/runs/both").json["waiting_for"] == []


def follow(url, heard, ready):
    """Counts the steps that a stream tells, to its end, in what is left of the processors."""
    os.nice(19)
    web = Web(url)
    web.connection.request("GET", "/api/v1/runs/r/events")
    stream = web.connection.getresponse()
    ready.release()
    while line := stream.readline():
        heard.value += line.startswith(b"event: step")


def test_a_step_costs_its_run_no_more_for_being_followed(served):
    daemon, client = served
    quiet = median_step(client, 1_000)
    context = multiprocessing.get_context("fork")
    heard, ready = [context.Value("i", 0) for _ in range(5)], context.Semaphore(0)
    url = daemon.ready["http"][0]
    followers = [context.Process(target=follow, args=[url, one, ready], daemon=True) for one in heard]
    for follower in followers:
        follower.start()
    for _ in followers:
        assert ready.acquire(timeout=10)
    # It must not grow either with the steps that are taken.
    times = [median_step(client, 1_000) for _ in range(4)]
    client.close(run="r")
    for follower in followers:
        follower.join(20)
    assert [one.value for one in heard] == [4_000] * 5
    assert min(times) < 1.7 * quiet, (quiet, times)
