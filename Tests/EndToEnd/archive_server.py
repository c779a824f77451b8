"""A server of archives on this machine that misbehaves as it is told, and remembers what it was asked for."""

import http.server
import io
import json
import random
import re
import threading
import time
import zipfile

NAME = "2020-12.zip"
PATH = "/data/archive/" + NAME
MONTHS = ["2020-11", "2020-12"]
HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context\n"
)
OUTCOMES = ["Under investigation", "Investigation complete; no suspect identified", "Local resolution"]
TYPES = ["Burglary", "Robbery", "Drugs", "Vehicle crime", "Other theft", "Anti-social behaviour"]


def street(month, lsoas, rows, seed=1):
    """A street file's text: hexadecimal ids, which do not shrink much, and places of the force."""
    chance = random.Random(f"{month} {seed}")
    lines = [
        f"{chance.getrandbits(256):064x},{month},Police,Police,,,,{chance.choice(lsoas)},,"
        f"{chance.choice(TYPES)},{chance.choice(OUTCOMES)},"
        for _ in range(rows)
    ]
    return HEADER + "\n".join(lines) + "\n"


def archive(files):
    """A zip file of names and texts, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(zipfile.ZipInfo(name, (2022, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class Fault:
    """What happens to one request; nothing bad by default."""

    def __init__(self, status=None, headers=(), body=b"", cut=None, stall=None, drip=None, ranges=True, length=True,
                 seconds=0.0):
        self.status, self.headers, self.body = status, dict(headers), body
        # Bytes after which the connection ends, rests for `seconds`, or drips.
        self.cut, self.stall, self.drip, self.seconds = cut, stall, drip, seconds
        self.ranges, self.length = ranges, length


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802
        server = self.server
        with server.lock:
            server.asked.append((self.path, dict(self.headers)))
            fault = server.faults.pop(0) if server.faults else server.always or Fault()
        self.close_connection = True
        try:
            self.answer(fault)
        except OSError:
            pass

    def answer(self, fault):
        server = self.server
        if fault.status is not None:
            return self.send(fault.status, fault.headers, fault.body, fault)
        data = server.files.get(self.path)
        if data is None:
            return self.send(404, {}, b"<html>not here</html>", fault)
        headers = {**server.marks, **fault.headers}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if fault.ranges else None
        expected = self.headers.get("If-Range")
        if asked and (expected is None or not server.minds_if_range or expected in headers.values()):
            start = int(asked[1])
            if start >= len(data):
                return self.send(416, {"Content-Range": f"bytes */{len(data)}"}, b"", fault)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return self.send(206, headers, data[start:], fault)
        return self.send(200, headers, data, fault)

    def send(self, status, headers, body, fault):
        self.send_response_only(status)
        headers = {"Content-Type": "application/zip", "Connection": "close", **headers}
        if fault.length:
            headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        end = next((n for n in (fault.cut, fault.stall, fault.drip) if n is not None), len(body))
        self.wfile.write(body[:end])
        self.wfile.flush()
        if fault.stall is not None:
            self.server.over.wait(fault.seconds)
        for n in range(end, len(body)) if fault.drip is not None else ():
            self.wfile.write(body[n:n + 1])
            self.wfile.flush()
            if self.server.over.wait(fault.seconds):
                break


class ArchiveServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.lock, self.over = threading.Lock(), threading.Event()
        self.files, self.marks = {}, {"ETag": '"first"', "Last-Modified": "Tue, 01 Feb 2022 10:00:00 GMT"}
        self.faults, self.always, self.asked = [], None, []
        self.minds_if_range = True
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_):
        """Clients that leave are what is tested."""

    def wait_for(self, count, seconds=10):
        """Waits until so many requests have come."""
        deadline = time.monotonic() + seconds
        while len(self.asked) < count:
            assert time.monotonic() < deadline, f"only {len(self.asked)} requests came"
            time.sleep(0.01)

    def end(self):
        self.over.set()
        self.shutdown()
        self.thread.join(5)
        self.server_close()


def ranges(server):
    return [headers.get("Range") for _, headers in server.asked]


def paths(server):
    return [path for path, _ in server.asked]


def wait_for_bytes(path, count):
    deadline = time.monotonic() + 10
    while not path.exists() or path.stat().st_size < count:
        assert time.monotonic() < deadline, f"{path.name} does not grow to {count} bytes"
        time.sleep(0.01)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def part_of(tmp_path, server, data, count, **more):
    """Leaves the beginning of an archive as a killed fetch would."""
    (tmp_path / (NAME + ".part")).write_bytes(data[:count])
    record = {"url": server.address + PATH, "size": len(data), "etag": '"first"', **more}
    (tmp_path / (NAME + ".part.json")).write_text(json.dumps(record))
