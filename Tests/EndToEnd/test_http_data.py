"""The predecessor's paths: its URLs, read by the calls that read them there."""

import csv
import io
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from conftest import CRIMS, ROOT
from crims_client import Client
from http_client import Web

JULY = "force=Merseyside&month=7"
COLUMNS = ["id", "MSOA", "crime_category", "code", "description", "time", "suspect", "severity"]


@pytest.fixture(scope="module")
def web():
    from conftest import Daemon, wait_for_binary

    wait_for_binary()
    daemon = Daemon("--no-data", "--http", "127.0.0.1:*", "--http-rate", "0")
    web = Web(daemon)
    yield web
    web.end()
    daemon.end()


def drawn(start, end, seed=0):
    """What a run without a daemon draws."""
    command = [CRIMS, "run", "--model", "merseyside", "--start", start, "--end", end, "--seed", str(seed)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def july():
    return drawn("2020-07-01", "2020-08-01")


def test_a_month_is_what_a_run_of_it_draws(web, july):
    answer = web.get(f"/data?{JULY}&format=csv")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv")
    assert answer.body == july, "2020 is the first year after the model's records, and 0 the seed"
    assert web.get(f"/data?{JULY}&format=csv&year=2020&seed=0").body == july
    assert web.get(f"/data?{JULY}&format=csv&year=2031&seed=9").body == drawn("2031-07-01", "2031-08-01", 9)
    assert web.get(f"/data?{JULY}&format=csv&seed=1").body != july


def test_without_a_month_it_is_the_year(web, july):
    year = web.get("/data?force=merseyside&format=csv").body
    assert year == drawn("2020-01-01", "2021-01-01")
    assert july.split(b"\n", 1)[1] in year
    assert web.get("/data?force=merseyside&format=csv").body == year
    december = web.get("/data?force=merseyside&month=12&format=csv").body
    assert year.endswith(december.split(b"\n", 1)[1])


def test_json_holds_what_csv_holds(web, july):
    answer = web.get(f"/data?{JULY}")
    assert answer.headers["Content-Type"] == "application/json"
    table = answer.json
    assert [field["name"] for field in table["schema"]["fields"]] == COLUMNS
    assert table["schema"]["primaryKey"] == ["id"] and table["schema"]["pandas_version"]
    rows = list(csv.DictReader(io.StringIO(july.decode())))
    assert len(rows) == len(table["data"]) > 10_000
    for row, record in zip(rows, table["data"]):
        assert list(record) == COLUMNS
        assert (int(row["id"]), row["MSOA"], row["code"]) == (record["id"], record["MSOA"], record["code"])
        assert (row["time"].replace(" ", "T"), row["suspect"] == "True") == (record["time"], record["suspect"])


def test_pandas_reads_it_by_the_calls_of_old(web):
    pandas = pytest.importorskip("pandas")
    by_csv = pandas.read_csv(f"{web.url}/data?{JULY}&format=csv", index_col="id", parse_dates=["time"])
    by_json = pandas.read_json(f"{web.url}/data?{JULY}", orient="table")
    assert by_json.index.name == "id" and list(by_json.columns) == COLUMNS[1:]
    pandas.testing.assert_frame_equal(by_csv, by_json, check_dtype=False)
    for frame in (by_csv, by_json):
        assert pandas.api.types.is_datetime64_any_dtype(frame["time"])
        assert pandas.api.types.is_bool_dtype(frame["suspect"])
        assert pandas.api.types.is_float_dtype(frame["severity"])
        assert set(frame["time"].dt.strftime("%Y-%m")) == {"2020-07"}
        assert frame["time"].is_monotonic_increasing and frame.index.is_unique


@pytest.mark.parametrize("force", [
    "Merseyside", "merseyside", "MERSEYSIDE", "Merseyside%20Police", "merseyside+police", "The+Merseyside+Constabulary",
])  # fmt: skip
def test_a_force_is_found_however_it_is_spelt(web, july, force):
    assert web.get(f"/data?force={force}&month=7&format=csv").body == july


def test_models_are_found_by_the_force_in_their_title(start_daemon, tmp_path, july):
    def model(folder, title, last="2019-12"):
        shutil.copytree(ROOT / "models" / "merseyside", tmp_path / "models" / folder)
        path = tmp_path / "models" / folder / "model.json"
        changed = {"title": title, "period": {"from": "2018-01", "to": last}}
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    model("one", "London, City of, 2018-01 to 2019-12")
    model("two", "Avon and Somerset, 2018-01 to 2019-12, upstream method")
    model("three", "Durham, 2018-01 to 2019-12")
    model("four", "Durham, 2018-01 to 2020-02", "2020-02")
    daemon = start_daemon("--http", "127.0.0.1:*", "--models", str(tmp_path / "models"))
    web = Web(daemon)
    for force in ("City%20of%20London", "London,+City+of", "city-of-london", "Avon+%26+Somerset", "avon+and+somerset"):
        answer = web.get(f"/data?force={force}&month=7&format=csv")
        assert (answer.status, answer.body == july) == (200, True), force
    answer = web.get("/data?force=Durham&month=7")
    assert answer.status == 400 and "four, three" in answer.json["error"]["message"]
    assert web.get("/data?force=four&month=7&format=csv").body.count(b",2021-07-"), "whose records end in 2020"
    web.end()


@pytest.mark.parametrize("query, status, code, words", [
    ("month=7", 400, "bad_request", "'force' is required"),
    ("force=&month=7", 400, "bad_request", "'force' is required"),
    ("force=Merseyside&month=0", 400, "bad_request", "'month' is from 1 to 12, not 0"),
    ("force=Merseyside&month=13", 400, "bad_request", "'month' is from 1 to 12, not 13"),
    ("force=Merseyside&month=July", 400, "bad_request", "'month' is a whole number, not 'July'"),
    ("force=Merseyside&month=7&year=1969", 400, "bad_request", "'year' is from 1970 to 2208"),
    ("force=Merseyside&month=7&year=2209", 400, "bad_request", "'year' is from 1970 to 2208"),
    ("force=Merseyside&month=7&seed=-1", 400, "bad_request", "'seed' is a whole number"),
    ("force=Merseyside&month=7&format=xml", 400, "bad_request", "'format' is json or csv, not 'xml'"),
    ("force=Merseyside&mnth=7", 400, "bad_request", "did you mean 'month'?"),
    ("force=Merseyside&month=7&month=8", 400, "bad_request", "'month' is there twice"),
    ("force=Mersyside&month=7", 404, "unknown_model", "did you mean 'Merseyside'?"),
    ("force=Atlantis&month=7", 404, "unknown_model", "Merseyside"),
    ("force=../../etc&month=7", 404, "unknown_model", "Merseyside"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_a_status_of_its_own(web, query, status, code, words):
    answer = web.get(f"/data?{query}")
    assert (answer.status, answer.error) == (status, code)
    assert answer.headers["Content-Type"] == "application/json" and words in answer.json["error"]["message"]


def test_a_model_that_cannot_be_read_is_said_to_be(start_daemon, tmp_path):
    shutil.copytree(ROOT / "models" / "merseyside", tmp_path / "models" / "durham")
    (tmp_path / "models" / "durham" / "rates.csv").unlink()
    web = Web(start_daemon("--http", "127.0.0.1:*", "--models", str(tmp_path / "models")))
    answer = web.get("/data?force=Durham&month=7")
    assert (answer.status, answer.error) == (404, "unknown_model")
    assert "rates.csv" in answer.json["error"]["message"]
    web.end()


def test_only_reading_is_allowed_and_its_head_alone_draws_nothing(web):
    assert web.send("POST", f"/data?{JULY}").status == 405
    answer = web.send("HEAD", f"/data?{JULY}")
    assert (answer.status, answer.body) == (200, b"")
    for _ in range(20):
        assert web.send("HEAD", f"/data?{JULY}").body == b"" and web.get("/healthz").json["healthy"]


def test_an_old_client_is_told_the_end_by_the_end_of_its_connection(web, july):
    request = f"GET /data?{JULY}&format=csv HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
    head, _, body = web.raw(request).partition(b"\r\n\r\n")
    assert b"200" in head.split(b"\r\n")[0] and b"chunked" not in head
    assert body == july


PLACES = 16


def all_places_come_free(web):
    deadline = time.monotonic() + 10
    while True:
        readers = []
        try:
            for _ in range(PLACES):
                readers.append(request_year(web))
            return
        except AssertionError:
            assert time.monotonic() < deadline, f"nobody reads any more, and {PLACES - len(readers)} places are taken"
            time.sleep(0.05)
        finally:
            for reader in readers:
                reader.close()


def patient(web):
    """A month, when those who were there before are gone."""
    while (answer := web.get(f"/data?{JULY}&format=csv")).status == 503:
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


def request_year(web, reading=True, room=4_096):
    """A connection that has asked for a year, with little room for what comes."""
    sock = socket.create_connection((web.host, web.port), timeout=20)
    if room:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    sock.sendall(b"GET /data?force=merseyside&format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if reading:
        begin = sock.recv(12)
        if begin != b"HTTP/1.1 200":
            sock.close()
        assert begin == b"HTTP/1.1 200"
    return sock


def test_so_many_are_drawn_at_once_and_places_come_free(web, july):
    readers = [request_year(web) for _ in range(PLACES)]
    answer = web.get(f"/data?{JULY}")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    # Those leave in the middle, without a word and with a reset.
    for reader in readers[:8]:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for reader in readers:
        reader.close()
    all_places_come_free(web)
    assert patient(web).body == july


def test_who_takes_too_long_loses_his_place_to_others(web, july):
    all_places_come_free(web)
    patient(web)
    readers = [request_year(web, room=None) for _ in range(PLACES)]
    assert web.get(f"/data?{JULY}").status == 503
    time.sleep(10.5)
    assert web.get(f"/data?{JULY}&format=csv").body == july
    ends = []
    for reader in readers:
        last = b""
        try:
            while last != b"0\r\n\r\n" and (part := reader.recv(1 << 20)):
                last = (last + part)[-5:]
        except ConnectionResetError:
            pass
        ends.append(last == b"0\r\n\r\n")
        reader.close()
    assert ends.count(False) == 1, "one of them, and he sees that there would have been more"


def test_who_leaves_before_an_answer_takes_no_place(web, july):
    for _ in range(64):
        request_year(web, reading=False).close()
    all_places_come_free(web)
    assert patient(web).body == july


def test_all_read_the_same_at_the_same_time(web, july):
    got = {}

    def read(number):
        own = Web(web.url)
        got[number] = patient(own).body
        own.end()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 12 and set(got.values()) == {july}


def test_memory_is_bounded_and_steps_go_on(start_daemon, connect):
    """Readers who take nothing: their replies are not drawn ahead, and a run is stepped meanwhile."""
    daemon = start_daemon("--http", "127.0.0.1:*", "--http-rate", "0")
    client, web = connect(Client, daemon.control), Web(daemon)
    client.open(model="merseyside", start="2020-01-06", run="r")
    web.get("/data?force=merseyside&format=csv")

    def resident():
        with open(f"/proc/{daemon.process.pid}/statm") as file:
            return int(file.read().split()[1]) * 4_096

    before = resident()
    readers = [request_year(web) for _ in range(PLACES)]
    for seq in range(200):
        client.step(run="r", seq=seq)
    time.sleep(0.3)
    # A year is about 20 MB; 16 of them would be 320.
    assert resident() - before < 40 << 20
    for reader in readers:
        reader.close()
    web.end()


def test_an_end_in_the_middle_is_seen_as_one(start_daemon):
    daemon = start_daemon("--http", "127.0.0.1:*")
    reader = request_year(Web(daemon), room=None)
    began = time.monotonic()
    daemon.process.terminate()
    assert daemon.process.wait(5) == 0 and time.monotonic() - began < 3
    reader.settimeout(5)
    got = b""
    try:
        while part := reader.recv(65_536):
            got += part
    except ConnectionResetError:
        pass
    assert not got.endswith(b"0\r\n\r\n"), "a part that looks like the whole"
    reader.close()


def test_its_rate_is_bounded_as_all_are(start_daemon):
    web = Web(start_daemon("--http", "127.0.0.1:*", "--http-rate", "1"))
    statuses = [web.send("HEAD", f"/data?{JULY}").status for _ in range(5)]
    assert statuses[:2] == [200, 200] and 429 in statuses
    web.end()


def test_errors_reach_urllib_as_they_are(web):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{web.url}/data?force=Atlantis&month=7", timeout=10)
    assert caught.value.code == 404 and json.load(caught.value)["error"]["code"] == "unknown_model"


def test_a_year_leaves_at_a_hundred_megabytes_a_second():
    command = [sys.executable, ROOT / "Benchmarks" / "http_year.py", "--crims", CRIMS, "--rounds", "7"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/").stdout
    best = {name: int(rate) for name, rate in re.findall(r"^  (\S+) .* MB/s  \(best (\d+),", said, re.MULTILINE)}
    assert best.keys() == {"/data", "file"}, said
    # On a machine with nothing else to do it is five times as much.
    assert best["/data"] >= 100, said
    assert "while years are read" in said
