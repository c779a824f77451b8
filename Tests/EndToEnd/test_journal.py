"""What is acknowledged outlives the daemon, and can be looked at."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import ANY_PORT, CRIMS, MODEL, ROOT
from crims_client import Client


def crims(*words, code=0, **environment):
    done = subprocess.run([CRIMS, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    assert done.returncode == code, done
    return done


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def start(start_daemon, folder):
    """Starts a daemon on the folder, after killing the one before; returns a client of it."""
    daemons = []

    def start(*arguments):
        kill()
        daemons.append(start_daemon("--data", folder, *arguments))
        return Client(daemons[-1].control)

    def kill():
        if daemons:
            daemons[-1].signal(signal.SIGKILL, 5)

    start.kill = kill
    start.daemons = daemons
    return start


def write_history(client):
    """A run with all kinds of records, a fork, a closed run and a deleted one."""
    client.open(model=MODEL, start="2020-01-06", seed=7, run="r")
    client.step(run="r", seq=0, count=24)
    client.adjust(run="r", factor=1.2, categories=["burglary"], half_life="7d", key="k", source="abm",
                  reason="unanswered")
    client.step(run="r", seq=24, adjust=[{"factor": 0.8, "areas": ["E02001347"], "displacement": 0.5, "key": "p"}])
    client.retract(run="r", adjustment="a1")
    client.fork(run="r", seq=24, **{"as": "other"})
    client.step(run="other", seq=24, count=2)
    client.step(run="r", seq=25, count=3)
    client.close(run="other")
    client.open(model=MODEL, start="2020-01-06", run="gone")
    client.close(run="gone")
    client.delete(run="gone")


def answers(client):
    """Everything that can be asked about the runs, retries of the last requests included, byte for byte."""
    asked = [
        {"op": "step", "run": "r", "seq": 25, "count": 3},
        {"op": "step", "run": "r", "seq": 25, "count": 3, "format": "csv"},
        {"op": "step", "run": "other", "seq": 24, "count": 2, "format": "columns"},
        {"op": "adjust", "run": "r", "factor": 1.2, "categories": ["burglary"], "half_life": "7d", "key": "k",
         "source": "abm", "reason": "unanswered"},
        {"op": "retract", "run": "r", "adjustment": "a1"},
        {"op": "adjustments", "run": "r"}, {"op": "adjustments", "run": "other"},
        {"op": "fork", "run": "r", "seq": 24, "as": "other"},
        {"op": "read", "run": "r", "seq": 0, "count": 28}, {"op": "read", "run": "other", "seq": 0, "count": 26},
        {"op": "close", "run": "other"},
    ]
    return [client.send(json.dumps({"v": 1, **request}).encode()).frames for request in asked]


def test_a_killed_daemon_comes_back_where_it_was_with_the_same_replies(start):
    client = start()
    write_history(client)
    before, standing = answers(client), client.status()["runs"]
    journal, boot = client.hello()["journal"], client.hello()["boot"]
    client = start()
    assert answers(client) == before
    for run in (*standing, *(after := client.status()["runs"])):
        del run["timings"]
    assert after == standing
    assert client.hello()["journal"] == journal and client.hello()["boot"] == boot + 1
    assert client.refused("read", run="gone", seq=0)["code"] == "unknown_run"


def test_a_client_that_died_opens_its_run_by_name_and_goes_on(start):
    arguments = {"model": MODEL, "start": "2020-01-06", "seed": 7, "run": "r"}
    undisturbed = start()
    undisturbed.open(**{**arguments, "run": "whole"})
    whole = [undisturbed.step(run="whole", seq=seq)["incidents"] for seq in range(4)]
    start().open(**arguments)
    pieces = []
    for seq in range(4):
        client = start()
        opened = client.open(**arguments)
        assert opened["resumed"] and opened["next_seq"] == seq
        pieces.append(client.step(run="r", seq=seq)["incidents"])
    assert pieces == whole


@pytest.mark.parametrize("sync", ["process", "power"])
def test_both_ways_to_sync_keep_what_is_acknowledged(start, sync):
    client = start("--sync", sync)
    client.open(model=MODEL, start="2020-01-06", run="r")
    for seq in range(5):
        client.step(run="r", seq=seq, format="none")
        client = start("--sync", sync)
        assert client.status(run="r")["runs"][0]["next_seq"] == seq + 1


def kept(folder):
    with sqlite3.connect(folder / "journal.sqlite") as database:
        (count,) = database.execute("SELECT count(*) FROM record").fetchone()
    database.close()
    return count


def test_the_database_has_what_is_in_the_tail_within_a_second_and_at_the_end(start, folder):
    client = start()
    client.open(model=MODEL, start="2020-01-06", run="r")
    for seq in range(20):
        client.step(run="r", seq=seq, format="none")
    deadline = time.monotonic() + 3
    while kept(folder) < 21 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert kept(folder) == 21
    client.step(run="r", seq=20, format="none")
    start.daemons[-1].signal(signal.SIGTERM, 5)
    assert kept(folder) == 22


def test_a_daemon_that_keeps_nothing_touches_no_folder(start_daemon, tmp_path):
    daemon = start_daemon("--no-data")
    Client(daemon.control).open(model=MODEL, start="2020-01-06", run="r")
    daemon.signal(signal.SIGTERM, 3)
    done = crims("serve", "--no-data", "--sync", "power", code=2)
    assert "--no-data" in done.stderr


def test_runs_are_kept_in_the_state_folder_unless_it_is_said_otherwise(tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        assert json.loads(process.stdout.readline())["ready"]
        assert (tmp_path / "state/crims/journal.sqlite").exists()
    finally:
        process.terminate()
        process.communicate(timeout=5)


def test_a_changed_model_is_an_error_and_not_other_numbers(start, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models" / MODEL, models / MODEL)
    client = start("--models", models)
    write_history(client)
    before = answers(client)
    rates = models / MODEL / "suspect.csv"
    text = rates.read_text()
    rates.write_text(text + "\n")
    client = start("--models", models)
    for request in ("step", "adjustments"):
        error = client.refused(request, run="r")
        assert error["code"] == "model_changed" and MODEL in error["message"]
    stopped, fork = client.status()["runs"]
    assert (stopped["state"], stopped["forked_from"], stopped["forked_seq"]) == ("stopped", None, None)
    assert (fork["forked_from"], fork["forked_seq"]) == ("r", 24)
    assert "model_changed" in start.daemons[-1].words()
    rates.write_text(text)
    assert answers(start("--models", models)) == before


def test_verify_draws_everything_again(start, folder):
    write_history(start())
    said = crims("journal", "verify", folder).stdout
    assert "30 steps" in said and "all in order" in said
    found = json.loads(crims("journal", "verify", folder, "--json").stdout)
    assert found["ok"] and found["steps"] == 30 and found["drawn_again"] and not found["faults"]
    start.kill()
    assert "all in order" in crims("journal", "verify", folder).stdout


@pytest.mark.parametrize("change", ["UPDATE record SET incidents = 0 WHERE number = 2",
                                    "UPDATE record SET body = replace(body, '1.2', '1.3') WHERE number = 3",
                                    "DELETE FROM record WHERE number = 4"])
def test_verify_finds_what_was_altered(start, folder, change):
    write_history(start())
    start.daemons[-1].signal(signal.SIGTERM, 5)
    with sqlite3.connect(folder / "journal.sqlite") as database:
        database.execute(change)
    database.close()
    done = crims("journal", "verify", folder, code=1)
    assert "not in order" in done.stdout and "run 'r'" in done.stderr
    done = subprocess.run([CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT, "--data", folder], cwd=ROOT,
                          capture_output=True, text=True, timeout=10) if change.startswith("DELETE") else None
    if done:
        assert done.returncode == 1 and "missing" in done.stderr and "back-up" in done.stderr
        return
    client = start()
    assert client.refused("step", run="r")["code"] == "storage"
    assert "run stopped" in start.daemons[-1].words()


def test_show_tells_who_adjusted_what_when_and_why(start, folder):
    write_history(start())
    lines = crims("journal", "show", folder).stdout.splitlines()
    adjusted = next(line for line in lines if "adjust a1" in line)
    assert adjusted.startswith("r  2020-01-07T00:00:00")
    for word in ('"factor":1.2', '"burglary"', '"source":"abm"', '"reason":"unanswered"'):
        assert word in adjusted
    assert any("retract a1" in line for line in lines) and any("steps 0 to 23, " in line for line in lines)
    assert not any("gone" in line for line in lines)
    assert crims("journal", "show", folder).stdout == crims("journal", "show", folder).stdout
    shown = crims("journal", "show", folder, "--run", "other", "--json").stdout
    rows = [json.loads(line) for line in shown.splitlines()]
    assert [row["event"] for row in rows] == ["fork", "step", "close"]
    assert "unknown" not in crims("journal", "show", folder, "--clock").stdout
    assert "no records" in crims("journal", "show", folder, "--run", "nobody", code=1).stderr


def test_a_folder_without_a_journal_is_an_error_that_names_it(tmp_path):
    for action in ("verify", "show"):
        assert str(tmp_path) in crims("journal", action, tmp_path, code=1).stderr
    assert "verify" in crims("journal", "vrify", tmp_path, code=2).stderr
    assert not list(pathlib.Path(tmp_path).iterdir())
