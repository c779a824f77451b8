"""A daemon for all tests, and others for those that do it harm."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))
os.environ.setdefault("CRIMS_BIN", str(ROOT / ".build" / "release" / "crims"))

import crims  # noqa: E402

MODELS = ROOT / "models"


@pytest.fixture(scope="session")
def sim():
    """A connection to a daemon that all tests share."""
    with crims.launch(models=MODELS, timeout=20) as simulation:
        yield simulation


@pytest.fixture
def run(sim):
    """A run from 2020-01-06 (a Monday) by the hour, which goes away with the test."""
    with sim.open("merseyside", start="2020-01-06", seed=42) as opened:
        yield opened


@pytest.fixture
def launch():
    """Launches daemons that end with the test, with `crims.launch`'s arguments."""
    made = []

    def start(*arguments, **options):
        made.append(crims.launch(*arguments, models=MODELS, **options))
        return made[-1]

    yield start
    for simulation in made:
        simulation.daemon.end()
        simulation.close()
