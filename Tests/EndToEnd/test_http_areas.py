"""A model's areas as shapes: what a map is drawn from."""

import shapely
from shapely.geometry import shape


def test_each_area_has_a_cell_around_its_own_centroid(start_daemon):
    import json
    import urllib.request

    web = start_daemon("--http", "127.0.0.1:*").ready["http"][0]
    with urllib.request.urlopen(f"{web}/api/v1/models/merseyside/areas.geojson", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/geo+json"
        features = json.load(answer)["features"]
    with urllib.request.urlopen(f"{web}/api/v1/models/merseyside", timeout=10) as answer:
        areas = json.load(answer)["areas"]
    assert [feature["properties"] for feature in features] == [
        {"code": area["code"], "name": area["name"]} for area in areas]
    cells = [shape(feature["geometry"]) for feature in features]
    tree = shapely.STRtree(cells)
    for number, (area, cell) in enumerate(zip(areas, cells)):
        centroid = shapely.Point(area["x"], area["y"])
        assert cell.is_valid and cell.contains(centroid)
        assert list(tree.query(centroid, predicate="within")) == [number], "another cell has it, too"
    together = shapely.union_all(cells)
    assert sum(cell.area for cell in cells) < 1.001 * together.area, "cells overlap"
    west, south, east, north = together.bounds
    assert -3.4 < west < -3 and -2.8 < east < -2.5 and 53.2 < south < 53.4 and 53.6 < north < 53.8
