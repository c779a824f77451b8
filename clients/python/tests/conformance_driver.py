"""Makes the requests that clients/conformance asks for through this package, and prints what came of them."""

import argparse
import json
import sys

import crims
from crims.asking import Patience
from crims.connection import Connection
from crims.incidents import COLUMNS, Incidents


def made(connection, op, fields):
    """The outcome of a request, in the suite's form."""
    try:
        reply = connection.ask(op, fields)
    except crims.Refused as error:
        return {"error": error.code, "message": str(error)}
    except crims.NoAnswer as error:
        return {"error": "no_answer", "message": str(error)}
    except crims.ProtocolError as error:
        return {"error": "bad_reply", "message": str(error)}
    outcome = {"reply": reply.fields}
    if "columns" in reply.fields:
        incidents = Incidents(None, None, reply.frames)
        outcome["columns"] = {name: incidents.array(name).tolist() for name, _, _ in COLUMNS}
    elif reply.frames:
        outcome["csv"] = bytes(memoryview(reply.frames[0])).decode()
    return outcome


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--patience", type=float, default=3)
parser.add_argument("--give-up", type=float, default=60)
parser.add_argument("endpoint")
options = parser.parse_args()
connection = Connection(options.endpoint, Patience(options.give_up, options.patience))
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(made(connection, request.pop("op"), request)), flush=True)
connection.close()
