"""The page's HTTP API over a daemon of its own, for the page's tests: what `crims serve --http` answers, and no more.

    CRIMS_BIN=.build/release/crims python Tests/Page/serve_page.py --demo

prints the page's address, and plays a police model that patrols the worst areas of Merseyside, hour after hour.
"""

import argparse
import contextlib
import json
import pathlib
import queue
import sys
import threading
import time
import urllib.parse
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))

import zmq  # noqa: E402
from boundaries import cells  # noqa: E402
from crims.errors import Refused  # noqa: E402
from crims.launch import launch  # noqa: E402

PAGE = ROOT / "Sources" / "Web" / "Page"
DEBIAN = pathlib.Path("/usr/share/javascript")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}
POLICY = ("default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
          "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
STATUS = {"bad_request": 400, "out_of_step": 409, "conflict": 409, "limit_exceeded": 413, "forbidden": 403}
ENVELOPE = ("v", "op", "ok", "id")


def columns(reply):
    """The frames of a `columns` reply as one body: its length, its JSON, its columns, each to a multiple of 8."""
    head = json.dumps({key: value for key, value in reply.fields.items() if key not in ENVELOPE}).encode()
    head += b" " * (-(4 + len(head)) % 8)
    body = [len(head).to_bytes(4, "little"), head]
    for frame in reply.frames:
        part = bytes(frame)
        body += [part, bytes(-len(part) % 8)]
    return b"".join(body)


class Publications:
    """What the daemon publishes, for as many live streams as there are: one socket, a queue for each stream."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.linger, self.socket.rcvhwm = 0, 0
        for topic in ("step/", "adjustment/", "run/", "incidents/"):
            self.socket.subscribe(topic)
        self.socket.connect(endpoint)
        self.queues, self.lock, self.ended = {}, threading.Lock(), False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        incidents = {}
        while not self.ended:
            if not self.socket.poll(100):
                continue
            topic, payload = self.socket.recv_multipart()
            kind, event = topic.split(b"/")[0].decode(), json.loads(payload)
            if kind == "incidents":
                incidents.setdefault((event["run"], event["seq"]), []).extend(event["incidents"])
                continue
            if kind == "step":
                event["incidents"] = incidents.pop((event["run"], event["seq"]), [])
            with self.lock:
                for heard in self.queues.get(event["run"], ()):
                    heard.put((kind, event))
        self.socket.close()

    @contextlib.contextmanager
    def of(self, run):
        heard = queue.Queue()
        with self.lock:
            self.queues.setdefault(run, []).append(heard)
        try:
            yield heard
        finally:
            with self.lock:
                self.queues[run].remove(heard)


class Site:
    """A daemon, and the page over it at `address`. `simulation` drives it."""

    def __init__(self, models=None, data=None, port=0):
        self.simulation = launch(models=models or ROOT / "models", data=data)
        self.publications = Publications(self.simulation.daemon.events)
        self.models, self.boundaries, self.lock = {}, {}, threading.Lock()
        self.asked, self.cut = [], threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Answer,), {"site": self}))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, op, **fields):
        return self.simulation.ask(op, **fields)

    def model(self, name):
        with self.lock:
            if name not in self.models:
                fields = self.ask("describe", model=name).fields
                self.models[name] = {key: value for key, value in fields.items() if key not in ENVELOPE}
            return self.models[name]

    def areas(self, name):
        model = self.model(name)
        with self.lock:
            if name not in self.boundaries:
                self.boundaries[name] = json.dumps(cells(model["areas"]), separators=(",", ":")).encode()
            return self.boundaries[name]

    def cut_streams(self):
        """Ends every live stream, as a lost connection would."""
        self.cut.set()
        time.sleep(0.6)
        self.cut.clear()

    def close(self):
        self.cut.set()
        self.publications.ended = True
        self.server.shutdown()
        self.server.server_close()
        self.simulation.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Answer(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_head(self, status, kind, length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()

    def send(self, body, kind="application/json", status=200):
        if not isinstance(body, bytes):
            body = json.dumps(body, separators=(",", ":")).encode()
        self.send_head(status, kind, len(body))
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {key: values[-1] for key, values in urllib.parse.parse_qs(url.query).items()}
        self.site.asked.append(self.path)
        try:
            if url.path.startswith("/api/v1/"):
                self.api(url.path[len("/api/v1/"):].strip("/").split("/"), query)
            else:
                self.file(url.path)
        except Refused as refused:
            status = 404 if refused.code.startswith("unknown_") else STATUS.get(refused.code, 400)
            self.send({"error": {"code": refused.code, "message": str(refused)}}, status=status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def file(self, path):
        folders = {"/static/leaflet/": DEBIAN / "leaflet", "/static/": PAGE}
        file = PAGE / "index.html" if path == "/" else None
        for prefix, folder in folders.items():
            if file is None and path.startswith(prefix):
                file = (folder / path[len(prefix):]).resolve()
                file = file if file.is_relative_to(folder.resolve()) else None
        if path == "/favicon.ico":
            file = PAGE / "icon.svg"
        if file is None or not file.is_file():
            self.send({"error": {"code": "unknown_path", "message": f"there is nothing at {path}"}}, status=404)
        else:
            self.send(file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))

    def fields(self, op, **fields):
        reply = self.site.ask(op, **{key: value for key, value in fields.items() if value is not None})
        return {key: value for key, value in reply.fields.items() if key not in ENVELOPE}

    def rates(self, query, **subject):
        by = query.get("by")
        return self.fields("rates", **{"from": query.get("from")}, to=query.get("to"), by=by.split(",") if by else None,
                           **subject)

    def api(self, parts, query):
        kind, name, what = (parts + ["", "", ""])[:3]
        answers = {
            ("", False, ""): lambda: {key: value for key, value in self.fields("hello").items() if key != "limits"},
            ("models", False, ""): lambda: {"models": self.fields("hello")["models"]},
            ("models", True, ""): lambda: self.site.model(name),
            ("models", True, "areas.geojson"): lambda: self.site.areas(name),
            ("models", True, "rates"): lambda: self.rates(query, model=name),
            ("status", False, ""): lambda: self.fields("status"),
            ("runs", False, ""): lambda: {"runs": self.fields("status")["runs"]},
            ("runs", True, ""): lambda: self.fields("status", run=name)["runs"][0],
            ("runs", True, "rates"): lambda: self.rates(query, run=name),
            ("runs", True, "adjustments"): lambda: self.fields("adjustments", run=name),
        }
        streams = {("runs", "steps"): self.steps, ("runs", "events"): self.events}
        if (kind, what) in streams:
            streams[kind, what](name, query)
            return
        answer = answers.get((kind, bool(name), what), lambda: None)()
        if answer is None:
            self.send({"error": {"code": "unknown_path", "message": f"there is nothing at {self.path}"}}, status=404)
        else:
            self.send(answer)

    def steps(self, run, query):
        form = query.get("format", "json")
        reply = self.site.ask("read", run=run, seq=int(query.get("seq", 0)), count=int(query.get("count", 1)),
                              format={"json": "records"}.get(form, form))
        if form == "columns":
            self.send(columns(reply), "application/vnd.crims.columns")
        else:
            self.send({key: value for key, value in reply.fields.items() if key not in ENVELOPE})

    def events(self, run, query):
        last = self.headers.get("Last-Event-ID") or query.get("after")
        status = self.fields("status", run=run)["runs"][0]
        model = self.site.model(status["model"])
        areas = {area["code"]: index for index, area in enumerate(model["areas"])}
        crimes = {(crime["code"], crime["description"]): index for index, crime in enumerate(model["crimes"])}
        self.send_head(200, "text/event-stream")
        self.close_connection = True
        with self.site.publications.of(run) as heard:
            following = self.fields("status", run=run)["runs"][0]["next_seq"]
            sent = int(last) + 1 if last is not None else following

            def step(event):
                start = datetime.fromisoformat(event["from"])
                event["incidents"] = [
                    [one["id"], (datetime.fromisoformat(one["time"]) - start) // timedelta(minutes=1),
                     areas[one["MSOA"]], crimes[one["code"], one["description"]], int(one["suspect"])]
                    for one in event["incidents"]
                ]
                self.event("step", event, event["seq"])

            while sent < following:
                event = self.fields("read", run=run, seq=sent, format="records")
                step({key: event[key] for key in ("run", "seq", "from", "to", "count", "expected", "baseline",
                                                  "incidents")})
                sent += 1
            while not self.site.cut.is_set():
                try:
                    kind, event = heard.get(timeout=0.5)
                except queue.Empty:
                    self.wfile.write(b":\n\n")
                    self.wfile.flush()
                    continue
                if kind == "step":
                    if event["seq"] >= sent:
                        step(event)
                        sent = event["seq"] + 1
                else:
                    self.event(kind, event)

    def event(self, kind, data, number=None):
        head = f"event: {kind}\n" + (f"id: {number}\n" if number is not None else "")
        self.wfile.write(f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode())
        self.wfile.flush()


def patrol(simulation, name, hours=None, pause=0.25, start="2020-01-06", history=24 * 7):
    """A police model that patrols ten areas each shift, the worst of the week before, and the same run without it."""
    run = simulation.open("merseyside", start=start, seed=7, run=name)
    list(run.steps(history))
    other = run.fork(name=f"{name}-without")
    week, hour = {}, history
    while hours is None or hour < history + hours:
        adjust = []
        if hour % 8 == 0:
            worst = sorted(week, key=week.get, reverse=True)[:10]
            week = {area: count * 0.9 for area, count in week.items()}
            if worst:
                adjust = [{"factor": 0.6, "areas": worst, "half_life": "12h", "displacement": 0.3, "source": "police",
                           "reason": "patrols in the ten busiest areas"}]
            if hour % 72 == 0:
                adjust.append({"factor": 0.7, "categories": ["burglary"], "half_life": "3d", "source": "detectives",
                               "reason": "a burglar is arrested"})
        for incident in run.step(adjust=adjust).incidents:
            week[incident.MSOA] = week.get(incident.MSOA, 0) + 1
        other.step()
        hour += 1
        time.sleep(pause)
    return run, other


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--demo", action="store_true", help="play a police model for ever")
    options = parser.parse_args()
    with Site(options.models, port=options.port) as site:
        print(site.address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            if options.demo:
                patrol(site.simulation, "patrols")
            threading.Event().wait()


if __name__ == "__main__":
    main()
