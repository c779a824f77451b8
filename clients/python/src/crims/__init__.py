"""Drive a CriMS daemon: step a crime microsimulation, feed back, compare futures.

    import crims

    with crims.connect() as sim:  # or crims.launch(), which starts a daemon of its own
        with sim.open("merseyside", start="2020-01-06", seed=42) as run:
            for step in run.until("2020-01-13"):
                if any(incident.crime_category == "robbery" for incident in step.incidents):
                    run.adjust(0.9, category="robbery", half_life="1d", reason="patrols")
"""

from __future__ import annotations

from typing import Any

from .asking import Reply
from .compare import compare
from .errors import (
    BadRequest, Conflict, CrimsError, DaemonLost, Forbidden, InternalError, LaunchError, LimitExceeded, MissingPackage,
    ModelChanged, NoAnswer, NoDaemon, OutOfStep, ParticipantLost, ProtocolError, Refused, RunClosed, RunEnded,
    RunExists, StorageFailed, TooLate, TooLong, UnknownAdjustment, UnknownArea, UnknownCrime, UnknownModel, UnknownOp,
    UnknownRun, UnsupportedVersion,
)
from .incidents import Incident, Incidents
from .launch import Daemon, find_executable, launch
from .listener import Listener
from .model import Area, Crime, Model
from .parquet import write_parquet
from .simulation import Run, Simulation, connect
from .step import Adjustment, Step
from .values import adjustment

__version__ = "0.1.0"
__all__ = [
    "Adjustment", "Area", "BadRequest", "Conflict", "Crime", "CrimsError", "Daemon", "DaemonLost", "Forbidden",
    "Incident", "Incidents", "InternalError", "LaunchError", "LimitExceeded", "Listener", "MissingPackage", "Model",
    "ModelChanged", "NoAnswer", "NoDaemon", "OutOfStep", "ParticipantLost", "ProtocolError", "Refused", "Reply", "Run",
    "RunClosed", "RunEnded", "RunExists", "Simulation", "Step", "StorageFailed", "TooLate", "TooLong",
    "UnknownAdjustment", "UnknownArea", "UnknownCrime", "UnknownModel", "UnknownOp", "UnknownRun",
    "UnsupportedVersion", "adjustment", "compare", "connect", "find_executable", "launch", "write_parquet",
]


def __getattr__(name: str) -> Any:
    # Only who uses asyncio pays for it.
    if name == "aio":
        import importlib

        return importlib.import_module("crims.aio")
    raise AttributeError(f"module 'crims' has no attribute {name!r}")
