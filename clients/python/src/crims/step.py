"""What a daemon answers about steps."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .asking import Reply
from .errors import ProtocolError
from .incidents import COLUMNS, Incidents
from .model import Model

if TYPE_CHECKING:
    import geopandas
    import pandas
    import polars
    import pyarrow

FORMATS = ("columns", "csv", "counts", "none")
_COLUMNS = [{"name": name, "type": {"q": "i64", "i": "i32", "H": "u16", "B": "u8"}[kind]} for name, kind, _ in COLUMNS]


class Step:
    """One step, or several that were taken or read at once.

    `seq` is the number of the first, `steps` how many there are, [`start`, `end`) the simulated time they cover.
    `count` is of incidents; `expected` the mean count under the adjustments in force, over replicates, `baseline`
    without them. `in_force` is how many adjustments acted, `adjusted` the ids of those that came with the steps,
    `capped` whether a factor reached its bound, `ended` whether the run is at its end. `by_category` is there with
    `format="counts"`, `csv` with `format="csv"`.
    """

    __slots__ = ("run", "model", "seq", "steps", "start", "end", "count", "expected", "baseline", "in_force",
                 "capped", "adjusted", "next_seq", "ended", "_by_category", "_csv", "_incidents")

    def __init__(self, model: Model, reply: Reply) -> None:
        fields, frames = reply
        self.model = model
        self.run: str = fields["run"]
        self.seq: int = fields["seq"]
        self.steps: int = fields["steps"]
        self.start = datetime.fromisoformat(fields["from"])
        self.end = datetime.fromisoformat(fields["to"])
        self.count: int = fields["count"]
        self.expected: float = fields["expected"]
        self.baseline: float = fields["baseline"]
        self.in_force: int = fields["in_force"]
        self.capped: bool = fields["capped"]
        self.adjusted: list[str] = fields["adjusted"]
        self.next_seq: int = fields["next_seq"]
        self.ended: bool = fields["ended"]
        self._by_category: dict[str, int] | None = fields.get("by_category")
        self._csv: str | None = None
        self._incidents: Incidents | None = None
        columns = fields.get("columns")
        if columns is not None:
            if columns != _COLUMNS or len(frames) != len(_COLUMNS):
                raise ProtocolError(f"a step has the columns {columns} in {len(frames)} frames, not {_COLUMNS}")
            self._incidents = Incidents(model, self.start, frames)
        elif frames:
            self._csv = bytes(memoryview(frames[0])).decode()

    @property
    def incidents(self) -> Incidents:
        """The incidents, sorted by time.

        Raises `AttributeError` if they were not asked for.
        """
        if self._incidents is None:
            raise AttributeError("these steps came without incidents: format='columns', the default, has them")
        return self._incidents

    @property
    def by_category(self) -> dict[str, int]:
        """Incidents by category, zeros included.

        Raises `AttributeError` if they were not asked for.
        """
        if self._by_category is None:
            raise AttributeError("these steps came without counts by category: format='counts' has them")
        return self._by_category

    @property
    def csv(self) -> str:
        """The incidents as CSV.

        Raises `AttributeError` if they were not asked for.
        """
        if self._csv is None:
            raise AttributeError("these steps came without CSV: format='csv' has it")
        return self._csv

    def frame(self) -> pandas.DataFrame:
        """As `Incidents.frame`."""
        return self.incidents.frame()

    def arrow(self) -> pyarrow.Table:
        """As `Incidents.arrow`."""
        return self.incidents.arrow()

    def polars(self) -> polars.DataFrame:
        """As `Incidents.polars`."""
        return self.incidents.polars()

    def geo(self, boundaries: Any = None) -> geopandas.GeoDataFrame:
        """As `Incidents.geo`."""
        return self.incidents.geo(boundaries)

    def __repr__(self) -> str:
        return (
            f"<Step {self.seq} of {self.run!r}: {self.start:%Y-%m-%dT%H:%M} to {self.end:%Y-%m-%dT%H:%M}, "
            f"{self.count:,} incidents, {self.expected:.1f} expected>"
        )

    def _repr_html_(self) -> str:
        from .html import table

        return table(
            f"Steps {self.seq} to {self.seq + self.steps - 1} of run {self.run}" if self.steps > 1
            else f"Step {self.seq} of run {self.run}",
            [
                ("time", f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"),
                ("incidents", f"{self.count:,}"),
                ("expected", f"{self.expected:,.2f}"),
                ("expected without adjustments", f"{self.baseline:,.2f}"),
                ("adjustments in force", str(self.in_force)),
            ],
        )


class Adjustment(NamedTuple):
    """An adjustment that was accepted. `duplicate` if it had been before, under its key."""

    id: str
    effective_from: datetime
    seq: int
    duplicate: bool
    key: str | None
