"""The cases: reading and writing their files, and saying how what came differs from what was expected."""

from __future__ import annotations

import json
import struct
from pathlib import Path

CASES = Path(__file__).with_name("cases")
TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
# What the column types of docs/protocol.md are, little-endian.
PACKED = {"i64": "q", "i32": "i", "u16": "H", "u8": "B"}
EXAMPLES = {"string": "…", "integer": 0, "number": 0.5, "boolean": False, "array": [], "object": {}, "null": None}
LINE, SHORT = 118, 40  # characters in a case's file: of a line, and of what may share one
MEMBERS = {"title", "shows", "only", "exchanges"}
EXCHANGE_MEMBERS = {"request", "reply", "csv", "columns", "connection", "fault"}
ABSENT = object()


class Case:
    """One file: `exchanges` in their order, and for whom they are."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        found = json.loads(path.read_text(encoding="utf-8"))
        self.title, self.shows, self.exchanges = found["title"], found["shows"], found["exchanges"]
        unknown = set(found) - MEMBERS
        for exchange in self.exchanges:
            unknown |= set(exchange) - EXCHANGE_MEMBERS
        if unknown:
            raise ValueError(f"{path.name}: no such members: {', '.join(sorted(unknown))}")
        self.has_faults = any("fault" in exchange for exchange in self.exchanges)
        only = found.get("only", "clients" if self.has_faults else None)
        self.for_servers, self.for_clients = only != "clients", only != "servers"
        self.only = found.get("only")

    def text(self):
        """The file's content: short values on one line, so that a person can read them."""
        members = {"title": self.title, "shows": self.shows}
        if self.only:
            members["only"] = self.only
        return pretty({**members, "exchanges": self.exchanges}) + "\n"


def load(wanted=()):
    """All cases in their order, or those that have one of the words in their name."""
    found = [Case(path) for path in sorted(CASES.glob("*.json"))]
    return [case for case in found if not wanted or any(word in case.name for word in wanted)]


def pretty(value, margin=""):
    """JSON in which what fits into a line has one, and short members share one, so that a person can read it."""
    line = json.dumps(value, ensure_ascii=False)
    if len(margin) + len(line) <= LINE or not isinstance(value, (dict, list)) or not value:
        return line
    inner = margin + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(name, ensure_ascii=False)}: {pretty(item, inner)}" for name, item in value.items()]
        left, right = "{}"
    else:
        items = [pretty(item, inner) for item in value]
        left, right = "[]"
    lines = [""]
    for item in items:
        is_short = "\n" not in item and len(item) <= SHORT
        if lines[-1] and is_short and len(inner) + len(lines[-1]) + len(item) + 2 < LINE:
            lines[-1] += ", " + item
        elif lines[-1]:
            lines.append(item)
        else:
            lines[-1] = item
        if not is_short:
            lines.append("")
    lines = [line for line in lines if line]
    return f"{left}\n{inner}" + f",\n{inner}".join(lines) + f"\n{margin}{right}"


def is_pattern(value):
    return isinstance(value, dict) and "$type" in value


def types_of(pattern):
    return pattern["$type"] if isinstance(pattern["$type"], list) else [pattern["$type"]]


def has_type(value, name):
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name]) or (name == "integer" and isinstance(value, float) and value.is_integer())


def fits(pattern, value):
    """Whether a value is what a pattern allows."""
    if not any(has_type(value, name) for name in types_of(pattern)):
        return False
    starts = pattern.get("$starts", [])
    if len(starts) and (len(value) < len(starts) or difference(starts, value[: len(starts)])):
        return False
    return "$length" not in pattern or len(value) == pattern["$length"]


def example(expected):
    """The expected value with an example in the place of each pattern: what a server might say."""
    if is_pattern(expected):
        usual = EXAMPLES[types_of(expected)[0]]
        return expected.get("$starts", expected.get("$example", usual))
    if isinstance(expected, dict):
        return {name: example(value) for name, value in expected.items()}
    if isinstance(expected, list):
        return [example(value) for value in expected]
    return expected


def shown(value):
    """A value for a sentence, not longer than a person wants to read."""
    line = "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 300 else line[:280] + f" … ({len(line)} characters)"


def difference(expected, came, where=""):
    """What differs first, as a sentence that names the place; None where all is as expected."""
    here = where or "it"
    if is_pattern(expected):
        if came is ABSENT or not fits(expected, came):
            return f"{here}: expected something like {shown(expected)}, came {shown(came)}"
        return None
    if isinstance(expected, dict) and isinstance(came, dict):
        for name in [*expected, *(name for name in came if name not in expected)]:
            inner = f"{where}.{name}" if where else name
            found = difference(expected.get(name, ABSENT), came.get(name, ABSENT), inner)
            if found:
                return found
        return None
    if isinstance(expected, list) and isinstance(came, list) and len(expected) == len(came):
        for index, (one, other) in enumerate(zip(expected, came)):
            found = difference(one, other, f"{where}[{index}]")
            if found:
                return found
        return None
    is_same = expected is not ABSENT and came is not ABSENT and expected == came
    if is_same and isinstance(expected, bool) == isinstance(came, bool):
        return None
    return f"{here}: expected {shown(expected)}, came {shown(came)}"


def unpacked(frame, kind):
    """A column's values."""
    size = struct.calcsize("<" + PACKED[kind])
    if len(frame) % size:
        raise ValueError(f"{len(frame)} bytes are no column of type {kind}")
    return list(struct.unpack(f"<{len(frame) // size}{PACKED[kind]}", frame))


def frames_of(exchange):
    """The data frames that follow the reply, as bytes."""
    if "csv" in exchange:
        return ["".join(line + "\n" for line in exchange["csv"]).encode()]
    return [bytes.fromhex(column["hex"]) for column in exchange.get("columns", {}).values()]


def in_file(reply, frames):
    """A reply's data frames as the members of an exchange."""
    if "columns" in reply:
        columns = zip(reply["columns"], frames)
        return {"columns": {column["name"]: {"hex": frame.hex(), "values": unpacked(frame, column["type"])}
                            for column, frame in columns}}
    return {"csv": frames[0].decode().split("\n")[:-1]} if frames else {}
