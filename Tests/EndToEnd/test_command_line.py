"""The command line: `crims run` draws what a daemon draws, clients work, and what is misspelt is told."""

import csv
import io
import json
import subprocess
import time

import pytest
from conftest import CRIMS, MODEL, ROOT

COMMANDS = ["serve", "run", "fetch", "calibrate", "backtest", "models", "journal", "keys", "status", "open", "step",
            "adjust", "tail"]  # fmt: skip
CHANGES = [
    {"factor": 0.4, "areas": ["E02001327"], "categories": ["burglary"], "displacement": 1, "until": "2020-01-20T10:30"},
    {"factor": 6, "codes": ["ASB"], "half_life": "2d", "from": "2020-01-10T00:15"},
    {"factor": 3, "target": "suspect"},
]
JANUARY = ["run", "--model", MODEL, "--start", "2020-01-01", "--end", "2020-02-01", "--seed", "7"]


@pytest.fixture
def told(client, new_run):
    """What the daemon draws for JANUARY with CHANGES, as csv and as records."""
    run = new_run(start="2020-01-01", seed=7)
    fields = {"run": run, "seq": 0, "until": "2020-02-01", "adjust": CHANGES}
    return client.step(**fields, format="csv").frames[1].decode(), client.step(**fields)["incidents"]


@pytest.mark.parametrize("lines", [False, True], ids=["a list", "lines"])
def test_run_draws_what_a_daemon_draws(crims, told, tmp_path, lines):
    file = tmp_path / "changes"
    file.write_text("\n".join(map(json.dumps, CHANGES)) + "\n" if lines else json.dumps(CHANGES, indent=2))
    done = crims(*JANUARY, "--adjust", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == told[0]


def test_run_writes_json_lines_and_files(crims, told, tmp_path):
    (tmp_path / "changes").write_text(json.dumps(CHANGES))
    done = crims(*JANUARY, "--adjust", tmp_path / "changes", "--format", "jsonl", "-o", tmp_path / "out.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == told[1]


def test_run_is_the_same_for_any_step(crims):
    texts = {step: crims(*JANUARY, "--step", step).stdout for step in ("15m", "1h", "1d", "1mo")}
    assert len(set(texts.values())) == 1 and len(texts["1h"]) > 100_000


def test_runs_switches_reach_the_model(crims, client, new_run):
    done = crims(*JANUARY, "--no-dispersion", "--no-trend", "--replicate", "3")
    run = new_run(start="2020-01-01", seed=7, dispersion=False, trend=False, replicate=3)
    assert done.stdout == client.step(run=run, until="2020-02-01", format="csv").frames[1].decode()


@pytest.mark.parametrize(
    "changes, said",
    [('[{"facter": 1}]', "facter"), ('[{"factor": -1}]', "factor"), ("[{]", "changes:1:"),
     ('[{"factor":1,"areas":["E9"]}]', "E9"), ('{"factor": 1}\n{"factor": 1,, }\n', "2")],
)  # fmt: skip
def test_run_refuses_adjustments_that_are_none(crims, tmp_path, changes, said):
    (tmp_path / "changes").write_text(changes)
    done = crims(*JANUARY, "--adjust", tmp_path / "changes", "-o", tmp_path / "out")
    assert done.returncode in (1, 2) and done.stdout == ""
    assert said in done.stderr, done.stderr
    assert not (tmp_path / "out").exists() or not (tmp_path / "out").read_text()


def test_a_run_from_open_to_status(crims, daemon):
    at = ["--connect", daemon.control]
    done = crims("open", "--model", MODEL, "--start", "2020-01-06", "--run", "by-hand", "--json", *at)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == "by-hand"
    scope = ["--categories", "burglary", "--categories", "drugs"]
    done = crims("adjust", "by-hand", "--factor", "0.5", *scope, "--json", *at)
    assert json.loads(done.stdout)["adjustment"] == "a1"
    done = crims("step", "by-hand", "--count", "12", *at)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0 and len(rows) > 50 and rows[0].keys() >= {"id", "MSOA", "time"}
    assert len(json.loads(crims("step", "by-hand", "--format", "records", "--json", *at).stdout)["incidents"]) >= 0
    assert json.loads(crims("status", "by-hand", "--json", *at).stdout)["runs"][0]["next_seq"] == 13
    assert "by-hand" in crims("status", *at).stdout
    assert crims("open", "--model", MODEL, "--start", "2020-01-06", *at).returncode == 0


def test_what_a_daemon_refuses_is_failure_said_on_stderr(crims, daemon):
    done = crims("step", "no-such-run", "--connect", daemon.control)
    assert (done.returncode, done.stdout) == (1, "") and "no-such-run" in done.stderr
    done = crims("open", "--model", "merseysid", "--start", "2020-01-01", "--connect", daemon.control)
    assert done.returncode == 1 and "merseyside" in done.stderr


def test_without_a_daemon_it_says_so_soon(crims):
    begun = time.monotonic()
    done = crims("status", "--connect", "tcp://127.0.0.1:9")
    assert done.returncode == 1 and done.stdout == ""
    assert "tcp://127.0.0.1:9" in done.stderr
    assert time.monotonic() - begun < 8


def test_tail_prints_events_as_they_happen(daemon, client, new_run, crims):
    command = [CRIMS, "tail", "tailed", "--events", daemon.events, "--count", "3"]
    tail = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        new_run(run="tailed")
        deadline = time.monotonic() + 5
        while tail.poll() is None and time.monotonic() < deadline:
            client.step(run="tailed", format="none")
            time.sleep(0.05)
        out, _ = tail.communicate(timeout=2)
    finally:
        tail.kill()
        tail.wait(2)
    assert tail.returncode == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert len(lines) == 3 and all("/tailed/" in topic and json.loads(payload) for topic, payload in lines)


def test_models_are_listed_described_and_checked(crims):
    assert MODEL in crims("models", "list").stdout
    listed = json.loads(crims("models", "list", "--json").stdout)
    assert MODEL in json.dumps(listed)
    assert json.loads(crims("models", "describe", MODEL, "--json").stdout)["model"] == MODEL
    done = crims("models", "check", ROOT / "models" / MODEL)
    assert done.returncode == 0, done.stderr


def test_a_broken_model_is_told_by_file_and_line(crims, tmp_path):
    import shutil

    folder = shutil.copytree(ROOT / "models" / MODEL, tmp_path / "broken")
    lines = (folder / "rates.csv").read_text().splitlines()
    lines[6] = lines[6].replace(lines[6].split(",")[4], "-3")
    (folder / "rates.csv").write_text("\n".join(lines) + "\n")
    done = crims("models", "check", folder)
    assert done.returncode == 1
    assert "rates.csv" in done.stdout + done.stderr and "7" in done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(crims, command):
    done = crims(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert "usage: crims " + command in done.stdout


def test_crims_alone_and_help(crims):
    assert crims("--help").returncode == 0
    assert all(command in crims("--help").stdout for command in COMMANDS)
    alone = crims()
    assert alone.returncode == 2 and "usage" in alone.stderr + alone.stdout
    assert crims("--version").returncode == 0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["stats"], "status"),
        (["serv"], "serve"),
        (["serve", "--contrl", "x"], "--control"),
        (["run", "--modle", "m"], "--model"),
        (["open", "--model", MODEL], "--start"),
        (["step"], "RUN"),
        (["adjust", "r1"], "--factor"),
        (["run", "--model"], "--model"),
        (["run", "--model", MODEL, "--start", "2020-01-01", "--end", "2020-02-01", "--seed", "x"], "--seed"),
        (["run", "--model", MODEL, "--start", "2020-01-01", "--end", "2020-02-01", "--format", "xml"], "csv"),
        (["run", "--model", MODEL, "--start", "yesterday", "--end", "2020-02-01"], "start"),
        (["models", "lst"], "list"),
        (["status", "r1", "r2"], "r2"),
        (["serve", "--max-runs", "-1"], "--max-runs"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_usage_exits_2_and_names_what_would_be_right(crims, arguments, said):
    done = crims(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr


def test_a_reader_that_leaves_early_is_no_crash():
    pipe = subprocess.Popen([CRIMS, *JANUARY], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.readline()
    pipe.stdout.close()
    code = pipe.wait(10)
    words = pipe.stderr.read().decode()
    pipe.stderr.close()
    assert code in (0, 1, -13, 141) and "Fatal" not in words, (code, words)


def test_a_file_that_cannot_be_written_is_failure(crims, tmp_path):
    done = crims(*JANUARY, "-o", tmp_path / "none" / "out.csv")
    assert done.returncode == 1 and "out.csv" in done.stderr
