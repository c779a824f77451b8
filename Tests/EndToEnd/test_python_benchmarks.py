"""The benchmarks of the Python package run and count right; how fast it is is theirs to say, on a quiet machine."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import CRIMS, ROOT, wait_for_binary

needs_mesa = pytest.mark.skipif(not find_spec("mesa"), reason="pip install -r examples/requirements.txt")
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")


def run(name, *options):
    wait_for_binary()
    command = [sys.executable, ROOT / "Benchmarks" / name, *map(str, options)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/",
                              env=dict(os.environ, CRIMS_BIN=str(CRIMS)))
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


@needs_gcc
@pytest.mark.parametrize("step", ["1h", "1d"])
def test_a_step_of_the_package_is_held_against_a_bare_round_trip(step):
    options = ("--steps", 40, "--rounds", 3, "--step", step)
    result = json.loads(run("python_client.py", *options, "--json"))
    assert result["steps"] == 40 and result["bytes"] > 400
    assert result["ratio"] == result["ratios"][1] == result["package_us"]["p50"] / result["bare_us"]["p50"]
    assert sorted(result["ratios"]) == result["ratios"]
    # More would be a mistake in what is measured, whatever the machine does meanwhile.
    assert 1 < result["ratio"] < 20
    line = run("python_client.py", *options)
    assert line.startswith(f"{step} as numpy arrays, free: ") and line.count("\n") == 1


@needs_mesa
def test_the_share_of_a_mesa_model_is_counted():
    result = json.loads(run("mesa_share.py", "--steps", 200, "--json"))
    wall, processor = result["wall"], result["processor"]
    assert result["steps"] == 200 and result["steps_with_feedback"] == 199, "all but the first"
    assert result["answered"] > 3000
    assert 0 < wall["ask"] < wall["step"] < wall["step"] + wall["rows"] < wall["seconds"]
    assert wall["share"] == (wall["step"] + wall["rows"]) / wall["seconds"]
    assert 0 < processor["step"] < processor["seconds"] and 0 < processor["share"] < 1
    line = run("mesa_share.py", "--steps", 20, "--officers", 65)
    assert line.startswith("20 steps of 65 officers in Mesa, ") and line.count("\n") == 1
