"""Incidents as tables of the libraries that people use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .incidents import Incidents, needs

if TYPE_CHECKING:
    import geopandas
    import pandas
    import polars
    import pyarrow


def _words(incidents: Incidents) -> dict[str, tuple[Any, list[str]]]:
    """For each field of words: a number for each incident, and the words that the numbers are of.

    Words are those of the model in its order, whatever happens to occur, so that tables of two steps agree.
    """
    numpy = needs("numpy", "frame")
    model = incidents.model
    crime = incidents.array("crime")
    words: dict[str, tuple[Any, list[str]]] = {
        "MSOA": (incidents.array("MSOA"), [area.code for area in model.areas]),
    }
    for name, values in (
        ("crime_category", [crime.category for crime in model.crimes]),
        ("code", [crime.code for crime in model.crimes]),
        ("description", [crime.description for crime in model.crimes]),
    ):
        places = {word: place for place, word in enumerate(dict.fromkeys(values))}
        lookup = numpy.array([places[word] for word in values], dtype="int16")
        words[name] = (lookup[crime], list(places))
    return words


def _numbers(incidents: Incidents) -> tuple[Any, Any, Any]:
    """Times as `datetime64[s]`, suspects as booleans, severities."""
    numpy = needs("numpy", "frame")
    start = numpy.datetime64(incidents.start, "s")
    times = start + incidents.array("time").astype("timedelta64[m]")
    severities = numpy.array([crime.severity for crime in incidents.model.crimes], dtype="float64")
    return times, incidents.array("suspect").view("bool"), severities[incidents.array("crime")]


def frame(incidents: Incidents) -> pandas.DataFrame:
    """See `Incidents.frame`."""
    pandas = needs("pandas", "frame")
    words = {
        name: pandas.Categorical.from_codes(codes.astype("int16"), values)
        for name, (codes, values) in _words(incidents).items()
    }
    times, suspects, severities = _numbers(incidents)
    return pandas.DataFrame(
        {"id": incidents.array("id"), **words, "time": times, "suspect": suspects, "severity": severities}
    )


def arrow(incidents: Incidents) -> pyarrow.Table:
    """See `Incidents.arrow`."""
    pyarrow = needs("pyarrow", "frame")
    words = {
        name: pyarrow.DictionaryArray.from_arrays(codes.astype("int16"), values)
        for name, (codes, values) in _words(incidents).items()
    }
    times, suspects, severities = _numbers(incidents)
    return pyarrow.table(
        {
            "id": incidents.array("id"),
            **words,
            "time": pyarrow.array(times),
            "suspect": pyarrow.array(suspects),
            "severity": severities,
        }
    )


def polars_frame(incidents: Incidents) -> polars.DataFrame:
    """See `Incidents.polars`."""
    polars = needs("polars", "polars")
    return polars.from_arrow(arrow(incidents))


def geo(incidents: Incidents, boundaries: Any = None) -> geopandas.GeoDataFrame:
    """See `Incidents.geo`."""
    geopandas = needs("geopandas", "geo")
    shapes = area_shapes(incidents, boundaries)
    return geopandas.GeoDataFrame(
        frame(incidents), geometry=shapes.geometry.values.take(incidents.array("MSOA")), crs=shapes.crs
    )


def area_shapes(incidents: Incidents, boundaries: Any = None) -> geopandas.GeoDataFrame:
    """The model's areas in its order, as shapes, or as points if there are no boundaries.

    Raises `ValueError` if the boundaries do not have every area.
    """
    geopandas = needs("geopandas", "geo")
    areas = incidents.model.areas
    codes = [area.code for area in areas]
    if boundaries is None:
        points = geopandas.points_from_xy([area.x for area in areas], [area.y for area in areas])
        return geopandas.GeoDataFrame({"MSOA": codes}, geometry=points, crs="EPSG:4326")
    if not isinstance(boundaries, geopandas.GeoDataFrame):
        boundaries = geopandas.read_file(boundaries)
    wanted, best = set(codes), ("", -1)
    for column in boundaries.columns.drop(boundaries.geometry.name):
        best = max(best, (str(column), int(boundaries[column].isin(wanted).sum())), key=lambda pair: pair[1])
    shapes = boundaries.drop_duplicates(best[0]).set_index(best[0]) if best[1] > 0 else boundaries.iloc[:0]
    missing = [code for code in codes if code not in shapes.index]
    if missing:
        raise ValueError(
            f"the boundaries lack {len(missing)} of the {len(codes)} areas of {incidents.model.name!r}, as {missing[0]}"
        )
    shapes = shapes.loc[codes]
    return geopandas.GeoDataFrame({"MSOA": codes}, geometry=shapes.geometry.values, crs=shapes.crs)
