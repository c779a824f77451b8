"""Checking a server: it is sent what the cases say, and what it replies is compared."""

from __future__ import annotations

import asking
import cases


def check(case, endpoint, seconds):
    """What is wrong, as sentences; an empty list if nothing is. Ends at the first, since what follows rests on it."""
    with asking.Connections(endpoint, seconds) as connections:
        connections.delete(asking.runs_named(case))
        sent = {}
        for number, exchange in enumerate(case.exchanges, 1):
            connection = exchange.get("connection", "main")
            try:
                if "request" in exchange:
                    sent[connection] = exchange["request"]
                    if exchange["reply"] is None:
                        connections.send_ahead(exchange)
                        continue
                    connections.send(exchange)
                reply, frames = connections.receive(exchange)
            except asking.NoAnswer as silence:
                wrong = str(silence)
            else:
                wrong = compare(exchange, reply, frames)
            if wrong:
                return [f"exchange {number}: sent {cases.shown(sent[connection])}", wrong]
    return []


def compare(exchange, reply, frames):
    """What is wrong with a reply and its data frames; None if nothing is."""
    found = cases.difference(exchange["reply"], reply)
    if found:
        return f"in the reply, {found}"
    expected = cases.frames_of(exchange)
    if len(frames) != len(expected):
        return f"expected {len(expected)} frames after the reply, came {len(frames)}"
    names = list(exchange.get("columns", ["csv"]))
    for name, one, other in zip(names, expected, frames):
        if one != other:
            return f"in the frame {name!r}, expected {one[:300]!r}, came {other[:300]!r}"
    return None
