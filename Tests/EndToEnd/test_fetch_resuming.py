"""`crims fetch` goes on where it was: connections that break off, processes that end, archives that change."""

import signal
import time

import pytest
from archive_server import MONTHS, NAME, PATH, Fault, archive, names, part_of, ranges, street, wait_for_bytes

pytest_plugins = "fetching"


def test_what_breaks_off_goes_on_where_it_was(fetch, server, data, tmp_path):
    server.faults = [Fault(cut=100_000), Fault(cut=50_000), Fault(cut=0)]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / NAME).read_bytes() == data and names(tmp_path) == [NAME]
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-", "bytes=150000-"]
    assert {headers.get("If-Range") for _, headers in server.asked[1:]} == {'"first"'}
    assert "broke off" in done.stderr and "trying again in" in done.stderr


def test_an_archive_may_come_byte_by_byte(fetch, server, tmp_path):
    small = archive({"2020-12/2020-12-merseyside-street.csv": street("2020-12", ["E01006512"], 1)})
    server.files[PATH] = small
    server.faults = [Fault(drip=2, seconds=0.001)]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == 1 and (tmp_path / NAME).read_bytes() == small


def test_pieces_do_not_count_as_failures_in_a_row(fetch, server, data, tmp_path):
    server.always = Fault(cut=20_000)
    done = fetch("--retries", 1)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / NAME).read_bytes() == data


def test_a_date_marks_a_version_where_there_is_no_strong_etag(fetch, server, data, tmp_path):
    server.marks["ETag"] = 'W/"weak"'
    server.faults = [Fault(cut=100_000)]
    assert fetch().returncode == 0
    assert server.asked[1][1]["If-Range"] == server.marks["Last-Modified"]
    assert (tmp_path / NAME).read_bytes() == data


def test_a_server_without_ranges_begins_anew(fetch, server, data, tmp_path):
    server.faults = [Fault(cut=200_000, ranges=False), Fault(cut=100_000, ranges=False), Fault(ranges=False)]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / NAME).read_bytes() == data


def test_a_server_that_always_breaks_at_the_same_place_is_given_up(fetch, server):
    server.always = Fault(cut=200_000, ranges=False)
    done = fetch("--retries", 2)
    assert done.returncode == 1 and len(server.asked) == 3
    assert "given up after 3 tries" in done.stderr


@pytest.mark.parametrize("minds_if_range", [True, False])
def test_an_archive_that_changes_meanwhile_is_not_put_together_from_two(fetch, server, tmp_path, minds_if_range):
    first = server.files[PATH]
    server.faults = [Fault(cut=100_000)]
    server.minds_if_range = minds_if_range
    changed = archive({f"{m}/{m}-merseyside-street.csv": street(m, ["E01006512"], 3_000, seed=2) for m in MONTHS})
    original = server.files

    class Changing(dict):
        def get(self, path, default=None):
            if len(server.asked) > 1:
                server.marks = {"ETag": '"second"', "Last-Modified": "Wed, 02 Feb 2022 10:00:00 GMT"}
                return changed
            return original.get(path, default)

    server.files = Changing()
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / NAME).read_bytes() == changed != first


def test_a_connection_that_ends_without_a_length_is_no_end(fetch, server, data, tmp_path):
    server.faults = [Fault(cut=100_000, length=False), Fault(length=False)]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert ranges(server) == [None, "bytes=100000-"]
    assert (tmp_path / NAME).read_bytes() == data


def test_a_fetch_that_is_killed_goes_on_the_next_time(start, fetch, server, data, tmp_path):
    server.faults = [Fault(stall=120_000, seconds=10)]
    process = start("--timeout", 60)
    wait_for_bytes(tmp_path / (NAME + ".part"), 120_000)
    process.kill()
    process.wait(5)
    assert names(tmp_path) == [NAME + ".part", NAME + ".part.json"]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert ranges(server) == [None, "bytes=120000-"]
    assert (tmp_path / NAME).read_bytes() == data and names(tmp_path) == [NAME]


def test_a_part_that_is_whole_is_not_fetched(fetch, server, data, tmp_path):
    part_of(tmp_path, server, data, len(data))
    assert fetch().returncode == 0
    assert server.asked == [] and (tmp_path / NAME).read_bytes() == data


def test_nothing_more_to_send_is_an_end(fetch, server, data, tmp_path):
    part_of(tmp_path, server, data, len(data), size=None)
    assert fetch().returncode == 0
    assert ranges(server) == [f"bytes={len(data)}-"] and (tmp_path / NAME).read_bytes() == data


def test_a_part_that_is_longer_than_the_archive_is_thrown_away(fetch, server, data, tmp_path):
    part_of(tmp_path, server, data + bytes(1_000), len(data) + 1_000, size=None)
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert ranges(server) == [f"bytes={len(data) + 1_000}-", None] and (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("record", ["", "{", '{"url":"http://127.0.0.1:1/other.zip","etag":"\\"first\\""}'])
def test_a_part_of_something_unknown_is_thrown_away(fetch, server, data, tmp_path, record):
    (tmp_path / (NAME + ".part")).write_bytes(data[:1_000][::-1])
    (tmp_path / (NAME + ".part.json")).write_text(record)
    assert fetch().returncode == 0
    assert ranges(server) == [None] and (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("change", [lambda whole: b"", lambda whole: b"<html>", lambda whole: whole[:-1],
                                    lambda whole: whole.replace(b"PK\1\2", b"PK\0\0")],
                         ids=["nothing", "a page", "cut", "no list of entries"])
def test_what_is_no_whole_archive_gives_way_to_one(fetch, server, data, tmp_path, change):
    (tmp_path / NAME).write_bytes(change(data))
    done = fetch()
    assert done.returncode == 0 and "no whole archive" in done.stderr
    assert (tmp_path / NAME).read_bytes() == data


def test_two_at_once_fetch_once(start, server, data, tmp_path):
    server.faults = [Fault(stall=100_000, seconds=1)]
    first = start()
    wait_for_bytes(tmp_path / (NAME + ".part"), 100_000)
    second = start()
    for process in (first, second):
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, f"{tmp_path}/{NAME}\n"), err
    assert "waiting" in err and len(server.asked) == 2
    assert (tmp_path / NAME).read_bytes() == data and names(tmp_path) == [NAME]


def test_one_that_waits_goes_on_for_one_that_dies(start, server, data, tmp_path):
    server.faults = [Fault(stall=100_000, seconds=20)]
    first = start("--timeout", 60)
    wait_for_bytes(tmp_path / (NAME + ".part"), 100_000)
    second = start()
    assert "waiting" in second.stderr.readline()
    first.kill()
    _, err = second.communicate(timeout=15)
    assert second.returncode == 0, err
    assert ranges(server) == [None, "bytes=100000-"] and (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("while_", ["it transfers", "it waits for another try", "another has it"])
def test_it_ends_within_a_second_and_says_how_to_go_on(start, server, data, tmp_path, number, while_):
    if while_ == "it waits for another try":
        server.faults = [Fault(cut=100_000)]
    else:
        server.faults = [Fault(stall=100_000, seconds=20)]
    process = start("--timeout", 60, "--wait", 60)
    wait_for_bytes(tmp_path / (NAME + ".part"), 100_000)
    if while_ == "another has it":
        process = start()
        assert "waiting" in process.stderr.readline()
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - begun < 1
    # As one that was ended by the signal, so that a script that is interrupted ends too.
    assert (process.returncode, out) == (-number, "")
    assert "interrupted" in err
    if while_ != "another has it":
        assert "100 kB are kept" in err and "goes on from there" in err
