"""A year of a force as CSV over HTTP: megabytes a second of `/data`, beside the same bytes from a file.

    python3 Benchmarks/http_year.py [--rounds N] [--crims FILE] [--force NAME] [--format csv|json]

Both go over 127.0.0.1 to the same reader, in turn: `/data` as the daemon draws it, and a file that a bare server sends
with `sendfile`. The ratio is that of the medians. Where there is pyzmq, it says also how long a step of a run takes
while years are read without a pause, and while none is; another process reads.
"""

import argparse
import importlib.util
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
    parser.add_argument("--read", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        return read_without_end(options)
    with tempfile.TemporaryDirectory() as folder:
        any_port = "tcp://127.0.0.1:*"
        command = [options.crims, "serve", "--no-data", "--control", any_port, "--events", any_port,
                   "--http", "127.0.0.1:*", "--http-rate", "0"]  # fmt: skip
        command += ["--models", options.models] if options.models else []
        environment = dict(os.environ, XDG_STATE_HOME=folder)
        daemon = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            ready = json.loads(daemon.stdout.readline())
            measure(options, ready["http"][0], folder)
            if importlib.util.find_spec("zmq"):
                measure_steps(options, ready)
        finally:
            daemon.terminate()
            daemon.wait(10)


def place_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def read_without_end(options):
    query = urllib.parse.urlencode({"force": options.force, "format": options.format})
    while True:
        read_reply(place_of(options.read), f"/data?{query}")
        print("read", flush=True)


def measure_steps(options, ready, steps=4_000):
    """Steps of an hour, in four parts: without and with somebody who reads, twice."""
    import zmq

    def ask(**fields):
        socket.send(json.dumps({"v": 1, **fields}).encode())
        reply = json.loads(socket.recv_multipart()[0])
        if not reply["ok"]:
            sys.exit(f"{fields['op']}: {reply['error']['message']}")
        return reply

    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect(ready["control"][0])
        model = ask(op="hello")["models"][0]
        ask(op="open", model=model, start="2020-01-01", run="steps")
        taken = {"none is read": [], "years are read": []}
        for part in range(4):
            name = list(taken)[part % 2]
            reader = None
            if part % 2:
                reader = subprocess.Popen(
                    [sys.executable, __file__, "--read", ready["http"][0], "--force", options.force], cwd=ROOT,
                    stdout=subprocess.PIPE)  # fmt: skip
                reader.stdout.readline()
            for number in range(steps // 4):
                begin = time.perf_counter()
                ask(op="step", run="steps", seq=part * (steps // 4) + number)
                taken[name].append(time.perf_counter() - begin)
            if reader:
                reader.kill()
                reader.wait()
    print("  a step of an hour, in microseconds:")
    for name, seconds in taken.items():
        ordered = sorted(seconds)
        middle, late = ordered[len(ordered) // 2] * 1e6, ordered[len(ordered) * 99 // 100] * 1e6
        print(f"    while {name:15} median {middle:6.0f}, 99 of 100 within {late:6.0f}")


def measure(options, url, folder):
    address = place_of(url)
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
    print(f"{megabytes:.1f} MB of {options.format}, median of {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for name, seconds in (("/data", drawn), ("file", sent)):
        print(f"  {name:6} {megabytes / statistics.median(seconds):7.0f} MB/s"
              f"  (best {megabytes / min(seconds):.0f}, worst {megabytes / max(seconds):.0f})")  # fmt: skip
    print(f"  ratio  {statistics.median(sent) / statistics.median(drawn):.2f} of the file's rate")


if __name__ == "__main__":
    main()
