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
    # What to do, and upon which operations that is said; upon all, if none is named.
    advice = ""
    advised: tuple[str, ...] = ()

    def __init__(self, op: str, error: dict[str, Any]) -> None:
        self.op, self._error = op, error
        self.code = str(error.get("code", self.code))
        self.reason = str(error.get("message", ""))
        self.details = {name: value for name, value in error.items() if name not in ("code", "message")}
        words = f"{op}: {self.reason} ({self.code})"
        advice = self.advice if not self.advised or op in self.advised else ""
        super().__init__(f"{words}. {advice}" if advice else words)

    def __reduce__(self) -> tuple[Any, ...]:
        # So that it gets from a worker process to the one that waits for it.
        return refusal, (self.op, self._error)


class BadRequest(Refused):
    """A field is wrong; `details` may name it."""

    code = "bad_request"


class UnsupportedVersion(Refused):
    """The daemon does not speak this version of the protocol."""

    code = "unsupported_version"
    advice = "This package speaks version 1: use a release of the daemon that does, or another one of this package."


class UnknownOp(Refused):
    """The daemon does not know this operation."""

    code = "unknown_op"


class UnknownModel(Refused):
    """There is no such model, or it is not in order."""

    code = "unknown_model"
    advice = "sim.models names those that there are; `crims models check FOLDER` says what is wrong with one."


class UnknownRun(Refused):
    """There is no such run."""

    code = "unknown_run"
    advice = (
        "It was deleted or never opened, or the daemon was started again on another data folder or with --no-data: "
        "sim.status() shows what runs there are."
    )


class UnknownArea(Refused):
    """The model has no such area."""

    code = "unknown_area"
    advice = "run.model.areas has the codes."


class UnknownCrime(Refused):
    """The model has no such category, code or description."""

    code = "unknown_crime"
    advice = "run.model.categories and run.model.crimes have the names."


class UnknownAdjustment(Refused):
    """The run has no such adjustment."""

    code = "unknown_adjustment"
    advice = "run.adjustments() lists them."


class RunExists(Refused):
    """A run of that name has other arguments."""

    code = "run_exists"
    advice = "Open it with the arguments that it has, or give another name."


class RunClosed(Refused):
    """The run is closed."""

    code = "run_closed"
    advice = "It can still be read and forked."


class RunEnded(Refused):
    """The run has reached its end."""

    code = "run_ended"
    advice = "It can still be read and forked."


class OutOfStep(Refused):
    """The step asked for is not the next one; `details` has `expected_seq`."""

    code = "out_of_step"
    advised = ("step", "adjust")
    advice = (
        "Another client steps this run, or the daemon stands on an older state of its data folder. "
        "sim.run(name) takes the run up where it stands."
    )


class Conflict(Refused):
    """The same name, seq or key, and not the same request."""

    code = "conflict"
    advised = ("step", "adjust", "fork")
    advice = (
        "Something else was asked before under this name, seq or key: by another client, or by a call that was "
        "interrupted here and carried out all the same. run.refresh() takes the run up where it stands."
    )


class TooLate(Refused):
    """A time that has passed."""

    code = "too_late"


class ParticipantLost(Refused):
    """A participant has not asked in time; `details` has its `name`."""

    code = "participant_lost"
    advice = "The step was not taken: ask again, or go on without it in a fork."


class LimitExceeded(Refused):
    """A limit of the daemon; `details` has its name as `limit`."""

    code = "limit_exceeded"
    advice = "sim.limits has those in force; each is an option of `crims serve`."


class Forbidden(Refused):
    """The key's role may not do this; `details` has `needs` and `role`."""

    code = "forbidden"


class ModelChanged(Refused):
    """The run's model, or how it is drawn, is not what it was."""

    code = "model_changed"
    advice = "Put the model or release back that the run was opened with, or open a new run."


class StorageFailed(Refused):
    """The daemon cannot keep what was asked, so it was not done."""

    code = "storage"
    advice = "Nothing has changed, and reading goes on. Make room on the daemon's disk and ask again."


class InternalError(Refused):
    """A mistake in the daemon."""

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
        self._arguments = package, extra
        name = package.split(".")[0]
        super().__init__(
            f"this needs {name}, which is not installed: pip install {name}; "
            f"or all that belongs to it with pip install './clients/python[{extra}]' in a checkout of CriMS"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return MissingPackage, self._arguments
