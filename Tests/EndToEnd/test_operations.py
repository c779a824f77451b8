"""What docs/operations.md and docs/clients.md say is so: log lines, exit codes, error codes, back-up and restoring."""

import json
import re
import shutil
import signal
import stat
import subprocess

import pytest
from conftest import MODEL, ROOT
from crims_client import Client

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CLIENTS = (ROOT / "docs" / "clients.md").read_text()


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)[1]


def logged():
    """The events of all log lines in the sources: a literal text behind `log(` or `Refusals(`, perhaps a line below."""
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "Sources").rglob("*.swift")))
    return set(re.findall(r'\b(?:log|Refusals)\(\s*(?:event: )?"([^"]+)"', sources))


def test_each_log_line_is_explained_and_each_that_is_explained_is_logged():
    explained = set(re.findall(r"^\| `([^`]+)` \|", section("Log lines"), re.MULTILINE)) - {"event"}
    assert {"ready", "ended", "run stopped"} <= logged()
    assert explained == logged()


def test_log_lines_have_what_is_said_of_them(start_daemon):
    daemon = start_daemon()
    daemon.end()
    ready, ended = (json.loads(line) for line in daemon.words().splitlines())
    assert (ready["event"], ended["event"]) == ("ready", "ended")
    (told,) = re.findall(r"^\| `ready` \| (.*?) \|", section("Log lines"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", told)) - {"clients"} == ready.keys() - {"time", "event"}


def test_each_exit_code_is_explained():
    sources = "\n".join(path.read_text() for path in (ROOT / "Sources" / "CrimsDaemon").glob("*.swift"))
    codes = set(re.findall(r"\bexit\((\d+)\)", sources))
    tool = (ROOT / "Sources" / "CrimsDaemon" / "Tool.swift").read_text()
    codes |= set(re.findall(r"\breturn (\d+)\n", tool))
    explained = set(re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE))
    assert explained == codes == {"0", "1", "2"}


def test_each_error_code_that_a_mended_request_does_not_cure_is_in_the_table_for_clients():
    source = (ROOT / "Sources" / "Protocol" / "ErrorCode.swift").read_text()
    cases = re.findall(r"^ +case `?(\w+)`?(?: = \"(\w+)\")?$", source, re.MULTILINE)
    codes = {written or name for name, written in cases}
    assert len(codes) == 20
    mended = {"bad_request", "unsupported_version", "unknown_op", "unknown_model", "unknown_area", "unknown_crime",
              "unknown_adjustment", "run_exists", "too_late"}  # fmt: skip
    assert {code for code in codes if f"`{code}`" not in CLIENTS} <= mended


def restored(start_daemon, connect, data, backup):
    """A daemon on a back-up that was put where its data was, and a client of it."""
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    daemon = start_daemon("--data", str(data))
    return daemon, connect(Client, daemon.control)


@pytest.fixture
def served(start_daemon, connect, tmp_path):
    """A daemon with a run of 30 steps and an adjustment."""
    daemon = start_daemon("--data", str(tmp_path / "data"))
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r")
    client.adjust(run="r", factor=0.5, key="half", reason="a test")
    client.step(run="r", seq=0, count=30, format="none")
    return daemon, client


def test_what_is_copied_from_a_daemon_that_is_stopped_is_a_back_up(served, start_daemon, connect, tmp_path):
    daemon, client = served
    before = client.read(run="r", seq=0, count=30, format="csv").frames
    daemon.end()
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    _, client = restored(start_daemon, connect, tmp_path / "data", tmp_path / "backup")
    assert client.read(run="r", seq=0, count=30, format="csv").frames == before


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3 is not installed")
def test_the_commands_for_a_back_up_of_a_daemon_that_runs_make_one(
    served, start_daemon, connect, crims, tmp_path
):
    daemon, client = served
    before = client.read(run="r", seq=0, count=30, format="csv").frames
    last = client.step(run="r", seq=0, count=30, format="none").frames
    (commands,) = re.findall(r"^ +umask 077\n(?: {4}.*\n)+", section("Data and back-up"), re.MULTILINE)
    commands = commands.replace("BACKUP", str(tmp_path / "backup")).replace("DATA", str(tmp_path / "data"))
    done = subprocess.run(["sh", "-e", "-c", commands], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    names = {file.name for file in (tmp_path / "backup").iterdir()}
    assert names == {"identity.json", "journal.sqlite", "journal.tail"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (tmp_path / "backup").iterdir())
    assert crims("journal", "verify", tmp_path / "backup").returncode == 0
    client.step(run="r", seq=30)
    journal = client.hello()["journal"]
    assert daemon.signal(signal.SIGKILL, within=5) is not None

    daemon, client = restored(start_daemon, connect, tmp_path / "data", tmp_path / "backup")
    assert client.hello()["journal"] == journal
    assert client.step(run="r", seq=0, count=30, format="none").frames == last, "a retry across all that"
    assert client.refused("step", run="r", seq=31)["expected_seq"] == 30, "what came after the back-up is gone"
    assert client.read(run="r", seq=0, count=30, format="csv").frames == before
    assert client.adjust(run="r", factor=0.5, key="half", reason="a test")["duplicate"]
    assert [json.loads(line)["event"] for line in daemon.words().splitlines()] == ["ready"]


def test_a_data_folder_is_its_owners_alone(served, tmp_path):
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (tmp_path / "data").iterdir())
