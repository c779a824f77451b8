"""Cells around areas' centroids, for the page's tests, which have no boundaries."""

import math

import shapely


def cells(areas):
    """A FeatureCollection with a cell for each area, in their order, clipped to the land that the centroids span."""
    north = sum(area["y"] for area in areas) / len(areas)
    wide = math.cos(math.radians(north))
    points = shapely.points([[area["x"] * wide, area["y"]] for area in areas])
    cloud = shapely.multipoints(points)
    spacing = math.sqrt(shapely.area(shapely.convex_hull(cloud)) / len(areas))
    land = shapely.buffer(shapely.concave_hull(cloud, ratio=0.12), 0.8 * spacing)
    drawn = list(shapely.get_parts(shapely.voronoi_polygons(cloud, extend_to=land)))
    tree = shapely.STRtree(drawn)
    features = []
    for area, point in zip(areas, points):
        cell = drawn[tree.query(point, predicate="intersects")[0]]
        cell = shapely.transform(shapely.intersection(cell, land), lambda xy: xy / [wide, 1])
        parts = [part for part in shapely.get_parts(cell) if part.geom_type == "Polygon"]
        outlines = [[[[round(x, 5), round(y, 5)] for x, y in ring.coords] for ring in (part.exterior, *part.interiors)]
                    for part in parts]
        features.append({
            "type": "Feature",
            "properties": {"code": area["code"], "name": area["name"]},
            "geometry": {"type": "MultiPolygon", "coordinates": outlines},
        })
    return {"type": "FeatureCollection", "features": features}
