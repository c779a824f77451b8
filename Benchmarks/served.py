"""A daemon of the benchmarks' own, and a client of it."""

import contextlib
import ctypes
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / ".build" / "release"
OUTPUT = ROOT / ".build" / "benchmarks"


class BenchmarkError(Exception):
    """Says what could not be measured, for a person."""


def run_json(command):
    """Runs a program that prints one line of JSON."""
    finished = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE, timeout=900)
    if finished.returncode != 0:
        raise BenchmarkError(f"{command[0]} ended with status {finished.returncode}")
    return json.loads(finished.stdout)


class Daemon:
    """A `crims serve` of our own on free ports, or below an `ipc://` folder, with a data folder of its own."""

    READY_SECONDS = 10

    def __init__(self, folder, processor=None, options=(), transport=None, tracer=()):
        self.log = pathlib.Path(folder) / "log"
        places = [f"{transport}{name}" if transport else "tcp://127.0.0.1:*" for name in ("control", "events")]
        # A daemon of the user's keeps its data elsewhere.
        environment = dict(os.environ, XDG_STATE_HOME=str(folder))
        command = [*tracer, RELEASE / "crims", "serve", "--control", places[0], "--events", places[1], *options]
        command = [str(word) for word in command]
        if processor is not None:
            command = ["taskset", "--cpu-list", str(processor), *command]
        with open(self.log, "wb") as log:
            begin = time.monotonic()
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        line = self._line()
        self.seconds_to_ready = time.monotonic() - begin
        try:
            ready = json.loads(line)
            self.control, self.events = ready["control"][0], ready["events"][0]
        except (ValueError, KeyError, IndexError):
            self.stop()
            raise BenchmarkError(f"crims serve is not ready, it says {line!r}\n{self.log.read_text()}") from None

    def _line(self):
        """The ready line, or what there is of it after READY_SECONDS."""
        pipe = self.process.stdout
        line = b""
        while not line.endswith(b"\n") and select.select([pipe], [], [], self.READY_SECONDS)[0]:
            piece = os.read(pipe.fileno(), 65536)
            if not piece:
                break
            line += piece
        return line

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def daemon(processor=None, options=(), transport=None, tracer=()):
    with tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        served = Daemon(folder, processor, options, transport, tracer)
        try:
            yield served
        finally:
            served.stop()


class Control:
    """A REQ socket by libzmq's C functions, so that no Python package is needed."""

    REQ, LINGER, RCVTIMEO, SNDTIMEO, RCVMORE = 3, 17, 27, 28, 13
    REPLY_BYTES_MAX = 1 << 24

    def __init__(self, endpoint):
        self.zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
        self.zmq.zmq_ctx_new.restype = self.zmq.zmq_socket.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.zmq.zmq_ctx_new())
        self.socket = ctypes.c_void_p(self.zmq.zmq_socket(self.context, self.REQ))
        self.buffer = ctypes.create_string_buffer(self.REPLY_BYTES_MAX)
        for option, value in [(self.LINGER, 0), (self.RCVTIMEO, 3000), (self.SNDTIMEO, 3000)]:
            number = ctypes.c_int(value)
            self.zmq.zmq_setsockopt(self.socket, option, ctypes.byref(number), ctypes.sizeof(number))
        self.zmq.zmq_connect(self.socket, endpoint.encode())

    def _send(self, **fields):
        """Sends a request and receives the reply's first frame; how many bytes went each way."""
        request = json.dumps({"v": 1, **fields}).encode()
        if self.zmq.zmq_send(self.socket, request, ctypes.c_size_t(len(request)), 0) < 0:
            raise BenchmarkError(f"the daemon does not take {request}")
        size = self.zmq.zmq_recv(self.socket, self.buffer, ctypes.c_size_t(self.REPLY_BYTES_MAX), 0)
        if not 0 <= size <= self.REPLY_BYTES_MAX:
            raise BenchmarkError(f"the daemon does not answer {request}")
        reply = json.loads(ctypes.string_at(self.buffer, size))
        if not reply["ok"]:
            raise BenchmarkError(f"{request} was answered {reply}")
        return reply, len(request), size

    def request(self, **fields):
        return self._send(**fields)[0]

    def exchange(self, **fields):
        """As above, of which only the sizes matter: of the request and of all frames of the reply."""
        _, sent, received = self._send(**fields)
        more, size = ctypes.c_int(0), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
        while True:
            self.zmq.zmq_getsockopt(self.socket, self.RCVMORE, ctypes.byref(more), ctypes.byref(size))
            if not more.value:
                return sent, received
            received += self.zmq.zmq_recv(self.socket, self.buffer, ctypes.c_size_t(self.REPLY_BYTES_MAX), 0)

    def close(self):
        self.zmq.zmq_close(self.socket)
        self.zmq.zmq_ctx_term(self.context)
