"""Disks that fail: EIO and ENOSPC at every write and sync of a run, files that may not grow, a full file system.

    python Tests/Torture/disk.py           # a sample, in seconds
    python Tests/Torture/disk.py --long    # every system call

What is held: an answer `ok` is there after kill -9 and a start on a good disk; a refusal says `storage`, has changed
nothing and does not come back; what is asked for while the disk fails is answered; work goes on when it has recovered.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

from disk_daemon import CALLS, CRIMS, MODEL, ROOT, Daemon, NotStarted, looks, requests, send, strace_refused

SYNCS = ("process", "power")
# So many steps come before, that SQLite begins its log anew in the course of the run.
STEPS_BEFORE = 940


def make_template(folder):
    """A data folder as kill -9 leaves it, with a log that is nearly long enough to be put into the database."""
    # So that each step is a transaction of its own, and nothing is in the tail.
    daemon = Daemon(folder, "--sync", "power")
    send(daemon.client, {"op": "open", "run": "w", "model": MODEL, "start": "2020-01-06"})
    for seq in range(STEPS_BEFORE):
        send(daemon.client, {"op": "step", "run": "w", "seq": seq, "format": "none"})
    daemon.kill()


class Undisturbed:
    """What the requests are answered, and what is seen before each and at last, on a good disk; and how many system
    calls of each kind that takes."""

    def __init__(self, template, folder, sync):
        shutil.copytree(template, folder / "data")
        daemon = Daemon(folder / "data", "--sync", sync, trace=folder / "trace")
        self.replies, self.looks = [], [looks(daemon.client)]
        for request in requests():
            self.replies.append(send(daemon.client, request))
            assert self.replies[-1]["ok"], dict(self.replies[-1])
            self.looks.append(looks(daemon.client))
        daemon.kill()
        self.calls = collections.Counter(re.findall(r"^\d+\s+(\w+)\(", (folder / "trace").read_text(), re.M))
        shutil.rmtree(folder / "data")

    def check_log(self, sync):
        """That SQLite has put its log into the database meanwhile: it syncs both, and the log's new beginning."""
        own = 0 if sync == "process" else len(requests())
        assert self.calls["fdatasync"] >= own + 3, f"the log was not begun anew: {dict(self.calls)}"


def go_on(client, undisturbed, done):
    """Asks for all that is left, on a good disk."""
    for request, expected in list(zip(requests(), undisturbed.replies))[done:]:
        assert send(client, request).frames == expected.frames, f"after the fault, {request} was answered otherwise"


def verify(folder):
    done = subprocess.run([CRIMS, "journal", "verify", folder], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, f"journal verify: {done.stdout} {done.stderr}"


def finish(folder, sync, undisturbed, done, tally):
    """The folder after kill -9, on a good disk: what was acknowledged is there, what was refused is not."""
    daemon = Daemon(folder, "--sync", sync)
    tally["refused request removed at start"] += "refused request removed" in daemon.words()
    seen = looks(daemon.client)
    assert seen == undisturbed.looks[done], f"after a restart, other than after {done} requests: {seen[0]}"
    if done:
        request = requests()[done - 1]
        again = send(daemon.client, request)
        if request["op"] == "step":
            assert again.frames == undisturbed.replies[done - 1].frames, f"the retry of {request}"
    go_on(daemon.client, undisturbed, done)
    assert looks(daemon.client) == undisturbed.looks[-1]
    daemon.kill()
    verify(folder)


def refused(reply, client, undisturbed, done):
    """A refusal: its code, and that nothing has changed and all can be seen."""
    assert not reply["ok"] and reply["error"]["code"] == "storage", dict(reply)
    assert looks(client) == undisturbed.looks[done], "a refused request has changed something"


def point(template, folder, sync, fault, undisturbed, tally):
    """One fault in one run. `fault`: as strace takes it, `pwrite64:error=EIO:when=3` or `when=3+`."""
    data = folder / "data"
    shutil.copytree(template, data)
    lasts = fault.endswith("+")
    log = folder / "trace"
    done = 0
    try:
        daemon = Daemon(data, "--sync", sync, fault=fault, trace=log)
    except NotStarted as failed:
        assert failed.code == 1, f"{fault}: a fault at the start: {failed}"
        assert str(folder) in failed.words, f"{fault}: no clear error: {failed}"
        tally["start refused, exit code 1"] += 1
    else:
        seen = False
        for request, expected in zip(requests(), undisturbed.replies):
            reply = send(daemon.client, request)
            if not reply["ok"]:
                seen = True
                refused(reply, daemon.client, undisturbed, done)
                tally["requests refused"] += 1
                if lasts:
                    again = send(daemon.client, request)
                    refused(again, daemon.client, undisturbed, done)
                    # Every other time, the daemon is killed while the disk still fails.
                    if int(re.search(r"when=(\d+)", fault)[1]) % 2:
                        break
                    daemon.end_fault()
                reply = send(daemon.client, request)
                if not reply["ok"]:
                    assert sync == "power" and "started again" in reply["error"]["message"], dict(reply)
                    refused(reply, daemon.client, undisturbed, done)
                    tally["all changes refused until a start"] += 1
                    break
                tally["went on when the fault had ended"] += 1
            assert reply.frames == expected.frames, f"{fault}: {request} was answered otherwise"
            done += 1
        tally["no request refused"] += not seen
        daemon.kill()
    assert "INJECTED" in log.read_text(), f"{fault}: no system call failed"
    tally["points"] += 1
    finish(data, sync, undisturbed, done, tally)
    shutil.rmtree(data)


def all_faults(calls):
    for call in CALLS:
        for when in range(1, calls[call] + 1):
            for error in ("EIO", "ENOSPC"):
                for lasts in ("", "+"):
                    yield f"{call}:error={error}:when={when}{lasts}"


def failing_calls(sample, seed, say):
    """Points at system calls; all of them, or a sample of so many for each way to sync."""
    tallies = {}
    with tempfile.TemporaryDirectory(prefix="crims-disk-") as name:
        folder = pathlib.Path(name)
        make_template(folder / "template")
        for sync in SYNCS:
            undisturbed = Undisturbed(folder / "template", folder, sync)
            undisturbed.check_log(sync)
            faults = list(all_faults(undisturbed.calls))
            if sample:
                # The rare calls are where it is hard, so they have the half of it.
                chosen = random.Random(seed)
                rare = [fault for fault in faults if not fault.startswith("pwrite64")]
                faults = chosen.sample(rare, min(len(rare), sample // 2)) + chosen.sample(faults, sample // 2)
                if sync == "power":
                    # One sync for each request until then: the one of the first deletion.
                    deletion = 1 + next(n for n, asked in enumerate(requests()) if asked["op"] == "delete")
                    faults.append(f"fdatasync:error=EIO:when={deletion}")
            tally = tallies[sync] = collections.Counter()
            say(f"--sync {sync}: {dict(undisturbed.calls)}; {len(faults)} points")
            for number, fault in enumerate(faults):
                try:
                    point(folder / "template", folder, sync, fault, undisturbed, tally)
                except AssertionError as wrong:
                    if not os.environ.get("KEEP_GOING"):
                        raise AssertionError(f"--sync {sync}, {fault}: {wrong}") from None
                    print(f"WRONG --sync {sync}, {fault}: {str(wrong)[:600]}", flush=True)
                    tally["WRONG"] += 1
                    shutil.rmtree(folder / "data", ignore_errors=True)
                if number % 200 == 199:
                    say(f"  {number + 1} of {len(faults)}")
            for what, count in sorted(tally.items()):
                say(f"  {count:6} {what}")
    return tallies


def full(data, undisturbed, refuses, recovers, **options):
    """A run on a disk that is full at some moment: `refuses` says in which words, `recovers` makes room.

    Returns how many requests were answered before."""
    daemon = Daemon(data, **options)
    done, asked = 0, requests()
    while (reply := send(daemon.client, asked[done]))["ok"]:
        assert reply.frames == undisturbed.replies[done].frames
        done += 1
        assert done < len(asked), "the disk was not full"
    for _ in range(3):
        refused(reply, daemon.client, undisturbed, done)
        assert refuses in reply["error"]["message"], reply["error"]["message"]
        reply = send(daemon.client, asked[done])
    # Killed while the disk is full, and started on a full one: either it starts and reads, or it says why not.
    daemon.kill()
    try:
        daemon = Daemon(data, **options)
        assert looks(daemon.client) == undisturbed.looks[done]
    except NotStarted as failed:
        assert failed.code == 1 and str(data) in failed.words, failed
        recovers(None)
        daemon = Daemon(data)
    recovers(daemon)
    go_on(daemon.client, undisturbed, done)
    assert looks(daemon.client) == undisturbed.looks[-1]
    daemon.kill()
    verify(data)
    return done


def full_disks(say):
    """A file system of 256 kB, and files that may not grow beyond some size."""
    with tempfile.TemporaryDirectory(prefix="crims-full-") as name:
        folder = pathlib.Path(name)
        Daemon(folder / "template").kill()
        if reason := strace_refused():
            return say(f"left out: full disks: {reason}")
        undisturbed = Undisturbed(folder / "template", folder, "process")

        def lift(daemon):
            if daemon:
                resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        for size in (98_765, 123_456):
            def limited(size=size):
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

            shutil.copytree(folder / "template", folder / "data")
            done = full(folder / "data", undisturbed, "File too large", lift, before=limited)
            say(f"files of {size} bytes at most: {done} requests answered, then refused; the rest after the limit")
            shutil.rmtree(folder / "data")

        mount = folder / "mount"
        mount.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], capture_output=True,
                                 text=True)
        if mounted.returncode:
            return say(f"left out: a full file system, which may not be mounted here: {mounted.stderr.strip()}")
        try:
            def make_room(_):
                subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)

            done = full(mount / "data", undisturbed, "full", make_room)
            say(f"a file system of 256 kB: {done} requests answered, then refused; the rest when there was room")
        finally:
            subprocess.run(["umount", mount], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="every system call, not a sample")
    parser.add_argument("--sample", type=int, default=40, help="points for each way to sync (40)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    def say(line):
        print(line, file=sys.stderr, flush=True)

    full_disks(say)
    if reason := strace_refused():
        say(f"left out: system calls that fail: {reason}")
    else:
        failing_calls(None if arguments.long else arguments.sample, arguments.seed, say)


if __name__ == "__main__":
    main()
