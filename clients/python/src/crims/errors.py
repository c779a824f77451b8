"""What can go wrong, as exceptions that say what is wrong and what to do."""

from __future__ import annotations

from typing import Any


class CrimsError(Exception):
    """Anything that this package raises of its own, but for mistakes in arguments (`ValueError`, `TypeError`)."""


class NoAnswer(CrimsError, TimeoutError):
    """Nobody answers, and what was asked may or may not have been done. Asking again with the same name is safe."""


class NoDaemon(NoAnswer):
    """There was never an answer from that endpoint: most likely nobody serves there, or the key is not admitted."""


class DaemonLost(NoAnswer):
    """The daemon has answered before, and does not any more."""


class TooLong(NoAnswer):
    """The daemon is alive and at work on the request, or waits for others, for longer than `limit` allows."""


class ProtocolError(CrimsError):
    """What came back is no reply of a CriMS daemon."""


class LaunchError(CrimsError):
    """A daemon could not be started."""


class Refused(CrimsError):
    """A request that the daemon refused; nothing has changed.

    `code` is the protocol's error code, `details` the error's further members, such as `expected_seq` or `field`.
    Each code has a subclass of its own.
    """

    code = ""
    advice = ""

    def __init__(self, op: str, error: dict[str, Any]) -> None:
        self.op = op
        self.code = str(error.get("code", self.code))
        self.reason = str(error.get("message", ""))
        self.details = {name: value for name, value in error.items() if name not in ("code", "message")}
        words = f"{op}: {self.reason} ({self.code})"
        super().__init__(f"{words}. {self.advice}" if self.advice else words)


class BadRequest(Refused):
    code = "bad_request"


class UnsupportedVersion(Refused):
    code = "unsupported_version"
    advice = "This package speaks version 1: use a release of the daemon that does, or another one of this package."


class UnknownOp(Refused):
    code = "unknown_op"
    advice = "The daemon is of another release than this package."


class UnknownModel(Refused):
    code = "unknown_model"
    advice = "sim.models names those that there are; `crims models check FOLDER` says what is wrong with one."


class UnknownRun(Refused):
    code = "unknown_run"
    advice = (
        "It was deleted or never opened, or the daemon was started again on another data folder or with --no-data: "
        "sim.status() shows what runs there are."
    )


class UnknownArea(Refused):
    code = "unknown_area"
    advice = "run.model.areas has the codes."


class UnknownCrime(Refused):
    code = "unknown_crime"
    advice = "run.model.categories and run.model.crimes have the names."


class UnknownAdjustment(Refused):
    code = "unknown_adjustment"
    advice = "run.adjustments() lists them."


class RunExists(Refused):
    code = "run_exists"
    advice = "Open it with the arguments that it has, or give another name."


class RunClosed(Refused):
    code = "run_closed"
    advice = "It can still be read and forked."


class RunEnded(Refused):
    code = "run_ended"
    advice = "It can still be read and forked."


class OutOfStep(Refused):
    code = "out_of_step"
    advice = (
        "Another client steps this run, or the daemon stands on an older state of its data folder. "
        "sim.run(name) takes the run up where it stands."
    )


class Conflict(Refused):
    code = "conflict"
    advice = "What was asked before under this name was something else."


class TooLate(Refused):
    code = "too_late"


class ParticipantLost(Refused):
    code = "participant_lost"
    advice = "The step was not taken: ask again, or go on without it in a fork."


class LimitExceeded(Refused):
    code = "limit_exceeded"
    advice = "sim.limits has those in force; each is an option of `crims serve`."


class Forbidden(Refused):
    code = "forbidden"


class ModelChanged(Refused):
    code = "model_changed"
    advice = "Put the model or release back that the run was opened with, or open a new run."


class StorageFailed(Refused):
    code = "storage"
    advice = "Nothing has changed, and reading goes on. Make room on the daemon's disk and ask again."


class InternalError(Refused):
    code = "internal"
    advice = "Nothing has changed. Please tell the makers of CriMS, with the daemon's log."


def _codes(kind: type[Refused]) -> dict[str, type[Refused]]:
    return {kind.code: kind for kind in kind.__subclasses__()}


_BY_CODE = _codes(Refused)


def refusal(op: str, error: dict[str, Any]) -> Refused:
    """The exception for the `error` of a reply."""
    return _BY_CODE.get(str(error.get("code")), Refused)(op, error)


class MissingPackage(CrimsError, ImportError):
    """A package that is not part of what `pip install crims` brings."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}, which is not installed: pip install 'crims[{extra}]'")
