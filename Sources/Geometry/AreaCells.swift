import CGEOS
import Glibc

/// What GEOS could not do, in its own words.
public struct GeometryError: Error, CustomStringConvertible {
    public let call: String

    public var description: String { "\(call) of GEOS failed" }
}

/// Cells around the centroids of areas whose boundaries nobody has given: each is nearer to its own than to any other,
/// and all end where the land that the centroids span does.
public enum AreaCells {
    /// How closely the land follows the centroids: 0 as closely as can be, 1 their convex hull.
    private static let hullRatio = 0.12
    /// How far the land goes beyond them, over the mean distance between two.
    private static let margin = 0.8
    /// Of what is given back, in degrees: about a metre.
    private static let grid = 1e-5

    /// - Parameter places: WGS84 longitudes and latitudes, in degrees.
    /// - Returns: a GeoJSON geometry for each, in their order.
    /// - Complexity: O(n log n).
    /// - Throws: ``GeometryError`` where GEOS fails, as for places that are no numbers.
    public static func geometries(around places: [(x: Double, y: Double)]) throws(GeometryError) -> [String] {
        guard !places.isEmpty else { return [] }
        let geos = try Context()
        let north = places.reduce(0) { $0 + $1.y } / Double(places.count)
        // Degrees of longitude are shorter than those of latitude.
        var wide = cos(north * .pi / 180)
        let points = try places.map { (place) throws(GeometryError) in try geos.point(place.x * wide, place.y) }
        let cloud = try geos.collection(of: points)
        let land = try geos.land(around: cloud, count: places.count, ratio: hullRatio, margin: margin)
        let drawn = try geos.parts(of: try geos.voronoi(cloud, around: land))
        let index = try geos.index(of: drawn)
        var texts: [String] = []
        texts.reserveCapacity(places.count)
        for point in points {
            guard let cell = geos.first(in: index, of: drawn, at: point) else {
                throw GeometryError(call: "GEOSSTRtree_query")
            }
            let cut = try geos.take("GEOSIntersection") { GEOSIntersection_r($0, cell.pointer, land.pointer) }
            let degrees = try geos.take("GEOSGeom_transformXY") {
                GEOSGeom_transformXY_r(
                    $0, cut.pointer,
                    { x, _, wide in
                        x!.pointee /= wide!.assumingMemoryBound(to: Double.self).pointee
                        return 1
                    }, &wide)
            }
            texts.append(
                try geos.text(
                    of: try geos.take("GEOSGeom_setPrecision") {
                        GEOSGeom_setPrecision_r($0, degrees.pointer, grid, 0)
                    }))
        }
        return texts
    }
}

/// One geometry, given back when nobody holds it any more.
final class Shape {
    let context: Context
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer, in context: Context) { (self.pointer, self.context) = (pointer, context) }

    deinit { GEOSGeom_destroy_r(context.handle, pointer) }
}

/// GEOS' state, of one thread.
final class Context {
    let handle: OpaquePointer

    init() throws(GeometryError) {
        guard let handle = GEOS_init_r() else { throw GeometryError(call: "GEOS_init") }
        self.handle = handle
    }

    deinit { GEOS_finish_r(handle) }

    func take(_ call: String, _ make: (OpaquePointer) -> OpaquePointer?) throws(GeometryError) -> Shape {
        guard let pointer = make(handle) else { throw GeometryError(call: call) }
        return Shape(pointer, in: self)
    }

    func point(_ x: Double, _ y: Double) throws(GeometryError) -> Shape {
        try take("GEOSGeom_createPointFromXY") { GEOSGeom_createPointFromXY_r($0, x, y) }
    }

    func collection(of points: [Shape]) throws(GeometryError) -> Shape {
        // The collection owns its parts.
        var parts: [OpaquePointer?] = points.map { GEOSGeom_clone_r(handle, $0.pointer) }
        return try take("GEOSGeom_createCollection") {
            GEOSGeom_createCollection_r($0, Int32(GEOS_MULTIPOINT.rawValue), &parts, UInt32(parts.count))
        }
    }

    func land(around cloud: Shape, count: Int, ratio: Double, margin: Double) throws(GeometryError) -> Shape {
        let whole = try take("GEOSConvexHull") { GEOSConvexHull_r($0, cloud.pointer) }
        var area = 0.0
        GEOSArea_r(handle, whole.pointer, &area)
        // Places that lie in a line, or alone, span no area.
        let spacing = area > 0 ? (area / Double(count)).squareRoot() : 0.02
        let hull = try take("GEOSConcaveHull") { GEOSConcaveHull_r($0, cloud.pointer, ratio, 0) }
        return try take("GEOSBuffer") { GEOSBuffer_r($0, hull.pointer, margin * spacing, 8) }
    }

    func voronoi(_ cloud: Shape, around land: Shape) throws(GeometryError) -> Shape {
        let cells = try take("GEOSVoronoiDiagram") { GEOSVoronoiDiagram_r($0, cloud.pointer, land.pointer, 0, 0) }
        // Around one place, or several that are the same, there is nothing to part.
        return GEOSGetNumGeometries_r(handle, cells.pointer) > 0 ? cells : land
    }

    func parts(of shape: Shape) throws(GeometryError) -> [Shape] {
        try (0..<GEOSGetNumGeometries_r(handle, shape.pointer)).map { (number) throws(GeometryError) in
            try take("GEOSGetGeometryN") { handle in
                GEOSGetGeometryN_r(handle, shape.pointer, number).flatMap { GEOSGeom_clone_r(handle, $0) }
            }
        }
    }

    /// An index of where the shapes are, by their numbers.
    func index(of shapes: [Shape]) throws(GeometryError) -> Index {
        guard let tree = GEOSSTRtree_create_r(handle, 10) else { throw GeometryError(call: "GEOSSTRtree_create") }
        for (number, shape) in shapes.enumerated() {
            GEOSSTRtree_insert_r(handle, tree, shape.pointer, UnsafeMutableRawPointer(bitPattern: number + 1))
        }
        return Index(tree, in: self)
    }

    /// The first of the shapes that meet a point.
    func first(in index: Index, of shapes: [Shape], at point: Shape) -> Shape? {
        var near: [Int] = []
        withUnsafeMutablePointer(to: &near) { near in
            GEOSSTRtree_query_r(
                handle, index.tree, point.pointer,
                { item, list in
                    list!.assumingMemoryBound(to: [Int].self).pointee.append(Int(bitPattern: item) - 1)
                }, near)
        }
        return near.sorted().first { GEOSIntersects_r(handle, shapes[$0].pointer, point.pointer) == 1 }.map {
            shapes[$0]
        }
    }

    func text(of shape: Shape) throws(GeometryError) -> String {
        guard let writer = GEOSGeoJSONWriter_create_r(handle) else {
            throw GeometryError(call: "GEOSGeoJSONWriter_create")
        }
        defer { GEOSGeoJSONWriter_destroy_r(handle, writer) }
        guard let text = GEOSGeoJSONWriter_writeGeometry_r(handle, writer, shape.pointer, -1) else {
            throw GeometryError(call: "GEOSGeoJSONWriter_writeGeometry")
        }
        defer { GEOSFree_r(handle, text) }
        return String(cString: text)
    }
}

/// An index of shapes, given back when nobody holds it any more.
final class Index {
    let tree: OpaquePointer
    private let context: Context

    init(_ tree: OpaquePointer, in context: Context) { (self.tree, self.context) = (tree, context) }

    deinit { GEOSSTRtree_destroy_r(context.handle, tree) }
}
