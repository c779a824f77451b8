"""What `make bench-check` says of counts that have grown. Counting itself is for that target."""

import copy
import json
import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "Benchmarks"))

import counts  # noqa: E402


def test_a_count_that_has_grown_is_named_and_one_that_has_not_is_not():
    stored = json.loads((ROOT / "Benchmarks" / "counts.json").read_text())
    assert list(counts.grown(stored, stored)) == []
    for name in counts.FORMATS:
        for kind, part, more, word in [
            ("instructions", None, 1.2, "instructions"), ("allocations", "daemon", 1, "allocations daemon"),
            ("system_calls", "serving", 1, "system_calls serving"), ("bytes", "reply", 60, "bytes reply"),
        ]:
            now = copy.deepcopy(stored)
            if part:
                now[name][kind][part] += more
            else:
                now[name][kind] = round(now[name][kind] * more)
            (words,) = counts.grown(stored, now)
            assert words.startswith(f"{name}: {word}") and "stored" in words
        less = copy.deepcopy(stored)
        less[name]["instructions"] //= 2
        # What libzmq's threads do depends on how they meet.
        less[name]["system_calls"]["libzmq"] += 5
        assert list(counts.grown(stored, less)) == []


def test_a_steady_plain_step_allocates_nothing_of_its_own():
    stored = json.loads((ROOT / "Benchmarks" / "counts.json").read_text())
    assert all(stored[name]["allocations"]["daemon"] <= 0.05 for name in counts.FORMATS)
