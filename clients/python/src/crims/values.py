"""Times, durations and lists as the protocol writes them."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Union

from .model import Area, Crime

Time = Union[str, date, datetime]
Duration = Union[str, timedelta]
Words = Union[str, Area, Crime, Iterable[Union[str, Area, Crime]]]

_MINUTES = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}


def time_text(time: Time | None) -> str | None:
    """A time as text; what numpy and pandas have for times does as well.

    Raises `ValueError` for one with a zone: simulated time is civil local time.
    """
    if time is None:
        return None
    if isinstance(time, str):
        # As `str` writes a datetime.
        return time[:10] + "T" + time[11:] if time[10:11] == " " else time
    if hasattr(time, "astype"):  # numpy.datetime64
        if time != time.astype("datetime64[m]"):
            raise ValueError(f"{time} is not of whole minutes")
        time = time.astype("datetime64[s]").item()
    if isinstance(time, datetime):
        if time.tzinfo is not None:
            raise ValueError(f"{time} has a zone, and simulated time has none: take it off with .replace(tzinfo=None)")
        return time.isoformat()
    if isinstance(time, date):
        return time.isoformat()
    raise TypeError(f"a time is a text such as '2020-01-31', a date or a datetime, not {time!r}")


def parse_time(time: Time) -> datetime:
    """A time as a datetime.

    Raises `ValueError` for what is none.
    """
    text = time_text(time)
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{time!r} is no time: '2020-01-31' or '2020-01-31T13:00' would be one") from None


def duration_text(duration: Duration | None) -> str | None:
    """A duration as text.

    Raises `ValueError` for a `timedelta` that is not of whole minutes, or not above 0.
    """
    if duration is None or isinstance(duration, str):
        return duration
    if hasattr(duration, "astype") and not isinstance(duration, timedelta):  # numpy.timedelta64
        duration = duration.astype("timedelta64[s]").item()
    if isinstance(duration, timedelta):
        minutes, rest = divmod(duration, timedelta(minutes=1))
        if rest or minutes <= 0:
            raise ValueError(f"a duration is of whole minutes above 0, not {duration}")
        return f"{minutes}m"
    raise TypeError(f"a duration is a text such as '7d' or a timedelta, not {duration!r}")


def steps_between(start: datetime, step: str, since: datetime, until: datetime) -> int:
    """How many steps of a run with this start lead from one time, a boundary, to another.

    Raises `ValueError` if that is before it, or no boundary of a step.
    """
    if until < since:
        raise ValueError(f"the run stands at {since:%Y-%m-%dT%H:%M} already, after {until:%Y-%m-%dT%H:%M}")
    if step.endswith("mo"):
        months = int(step[:-2])
        count, rest = divmod(12 * (until.year - since.year) + until.month - since.month, months)
        is_boundary = rest == 0 and (until.day, until.time()) == (start.day, start.time())
    else:
        length = timedelta(minutes=int(step[:-1]) * _MINUTES[step[-1]])
        count, left = divmod(until - since, length)
        is_boundary = not left
    if not is_boundary:
        raise ValueError(f"{until:%Y-%m-%dT%H:%M} is within a step: steps of {step} begin at {start:%Y-%m-%dT%H:%M}")
    return count


def words(singular: str, one: Words | None, many: Words | None) -> list[str] | None:
    """A scope that may be given by a word or several, under either name."""
    if one is not None and many is not None:
        raise TypeError(f"give {singular} or its plural, not both")
    given = one if one is not None else many
    if given is None:
        return None
    if isinstance(given, str):
        return [given]
    if isinstance(given, (Area, Crime)):
        return [given.code]
    if hasattr(given, "columns") or not isinstance(given, Iterable):
        kind = type(given).__name__
        raise TypeError(f"{singular} is a text or several of them, such as one column of a table; not {kind}")
    return [word.code if isinstance(word, (Area, Crime)) else str(word) for word in given]


def step_range(seq: int, end: int | None, next_seq: int) -> range:
    """The numbers of steps `seq` to `end` − 1, or of all from `seq` on that were taken."""
    numbers = range(operator.index(seq), next_seq if end is None else operator.index(end))
    if not 0 <= numbers.start <= numbers.stop <= next_seq:
        raise ValueError(f"steps {seq} to {end}: there are steps 0 to {next_seq}, the last not included")
    return numbers


def step_count(count: int) -> int:
    """Raises `TypeError` or `ValueError` for what is no number of steps."""
    if operator.index(count) < 0:
        raise ValueError(f"a number of steps is 0 or more, not {count}")
    return operator.index(count)


def new_name(prefix: str) -> str:
    """A name that nobody else has. It is in no result: which incidents there are does not depend on names."""
    return f"{prefix[:50]}-{secrets.token_hex(5)}"


def adjustment(
    factor: float,
    *,
    area: Words | None = None,
    areas: Words | None = None,
    category: Words | None = None,
    categories: Words | None = None,
    code: Words | None = None,
    codes: Words | None = None,
    description: Words | None = None,
    descriptions: Words | None = None,
    mode: str | None = None,
    target: str | None = None,
    start: Time | None = None,
    until: Time | None = None,
    half_life: Duration | None = None,
    displacement: float | None = None,
    key: str | None = None,
    source: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """An adjustment for the `adjust` list of a step: see `Run.adjust` for what the arguments mean."""
    fields: dict[str, Any] = {
        "factor": factor,
        "mode": mode,
        "target": target,
        "areas": words("area", area, areas),
        "categories": words("category", category, categories),
        "codes": words("code", code, codes),
        "descriptions": words("description", description, descriptions),
        "from": time_text(start),
        "until": time_text(until),
        "half_life": duration_text(half_life),
        "displacement": displacement,
        "key": key,
        "source": source,
        "reason": reason,
    }
    return {name: value for name, value in fields.items() if value is not None}
