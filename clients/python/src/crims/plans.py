"""What each operation asks and what it makes of the answers, without asking.

A plan is a generator: it yields calls, is sent their replies, and returns a result. The plain client and the asyncio
client carry out the same plans.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from .asking import Reply
from .errors import LimitExceeded, UnknownRun, refusal
from .incidents import Incidents, needs
from .model import Model
from .step import FORMATS, Adjustment, Step
from .values import Duration, Time, duration_text, new_name, parse_time, step_range, steps_between, time_text, words

T = TypeVar("T")


class Call(NamedTuple):
    """A request to be made."""

    op: str
    fields: dict[str, Any]


Plan = Generator[Call, Reply, T]


class Opening(NamedTuple):
    """What a run object is made of."""

    name: str
    model: Model
    start: datetime
    step_length: str
    time: datetime
    next_seq: int
    state: str
    resumed: bool
    is_named: bool


def describe(models: dict[str, Model], name: str, digest: str | None) -> Plan[Model]:
    """The model, from what is known of it already if it is the same to the byte."""
    if digest is None or digest not in models:
        reply = yield Call("describe", {"model": name})
        model = Model(reply.fields)
        digest = model.digest
        models[digest] = model
    return models[digest]


def open_run(
    models: dict[str, Model],
    model: str,
    start: Time,
    end: Time | None,
    step: Duration,
    seed: int,
    replicate: int,
    dispersion: bool,
    trend: bool,
    run: str | None,
    publish: bool,
    participants: Sequence[Any] | None,
) -> Plan[Opening]:
    name = run if run is not None else new_name("python")
    fields: dict[str, Any] = {
        "model": model, "start": time_text(start), "end": time_text(end), "step": duration_text(step), "seed": seed,
        "replicate": replicate, "dispersion": dispersion, "trend": trend, "run": name, "publish": publish,
    }
    if participants is not None:
        fields["participants"] = [{"name": one} if isinstance(one, str) else one for one in participants]
    opened = (yield Call("open", fields)).fields
    described = yield from describe(models, opened["model"], opened["digest"])
    return Opening(opened["run"], described, parse_time(start), opened["step"],
                   datetime.fromisoformat(opened["time"]), opened["next_seq"], opened["state"], opened["resumed"],
                   run is not None)


def attach(models: dict[str, Model], run: str) -> Plan[Opening]:
    if not isinstance(run, str):
        raise TypeError(f"a run has a name, which is a text; not {run!r}")
    (found,) = (yield Call("status", {"run": run})).fields["runs"]
    if "error" in found:
        raise refusal("status", found["error"])
    model = yield from describe(models, found["model"], None)
    return Opening(run, model, datetime.fromisoformat(found["start"]), found["step"],
                   datetime.fromisoformat(found["time"]), found["next_seq"], found["state"], True, True)


def rates(op: dict[str, Any], start: Time, end: Time, by: Iterable[str] | str) -> Plan[Any]:
    """Expected counts as a pandas data frame."""
    pandas = needs("pandas", "frame")
    if not isinstance(by, Iterable):
        raise TypeError(f"by is a word such as 'category' or several of them, not {by!r}")
    by = [by] if isinstance(by, str) else list(by)
    reply = yield Call("rates", {**op, "from": time_text(start), "to": time_text(end), "by": by or None})
    return pandas.DataFrame(reply.fields["rows"], columns=[*by, "expected", "baseline"])


class RunPlans:
    """What is known of a run, and the plans of its operations."""

    def __init__(self, opening: Opening) -> None:
        self.name = opening.name
        self.model = opening.model
        self.start = opening.start
        self.step_length = opening.step_length
        self.time = opening.time
        self.next_seq = opening.next_seq
        self.state = opening.state
        self.resumed = opening.resumed
        self.is_named = opening.is_named

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name!r} of {self.model.name!r}: {self.next_seq} steps of "
            f"{self.step_length}, at {self.time:%Y-%m-%dT%H:%M}, {self.state}>"
        )

    def _repr_html_(self) -> str:
        from .html import table

        return table(
            f"Run {self.name}",
            [
                ("model", self.model.title),
                ("start", f"{self.start:%Y-%m-%d %H:%M}"),
                ("at", f"{self.time:%Y-%m-%d %H:%M}, after {self.next_seq:,} steps of {self.step_length}"),
                ("state", self.state),
            ],
        )

    def _require_kept(self, plan: Plan[T]) -> Plan[T]:
        """The plan, unless this run is known not to be there any more."""
        if self.state == "deleted":
            words = f"run {self.name!r} is not kept: its `with` block has ended, or it was deleted. "
            words += "Give it a name with run=, or take what you need before"
            raise refusal("run", {"code": "unknown_run", "message": words, "name": self.name})
        return plan

    def _stands(self, fields: dict[str, Any]) -> None:
        self.time = datetime.fromisoformat(fields["time"])
        self.next_seq, self.state = fields["next_seq"], fields["state"]

    def _step(
        self, count: int, until: Time | None, format: str, adjust: Iterable[dict[str, Any]], participant: str | None
    ) -> Plan[Step]:
        _check(format)
        fields = {
            "run": self.name,
            "seq": self.next_seq,
            "count": None if count == 1 else count,
            "until": time_text(until),
            "format": format,
            "adjust": list(adjust) or None,
            "participant": participant,
        }
        step = Step(self.model, (yield Call("step", fields)))
        self.next_seq, self.time = step.next_seq, step.end
        if step.ended:
            self.state = "ended"
        return step

    def _read(self, seq: int, count: int, format: str, areas: Any, categories: Any) -> Plan[Step]:
        _check(format)
        fields = {"run": self.name, "seq": seq, "count": count, "format": format,
                  "areas": words("area", areas, None), "categories": words("category", categories, None)}
        return Step(self.model, (yield Call("read", fields)))

    def _incidents(self, seq: int, end: int | None, areas: Any, categories: Any) -> Plan[Incidents]:
        numbers = step_range(seq, end, self.next_seq)
        seq, end = numbers.start, numbers.stop
        parts: list[Incidents] = []
        size = end - seq
        while seq < end:
            size = min(size, end - seq)
            try:
                part = yield from self._read(seq, size, "columns", areas, categories)
            except LimitExceeded as error:
                if error.details.get("limit") != "incidents_per_reply" or size == 1:
                    raise
                size = (size + 1) // 2
                continue
            parts.append(part.incidents)
            seq += size
        return Incidents.joined(parts) if parts else Incidents.empty(self.model, self.time)

    def _history(self, seq: int, end: int | None, by_category: bool) -> Plan[Any]:
        pandas = needs("pandas", "frame")
        rows: list[dict[str, Any]] = []
        for number in step_range(seq, end, self.next_seq):
            step = yield from self._read(number, 1, "counts" if by_category else "none", None, None)
            rows.append({
                "seq": step.seq, "start": step.start, "end": step.end, "count": step.count, "expected": step.expected,
                "baseline": step.baseline, "in_force": step.in_force, "capped": step.capped,
                **(step.by_category if by_category else {}),
            })
        columns = ["seq", "start", "end", "count", "expected", "baseline", "in_force", "capped"]
        columns += self.model.categories if by_category else []
        return pandas.DataFrame(rows, columns=columns).set_index("seq")

    def _adjust(self, fields: dict[str, Any]) -> Plan[Adjustment]:
        # With a key, asking again is safe; without one of the caller's, it gets one of its own.
        fields = {"key": new_name("python"), **fields, "run": self.name}
        reply = (yield Call("adjust", fields)).fields
        return Adjustment(reply["adjustment"], datetime.fromisoformat(reply["effective_from"]), reply["seq"],
                          reply["duplicate"], fields["key"])

    def _retract(self, adjustment: str | Adjustment) -> Plan[datetime]:
        name = adjustment.id if isinstance(adjustment, Adjustment) else adjustment
        reply = yield Call("retract", {"run": self.name, "adjustment": name})
        return datetime.fromisoformat(reply.fields["retracted_at"])

    def _adjustments(self) -> Plan[list[dict[str, Any]]]:
        return (yield Call("adjustments", {"run": self.name})).fields["adjustments"]

    def _rates(self, by: Iterable[str] | str, start: Time | None, end: Time | None) -> Plan[Any]:
        start = self.start if start is None else start
        end = self.time if end is None else end
        if parse_time(start) >= parse_time(end):
            raise ValueError(
                f"rates from {time_text(start)} to {time_text(end)}: say start and end, "
                "such as run.rates('category', start=run.time, end='2020-03-01')"
            )
        return (yield from rates({"run": self.name}, start, end, by))

    def _fork(self, seq: int | None, name: str | None, participants: Sequence[Any] | None) -> Plan[Opening]:
        fields: dict[str, Any] = {"run": self.name, "seq": seq, "as": name or new_name(self.name)}
        if participants is not None:
            fields["participants"] = [{"name": one} if isinstance(one, str) else one for one in participants]
        opened = (yield Call("fork", fields)).fields
        if name is not None:
            # One that was there gives its first answer, wherever it stands by now.
            (opened,) = (yield Call("status", {"run": name})).fields["runs"]
            opened["resumed"] = opened["next_seq"] > (self.next_seq if seq is None else seq)
        return Opening(opened["run"], self.model, self.start, opened["step"], datetime.fromisoformat(opened["time"]),
                       opened["next_seq"], opened["state"], opened["resumed"], name is not None)

    def _close(self) -> Plan[None]:
        self._stands((yield Call("close", {"run": self.name})).fields)

    def _delete(self) -> Plan[None]:
        yield Call("delete", {"run": self.name})
        self.state = "deleted"

    def _leave(self) -> Plan[None]:
        """What the end of a `with` block does: a run without a name of its own is not kept."""
        try:
            yield from self._close()
            if not self.is_named:
                yield from self._delete()
        except UnknownRun:
            self.state = "deleted"

    def _steps_until(self, end: Time) -> int:
        """The number of the step that begins at that time."""
        return self.next_seq + steps_between(self.start, self.step_length, self.time, parse_time(end))


def _check(format: str) -> None:
    if format not in FORMATS:
        raise ValueError(f"format is one of {', '.join(FORMATS)}, not {format!r}")


