"""The README's commands and programs are what they say they are."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def block(language):
    """The one code block of that language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return text.strip()


def without_head(path):
    """A program without the comment at its head."""
    lines = (ROOT / path).read_text().strip().split("\n")
    return "\n".join(lines[next(n for n, line in enumerate(lines) if not line.startswith("#")):])


def test_the_python_program_runs(daemon):
    pytest.importorskip("crims", reason="pip install './clients/python[frame]'")
    assert block("python") == (ROOT / "examples/first_day.py").read_text().strip()
    done = subprocess.run([sys.executable, ROOT / "examples/first_day.py"], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "CRIMS_CONTROL": daemon.control})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:19] for line in lines[:24]] == [f"2020-01-06 {hour:02}:00:00" for hour in range(24)]
    assert "MSOA" in lines[24]


def test_the_r_client_is_the_one_in_examples():
    assert block("r") == without_head("examples/client.R")


def test_every_link_leads_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_commands_beside_the_daemon_work(crims, tmp_path):
    year = tmp_path / "year.csv"
    commands = re.findall(r"^    \.build/release/crims (.*?)(?:  +#.*)?$", README, re.MULTILINE)
    known = {"serve", "run", "models", "--help", "fetch", "calibrate", "backtest"}
    assert {command.split()[0] for command in commands} == known
    for command in commands:
        words = command.replace("out/year.csv", str(year)).split()
        if words[0] in ("serve", "fetch", "calibrate", "backtest"):
            continue
        finished = crims(*words)
        assert finished.returncode == 0, finished.stderr
    assert 100_000 < sum(1 for _ in year.open()) < 250_000


def test_the_figures_of_the_shipped_model_are_true(crims):
    text = crims("models", "describe", "merseyside").stdout
    assert re.search(r"areas +184\n", text) and re.search(r"categories +14\n", text)
    assert re.search(r"crimes +108\n", text)
    assert abs(int(re.search(r"expected +(\d+)", text)[1]) - 164_000) < 500
