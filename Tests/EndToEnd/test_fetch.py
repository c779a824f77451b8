"""`crims fetch`: what is asked for, where it goes, what is told."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest
from archive_server import NAME, PATH, Fault, archive, names, paths, street
from conftest import CRIMS, ROOT

pytest_plugins = "fetching"


def test_an_archive_is_fetched_once(fetch, server, data, tmp_path):
    done = fetch()
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/{NAME}\n"), done.stderr
    assert (tmp_path / NAME).read_bytes() == data
    assert names(tmp_path) == [NAME]
    assert paths(server) == [PATH]
    version = subprocess.run([CRIMS, "--version"], capture_output=True, text=True).stdout.split()[1]
    assert server.asked[0][1]["User-Agent"] == "crims/" + version
    again = fetch()
    assert (again.returncode, again.stdout) == (0, done.stdout) and "up to date" in again.stderr
    assert len(server.asked) == 1


def test_what_is_there_takes_nothing_but_a_look(fetch, server, data, tmp_path):
    (tmp_path / NAME).write_bytes(data)
    (tmp_path / (NAME + ".part")).mkdir()  # which cannot be taken
    done = fetch()
    assert (done.returncode, done.stdout, server.asked) == (0, f"{tmp_path}/{NAME}\n", []), done.stderr


def test_what_is_fetched_can_be_calibrated_on(fetch, crims, tmp_path):
    done = fetch()
    assert done.returncode == 0, done.stderr
    model = tmp_path / "model"
    fitted = crims("calibrate", *done.stdout.split(), "--force", "merseyside", "-o", model, timeout=60)
    assert fitted.returncode == 0, fitted.stderr
    assert crims("models", "check", model).returncode == 0


@pytest.mark.parametrize(
    "base, file",
    [("", PATH), ("/", PATH), ("", "/" + NAME), ("/data/archive", PATH), ("/data/archive//", PATH),
     ("/mirror", "/mirror/" + NAME)],
)  # fmt: skip
def test_the_base_address_is_a_folder_or_a_server(fetch, server, data, base, file):
    server.files = {file: data}
    done = fetch("--base", server.address + base)
    assert done.returncode == 0, done.stderr
    assert paths(server)[-1] == file and len(server.asked) <= 2


def test_as_few_archives_as_hold_the_months_and_the_earliest_is_told_first(fetch, server, data, tmp_path):
    server.files["/data/archive/2017-12.zip"] = archive(
        {f"{m}/{m}-merseyside-street.csv": street(m, ["E01006512"], 5) for m in ("2017-11", "2017-12")})
    done = fetch("--from", "2017-12")
    assert done.returncode == 0, done.stderr
    assert paths(server) == [PATH, "/data/archive/2017-12.zip"]
    assert done.stdout.split() == [f"{tmp_path}/2017-12.zip", f"{tmp_path}/{NAME}"]
    assert "2018-01 to 2020-10" in done.stderr


def test_the_cache_folder_is_where_caches_are(server, tmp_path):
    arguments = ["--force", "merseyside", "--from", "2020-11", "--to", "2020-12", "--base", server.address]
    for variables, folder in (
        ({"XDG_CACHE_HOME": str(tmp_path / "c"), "HOME": "/nowhere"}, tmp_path / "c" / "crims"),
        ({"XDG_CACHE_HOME": "", "HOME": str(tmp_path / "h")}, tmp_path / "h" / ".cache" / "crims"),
    ):
        done = subprocess.run([CRIMS, "fetch", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20,
                              env={**os.environ, **variables})
        assert done.stdout == f"{folder}/{NAME}\n", done.stderr
        assert (folder / NAME).exists()


def test_json_says_what_there_is(data, command, tmp_path):
    done = subprocess.run([*command("--from", "2020-10"), "--json"], cwd=ROOT, capture_output=True, text=True,
                          timeout=20)
    told = json.loads(done.stdout)
    assert told["archives"] == [{"path": f"{tmp_path}/{NAME}", "bytes": len(data), "fetched": True}]
    assert (told["force"], told["from"], told["to"]) == ("merseyside", "2020-10", "2020-12")
    assert told["missing"] == ["2020-10"]


def test_months_that_the_force_lacks_are_told(fetch):
    done = fetch("--from", "2020-09")
    assert done.returncode == 0
    assert "warning" in done.stderr and "merseyside for 2020-09 to 2020-10:" in done.stderr


@pytest.mark.parametrize("force, said", [("kent", "cheshire, merseyside"), ("cheshire", "other months")])
def test_an_archive_without_any_of_the_months_is_failure(fetch, server, data, force, said):
    server.files = {"/data/archive/2020-11.zip": data}
    done = fetch("--force", force, "--to", "2020-11")
    assert (done.returncode, done.stdout) == (1, "")
    assert force in done.stderr and said in done.stderr


def test_a_misspelt_force_is_found_before_anything_is_fetched(fetch, server):
    done = fetch("--force", "mersyside")
    assert (done.returncode, done.stdout) == (1, "") and server.asked == []
    assert 'did you mean "merseyside"' in done.stderr


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--from", "2021-01"], "after --to"),
        (["--from", "2020-13"], "--from is a month"),
        (["--to", "December"], "--to is a month"),
        (["--from", "2009-01"], "2010-12"),
        (["--base", "ftp://127.0.0.1/"], "--base"),
        (["--base", "data.police.uk"], "--base"),
        (["--base", "http://a:b@127.0.0.1/"], "--base"),
        (["--timeout", "0"], "--timeout"),
        (["--retries", "2.5"], "--retries"),
        (["--wait", "soon"], "--wait"),
        (["--forc", "x"], "--force"),
    ],
)
def test_wrong_usage_exits_2_and_asks_for_nothing(fetch, server, tmp_path, arguments, said):
    done = fetch(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr
    assert server.asked == [] and names(tmp_path) == []


# What is shown meanwhile.


def show(command, **variables):
    """Runs a command with stderr on a terminal and returns its exit code and what was drawn."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    env = {**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, "TERM": "xterm", **variables}
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                               env=env)
    os.close(slave)
    drawn = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # the other side has gone
            break
        if not piece:
            break
        drawn += piece
    process.communicate(timeout=10)
    os.close(master)
    return process.returncode, drawn.decode()


def lines_drawn(drawn):
    return [piece.split("\x1b[K")[0] for piece in drawn.replace("\r\n", "\n").split("\r") if "\x1b[K" in piece]


def test_a_terminal_gets_a_bar(command, server, data):
    server.faults = [Fault(stall=100_000, seconds=1)]
    code, drawn = show(command())
    bars = [line for line in lines_drawn(drawn) if "%" in line]
    assert code == 0 and bars, drawn
    assert all(len(line) < 60 for line in bars)
    percent = 100_000 * 100 // len(data)
    assert any(f"  {percent} %  100 kB of " in line and "[#" in line for line in bars), bars
    assert f"{NAME}: " in drawn.split("\x1b[K")[-1] and "complete" in drawn.split("\x1b[K")[-1]


def test_the_bar_fits_columns_and_a_dumb_terminal_has_none(command, server, tmp_path):
    server.faults = [Fault(stall=100_000, seconds=1)]
    code, drawn = show(command(), COLUMNS="30", NO_COLOR="1")
    bars = [line for line in lines_drawn(drawn) if "%" in line]
    assert code == 0 and bars and all(len(line) < 30 for line in bars)
    (tmp_path / NAME).unlink()
    server.faults = [Fault(stall=100_000, seconds=1)]
    code, drawn = show(command(), TERM="dumb")
    assert code == 0 and "\x1b" not in drawn and "%" not in drawn


def test_elsewhere_there_is_no_control_character(fetch, server):
    server.faults = [Fault(stall=100_000, seconds=1), Fault(cut=1_000)]
    done = fetch()
    assert done.returncode == 0
    assert not [c for c in done.stdout + done.stderr if ord(c) < 32 and c != "\n" or ord(c) == 127]
