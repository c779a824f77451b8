"""Write into the cases what a running daemon replies to them.

A new case needs its title, what it shows, and its requests; this adds the replies. What a pattern in a file allows
stays as it is; every message becomes a pattern, since messages may change.
"""

from __future__ import annotations

import argparse
import sys

import asking
import cases

MESSAGE = {"$type": "string"}


def merged(kept, came):
    """What came, with the patterns of the file where they allow it."""
    if cases.is_pattern(kept):
        return kept if cases.fits(kept, came) else came
    if isinstance(came, dict):
        kept = kept if isinstance(kept, dict) else {}
        return {name: merged(kept.get(name), value) for name, value in came.items()}
    if isinstance(came, list) and isinstance(kept, list) and len(kept) == len(came):
        return [merged(one, other) for one, other in zip(kept, came)]
    return came


def record(case, endpoint):
    """Asks for the whole case, and keeps what is replied."""
    with asking.Connections(endpoint, seconds=10) as connections:
        connections.delete(asking.runs_named(case))
        for exchange in case.exchanges:
            if exchange.get("fault") in ("dead", "not json"):
                continue  # nothing that a daemon would reply
            if exchange.get("reply", {}) is None:
                connections.send_ahead(exchange)
                continue
            if "request" in exchange:
                connections.send(exchange)
            reply, frames = connections.receive(exchange)
            if isinstance(reply.get("error"), dict):
                reply["error"]["message"] = MESSAGE
            exchange["reply"] = merged(exchange.get("reply"), reply)
            exchange.pop("csv", None), exchange.pop("columns", None)
            exchange.update(cases.in_file(reply, frames))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint", help="of a running daemon with the model merseyside: tcp://127.0.0.1:5555")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--case", action="append", default=[], metavar="WORD", help="only those named so")
    arguments = parser.parse_args()
    changed = 0
    for case in cases.load(arguments.case):
        before = case.path.read_text(encoding="utf-8")
        try:
            record(case, arguments.endpoint)
        except asking.NoAnswer as silence:
            print(f"{case.name}: {silence}", file=sys.stderr)
            return 1
        if case.text() != before:
            changed += 1
            print(f"{case.name}: {'would change' if arguments.check else 'written'}")
            if not arguments.check:
                case.path.write_text(case.text(), encoding="utf-8")
    return 1 if changed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
