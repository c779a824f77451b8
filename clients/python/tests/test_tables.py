"""Incidents as tables: each with the values of the daemon's own CSV."""

import csv
import io
import json

import crims
import geopandas
import numpy
import pandas
import polars
import pyarrow.parquet
import pytest
import shapely

FIELDS = ["id", "MSOA", "crime_category", "code", "description", "time", "suspect", "severity"]


@pytest.fixture(scope="module")
def week(sim):
    with sim.open("merseyside", start="2020-01-06", seed=42, run="week") as run:
        yield run.step(24 * 7)


@pytest.fixture(scope="module")
def rows(sim, week):
    """The daemon's CSV, as text in cells."""
    text = sim.run(week.run).read(0, 24 * 7, format="csv").csv
    return [row | {"severity": str(float(row["severity"]))} for row in csv.DictReader(io.StringIO(text))]


@pytest.fixture(scope="module")
def squares(week):
    """Boundaries made up for the test: a square around each area's centroid, in another order than the model's."""
    areas = week.model.areas[::-1]
    shapes = [shapely.box(area.x - 0.01, area.y - 0.01, area.x + 0.01, area.y + 0.01) for area in areas]
    return geopandas.GeoDataFrame(
        {"objectid": range(len(areas)), "msoa11cd": [area.code for area in areas]}, geometry=shapes, crs="EPSG:4326")


def cells(table):
    """A table's values as the CSV writes them."""
    return [
        {name: str(value)[:19] if name == "time" else str(value) for name, value in zip(FIELDS, row)}
        for row in table
    ]


def test_pandas(week, rows):
    frame = week.frame()
    assert list(frame.columns) == FIELDS and isinstance(frame, pandas.DataFrame)
    assert frame.time.dtype.kind == "M" and frame.suspect.dtype == bool and frame.severity.dtype == "float64"
    assert list(frame.MSOA.cat.categories) == [area.code for area in week.model.areas]
    assert list(frame.crime_category.cat.categories) == list(dict.fromkeys(c.category for c in week.model.crimes))
    assert cells(frame.itertuples(index=False)) == rows


def test_frames_of_steps_go_together(sim, week):
    """Their categoricals are of the same words, so that they stay categoricals."""
    run = sim.run(week.run)
    both = pandas.concat([run.read(0, 24).frame(), run.read(24, 24).frame()], ignore_index=True)
    assert both.MSOA.dtype == "category"
    pandas.testing.assert_frame_equal(both, run.read(0, 48).frame())


def test_arrow(week, rows):
    table = week.arrow()
    assert table.column_names == FIELDS
    assert cells(zip(*(column.to_pylist() for column in table.columns))) == rows


def test_polars(week, rows):
    frame = week.polars()
    assert frame.columns == FIELDS
    assert frame.schema["time"] == polars.Datetime and frame.schema["suspect"] == polars.Boolean
    assert cells(frame.iter_rows()) == rows


def test_geo_with_centroids(week, rows):
    frame = week.geo()
    places = {area.code: (area.x, area.y) for area in week.model.areas}
    assert frame.crs == "EPSG:4326"
    assert [(point.x, point.y) for point in frame.geometry] == [places[row["MSOA"]] for row in rows]


def test_geo_with_boundaries(week, rows, squares, tmp_path):
    shapes = dict(zip(squares.msoa11cd, squares.geometry))
    frame = week.geo(squares)
    assert all(shape.equals(shapes[row["MSOA"]]) for shape, row in zip(frame.geometry, rows))
    squares.to_file(tmp_path / "squares.geojson", driver="GeoJSON")
    assert week.geo(tmp_path / "squares.geojson").geometry.iloc[0].equals_exact(frame.geometry.iloc[0], 1e-9)
    with pytest.raises(ValueError, match="lack 1 of the 184 areas"):
        week.geo(squares.iloc[1:])
    with pytest.raises(ValueError, match="lack 184"):
        week.geo(squares.drop(columns="msoa11cd"))


@pytest.mark.parametrize("make", ["frame", "arrow", "polars", "geo"])
def test_no_incidents_is_a_table_too(sim, make):
    with sim.open("merseyside", start="2020-01-06") as run:
        run.adjust(0)
        step = run.step()
        assert step.count == 0 and len(getattr(step, make)()) == 0
        assert list(getattr(step, make)().columns if make != "arrow" else step.arrow().column_names)[:8] == FIELDS
        assert len(run.fork(0).incidents().frame()) == 0


def test_parquet(sim, week, rows, tmp_path):
    path = tmp_path / "week.parquet"
    run = sim.run(week.run)
    assert crims.write_parquet(path, run) == len(rows)
    table = pyarrow.parquet.read_table(path)
    assert cells(zip(*(column.to_pylist() for column in table.columns))) == rows
    kept = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert kept["crims:run"] == run.name and kept["crims:digest"] == run.model.digest
    assert kept["crims:start"] == "2020-01-06T00:00:00" and kept["crims:step"] == "1h"
    before = path.read_bytes()
    crims.write_parquet(path, run)
    assert path.read_bytes() == before, "the same incidents give another file"
    assert crims.write_parquet(tmp_path / "step.parquet", week) == len(rows)
    assert [file.name for file in tmp_path.iterdir() if ".part" in file.name] == []


def test_geoparquet(week, rows, squares, tmp_path):
    path = tmp_path / "week.parquet"
    crims.write_parquet(path, week.incidents, boundaries=squares)
    frame = geopandas.read_parquet(path)
    assert cells(frame[FIELDS].itertuples(index=False)) == rows and frame.crs == "EPSG:4326"
    assert (frame.geometry.geom_type == "Polygon").all()
    metadata = pyarrow.parquet.read_schema(path).metadata
    assert json.loads(metadata[b"geo"])["primary_column"] == "geometry"
    assert metadata[b"crims:model"] == b"merseyside"


def test_a_file_that_cannot_be_made_leaves_the_one_before(week, tmp_path):
    path = tmp_path / "week.parquet"
    path.write_text("before")
    with pytest.raises(ValueError, match="lack"):
        crims.write_parquet(path, week, boundaries=week.geo().iloc[:0].set_geometry("geometry"))
    assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_records_of_events_are_the_same_columns(sim, week):
    records = sim.ask("read", run=week.run, seq=0, count=24 * 7).fields["incidents"]
    made = crims.incidents.from_records(week.model, week.start, records[::-1])
    for name, values in week.incidents.arrays().items():
        assert numpy.array_equal(values, made.array(name)), name
