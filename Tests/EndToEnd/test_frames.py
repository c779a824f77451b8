"""What is no request at all: it is refused or its connection ends, and the daemon goes on."""

import json
import time

import pytest
import zmq
from crims_client import Client, Dealer, Reply

HELLO = b'{"v":1,"op":"hello"}'
NO_REQUEST = {
    "empty": b"",
    "not JSON": b"step, please",
    "not UTF-8": b'{"v":1,"op":"hello","id":"\xff"}',
    "overlong UTF-8": b'{"v":1,"op":"hello","id":"\xc0\xaf"}',
    "byte order mark": b"\xef\xbb\xbf" + HELLO,
    "UTF-16": HELLO.decode().encode("utf-16"),
    "half a surrogate": b'{"v":1,"op":"hello","id":"\\ud800"}',
    "cut short": HELLO[:-1],
    "trailing comma": b'{"v":1,"op":"hello",}',
    "trailing word": HELLO + b" x",
    "two objects": HELLO + HELLO,
    "single quotes": b"{'v':1,'op':'hello'}",
    "a comment": b'{"v":1,"op":"hello"/*?*/}',
    "a control character in a string": b'{"v":1,"op":"hello","id":"a\nb"}',
    "a list": b'[{"v":1,"op":"hello"}]',
    "a string": b'"hello"',
    "a number": b"1",
    "null": b"null",
    "nested deeply": b'{"v":1,"op":"hello","id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested deeply and cut short": b"[" * 500_000,
    "objects nested deeply": b'{"a":' * 150_000,
}


@pytest.mark.parametrize("frame", NO_REQUEST.values(), ids=NO_REQUEST.keys())
def test_no_json_object_gets_bad_request_without_an_id(client, frame):
    reply = client.send(frame)
    assert (reply["ok"], reply["error"]["code"]) == (False, "bad_request")
    assert "id" in reply and reply["id"] is None
    assert len(reply.frames) == 1


def test_two_frames_get_one_bad_request(client):
    reply = client.send(HELLO, HELLO)
    assert (reply["ok"], reply["error"]["code"], reply["id"]) == (False, "bad_request", None)


def test_no_frame_is_given_back_but_the_envelope_of_req(dealer):
    dealer.socket.send_multipart([b"", HELLO])
    frames = dealer.socket.recv_multipart()
    assert frames[0] == b"" and json.loads(frames[1])["ok"] is True
    dealer.socket.send(HELLO)
    assert Reply(dealer.socket.recv_multipart())["ok"] is True


def test_an_empty_frame_alone_gets_bad_request(dealer):
    dealer.socket.send(b"")
    reply = Reply(dealer.socket.recv_multipart())
    assert (reply["error"]["code"], reply["id"]) == ("bad_request", None)


@pytest.mark.parametrize("frames", [[b"", b""], [b"", HELLO, b""], [b"x", HELLO], [b"", b"", HELLO], [HELLO] * 300])
def test_odd_frames_on_a_dealer_get_exactly_one_bad_request(dealer, frames):
    dealer.socket.send_multipart(frames)
    answer = [frame for frame in dealer.socket.recv_multipart() if frame]
    assert json.loads(answer[0])["error"]["code"] == "bad_request"
    dealer.send("hello", id="next")
    assert dealer.receive()["id"] == "next"


def test_a_frame_of_a_mebibyte_is_still_read(client):
    assert client.send(HELLO + b" " * (2**20 - len(HELLO)))["ok"] is True


@pytest.mark.parametrize("size", [2**20 + 1, 2 * 2**20, 15 * 2**20])
def test_a_frame_over_a_mebibyte_is_limit_exceeded(client, size):
    reply = client.send(HELLO + b" " * (size - len(HELLO)))
    assert (reply["ok"], reply["error"]["code"]) == (False, "limit_exceeded")
    assert reply["error"]["limit"]
    assert client.hello()["ok"]


def test_a_frame_of_a_hundred_megabytes_ends_that_connection_only(daemon, client, connect):
    hoarder = connect(Dealer, daemon.control)
    hoarder.send("hello")
    assert hoarder.receive()["ok"]
    other = connect(Dealer, daemon.control)
    hoarder.socket.send(b" " * 100_000_000)
    for _ in range(20):
        assert client.hello()["ok"]
        time.sleep(0.01)
    other.send("hello", id="still here")
    assert other.receive()["id"] == "still here"
    with pytest.raises(zmq.Again):
        hoarder.receive(timeout=300)


def test_connections_that_come_and_go_with_requests_in_flight_do_no_harm(daemon, client, new_run):
    run = new_run()
    for _ in range(100):
        passing = Dealer(daemon.control)
        for _ in range(5):
            passing.send("step", run=run, count=100)
        passing.end()
    seq = client.status(run=run)["runs"][0]["next_seq"]
    assert seq % 100 == 0
    assert client.step(run=run, format="none")["steps"] == 1


def test_what_is_not_zeromq_does_no_harm(daemon, client):
    import socket

    address = daemon.control.removeprefix("tcp://").rsplit(":", 1)
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, b""):
        with socket.create_connection((address[0], int(address[1])), timeout=2) as stranger:
            stranger.sendall(noise)
    assert client.hello()["ok"]


def test_replies_go_to_whom_they_are_for(daemon, connect):
    dealers = [connect(Dealer, daemon.control) for _ in range(20)]
    for number, dealer in enumerate(dealers):
        for turn in range(10):
            dealer.send("hello", id=f"{number}-{turn}")
    for number, dealer in enumerate(dealers):
        assert [dealer.receive()["id"] for _ in range(10)] == [f"{number}-{turn}" for turn in range(10)]


def test_many_requests_in_flight_and_a_req_at_once(daemon, connect, new_run):
    run = new_run()
    dealer, client = connect(Dealer, daemon.control), connect(Client, daemon.control)
    for seq in range(200):
        dealer.send("step", run=run, seq=seq, format="counts", id=str(seq))
    assert client.hello()["ok"]
    replies = {reply["id"]: reply for reply in (dealer.receive() for _ in range(200))}
    assert [replies[str(seq)]["seq"] for seq in range(200)] == list(range(200))
