"""Daemons on disks that fail: `crims serve` on a data folder, under strace's fault injection where it is asked for."""

import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))

from crims_client import Client  # noqa: E402

CRIMS = pathlib.Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
MODEL = "merseyside"
ANY_PORT = "tcp://127.0.0.1:*"
FILES = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.tail", "acknowledged",
         "identity.json", "identity.json.new", "lock")
CALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "fallocate", "rename")


class NotStarted(Exception):
    """A daemon that ended before it was ready: its exit code and its words."""

    def __init__(self, code, words):
        super().__init__(f"exit code {code}: {words}")
        self.code, self.words = code, words


def strace_refused():
    """Why system calls cannot be made to fail here; None if they can."""
    if not shutil.which("strace"):
        return "strace is not installed (apt-get install strace)"
    tried = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"], capture_output=True,
                           text=True, timeout=10)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


class Daemon:
    """A `crims serve` on a folder. `fault` is what strace injects, as in `fsync:error=EIO:when=3`; `trace` is a file
    that gets the system calls instead."""

    def __init__(self, folder, *arguments, fault=None, trace=None, ready_within=20, before=None):
        self.log = tempfile.TemporaryFile()
        self.folder = folder
        command = [CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT, "--data", folder, *arguments]
        if fault or trace:
            paths = [word for name in FILES for word in ("-P", f"{folder}/{name}")]
            calls = ["-e", f"inject={fault}"] if fault else ["-e", "trace=" + ",".join(CALLS)]
            # -D: the daemon is our child and strace its, so that each can be ended without the other.
            command = ["strace", "-D", "-f", "-qq", "-o", trace or "/dev/null", *calls, *paths, *command]
        self.process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=self.log,
                                        bufsize=0, preexec_fn=before)
        line, deadline = b"", time.monotonic() + ready_within
        while not line.endswith(b"\n"):
            if select.select([self.process.stdout], [], [], 0.05)[0]:
                byte = os.read(self.process.stdout.fileno(), 1)
                line += byte
                if byte:
                    continue
            if self.process.poll() is not None or time.monotonic() > deadline:
                code = self.process.poll()
                self.kill()
                raise NotStarted(code, self.words())
        ready = json.loads(line)
        self.control, self.events = ready["control"][0], ready["events"][0]
        self.client = Client(self.control)

    def words(self):
        """What it has said on stderr, without strace's own words about paths."""
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("strace: Requested path"))

    def end_fault(self):
        """Ends strace: it lets the daemon go, and system calls are what they were."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        tracer = int(next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid")))
        if tracer:
            os.kill(tracer, signal.SIGKILL)
            deadline = time.monotonic() + 5
            while pathlib.Path(f"/proc/{tracer}").exists() and time.monotonic() < deadline:
                if "TracerPid:\t0" in pathlib.Path(f"/proc/{self.process.pid}/status").read_text():
                    break
                time.sleep(0.002)
        assert self.process.poll() is None, f"the daemon ended with strace: {self.words()}"

    def close(self):
        """As kill -9 does; once more does no harm."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        if hasattr(self, "client"):
            self.client.end()

    kill = close

    def __del__(self):
        # Also where a check has failed.
        if hasattr(self, "process") and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def send(client, request):
    """A request's reply, refused or not."""
    return client.send(json.dumps({"v": 1, **request}).encode())


def requests():
    """Some 60 requests with all kinds of records."""
    asked = []

    def ask(op, run, **fields):
        asked.append({"op": op, "run": run, **fields})

    ask("open", "r", model=MODEL, start="2020-01-06", seed=7)
    ask("open", "s", model=MODEL, start="2020-01-06", seed=8)
    for turn in range(14):
        adjust = {"adjust": [{"factor": 0.8, "areas": ["E02001347"], "key": f"p{turn}"}]} if turn % 2 else {}
        ask("step", "r", seq=3 * turn, count=3, **adjust)
        ask("adjust", "r", factor=1.1, categories=["burglary"], half_life="2d", key=f"k{turn}", source="abm",
            reason="why " * 3)
        ask("step", "s", seq=turn)
        if turn % 4 == 1:
            ask("fork", "r", seq=3 * turn, **{"as": "f"})
            ask("step", "f", seq=3 * turn, count=2)
            ask("close", "f")
        if turn % 4 == 2:
            ask("delete", "f")
            ask("retract", "r", adjustment=f"a{turn - 1}")
    ask("close", "s")
    ask("delete", "s")
    return asked


def looks(client):
    """All that can be seen of the runs, byte for byte."""
    runs = client.status()["runs"]
    for run in runs:
        del run["timings"]
    seen = [json.dumps(runs, sort_keys=True)]
    for run in sorted(run["run"] for run in runs):
        seen += client.send(json.dumps({"v": 1, "op": "adjustments", "run": run}).encode()).frames
        count = client.status(run=run)["runs"][0]["next_seq"]
        if count:
            request = {"v": 1, "op": "read", "run": run, "seq": 0, "count": count, "format": "csv"}
            seen += client.send(json.dumps(request).encode()).frames
    return seen
