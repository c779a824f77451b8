"""The frames that docs/protocol.md shows are those of a running daemon."""

import json
import pathlib
import re

from crims_client import Client, Listener

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def pieces(text):
    """What is shown, between the marks for what was cut."""
    return [piece for piece in re.split(r"\[?…\]?", text) if piece]


def assert_shows(shown, frame):
    """Every piece of what is shown is in the frame, in that order."""
    place = 0
    for piece in pieces(shown):
        place = frame.find(piece, place)
        assert place >= 0, f"{piece}\nis not in\n{frame[:600]}"
        place += len(piece)


def test_the_first_conversation(start_daemon, connect):
    client = connect(Client, start_daemon().control)
    lines = re.search(r"## A first conversation.*?```json\n(.*?)```", PAGE, re.DOTALL)[1].strip().split("\n")
    assert len(lines) == 5
    for asked, shown in zip(lines[::2], [*lines[1::2], None]):
        reply = client.send(asked.encode())
        assert reply["ok"]
        if shown:
            assert_shows(shown, reply.frames[0].decode())


def test_the_incident_the_row_of_rates_the_event_and_the_error(start_daemon, connect):
    daemon = start_daemon()
    client = connect(Client, daemon.control)
    client.open(model="merseyside", start="2020-01-06", seed=7, run="r1")
    events = connect(Listener, daemon.events, "step/").sync()
    first = client.step(run="r1", seq=0)
    (incident,) = re.findall(r'^\{"id":.*\}$', PAGE, re.MULTILINE)
    assert first["incidents"][0] == json.loads(incident)
    (row,) = re.findall(r'`(\{"category":"burglary".*?\})`', PAGE)
    day = {"from": "2020-01-06", "to": "2020-01-07"}
    assert json.loads(row) in client.rates(model="merseyside", by=["category", "hour"], **day)["rows"]
    client.adjust(run="r1", factor=0.9)
    client.step(run="r1", seq=1)
    shown = re.search(r"^step/r1/\n(.*)$", PAGE, re.MULTILINE)[1]
    payloads = [json.dumps(events.next()[1], separators=(",", ":")) for _ in range(2)]
    assert_shows(shown, payloads[1])
    errors = re.findall(r'^\{"v":1,"op":"step","ok":false,"error":\{"code":"out_of_step".*\}$', PAGE, re.MULTILINE)
    client.open(model="merseyside", start="2020-01-06", seed=7, run="r9")
    client.step(run="r9")
    refused = client.send(b'{"v":1,"op":"step","run":"r9","seq":5}').frames[0].decode()
    assert [error.replace("r1", "r9") for error in errors] == [refused]
