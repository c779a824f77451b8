"""Incidents: rows for agents, columns for statistics."""

from __future__ import annotations

import importlib
import sys
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from .errors import MissingPackage
from .model import Model

if TYPE_CHECKING:
    import geopandas
    import numpy
    import pandas
    import polars
    import pyarrow

Kind = Literal["q", "i", "H", "B"]
# The columns of the protocol, in its order: name, type of `array`, type of numpy.
COLUMNS: tuple[tuple[str, Kind, str], ...] = (
    ("id", "q", "<i8"),
    ("time", "i", "<i4"),
    ("MSOA", "H", "<u2"),
    ("crime", "H", "<u2"),
    ("suspect", "B", "u1"),
)


class Incident(NamedTuple):
    """One incident. `incident.MSOA` and `incident["MSOA"]` are the same."""

    id: int
    MSOA: str
    crime_category: str
    code: str
    description: str
    time: datetime
    suspect: bool
    severity: float

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if isinstance(key, str) else tuple.__getitem__(self, key)


class Incidents(Sequence[Incident]):
    """The incidents of some steps, sorted by time, then id.

    A sequence of `Incident`, made when they are looked at; and columns, of which none is copied until it has to be:
    `array("id")`, `array("time")` (minutes since `start`), `array("MSOA")` and `array("crime")` (indices into
    `model.areas` and `model.crimes`), `array("suspect")`.
    """

    def __init__(self, model: Model, start: datetime, columns: Sequence[Any]) -> None:
        self.model, self.start = model, start
        self._columns = tuple(columns)
        self._rows: list[Incident] | None = None

    @staticmethod
    def empty(model: Model, start: datetime) -> Incidents:
        return Incidents(model, start, [b""] * len(COLUMNS))

    @staticmethod
    def joined(parts: Sequence[Incidents]) -> Incidents:
        """Consecutive ones as one, with times since the first start."""
        first = parts[0]
        if len(parts) == 1:
            return first
        columns = [bytearray() for _ in COLUMNS]
        for part in parts:
            later = int((part.start - first.start) / timedelta(minutes=1))
            for index, (name, kind, _) in enumerate(COLUMNS):
                values = part._values(index)
                if name == "time" and later:
                    values = array(kind, [value + later for value in values])
                if sys.byteorder == "big":
                    values = array(kind, values)
                    values.byteswap()
                columns[index] += memoryview(values).cast("B")
        return Incidents(first.model, first.start, columns)

    def array(self, name: str) -> numpy.ndarray[Any, Any]:
        """A column as a numpy array on the bytes that came, not to be written to."""
        numpy = needs("numpy", "frame")
        for index, (column, _, kind) in enumerate(COLUMNS):
            if column == name:
                values = numpy.frombuffer(self._columns[index], kind)
                values.flags.writeable = False
                return values
        raise KeyError(f"no column {name!r}: {', '.join(column for column, _, _ in COLUMNS)} are there")

    def arrays(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """All columns by name: see `array`."""
        return {name: self.array(name) for name, _, _ in COLUMNS}

    def _values(self, index: int) -> Any:
        """A column as numbers, without numpy."""
        kind = COLUMNS[index][1]
        view = memoryview(self._columns[index]).cast("B")
        if sys.byteorder == "big":
            values = array(kind, view.tobytes())
            values.byteswap()
            return values
        return view.cast(kind)

    def __len__(self) -> int:
        return memoryview(self._columns[-1]).nbytes

    def _made(self) -> list[Incident]:
        if self._rows is None:
            areas = [area.code for area in self.model.areas]
            crimes = self.model.crimes
            minute, start = timedelta(minutes=1), self.start
            ids, times, places, offences, suspects = (self._values(index).tolist() for index in range(len(COLUMNS)))
            self._rows = [
                Incident(number, areas[place], crime.category, crime.code, crime.description, start + time * minute,
                         suspect != 0, crime.severity)
                for number, time, place, crime, suspect in zip(
                    ids, times, places, map(crimes.__getitem__, offences), suspects)
            ]
        return self._rows

    def __iter__(self) -> Iterator[Incident]:
        return iter(self._made())

    @overload
    def __getitem__(self, key: int) -> Incident: ...
    @overload
    def __getitem__(self, key: slice) -> list[Incident]: ...
    def __getitem__(self, key: int | slice) -> Incident | list[Incident]:
        return self._made()[key]

    def __repr__(self) -> str:
        return f"<{len(self):,} incidents from {self.start:%Y-%m-%d %H:%M} on>"

    def _repr_html_(self) -> str:
        head = self._head(10)
        try:
            return head.frame().to_html(index=False) + f"<p>{len(self):,} incidents</p>"
        except ImportError:
            from .html import table

            return table(repr(self), [(str(row.time), f"{row.MSOA} {row.description}") for row in head])

    def _head(self, count: int) -> Incidents:
        size = min(count, len(self))
        cut = [memoryview(column).cast("B")[: size * array(kind).itemsize]
               for column, (_, kind, _) in zip(self._columns, COLUMNS)]
        return Incidents(self.model, self.start, cut)

    def frame(self) -> pandas.DataFrame:
        """A pandas data frame with the fields of the protocol; words are categoricals, times are `datetime64[s]`."""
        from .tables import frame

        return frame(self)

    def arrow(self) -> pyarrow.Table:
        """A pyarrow table with the fields of the protocol; words are dictionaries."""
        from .tables import arrow

        return arrow(self)

    def polars(self) -> polars.DataFrame:
        """A polars data frame with the fields of the protocol; words are categoricals."""
        from .tables import polars_frame

        return polars_frame(self)

    def geo(self, boundaries: Any = None) -> geopandas.GeoDataFrame:
        """A geopandas data frame: `frame()` with the areas' centroids as `geometry`, or their shapes.

        `boundaries` is a file that geopandas reads, or a geopandas data frame; one of its columns has the areas' codes.
        Incidents have no place of their own within their area.
        """
        from .tables import geo

        return geo(self, boundaries)


def from_records(model: Model, start: datetime, records: list[dict[str, Any]]) -> Incidents:
    """Incidents from the objects of the format `records`, in any order."""
    areas = {area.code: index for index, area in enumerate(model.areas)}
    crimes = {(crime.category, crime.code, crime.description): index for index, crime in enumerate(model.crimes)}
    minute = timedelta(minutes=1)
    rows = sorted(
        (
            (datetime.fromisoformat(record["time"]) - start) // minute,
            record["id"],
            areas[record["MSOA"]],
            crimes[record["crime_category"], record["code"], record["description"]],
            record["suspect"],
        )
        for record in records
    )
    times, ids, places, offences, suspects = zip(*rows) if rows else ((),) * 5
    columns: list[bytes] = []
    for values, (_, kind, _) in zip((ids, times, places, offences, suspects), COLUMNS):
        column = array(kind, values)
        if sys.byteorder == "big":
            column.byteswap()
        columns.append(column.tobytes())
    return Incidents(model, start, columns)


def needs(package: str, extra: str) -> Any:
    """An optional package, or an error that says how to install it."""
    loaded = sys.modules.get(package)
    if loaded is not None:
        return loaded
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingPackage(package, extra) from None

