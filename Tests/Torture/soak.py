"""Soak: several clients and listeners, runs that come and go, kills and restarts at random; nothing may grow.

    python Tests/Torture/soak.py --seconds 8      # the short form
    python Tests/Torture/soak.py --seconds 3600   # the long form

Between the kills, resident memory and descriptors are looked at; each run is deleted when it has had its steps, so what
is kept stays about the same, and the journal has to, too.
"""

import argparse
import contextlib
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import zmq
from disk_daemon import CRIMS, MODEL, ROOT, Daemon

SLOTS = 6
LISTENERS = 4
# A daemon that keeps up for longer than this has taken all the memory that it takes.
SETTLED_SECONDS = 2
MEGABYTE = 1 << 20


class Slot:
    """A place for one run after the other, each with its client, which asks again what was not answered."""

    def __init__(self, number, chosen):
        self.number, self.chosen = number, chosen
        self.generation = 0
        self.plan, self.asked, self.wrong = [], 0, []
        self.socket, self.waiting, self.resend = None, None, False

    def next_run(self):
        """The requests of a whole run, from its opening to its deletion."""
        self.generation += 1
        run, fork = f"s{self.number}-{self.generation}", f"s{self.number}-{self.generation}-fork"
        plan = [{"op": "open", "run": run, "model": MODEL, "start": "2020-01-06", "seed": self.generation}]
        for seq in range(0, 60, 2):
            adjust = [{"factor": 1.1, "categories": ["burglary"], "half_life": "1d", "key": f"p{seq}"}] * (seq % 3 == 0)
            plan.append({"op": "step", "run": run, "seq": seq, "count": 2, "adjust": adjust})
            if seq % 8 == 0:
                plan.append({"op": "adjust", "run": run, "factor": 0.9, "key": f"k{seq}", "reason": "word " * 20})
                plan.append({"op": "read", "run": run, "seq": 0, "count": seq + 2, "format": "csv"})
        plan.append({"op": "fork", "run": run, "seq": 40, "as": fork})
        plan.append({"op": "step", "run": fork, "seq": 40, "count": 3})
        for name in (run, fork) if self.chosen.random() < 0.5 else (fork, run):
            plan += [{"op": "close", "run": name}, {"op": "delete", "run": name}]
        return plan

    def connect(self, endpoint):
        if self.socket:
            self.socket.close()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.resend = self.waiting is not None
        if self.resend:
            self.socket.send_json({"v": 1, **self.waiting})

    def go_on(self):
        """Takes a reply if there is one, and asks the next."""
        if self.waiting:
            try:
                reply = json.loads(self.socket.recv_multipart(flags=zmq.NOBLOCK)[0])
            except zmq.Again:
                return
            # Deleted before the kill, and not answered: it is gone.
            code = None if reply["ok"] else reply["error"]["code"]
            if code and not (self.resend and self.waiting["op"] == "delete" and code == "unknown_run"):
                self.wrong.append((self.waiting, reply["error"]))
            self.asked += 1
            self.resend = False
        if not self.plan:
            self.plan = self.next_run()
        self.waiting = self.plan.pop(0)
        self.socket.send_json({"v": 1, **self.waiting})


def resident(pid):
    """Bytes of memory that are the process's own, and descriptors."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024
    return memory, len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def slope(points):
    """Of the straight line through (x, y) that fits best, by x."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0


def size_of_journal(folder):
    return sum((folder / name).stat().st_size for name in ("journal.sqlite", "journal.sqlite-wal"))


def soak(seconds, seed, say=print):
    """Runs it and returns what was measured."""
    chosen = random.Random(seed)
    measured = {"kills": 0, "terms": 0, "events": 0, "memory": [], "descriptors": [], "journal": [], "ready": []}
    with tempfile.TemporaryDirectory(prefix="crims-soak-") as name, contextlib.ExitStack() as ended:
        folder = pathlib.Path(name) / "data"
        slots = [Slot(number, chosen) for number in range(SLOTS)]
        started, reported = time.monotonic(), time.monotonic()
        elapsed = 0
        while elapsed < seconds:
            begun = time.monotonic()
            daemon = ended.enter_context(contextlib.closing(Daemon(folder)))
            measured["ready"].append(time.monotonic() - begun)
            listeners = []
            for topic in ("", "incident/", "heartbeat/", "s1")[:LISTENERS]:
                listener = zmq.Context.instance().socket(zmq.SUB)
                listener.linger = 0
                listener.subscribe(topic)
                listener.connect(daemon.events)
                listeners.append(listener)
            poller = zmq.Poller()
            for slot in slots:
                slot.connect(daemon.control)
                poller.register(slot.socket, zmq.POLLIN)
                if not slot.waiting:
                    slot.go_on()
            # One in ten lives long, so that growth can be told from taking memory at the start.
            life = chosen.uniform(0.02, 1.5) if chosen.random() < 0.9 else max(4, seconds / 12)
            if not measured["kills"]:
                life = max(4, seconds / 12)
            born = looked = time.monotonic()
            while (now := time.monotonic()) - born < life and now - started < seconds:
                poller.poll(20)
                for slot in slots:
                    slot.go_on()
                for listener in listeners[:-1]:  # The last one never reads.
                    for _ in range(200):
                        try:
                            listener.recv_multipart(flags=zmq.NOBLOCK)
                            measured["events"] += 1
                        except zmq.Again:
                            break
                if now - looked > 0.1 and now - born > SETTLED_SECONDS:
                    looked = now
                    memory, descriptors = resident(daemon.process.pid)
                    measured["memory"].append((now - started, memory))
                    measured["descriptors"].append((now - started, descriptors))
                    measured["journal"].append((now - started, size_of_journal(folder)))
            if chosen.random() < 0.8:
                daemon.kill()
                measured["kills"] += 1
            else:
                daemon.process.terminate()
                code = daemon.process.wait(10)
                assert code == 0, f"SIGTERM ended it with {code}: {daemon.words()[-500:]}"
                daemon.kill()
                measured["terms"] += 1
            for listener in listeners:
                listener.close()
            wrong = [wrong for slot in slots for wrong in slot.wrong]
            assert not wrong, f"refused: {wrong[:3]}"
            assert "stopped" not in daemon.words(), daemon.words()[-500:]
            daemon.log.close()
            elapsed = time.monotonic() - started
            if time.monotonic() - reported > 60:
                reported = time.monotonic()
                say(f"{elapsed:5.0f} s: {summary(measured, slots)}")
        done = subprocess.run([CRIMS, "journal", "verify", folder], cwd=ROOT, capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, f"journal verify: {done.stdout} {done.stderr[:1000]}"
        measured["verify"] = done.stdout.strip()
        for slot in slots:
            slot.socket.close()
        measured["asked"] = sum(slot.asked for slot in slots)
        measured["runs"] = sum(slot.generation for slot in slots)
        measured["summary"] = summary(measured, slots)
    return measured


def summary(measured, slots):
    def span(name, unit):
        values = [value for _, value in measured[name]] or [0]
        return f"{name} {min(values) / unit:.1f} to {max(values) / unit:.1f}"

    asked = sum(slot.asked for slot in slots)
    return (f"{asked} requests, {sum(slot.generation for slot in slots)} runs, {measured['kills']} kills, "
            f"{measured['terms']} SIGTERMs, {measured['events']} events; {span('memory', MEGABYTE)} MB, "
            f"{span('descriptors', 1)}, {span('journal', MEGABYTE)} MB")


def check(measured, long):
    """Nothing has grown: bounds on ends, and in the long form on slopes."""
    journal = [size for _, size in measured["journal"]]
    assert max(journal) < 16 * MEGABYTE, f"the journal has {max(journal)} bytes"
    descriptors = [count for _, count in measured["descriptors"]]
    assert max(descriptors) - min(descriptors) <= 4, f"{min(descriptors)} to {max(descriptors)} descriptors"
    assert max(memory for _, memory in measured["memory"]) < 150 * MEGABYTE
    if long:
        hour = {name: 3600 * slope(measured[name]) for name in ("memory", "descriptors", "journal")}
        assert hour["memory"] < 4 * MEGABYTE, hour
        assert abs(hour["descriptors"]) < 1, hour
        # Of each deleted run, and of its fork, a row of its name and the number of its records is kept.
        noted = 2 * 40 * measured["runs"] * 3600 / measured["journal"][-1][0]
        assert hour["journal"] < noted + MEGABYTE, (hour, noted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    measured = soak(arguments.seconds, arguments.seed, lambda line: print(line, file=sys.stderr, flush=True))
    print(measured["summary"])
    print("ready within", f"{max(measured['ready']):.3f} s;", measured["verify"])
    for name, unit, word in (("memory", MEGABYTE, "MB"), ("descriptors", 1, ""), ("journal", MEGABYTE, "MB")):
        print(f"slope of {name}: {3600 * slope(measured[name]) / unit:+.2f} {word} an hour")
    check(measured, arguments.seconds >= 300)


if __name__ == "__main__":
    main()
