"""`--boundaries`: areas drawn as a file of the user's has them."""

import copy
import json
import os
import random
import subprocess

import pytest
import shapely
from conftest import CRIMS, ROOT
from http_client import Web
from shapely.geometry import mapping, shape

AREAS = "/api/v1/models/merseyside/areas.geojson"


@pytest.fixture(scope="module")
def cells():
    """The daemon's own cells, as a file of boundaries would have them: with edges that wiggle, alike on both sides."""
    from conftest import Daemon, wait_for_binary

    wait_for_binary()
    daemon = Daemon("--no-data", "--http", "127.0.0.1:*")
    web = Web(daemon)
    collection = web.get(AREAS).json
    web.end()
    daemon.end()
    assert collection["source"] == "cells"
    return collection


def wiggled(edge):
    """An edge with 20 places in between, some metres to the left and right of it; the same from both ends."""
    one, other = sorted(edge)
    chance = random.Random(repr((one, other)))
    places = [one]
    for step in range(1, 20):
        part, aside = step / 20, chance.uniform(-0.02, 0.02)
        places.append((one[0] + part * (other[0] - one[0]) - aside * (other[1] - one[1]),
                       one[1] + part * (other[1] - one[1]) + aside * (other[0] - one[0])))  # fmt: skip
    places.append(other)
    return places if one == edge[0] else places[::-1]


@pytest.fixture(scope="module")
def boundaries(cells):
    """As ONS has them: codes and names under names of their own, and coordinates of 15 digits."""
    # What is shared has the same corners on both sides.
    rings = [shape(feature["geometry"]).exterior for feature in cells["features"]]
    corners = shapely.STRtree(shapely.points(shapely.get_coordinates(shapely.node(shapely.MultiLineString(rings)))))
    features = []
    for number, (feature, ring) in enumerate(zip(cells["features"], rings)):
        on = {tuple(shapely.get_coordinates(point)[0]) for point in corners.geometries.take(
            corners.query(ring, predicate="dwithin", distance=1e-9))}  # fmt: skip
        order = sorted(on, key=lambda place: ring.project(shapely.Point(place)))
        places = [place for edge in zip(order, order[1:] + order[:1]) for place in wiggled(edge)[:-1]]
        features.append({
            "type": "Feature",
            "properties": {"FID": number + 1, "MSOA11CD": feature["properties"]["code"],
                           "MSOA11NM": feature["properties"]["name"], "Shape__Area": 1.5},
            "geometry": {"type": "Polygon", "coordinates": [[list(place) for place in [*places, places[0]]]]},
        })  # fmt: skip
    return {"type": "FeatureCollection", "name": "MSOA_Dec_2011",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
            "features": features}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(collection, name="msoa.geojson"):
        path = tmp_path / name
        path.write_text(collection if isinstance(collection, str) else json.dumps(collection))
        return str(path)

    return write


def events(daemon):
    lines = [line for line in map(json.loads, daemon.words().splitlines()) if line["event"] == "boundaries"]
    # Other models may be served beside this one.
    return [line for line in lines if line.get("model", "merseyside") == "merseyside"]


def test_areas_are_drawn_by_their_boundaries(start_daemon, boundaries, write):
    path = write(boundaries)
    served = []
    for _ in range(2):
        daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", path)
        web = Web(daemon)
        served.append(web.get(AREAS).body)
        codes = [area["code"] for area in web.get("/api/v1/models/merseyside").json["areas"]]
        web.end()
    assert served[0] == served[1]
    collection = json.loads(served[0])
    assert collection["source"] == "boundaries"
    assert [feature["properties"]["code"] for feature in collection["features"]] == codes
    assert list(collection["features"][0]["properties"]) == ["code", "name"]
    given = {feature["properties"]["MSOA11CD"]: shape(feature["geometry"]) for feature in boundaries["features"]}
    drawn = {feature["properties"]["code"]: shape(feature["geometry"]) for feature in collection["features"]}
    for code, outline in drawn.items():
        assert outline.is_valid and outline.exterior.is_ccw
        # 20 metres are 0.0003 degrees of longitude here.
        assert shapely.hausdorff_distance(outline, given[code]) < 0.0004
    assert shapely.get_num_coordinates(list(drawn.values())).sum() < shapely.get_num_coordinates(
        list(given.values())).sum() / 3  # fmt: skip
    assert len(served[0]) < len(json.dumps(boundaries)) / 5
    whole = shapely.union_all(list(drawn.values()))
    assert sum(outline.area for outline in drawn.values()) < whole.area * (1 + 1e-9), "boundaries overlap"
    assert len(whole.interiors) == len(shapely.union_all(list(given.values())).interiors) == 0, "gaps opened"
    assert events(daemon) == [
        {"time": events(daemon)[0]["time"], "event": "boundaries", "file": path, "features": 184},
        {"time": events(daemon)[1]["time"], "event": "boundaries", "model": "merseyside", "areas": 184, "without": 0},
    ]


def test_what_has_no_boundary_is_a_cell_and_is_named(start_daemon, boundaries, cells, write):
    part = {**boundaries, "features": boundaries["features"][:-7]}
    daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", write(part))
    web = Web(daemon)
    collection = web.get(AREAS).json
    assert collection["source"] == "mixed" and len(collection["features"]) == 184
    assert collection["features"][-7:] == cells["features"][-7:]
    assert collection["features"][0] != cells["features"][0]
    without = [feature["properties"]["code"] for feature in cells["features"][-7:]]
    said = events(daemon)[1]
    assert (said["without"], said["such as"]) == (7, without[:5])
    assert "some areas are drawn as cells" in web.get("/map?force=Merseyside&month=7").body.decode().lower()
    web.end()


@pytest.mark.parametrize("name", ["code", "MSOA21CD", "msoa11cd", "id", None])
def test_codes_are_found_under_several_names_and_in_several_files(start_daemon, boundaries, write, name):
    features = copy.deepcopy(boundaries["features"])
    for feature in features:
        code = feature["properties"].pop("MSOA11CD")
        feature["properties" if name else "id"] = {**feature["properties"], name: code} if name else code
        place = feature["geometry"]["coordinates"]
        feature["geometry"] = {"type": "MultiPolygon", "coordinates": [[[[*at, 12.5] for at in place[0]]]]}
    halves = [write({"features": part, "type": "FeatureCollection"}, f"{number}.json")
              for number, part in enumerate((features[:90], features[90:]))]  # fmt: skip
    daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", halves[0], "--boundaries", halves[1])
    web = Web(daemon)
    assert web.get(AREAS).json["source"] == "boundaries"
    web.end()


def test_features_of_other_forces_and_a_mark_of_order_do_no_harm(start_daemon, boundaries, tmp_path):
    other = copy.deepcopy(boundaries["features"][0])
    other["properties"]["MSOA11CD"] = "E02009999"
    path = tmp_path / "all.geojson"
    text = json.dumps({**boundaries, "features": [other, *boundaries["features"]]})
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", str(path))
    web = Web(daemon)
    assert web.get(AREAS).json["source"] == "boundaries"
    assert events(daemon)[0]["features"] == 185
    web.end()


def refused(*arguments):
    done = subprocess.run(
        [CRIMS, "serve", "--no-data", "--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=30)  # fmt: skip
    assert done.stdout == ""
    return done.returncode, done.stderr


def changed(place, value):
    def change(collection):
        part = collection
        for step in place[:-1]:
            part = part[step]
        if value is None:
            del part[place[-1]]
        else:
            part[place[-1]] = value(part[place[-1]]) if callable(value) else value

    return change


RING = ("features", 2, "geometry", "coordinates", 0)


@pytest.mark.parametrize("change, words", [
    (changed(("type",), "Topology"), "not a GeoJSON FeatureCollection"),
    (changed(("features",), None), "not a GeoJSON FeatureCollection"),
    (changed(("features",), []), "it has no feature"),
    (changed(("features", 2, "type"), "Thing"), "feature 3 is no GeoJSON Feature"),
    (changed(("features", 2, "properties", "MSOA11CD"), None),
     "feature 3 has no area's code: a property 'MSOA11CD', 'MSOA21CD' or 'code' is looked for, and there are FID"),
    (changed(("features", 2, "geometry"), {"type": "Point", "coordinates": [-3, 53]}),
     "the geometry of feature 3 ('E02001329') is a Point"),
    (changed(("features", 2, "geometry"), None), "the geometry of feature 3 ('E02001329') is missing"),
    (changed((*RING, 4), ["-3", "53"]), "feature 3 ('E02001329') has a position that is not two numbers"),
    (changed(RING, lambda ring: ring[:-1]), "feature 3 ('E02001329') has a ring that is not closed"),
    (changed(RING, lambda ring: [ring[0], ring[1], ring[0]]), "has a ring that is not closed: four positions or more"),
    (changed(RING, lambda ring: [ring[0]] * 4), "feature 3 ('E02001329') is smaller than a metre"),
    (changed(RING, lambda ring: [[334_512.1 + x, 390_123.4 + y] for x, y in ring]),
     "which are no degrees but eastings and northings of the British National Grid: export it with WGS 84"),
    (changed(("crs", "properties", "name"), "urn:ogc:def:crs:EPSG::27700"), "its coordinates are of"),
    (changed(RING, lambda ring: [[y, x] for x, y in ring]),
     "feature 3 ('E02001329') is not where that area is, at -2.88868"),
    (changed(RING, lambda ring: [[y, x] for x, y in ring]), "its positions have the latitude first"),
    (changed(RING, lambda ring: [[x + 1, y] for x, y in ring]), "feature 3 ('E02001329') is not where that area is"),
    (changed(("features", 2, "properties", "MSOA11CD"), "E02001328"), "is the area of feature 2 again"),
])  # fmt: skip
def test_a_file_that_is_wrong_is_refused_at_the_start(boundaries, write, change, words):
    collection = copy.deepcopy(boundaries)
    change(collection)
    path = write(collection)
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", path)
    assert (code, words in said, path in said) == (1, True, True), said


def test_a_file_that_is_none_is_refused_as_well(boundaries, write, tmp_path):
    path = write(json.dumps(boundaries)[:5_000])
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", path)
    assert code == 1 and "not GeoJSON" in said and "(byte " in said
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", str(tmp_path / "none"))
    assert code == 1 and "no such file" in said
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", str(tmp_path))
    assert code == 1 and "cannot be read" in said and said.count(str(tmp_path)) == 1
    path = write(boundaries)
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", path, "--boundaries", path)
    assert code == 1 and "is an area of another file, too" in said
    code, said = refused("--boundaries", path)
    assert code == 2 and "--boundaries needs --http" in said


def test_boundaries_of_other_areas_are_refused(boundaries, write):
    collection = copy.deepcopy(boundaries)
    for number, feature in enumerate(collection["features"]):
        feature["properties"] = {"LAD21CD": "E08000011", "id": f"E0100{number:04}"}
    code, said = refused("--http", "127.0.0.1:*", "--boundaries", write(collection))
    assert code == 1 and "none of its 184 features is an area of a model served here" in said
    assert "it has 'id' 'E01000000'" in said


def test_the_map_is_drawn_by_them(start_daemon, boundaries, write):
    daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", write(boundaries))
    web = Web(daemon)
    page = web.get("/map?force=Merseyside&month=7").body.decode()
    assert "cells" not in page and page.count("<path") == 184
    # The same outline, to the whole units in which the page has it.
    assert mapping(shape(web.get(AREAS).json["features"][0]["geometry"]))["type"] == "Polygon"
    web.end()


def test_a_large_file_is_not_in_memory_as_values(start_daemon, boundaries, write):
    """18 MB with places of no use between those of use: what is served is no larger for them."""

    def more(ring):
        return [[x0 + part / 20 * (x1 - x0), y0 + part / 20 * (y1 - y0)]
                for (x0, y0), (x1, y1) in zip(ring, ring[1:]) for part in range(20)] + [ring[-1]]  # fmt: skip

    features = copy.deepcopy(boundaries["features"])
    for feature in features:
        feature["geometry"]["coordinates"] = [more(ring) for ring in feature["geometry"]["coordinates"]]
    path = write({**boundaries, "features": features})
    size = os.path.getsize(path)
    assert size > 15e6
    daemon = start_daemon("--http", "127.0.0.1:*", "--boundaries", path, ready_within=30)
    with open(f"/proc/{daemon.process.pid}/status") as file:
        peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    assert peak < 60e6 + 6 * size, f"{peak / 1e6:.0f} MB for {size / 1e6:.0f} MB"
    web = Web(daemon)
    answer = web.get(AREAS)
    assert answer.json["source"] == "boundaries" and len(answer.body) < 250_000
    web.end()
