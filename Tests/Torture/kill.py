"""SIGKILL at any point: at system calls on the data folder, just after a request was sent, during a start.

    python Tests/Torture/kill.py           # a sample, in seconds
    python Tests/Torture/kill.py --long    # every system call

What is held after each: the client asks on, the replies put together are the bytes of an undisturbed run, so is the
audit trail, and `crims journal verify` finds everything in order.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from surviving import MODEL, Service, Steady, same_answer, trail, verify, write_small_model

SYNCS = ("process", "power")
WRITES = ("pwrite64", "write", "fsync", "fdatasync", "rename", "ftruncate", "unlink", "openat")
# A start mostly reads.
READS = ("pread64", "read")
FILES = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.tail", "acknowledged",
         "identity.json", "identity.json.new", "lock")
STEPS = {"long": 200, "short": 60}


def strace_refused():
    """Why no signals can be injected here; None if they can."""
    if not shutil.which("strace"):
        return "strace is not installed (apt-get install strace)"
    tried = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"], capture_output=True,
                           text=True, timeout=10)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


def requests(model, steps):
    """A run of so many steps with feedback, and beside it a fork, a run that is closed and one that is deleted."""
    asked = []

    def ask(op, run, **fields):
        asked.append({"op": op, "run": run, **fields})

    ask("open", "r", model=model, start="2020-01-06", seed=7)
    ask("open", "gone", model=model, start="2020-01-06", seed=8)
    for seq in range(steps):
        within = {"adjust": [{"factor": 0.8, "categories": ["robbery"], "half_life": "2d", "displacement": 0.5,
                              "key": f"w{seq}", "reason": "patrols"},
                             {"factor": 1.3, "target": "suspect", "half_life": "1d", "key": f"s{seq}"}]}
        ask("step", "r", seq=seq, **(within if seq % 3 == 0 else {}))
        if seq % 5 == 0:
            ask("adjust", "r", factor=1.1, categories=["burglary"], half_life="2d", key=f"k{seq}", source="abm",
                reason="unanswered calls")
        if seq % 25 == 10:
            ask("retract", "r", adjustment=f"a{seq // 2}")
        if seq % 50 == 20:
            ask("step", "gone", seq=seq // 50)
            ask("fork", "r", seq=seq, **{"as": f"f{seq}"})
            for own in range(3):
                ask("step", f"f{seq}", seq=seq + own, adjust=[{"factor": 2, "key": f"f{own}"}])
        if seq % 50 == 45:
            ask("close", f"f{seq - 25}")
    ask("close", "gone")
    ask("delete", "gone")
    for run in ("r", "f20"):
        ask("adjustments", run)
        ask("read", run, seq=0, count=20, format="csv")
    ask("close", "r")
    return asked


class Story:
    """The requests, and what an undisturbed daemon answers and keeps."""

    def __init__(self, folder, steps):
        self.folder = folder
        self.models = write_small_model(folder / "models")
        self.requests = requests(MODEL, steps)
        service = self.service("undisturbed").start()
        steady = Steady(service.control, service)
        self.replies = []
        for request in self.requests:
            frames, asked = steady.ask(request)
            if not json.loads(frames[0])["ok"] or (asked > 1 and len(self.replies) > 0):
                raise AssertionError(f"{request}, asked {asked} times: {frames[0]} {service.words()}")
            self.replies.append(frames)
        steady.close()
        service.kill()
        verify(service.data, self.models)
        self.trail = trail(service.data, self.models)

    def service(self, name, sync="process"):
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return Service(self.folder / name, self.models, "--sync", sync)

    def play(self, service, first=0, last=None, hook=None):
        """Asks the requests from `first` on and compares the replies; returns how many had to be asked again."""
        steady = Steady(service.control, service)
        steady.number = first
        try:
            for number, request in list(enumerate(self.requests))[first:last]:
                frames, asked = steady.ask(request, hook and hook(number, service))
                if not same_answer(request, frames, asked, self.replies[number]):
                    raise AssertionError(f"request {number}, {request}, asked {asked} times, was answered "
                                         f"{frames[0][:600]} and not {self.replies[number][0][:600]}")
            return steady.repeated
        finally:
            steady.close()

    def check(self, service):
        """The folder after one last kill: in order, with the records of an undisturbed run and no others."""
        service.kill()
        verify(service.data, self.models)
        kept = trail(service.data, self.models)
        if kept != self.trail:
            other = next((pair for pair in zip(kept, self.trail) if pair[0] != pair[1]), (len(kept), len(self.trail)))
            raise AssertionError(f"the audit trail is another: {other}")


def tracer(service, calls, *words):
    """strace's words for calls on the data folder alone. -D: the daemon is our child, and strace its."""
    paths = [word for name in FILES for word in ("-P", service.data / name)]
    return ["strace", "-D", "-f", "-q", "-e", "trace=" + ",".join(calls), *words, *paths]


def count_calls(service, calls, play):
    """How many calls of each kind on the data folder `play` takes, in the thread that makes most of them (which is how
    strace counts)."""
    service.start(*tracer(service, calls, "-o", service.folder / "trace"))
    play()
    service.kill()
    # strace ends after what it traces.
    deadline, lines = time.monotonic() + 10, ""
    while "killed by SIGKILL" not in lines and time.monotonic() < deadline:
        time.sleep(0.02)
        lines = (service.folder / "trace").read_text()
    by_thread = collections.Counter(re.findall(r"^(\d+)\s+(\w+)\(", lines, re.M))
    most = collections.Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def spread(points, wanted, seed=1):
    """So many of the points, all over them; None: all."""
    return points if wanted is None or len(points) <= wanted else sorted(random.Random(seed).sample(points, wanted))


def kill_at_calls(story, wanted, say):
    """SIGKILL at each system call of the whole story that writes, syncs, renames, opens."""
    tally = collections.Counter()
    for sync in SYNCS:
        service = story.service("counted", sync)
        counts = count_calls(service, WRITES, lambda service=service: story.play(service))
        say(f"  --sync {sync}: " + ", ".join(f"{count} {call}" for call, count in sorted(counts.items())))
        points = [(call, when) for call, count in sorted(counts.items()) for when in range(1, count + 1)]
        for call, when in spread(points, wanted):
            service = story.service("killed", sync)
            service.start(*tracer(service, [call], "-o", "/dev/null", "-e",
                                  f"inject={call}:signal=SIGKILL:when={when}"))
            try:
                story.play(service)
                story.check(service)
            except AssertionError as error:
                raise AssertionError(f"--sync {sync}, SIGKILL at {call} {when}: {error}") from error
            tally["points"] += 1
            tally["killed"] += service.starts > 1
            if tally["points"] % 100 == 0:
                say(f"  {tally['points']} points so far")
    return tally


def kill_after_sending(story, kills, say, each=10):
    """SIGKILL within 2 ms after a request was sent, some in each telling of the story."""
    chosen, tally = random.Random(2), collections.Counter()
    while tally["kills"] < kills:
        service = story.service("shot", SYNCS[tally["stories"] % 2]).start()
        places = set(chosen.sample(range(len(story.requests)), min(each, kills - tally["kills"])))

        def hook(number, service, places=places):
            if number not in places:
                return None

            def shoot():
                until = time.monotonic() + chosen.random() * 0.002
                while time.monotonic() < until:
                    pass
                service.kill()

            return shoot

        tally["asked again"] += story.play(service, hook=hook)
        story.check(service)
        tally["kills"] += len(places)
        tally["stories"] += 1
    return tally


def kill_at_starts(story, wanted, say):
    """SIGKILL at system calls of the start itself, on the folders of stories that were broken off."""
    tally = collections.Counter()
    calls = (*WRITES, *READS)
    length = len(story.requests)
    for sync in SYNCS:
        for last in (1, length // 3, length - 2):
            template = story.service("template", sync).start()
            story.play(template, last=last)
            template.kill()

            def copy(name, sync=sync, template=template):
                service = story.service(name, sync)
                shutil.copytree(template.data, service.data)
                return service

            service = copy("counted")

            def wait_until_ready(service=service):
                steady = Steady(service.control, service, timeout=5)
                steady.ask({"op": "hello"})
                steady.close()

            counts = count_calls(service, calls, wait_until_ready)
            points = [(call, when) for call, count in sorted(counts.items()) for when in range(1, count + 1)]
            for call, when in spread(points, wanted):
                service = copy("restarted")
                # Twice at the same place, and then it may.
                for _ in range(2):
                    service.start(*tracer(service, [call], "-o", "/dev/null", "-e",
                                          f"inject={call}:signal=SIGKILL:when={when}"))
                    try:
                        service.process.wait(0.5)
                    except subprocess.TimeoutExpired:
                        service.kill()
                        continue
                    tally["killed"] += 1
                try:
                    service.start()
                    story.play(service, first=last)
                    story.check(service)
                except AssertionError as error:
                    raise AssertionError(f"--sync {sync}, after {last} requests, SIGKILL at {call} {when} of the "
                                         f"start: {error}") from error
                tally["points"] += 1
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="every system call, 500 kills after sending, all of starts")
    parser.add_argument("--only", choices=("calls", "sending", "starts"))
    parser.add_argument("--points", type=int, help="at most so many system calls for each --sync")
    chosen = parser.parse_args()
    if refused := strace_refused():
        sys.exit(refused)
    play_all(chosen.long, chosen.only, chosen.points)


def play_all(long=False, only=None, points=None):
    """All parts, or one of them; AssertionError for the first thing that is not as it should be."""
    parts = {
        "calls": ("at a system call", kill_at_calls, points or (None if long else 12)),
        "sending": ("after sending", kill_after_sending, 500 if long else 15),
        "starts": ("during a start", kill_at_starts, 17 if long else 1),
    }
    with tempfile.TemporaryDirectory(prefix="crims-kill-") as folder:
        story = Story(pathlib.Path(folder), STEPS["long" if long else "short"])
        for name, (words, part, wanted) in parts.items():
            if only in (None, name):
                began = time.monotonic()
                print(f"SIGKILL {words}", flush=True)
                tally = part(story, wanted, lambda line: print(line, flush=True))
                print("  " + ", ".join(f"{count} {what}" for what, count in tally.items())
                      + f"; replies and audit trail as undisturbed ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
