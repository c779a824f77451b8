"""The short forms of Tests/Torture/kill.py and retries.py."""

import pathlib
import sys

import pytest
from conftest import wait_for_binary

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "Torture"))

import kill  # noqa: E402
import retries  # noqa: E402


@pytest.mark.parametrize("part", ["calls", "sending", "starts"])
def test_a_daemon_killed_at_any_point_gives_the_same_replies_and_audit_trail(part):
    wait_for_binary()
    refused = kill.strace_refused()
    if refused and part != "sending":
        pytest.skip(refused)
    kill.play_all(only=part)


def test_what_a_lossy_network_makes_clients_ask_again_is_done_once():
    wait_for_binary()
    tally = retries.play(2_000)
    assert tally["requests"] == 2_000
    assert tally["asked again"] > 100 and tally["late replies told by id"] > 100
