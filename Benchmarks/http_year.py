"""A year of a force as CSV over HTTP: megabytes a second of `/data`, beside the same bytes from a file.

    python3 Benchmarks/http_year.py [--rounds N] [--crims FILE] [--force NAME] [--format csv|json]

Both go over 127.0.0.1 to the same reader, in turn: `/data` as the daemon draws it, and a file that a bare server sends
with `sendfile`. The ratio is that of the medians. It says also how long a step of a run takes while a year is drawn.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read_reply(address, target):
    """Bytes of the body and seconds from the request to the end; chunks' lengths are passed over."""
    room = bytearray(1 << 20)
    with socket.create_connection(address, timeout=60) as sock:
        begin = time.perf_counter()
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        parts = []
        while count := sock.recv_into(room):
            parts.append(bytes(room[:count]))
        seconds = time.perf_counter() - begin
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0] + b" ":
        raise SystemExit(f"{target}: {body[:500].decode()}")
    return unchunked(body) if b"chunked" in head.lower() else body, seconds


def unchunked(body):
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        length = int(body[at:end], 16)
        if not length:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + length])
        at = end + 4 + length


def serve_file(path):
    """A bare server of one file; returns its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            sock, _ = listener.accept()
            with sock, open(path, "rb") as file:
                sock.recv(65_536)
                sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                sock.sendfile(file)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--crims", default=ROOT / ".build" / "release" / "crims")
    parser.add_argument("--force", default="Merseyside")
    parser.add_argument("--format", choices=["csv", "json"], default="csv")
    parser.add_argument("--models", help="look for models here first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        any_port = "tcp://127.0.0.1:*"
        command = [options.crims, "serve", "--no-data", "--control", any_port, "--events", any_port,
                   "--http", "127.0.0.1:*", "--http-rate", "0"]  # fmt: skip
        command += ["--models", options.models] if options.models else []
        environment = dict(os.environ, XDG_STATE_HOME=folder)
        daemon = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            measure(options, json.loads(daemon.stdout.readline())["http"][0], folder)
        finally:
            daemon.terminate()
            daemon.wait(10)


def measure(options, url, folder):
    parts = urllib.parse.urlsplit(url)
    address = (parts.hostname, parts.port)
    query = urllib.parse.urlencode({"force": options.force, "format": options.format})
    year, _ = read_reply(address, f"/data?{query}")
    path = pathlib.Path(folder) / "year"
    path.write_bytes(year)
    plain = serve_file(path)
    read_reply(plain, "/")
    drawn, sent = [], []
    for _ in range(options.rounds):
        body, seconds = read_reply(address, f"/data?{query}")
        drawn.append(seconds)
        same, seconds = read_reply(plain, "/")
        sent.append(seconds)
        if not body == same == year:
            sys.exit("the replies differ")
    megabytes = len(year) / 1e6
    print(f"{megabytes:.1f} MB of {options.format}, {year.count(b'E0')} areas named, median of {options.rounds} rounds, "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    for name, seconds in (("/data", drawn), ("file", sent)):
        print(f"  {name:6} {megabytes / statistics.median(seconds):7.0f} MB/s"
              f"  (best {megabytes / min(seconds):.0f}, worst {megabytes / max(seconds):.0f})")  # fmt: skip
    print(f"  ratio  {statistics.median(sent) / statistics.median(drawn):.2f} of the file's rate")


if __name__ == "__main__":
    main()
