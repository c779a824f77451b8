"""A run's events: each step once, in order, for whoever comes and goes."""

import http.client
import json
import socket
import threading
import time

import pytest
from conftest import MODEL
from crims_client import Client
from http_client import Web

ANY = "127.0.0.1:*"


class Stream:
    """Server-sent events as a browser takes them, one at a time: name, id, data."""

    def __init__(self, daemon, path, seconds=10, **headers):
        web = Web(daemon)
        self.connection = http.client.HTTPConnection(web.host, web.port, timeout=seconds)
        self.connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        self.reply = self.connection.getresponse()
        self.status = self.reply.status
        self.comments = 0

    def next(self):
        """The next event; None at the end."""
        event = {}
        while line := self.reply.readline():
            line = line.decode().rstrip("\n")
            if not line:
                if "data" in event:
                    return event["event"], event.get("id"), json.loads(event["data"])
                event = {}
            elif line.startswith(":"):
                self.comments += 1
                assert self.comments < 60, "nothing comes but comments"
            else:
                name, _, value = line.partition(": ")
                event[name] = value
        return None

    def end(self):
        self.reply.close()
        self.connection.close()


@pytest.fixture
def served(start_daemon, connect):
    daemon = start_daemon("--http", ANY, "--http-rate", "0")
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r", seed=7)
    return daemon, client


PATH = "/api/v1/runs/r/events"


def test_a_step_is_told_as_the_protocol_tells_it(served):
    daemon, client = served
    stream = Stream(daemon, PATH)
    assert stream.reply.headers["Content-Type"] == "text/event-stream"
    model = client.describe(model=MODEL)
    step = client.step(run="r", seq=0, adjust=[{"factor": 0.9, "reason": "a test"}])
    told = [stream.next(), stream.next()]
    (name, number, data), = [event for event in told if event[0] == "step"]
    (_, none, line), = [event for event in told if event[0] == "adjustment"]
    assert (name, number, none) == ("step", "0", None)
    assert (line["run"], line["adjustment"], line["factor"], line["reason"]) == ("r", "a1", 0.9, "a test")
    counts = client.read(run="r", seq=0, format="counts")
    for field in ("run", "seq", "from", "to", "count", "expected", "baseline"):
        assert data[field] == step[field], field
    assert data["by_category"] == counts["by_category"]
    assert len(data["incidents"]) == step["count"] > 0
    for row, incident in zip(data["incidents"], step["incidents"], strict=True):
        assert row[0] == incident["id"]
        hours, minutes = map(int, incident["time"][11:16].split(":"))
        assert row[1] == hours * 60 + minutes
        assert model["areas"][row[2]]["code"] == incident["MSOA"]
        assert model["crimes"][row[3]]["description"] == incident["description"]
        assert row[4] == int(incident["suspect"])
    stream.end()


def test_steps_that_are_past_are_told_after_the_last_that_was_heard(served):
    daemon, client = served
    client.step(run="r", seq=0, count=100, format="none")
    for options in ({"path": PATH, "Last_Event_ID": "41"}, {"path": PATH + "?after=41"}):
        stream = Stream(daemon, options.pop("path"), **options)
        events = [stream.next() for _ in range(58)]
        assert [int(number) for _, number, _ in events] == list(range(42, 100))
        stream.end()
    csv = client.read(run="r", seq=42, count=58, format="csv").frames[1].decode().splitlines()[1:]
    assert sorted(row[0] for _, _, data in events for row in data["incidents"]) == sorted(
        int(line.split(",")[0]) for line in csv)
    stream = Stream(daemon, PATH)
    client.step(run="r", seq=100)
    assert stream.next()[1] == "100", "without it, with the next step"
    stream.end()


def test_nothing_is_missed_or_doubled_while_clients_come_and_go_at_full_speed(served):
    daemon, client = served
    steps = 3_000
    problems = []

    def follow(patience):
        """Takes some events, goes, comes again, until all are heard."""
        heard = -1
        try:
            while heard < steps - 1:
                stream = Stream(daemon, PATH, Last_Event_ID=str(heard)) if heard >= 0 else Stream(
                    daemon, PATH + "?after=0")
                heard = max(heard, 0)
                for _ in range(patience):
                    event = stream.next()
                    if event[0] != "step":
                        continue
                    assert int(event[1]) == event[2]["seq"] == heard + 1
                    heard += 1
                    if heard == steps - 1:
                        break
                stream.end()
        except Exception as error:  # noqa: BLE001
            problems.append(f"{patience}: {error!r}")

    client.step(run="r", seq=0, format="none")
    threads = [threading.Thread(target=follow, args=(patience,)) for patience in (37, 101, 499, 10**6)]
    for thread in threads:
        thread.start()
    for seq in range(1, steps):
        client.step(run="r", seq=seq, format="none")
    for thread in threads:
        thread.join(60)
    assert problems == [] and not any(thread.is_alive() for thread in threads)


def test_silence_is_told_by_a_comment_every_second(served):
    daemon, client = served
    stream = Stream(daemon, PATH)
    stepped = threading.Thread(target=lambda: (time.sleep(3.5), client.step(run="r", seq=0)))
    stepped.start()
    assert stream.next()[1] == "0"
    assert 2 <= stream.comments <= 4
    stepped.join()
    stream.end()


def test_a_stream_ends_with_its_run(served):
    daemon, client = served
    client.step(run="r", seq=0)
    stream = Stream(daemon, PATH + "?after=0")
    client.step(run="r", seq=1)
    client.close(run="r")
    assert stream.next()[1] == "1"
    name, number, data = stream.next()
    assert (name, number, data["event"], data["next_seq"]) == ("run", None, "closed", 2)
    assert stream.next() is None
    assert Stream(daemon, PATH, Last_Event_ID="1").status == 204, "a browser need not come again"
    again = Stream(daemon, PATH, Last_Event_ID="0")
    assert again.next()[1] == "1" and again.next() is None


def test_a_run_that_is_deleted_ends_its_streams(served):
    daemon, client = served
    client.open(model=MODEL, start="2020-01-06", run="s", end="2020-01-06T01:00:00")
    stream = Stream(daemon, "/api/v1/runs/s/events")
    client.step(run="s")
    assert stream.next()[1] == "0"
    assert stream.next()[2]["event"] == "ended"
    client.close(run="s")
    assert stream.next()[2]["event"] == "closed"
    assert stream.next() is None


def test_who_is_behind_when_a_run_is_deleted_is_not_kept_waiting(served):
    daemon, client = served
    for number in range(3):
        client.open(model=MODEL, start="2020-01-06", run="s")
        client.step(run="s", count=3_000, format="none")
        stream = Stream(daemon, "/api/v1/runs/s/events?after=0")
        client.close(run="s")
        client.delete(run="s")
        heard = 0
        while (event := stream.next()) is not None:
            heard += event[0] == "step"
            assert event[0] != "step" or event[1] == str(heard)
            assert stream.comments < 5, f"{heard} steps, and then nothing ({number})"


def test_a_run_that_has_the_name_of_another_has_followers_of_its_own(served):
    daemon, client = served
    client.open(model=MODEL, start="2020-01-06", run="s")
    # More than there is room for on the way: nobody reads it.
    client.step(run="s", count=20_000, format="none")
    earlier = Stream(daemon, "/api/v1/runs/s/events?after=0")
    client.close(run="s")
    client.delete(run="s")
    client.open(model=MODEL, start="2020-01-07", run="s")
    stream = Stream(daemon, "/api/v1/runs/s/events")
    client.step(run="s")
    assert stream.next()[1] == "0"
    earlier.end()
    # By then it has been noticed that the other one has gone.
    time.sleep(2)
    client.step(run="s")
    assert stream.next()[1] == "1"
    stream.end()


def test_what_cannot_be_followed(served):
    daemon, _ = served
    for path, status in (("/api/v1/runs/x/events", 404), (PATH + "?after=0", 409), (PATH + "?after=x", 400)):
        stream = Stream(daemon, path)
        assert stream.status == status, path
        stream.end()
    for number in (2**53, 2**63 - 1):
        stream = Stream(daemon, PATH, Last_Event_ID=str(number))
        assert stream.status == 400, number
        stream.end()


def test_there_are_so_many_streams_and_those_who_went_make_room(served):
    daemon, _ = served
    streams = [Stream(daemon, PATH) for _ in range(64)]
    assert {stream.status for stream in streams} == {200}
    assert Stream(daemon, PATH).status == 503
    for stream in streams:
        stream.end()
    deadline = time.monotonic() + 10
    while (stream := Stream(daemon, PATH)).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    stream.end()


def test_who_does_not_read_is_dropped_and_steps_go_on(served):
    daemon, client = served
    web = Web(daemon)
    client.step(run="r", seq=0, count=20_000, format="none")
    with socket.create_connection((web.host, web.port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET {PATH}?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        begun = time.monotonic()
        times = []
        while time.monotonic() < begun + 1:
            before = time.monotonic()
            client.step(run="r")
            times.append(time.monotonic() - before)
        assert sorted(times)[len(times) // 2] < 0.05
        deadline = time.monotonic() + 30
        while b"crims_http_streams 0" not in web.get("/metrics").body:
            assert time.monotonic() < deadline, "it is still followed"
            time.sleep(0.5)


def test_a_daemon_that_ends_ends_its_streams(served):
    daemon, _ = served
    stream = Stream(daemon, PATH)
    timer = threading.Timer(0.3, daemon.process.terminate)
    timer.start()
    try:
        assert stream.next() is None
    except (http.client.IncompleteRead, ConnectionResetError):
        pass
    assert daemon.process.wait(3) == 0
