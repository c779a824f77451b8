"""Check that a server, or a client, keeps to the wire protocol of CriMS.

  check.py server tcp://127.0.0.1:5555
  check.py client -- Rscript examples/conforming_client.R

README.md beside this says what a client has to read and print. On stdout, a line for each case; exit 0 if all passed,
1 if one failed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import asking
import cases
import playing
import serving
import zmq


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    common.add_argument("--case", action="append", default=[], metavar="WORD",
                        help="only the cases that have this in their name; may be repeated")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="server|client")
    server = kinds.add_parser("server", parents=[common], help="send requests to a server")
    server.add_argument("endpoint", help="where it takes requests, such as tcp://127.0.0.1:5555")
    server.add_argument("--timeout", type=seconds, default=10, metavar="S", help="for each reply (10)")
    client = kinds.add_parser("client", parents=[common], help="play the server to a client")
    client.add_argument("--patience", type=seconds, default=1, metavar="S", help="that of a client in faults (1)")
    client.add_argument("--give-up", type=seconds, default=4, metavar="S", help="that of a client in faults (4)")
    client.add_argument("command", nargs="+", metavar="COMMAND", help="the client, after --")
    options = parser.parse_args(arguments)
    if not cases.load(options.case):
        parser.error(f"no case has {' or '.join(map(repr, options.case))} in its name; they are in {cases.CASES.name}/")
    if options.kind == "client" and not shutil.which(options.command[0]):
        parser.error(f"there is no command {options.command[0]!r}")
    if options.kind == "client" and options.give_up < 4 * options.patience:
        parser.error("--give-up has to be at least 4 times --patience")
    if options.kind == "server":
        try:
            with zmq.Context.instance().socket(zmq.DEALER) as socket:
                socket.connect(options.endpoint)
        except zmq.ZMQError:
            parser.error(f"{options.endpoint!r} is no endpoint: tcp://127.0.0.1:5555 would be one")
    return options


def seconds(text):
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError
    return number


def of_server(options):
    """Each case with what is wrong."""
    for case in cases.load(options.case):
        if case.for_servers:
            yield case, serving.check(case, options.endpoint, options.timeout)


def of_client(options):
    """The same. One process makes all requests that are answered at once; each case with faults has its own.

    Those mostly wait, so four of them do it together.
    """
    wanted = [case for case in cases.load(options.case) if case.for_clients]
    client = None
    for case in wanted:
        if not case.has_faults:
            client = client or playing.Client(options.command, **playing.QUIET)
            wrong = playing.check(case, client)
            if wrong:  # the next case begins with a client that has seen nothing
                client = client.end(is_wrong=True)
            yield case, wrong
    if client:
        client.end()
    with ThreadPoolExecutor(4) as pool:
        faults = [case for case in wanted if case.has_faults]
        # The last are the longest.
        running = {case.name: pool.submit(with_faults, case, options) for case in reversed(faults)}
        for case in faults:
            yield case, running[case.name].result()


def with_faults(case, options):
    client = playing.Client(options.command, options.patience, options.give_up)
    wrong = playing.check(case, client)
    client.end(is_wrong=bool(wrong))
    return wrong


def main(arguments=None):
    options = parsed(arguments)
    if options.kind == "server":
        try:
            with asking.Connections(options.endpoint, options.timeout) as connections:
                connections.ask(op="hello")
        except asking.NoAnswer as silence:
            print(f"{silence}. Is a server running there?", file=sys.stderr)
            return 1
    results = []
    for case, wrong in (of_server if options.kind == "server" else of_client)(options):
        results.append({"case": case.name, "title": case.title, "passed": not wrong, "wrong": wrong})
        if not options.json:
            print(f"{'FAIL' if wrong else 'ok  '}  {case.name}: {case.title}", flush=True)
            for line in wrong:
                print(f"      {line}", flush=True)
    failed = sum(not result["passed"] for result in results)
    passed = len(results) - failed
    if options.json:
        print(json.dumps({"passed": passed, "failed": failed, "cases": results}, ensure_ascii=False))
    else:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)
