"""A model as the daemon describes it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Area(NamedTuple):
    """An area (MSOA): `x` and `y` are WGS84 longitude and latitude in degrees, `population` in residents."""

    code: str
    name: str
    x: float
    y: float
    population: float | None
    imputed: bool


class Crime(NamedTuple):
    """An offence: `severity` is its ONS crime severity weight, in days of imprisonment."""

    code: str
    description: str
    category: str
    severity: float


class Model:
    """What a run draws from. Indices of areas and crimes in `Incidents` refer to `areas` and `crimes`."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.name: str = described["model"]
        self.title: str = described["title"]
        self.digest: str = described["digest"]
        self.period: tuple[str, str] = (described["period"]["from"], described["period"]["to"])
        self.categories: list[str] = described["categories"]
        self.expected_per_year: float = described["expected_per_year"]
        self.areas = [
            Area(a["code"], a["name"], a["x"], a["y"], a.get("population"), a.get("imputed", False))
            for a in described["areas"]
        ]
        self.crimes = [
            Crime(c["code"], c["description"], c["category"], c["severity"]) for c in described["crimes"]
        ]

    def __repr__(self) -> str:
        return (
            f"<Model {self.name!r}: {len(self.areas)} areas, {len(self.categories)} categories, "
            f"{len(self.crimes)} crimes, {self.expected_per_year:,.0f} incidents a year>"
        )

    def _repr_html_(self) -> str:
        from .html import table

        return table(
            self.title,
            [
                ("model", self.name),
                ("areas", f"{len(self.areas):,}"),
                ("categories", ", ".join(self.categories)),
                ("crimes", f"{len(self.crimes):,}"),
                ("period", f"{self.period[0]} to {self.period[1]}"),
                ("incidents expected a year", f"{self.expected_per_year:,.0f}"),
                ("digest", self.digest[:12]),
            ],
        )
