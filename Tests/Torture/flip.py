"""One flipped bit in the files of a data folder, as kill -9 left them: found, or shown to have changed no record.

    python Tests/Torture/flip.py                 # 60 places
    python Tests/Torture/flip.py --places 1000   # the long form
"""

import argparse
import collections
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from disk_daemon import CRIMS, MODEL, ROOT, Daemon, NotStarted, looks, requests, send

FILES = {"journal.sqlite": 3, "journal.sqlite-wal": 4, "journal.tail": 2, "acknowledged": 1,
         "identity.json": 1, "lock": 0.25, "journal.sqlite-shm": 0.75}


STEPS, STEPS_IN_TAIL = 1500, 60


def make_folder(folder, seed):
    """Runs in the database, in its log, which has not been put into it, and in the tail."""
    # Each record a transaction of its own, so that the log is long enough to have been begun anew.
    daemon = Daemon(folder, "--sync", "power")
    send(daemon.client, {"op": "open", "run": "w", "model": MODEL, "start": "2020-01-06"})
    # Notes of some length, so that the records take pages that can be hit.
    for seq in range(STEPS):
        request = {"op": "step", "run": "w", "seq": seq, "format": "none"}
        if seq % 3 == 0:
            request["adjust"] = [{"factor": 1.01, "key": f"w{seq}", "half_life": "1d", "source": "abm",
                                  "reason": f"{seq} " * 40}]
        assert send(daemon.client, request)["ok"]
    for request in requests():
        assert send(daemon.client, request)["ok"]
    daemon.kill()
    daemon = Daemon(folder)
    for seq in range(STEPS, STEPS + STEPS_IN_TAIL):
        assert send(daemon.client, {"op": "step", "run": "w", "seq": seq, "format": "none"})["ok"]
    daemon.kill()


def shown(folder):
    done = subprocess.run([CRIMS, "journal", "show", folder, "--json"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


def verified(folder):
    done = subprocess.run([CRIMS, "journal", "verify", folder], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def answers(client):
    """All that can be seen, the answers to retries included, and who the daemon is."""
    asked = [request for request in requests() if request["op"] in ("adjust", "retract")]
    asked.append({"op": "step", "run": "w", "seq": STEPS + STEPS_IN_TAIL - 1, "format": "csv"})
    asked += [request for request in requests() if request["op"] == "step" and request["run"] == "r"][-1:]
    return [*looks(client), *(frame for request in asked for frame in send(client, request).frames)]


def outcome(folder, whole):
    """What became of a folder with a flipped bit, and the words that told it."""
    found, said = verified(folder)
    if found not in (0, 1):
        return f"BUG: verify ended with {found}", said
    try:
        daemon = Daemon(folder)
    except NotStarted as failed:
        if failed.code == 1 and str(folder) in failed.words:
            return "start refused", failed.words
        return f"BUG: start ended with {failed.code}", failed.words
    try:
        stopped = [run["run"] for run in daemon.client.status()["runs"] if run["state"] == "stopped"]
        if stopped:
            words = daemon.words()
            return ("run stopped" if "run stopped" in words else "BUG: stopped in silence"), words
        after = answers(daemon.client), daemon.client.hello()["journal"]
        words = daemon.words()
    finally:
        daemon.kill()
    # After the start: where the end of the log says that a deleted run's records were removed, and that is damaged,
    # they are there until then, and are removed again.
    seen = shown(folder)
    if found:
        return "found by verify", said
    if after == whole[:2] and seen == whole[2]:
        return "no record changed", ""
    differs = [part for part, a, b in zip(("answers", "id", "trail"), (*after, seen), whole) if a != b]
    return "BUG: changed in silence", f"{differs} {after[1]} {seen[1][:300]} {words}"


def flips(places, seed, say=print):
    """A table: file, outcome, how often; and the places that were neither found nor without effect."""
    chosen = random.Random(seed)
    table, bugs = collections.defaultdict(collections.Counter), []
    with tempfile.TemporaryDirectory(prefix="crims-flip-") as name:
        folder = pathlib.Path(name)
        template, data = folder / "template", folder / "data"
        make_folder(template, seed)
        sizes = {name: (template / name).stat().st_size for name in FILES}
        shutil.copytree(template, data)
        before = shown(data)
        assert verified(data)[0] == 0
        daemon = Daemon(data)
        whole = answers(daemon.client), daemon.client.hello()["journal"], before
        daemon.kill()
        names = sorted(FILES)
        for number in range(places):
            file = names[number] if number < len(names) else chosen.choices(names, [FILES[n] for n in names])[0]
            size = min(sizes[file], 256) if file == "acknowledged" and number % 2 else sizes[file]
            place, bit = chosen.randrange(size), chosen.randrange(8)
            shutil.rmtree(data)
            shutil.copytree(template, data)
            with open(data / file, "r+b") as opened:
                opened.seek(place)
                byte = opened.read(1)[0]
                opened.seek(place)
                opened.write(bytes([byte ^ 1 << bit]))
            result, words = outcome(data, whole)
            table[file][result] += 1
            if result.startswith("BUG"):
                bugs.append(f"{file}, byte {place}, bit {bit}: {result}: {words[:600]}")
                say(bugs[-1])
            if number % 50 == 49:
                say(f"{number + 1} of {places}: { {file: dict(row) for file, row in table.items()} }")
    return table, bugs, sizes


def print_table(table, sizes):
    results = sorted({result for row in table.values() for result in row})
    print("| file | bytes | " + " | ".join(results) + " |")
    print("|---|---:|" + "---:|" * len(results))
    for file in sorted(table):
        print(f"| `{file}` | {sizes[file]} | " + " | ".join(str(table[file][result]) for result in results) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    table, bugs, sizes = flips(arguments.places, arguments.seed, lambda line: print(line, file=sys.stderr, flush=True))
    print_table(table, sizes)
    sys.exit(1 if bugs else 0)


if __name__ == "__main__":
    main()
