"""A client for clients/conformance that is right, or wrong in one way.

wrong_client.py [FLAW] --patience S --give-up S ENDPOINT
"""

import json
import struct
import sys
import time

import zmq

FLAW = sys.argv[1] if len(sys.argv) == 7 else ""
PATIENCE, GIVE_UP, ENDPOINT = float(sys.argv[-4]), float(sys.argv[-2]), sys.argv[-1]
PACKED = {"i64": "q", "i32": "i", "u16": "H", "u8": "B"}


class Client:
    def __init__(self):
        self.ids, self.heard, self.socket = 0, False, self.connect()

    def connect(self):
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(ENDPOINT)
        return socket

    def send(self, socket, request):
        self.ids += FLAW != "one id for all"
        request = {"v": 2 if FLAW == "version 2" else 1, "id": str(self.ids), **request}
        text = json.dumps(request, ensure_ascii=False)
        socket.send(text.encode("latin-1", "replace") if FLAW == "Latin-1" else text.encode())
        return request["id"]

    def receive(self, socket, asked, seconds):
        deadline = time.monotonic() + seconds
        while socket.poll(1000 * max(0, deadline - time.monotonic())):
            frames = socket.recv_multipart()
            try:
                reply = json.loads(frames[0])
            except ValueError:
                if FLAW == "dies of nonsense":
                    raise
                return {"error": "bad_reply"}, []
            self.heard = True
            if reply.get("id") == asked or FLAW == "any id":
                return reply, frames[1:]
        return None, []

    def status(self, run):
        if FLAW == "no status":
            return {}
        socket = self.socket if FLAW == "status on the same connection" else self.connect()
        asked = self.send(socket, {"op": "status", "run": "r1" if FLAW == "status of another run" else run})
        return self.receive(socket, asked, min(1, PATIENCE))[0]

    def ask(self, request):
        if FLAW == "does not ask":
            return {"ok": True}, []
        patience, since = PATIENCE, time.monotonic()
        asked = self.send(self.socket, request)
        while True:
            found = self.receive(self.socket, asked, patience)
            if found[0]:
                return found
            if FLAW == "waits for ever":
                continue
            status = self.status(request.get("run"))
            runs = (status or {}).get("runs", [])
            is_stepping = any(run["stepping"] for run in runs) and FLAW != "does not wait for the step"
            is_waiting = any(run["waiting_for"] for run in runs) and FLAW != "does not wait for others"
            if is_stepping or is_waiting:
                since = time.monotonic()
                continue
            is_first = not self.heard and FLAW != "takes its time"
            if is_first or time.monotonic() - since > GIVE_UP or FLAW == "never asks again":
                self.socket = self.connect()
                return {"error": "no_answer"}, []
            patience *= 2 if status and FLAW != "hurries" else 1
            if FLAW != "asks again on the same connection":
                self.socket = self.connect()
            if FLAW == "another seq":
                request = {**request, "seq": request["seq"] + 1}
            if FLAW == "forgets adjust":
                request.pop("adjust", None)
            asked = self.send(self.socket, request)
            if FLAW == "gives up early":
                self.receive(self.socket, asked, PATIENCE)
                return {"error": "no_answer"}, []


def said(reply, frames):
    error = reply.get("error")
    if error:
        code = error if isinstance(error, str) else error["code"]
        return {"error": "refused" if FLAW == "no codes" else code}
    if FLAW == "knows all members" and "weather" in reply:
        return {"error": "bad_reply"}
    if FLAW == "15 digits" and "incidents" in reply:
        for incident in reply["incidents"]:
            incident["id"] = float(f"{incident['id']:.15g}")
    if FLAW == "loses a member":
        del reply["next_seq"]
    if FLAW == "adds a member":
        reply["more"] = 1
    if "columns" in reply:
        columns = {}
        for column, frame in zip(reply["columns"], frames):
            kind = "I" if FLAW == "ids of 32 bits" and column["type"] == "i64" else PACKED[column["type"]]
            columns[column["name"]] = list(struct.unpack(f"<{len(frame) // struct.calcsize(kind)}{kind}", frame))
        return {"reply": reply, "columns": columns}
    if frames:
        return {"reply": reply, "csv": frames[0].decode().replace("\n", "\r\n" if FLAW == "other line ends" else "\n")}
    return {"reply": reply}


client = Client()
for line in sys.stdin:
    if FLAW == "dies":
        sys.exit("something is wrong")
    answer = json.dumps(said(*client.ask(json.loads(line))))
    print("Hello!" if FLAW == "talks" else answer, flush=True)
