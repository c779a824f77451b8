"""A client that always gets its answer, and the daemon that it starts again when it finds it dead."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRIMS = pathlib.Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
MODEL = "merseyside"
# More tries than any fault made here takes; then it hangs, and that is what was to be found out.
TRIES = 30


def write_small_model(folder, areas=5):
    """The model with its first few areas alone, so that a daemon is back at once."""
    original, small = ROOT / "models" / MODEL, folder / MODEL
    small.mkdir(parents=True)
    shutil.copy(original / "model.json", small)
    kept = {line.split(",")[0] for line in (original / "areas.csv").read_text().splitlines()[1:areas + 1]}
    for table in original.glob("*.csv"):
        head, *rows = table.read_text().splitlines()
        columns = head.split(",")
        for column in ("code", "area", "neighbour"):
            if column in columns and table.name != "crimes.csv":
                at = columns.index(column)
                rows = [row for row in rows if row.split(",")[at] in kept]
        (small / table.name).write_text("\n".join([head, *rows]) + "\n")
    return folder


class Service:
    """`crims serve` on a data folder at endpoints that stay the same from one start to the next."""

    def __init__(self, folder, models, *arguments):
        self.folder, self.data = folder, folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self.control, self.events = (f"ipc://{folder}/{name}" for name in ("control", "events"))
        self.command = [CRIMS, "serve", "--control", self.control, "--events", self.events, "--data", self.data,
                        "--models", models, *arguments]
        self.process, self.starts = None, 0

    def start(self, *tracer):
        """Starts it, under a tracer or not; whoever asks will find out when it is ready."""
        self.starts += 1
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(list(map(str, (*tracer, *self.command))), cwd=ROOT, stderr=log,
                                            stdout=subprocess.DEVNULL)
        return self

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """As kill -9 does; once more does no harm."""
        if self.alive():
            self.process.kill()
        return self.process.wait(10)

    def words(self):
        return (self.folder / "log").read_text(errors="replace")


class Steady:
    """One request at a time, asked again with the same `id` until it is answered.

    On silence a new socket is opened, or with `reopen=False` the same one goes on, on which late replies to what was
    asked before then come, too. A `service` found dead is started again.
    """

    def __init__(self, endpoint, service=None, timeout=1.0, reopen=True, prefix="q"):
        self.endpoint, self.service, self.timeout, self.reopen, self.prefix = endpoint, service, timeout, reopen, prefix
        self.socket, self.number, self.stale, self.repeated = None, 0, 0, 0
        self.open()

    def open(self):
        if self.socket:
            self.socket.close()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 2
        self.socket.connect(self.endpoint)

    def ask(self, request, after_sending=None):
        """The reply's frames, and how often it was asked. `after_sending` is called once, after the first sending."""
        self.number += 1
        name = f"{self.prefix}{self.number}"
        frame = json.dumps({"v": 1, "id": name, **request}).encode()
        for asked in range(1, TRIES + 1):
            self.socket.send(frame)
            if after_sending and asked == 1:
                after_sending()
            frames = self.receive(name)
            if frames:
                self.repeated += asked > 1
                return frames, asked
            if self.service and not self.service.alive():
                self.service.start()
                self.open()
            elif self.reopen:
                self.open()
        words = self.service.words()[-2000:] if self.service else ""
        raise AssertionError(f"no answer to {request}, asked {TRIES} times. {words}")

    def receive(self, name):
        """The reply with this id; None when there is none in time, or can be none."""
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            # In short looks, so as to notice at once when the daemon has died.
            if self.socket.poll(min(left, 0.02 if self.service else left) * 1000 + 1):
                frames = self.socket.recv_multipart()
                if json.loads(frames[0]).get("id") == name:
                    return frames
                self.stale += 1
            elif self.service and not self.service.alive():
                return None
        return None

    def close(self):
        self.socket.close()


def same_answer(request, frames, asked, expected):
    """Whether a reply is what it is when nothing goes wrong, byte for byte.

    What was asked more than once may say so: `resumed` of open, `duplicate` of adjust; and what was deleted is gone.
    """
    if frames == expected:
        return True
    if asked == 1:
        return False
    if request["op"] == "delete":
        return json.loads(frames[0]).get("error", {}).get("code") == "unknown_run"
    word = {"open": b'"resumed":', "adjust": b'"duplicate":'}.get(request["op"])
    if not word or word + b"true" not in frames[0]:
        return False
    return [frames[0].replace(word + b"true", word + b"false"), *frames[1:]] == expected


def verify(data, models):
    """What `crims journal verify` finds; AssertionError if anything is wrong."""
    done = subprocess.run([CRIMS, "journal", "verify", data, "--models", models], cwd=ROOT, capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, f"journal verify: {done.stdout} {done.stderr}"


def trail(data, models, *arguments, but=()):
    """What `crims journal show --json` prints, a dictionary a record, but for some of its members."""
    done = subprocess.run([CRIMS, "journal", "show", data, "--models", models, "--json", *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done
    return [{name: value for name, value in json.loads(line).items() if name not in but}
            for line in done.stdout.splitlines()]
