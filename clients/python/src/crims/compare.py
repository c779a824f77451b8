"""What two runs have in common and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .incidents import Incidents, needs
from .plans import RunPlans

if TYPE_CHECKING:
    import pandas

    from .simulation import Run

_BY = {"category": "crime_category", "area": "MSOA", "code": "code", "crime_category": "crime_category", "MSOA": "MSOA"}


def compare(run: Run, other: Run, by: str = "category", *, seq: int = 0, end: int | None = None) -> pandas.DataFrame:
    """Compares runs of one model with the same seed and replicate, such as a run and its fork, incident by incident.

    Coupled runs share every incident but those that a policy takes away or adds, so that the difference between them is
    the policy's, without random noise. A row for each category, area or code (`by`), with the columns

    - `count`, `count_other`: incidents of each, and `difference`, those of `other` less those of `run`;
    - `same`: incidents of both; `removed`: only of `run`; `added`: only of `other`.

    It goes over the steps `seq` to `end` − 1, or as far as both have got. Incidents count as the same by their id.

    Raises `ValueError` if the runs are not of one model, do not have the same steps, or are not of the same seed and
    replicate, with or without dispersion and trend alike.
    """
    require_comparable(run, other, by)
    last = min(run.next_seq, other.next_seq) if end is None else end
    return tabulate(run.incidents(seq, last), other.incidents(seq, last), by)


def require_comparable(run: RunPlans, other: RunPlans, by: str) -> None:
    """Raises `ValueError` for runs that cannot be compared, or not by that."""
    if not isinstance(by, str) or by not in _BY:
        raise ValueError(f"by is one of category, area, code, not {by!r}")
    for given in (run, other):
        if not isinstance(given, RunPlans):
            raise TypeError(f"two runs are compared, and {given!r} is none: sim.run(name) gives one by its name")
    if run.model.digest != other.model.digest:
        raise ValueError(f"{run.name!r} is of the model {run.model.name!r}, {other.name!r} of {other.model.name!r}")
    if (run.start, run.step_length) != (other.start, other.step_length):
        raise ValueError(
            f"steps differ: {run.name!r} begins at {run.start} with steps of {run.step_length}, "
            f"{other.name!r} at {other.start} with steps of {other.step_length}"
        )


def tabulate(run: Incidents, other: Incidents, by: str) -> pandas.DataFrame:
    """See `compare`."""
    numpy, pandas = needs("numpy", "frame"), needs("pandas", "frame")
    column = _BY[by]
    model = run.model
    if column == "MSOA":
        words = [area.code for area in model.areas]
        lookup = numpy.arange(len(words))
    else:
        values = [crime.category if column == "crime_category" else crime.code for crime in model.crimes]
        words = model.categories if column == "crime_category" else list(dict.fromkeys(values))
        places = {word: place for place, word in enumerate(words)}
        lookup = numpy.array([places[word] for word in values], dtype="int64")

    def counts(incidents: Incidents, which: Any) -> Any:
        index = incidents.array("MSOA" if column == "MSOA" else "crime")[which]
        return numpy.bincount(lookup[index], minlength=len(words))

    in_run = numpy.isin(run.array("id"), other.array("id"))
    in_other = numpy.isin(other.array("id"), run.array("id"))
    for name in ("MSOA", "crime", "time"):
        if not numpy.array_equal(run.array(name)[in_run], other.array(name)[in_other]):
            raise ValueError(
                "these two runs have nothing to do with each other: the same ids are of other incidents. Only runs of "
                "the same seed, replicate, dispersion and trend share incidents: fork one, or open both alike"
            )
    count, count_other = counts(run, slice(None)), counts(other, slice(None))
    return pandas.DataFrame(
        {
            "count": count,
            "count_other": count_other,
            "difference": count_other - count,
            "same": counts(run, in_run),
            "removed": counts(run, ~in_run),
            "added": counts(other, ~in_other),
        },
        index=pandas.Index(words, name=column),
    )
