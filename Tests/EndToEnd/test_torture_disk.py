"""The short form of Tests/Torture: failing and full disks, flipped bits, kills. `make torture` runs the long one."""

import pathlib
import sys

import pytest
from conftest import wait_for_binary

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Torture"))

import disk  # noqa: E402
import flip  # noqa: E402
import soak  # noqa: E402


@pytest.fixture(autouse=True)
def binary():
    wait_for_binary()


def test_a_system_call_that_fails_is_no_false_acknowledgement():
    if reason := disk.strace_refused():
        pytest.skip(reason)
    tallies = disk.failing_calls(10, 2, print)
    # A record that was refused at its sync lies in the log, and the next start has to take it out.
    assert tallies["power"]["refused request removed at start"] > 2
    assert tallies["process"]["went on when the fault had ended"] > 0


def test_a_full_disk_refuses_changes_and_is_read():
    if reason := disk.strace_refused():
        pytest.skip(reason)
    disk.full_disks(print)


def test_a_flipped_bit_is_found_or_changes_nothing():
    table, bugs, _ = flip.flips(20, 2)
    assert not bugs
    assert all(table[file] for file in flip.FILES)
    assert sum(table["journal.sqlite-wal"].values()) > 1


def test_kills_leave_nothing_behind():
    soak.check(soak.soak(6, 1), long=False)
