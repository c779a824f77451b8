import CGEOS
import Glibc

/// Outlines of areas that lie side by side, made of fewer points so that they still fit.
///
/// What two areas share is cut out of both as one line, and each line is thinned once: so no gap opens between
/// neighbours, and none overlaps another. No line is led across another one (GEOS' TopologyPreserveSimplify, of all lines
/// together).
public enum Coverage {
    /// A place, in units of ``grid``.
    public struct Point: Hashable, Comparable, Sendable {
        public var x: Int32
        public var y: Int32

        /// - Returns: nil for what is no longitude and latitude.
        public init?(longitude: Double, latitude: Double) {
            guard abs(longitude) <= 180, abs(latitude) <= 90 else { return nil }
            x = Int32((longitude / Coverage.grid).rounded())
            y = Int32((latitude / Coverage.grid).rounded())
        }

        public static func < (left: Point, right: Point) -> Bool { (left.x, left.y) < (right.x, right.y) }
    }

    /// Places without the first one again at the end; three at least.
    public typealias Ring = [Point]
    /// The outer ring, then holes.
    public typealias Polygon = [Ring]

    /// Degrees: about a metre.
    public static let grid = 1e-5

    /// The areas with as few points as keep their lines within `metres` of where they were.
    ///
    /// A ring that would be none any more, as one that is smaller than that, keeps all of its points, and so does an area
    /// whose lines would touch.
    ///
    /// - Returns: the areas in their order.
    /// - Complexity: O(n log n) for n points.
    /// - Throws: ``GeometryError`` where GEOS fails.
    public static func thinned(_ areas: [[Polygon]], metres: Double) throws(GeometryError) -> [[Polygon]] {
        var lines = Lines()
        let outlines = lines.cut(areas)
        guard !lines.all.isEmpty else { return areas }
        let north = lines.all.reduce(0.0) { $0 + Double($1[0].y) } / Double(lines.all.count) * grid
        // Degrees of longitude are shorter than those of latitude.
        let geos = try Context()
        let plane = Plane(geos, wide: cos(north * .pi / 180))
        var thin = try plane.thinned(lines.all, tolerance: metres / 111_195 / grid)
        // What came out wrong goes back to all of its points, which may touch what its neighbours have now.
        for _ in 0..<8 {
            var wrong: Set<Int> = []
            for outline in outlines {
                for use in try plane.wrong(outline, thin, lines.all)
                where thin[use.line].count < lines.all[use.line].count {
                    wrong.insert(use.line)
                }
            }
            if wrong.isEmpty { break }
            for line in wrong { thin[line] = lines.all[line] }
        }
        return outlines.map { Lines.assembled($0, of: thin) }
    }
}

/// Rings cut into the lines that they share.
private struct Lines {
    typealias Point = Coverage.Point

    struct Use {
        var line: Int
        var isReversed: Bool
    }

    /// Each from end to end; those that are rings begin and end at the same place.
    private(set) var all: [[Point]] = []
    private var numbers: [Edge: Int] = [:]
    private var ends: Set<Point> = []

    private struct Edge: Hashable {
        let from: Point
        let to: Point
    }

    /// - Returns: the lines of each ring of each polygon of each area.
    mutating func cut(_ areas: [[Coverage.Polygon]]) -> [[[[Use]]]] {
        findEnds(areas)
        return areas.map { $0.map { $0.map { cut($0) } } }
    }

    /// The polygons of one area, of lines that have taken the place of these.
    static func assembled(_ polygons: [[[Use]]], of lines: [[Point]]) -> [Coverage.Polygon] {
        polygons.map { rings in
            rings.map { uses in
                var ring: Coverage.Ring = []
                for use in uses {
                    // Each line ends where the next begins.
                    ring += use.isReversed ? Array(lines[use.line].reversed().dropLast()) : lines[use.line].dropLast()
                }
                return ring
            }
        }
    }

    /// A place is an end where rings part: where it does not always have the same two neighbours.
    private mutating func findEnds(_ areas: [[Coverage.Polygon]]) {
        var neighbours: [Point: Edge] = [:]
        neighbours.reserveCapacity(areas.reduce(0) { $0 + $1.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } })
        for ring in areas.joined().joined() {
            for (index, point) in ring.enumerated() {
                let (one, other) = (ring[(index + ring.count - 1) % ring.count], ring[(index + 1) % ring.count])
                let pair = Edge(from: min(one, other), to: max(one, other))
                if neighbours.updateValue(pair, forKey: point) ?? pair != pair { ends.insert(point) }
            }
        }
    }

    private mutating func cut(_ ring: Coverage.Ring) -> [Use] {
        let cuts = ring.indices.filter { ends.contains(ring[$0]) }
        guard let first = cuts.first else {
            // An island: it begins at its least place, whoever's ring it is.
            let least = ring.indices.min { ring[$0] < ring[$1] }!
            return [use(ring[least...] + ring[..<least] + [ring[least]])]
        }
        return cuts.indices.map { number in
            let (start, end) = (cuts[number], number + 1 < cuts.count ? cuts[number + 1] : first + ring.count)
            return use((start...end).map { ring[$0 % ring.count] })
        }
    }

    /// The line in the direction that both sides have in common.
    private mutating func use(_ line: some Collection<Point>) -> Use {
        let line = Array(line)
        let (first, last) = (line[0], line[line.count - 1])
        let isReversed = first == last ? line[line.count - 2] < line[1] : last < first
        let common = isReversed ? line.reversed() : line
        // Between two ends only one line begins with these two places.
        let edge = Edge(from: common[0], to: common[1])
        if let number = numbers[edge] { return Use(line: number, isReversed: isReversed) }
        numbers[edge] = all.count
        all.append(common)
        return Use(line: all.count - 1, isReversed: isReversed)
    }
}

/// Points as GEOS has them, in units of the grid, with as much of a metre in one direction as in the other.
private struct Plane {
    let geos: Context
    let wide: Double

    init(_ geos: Context, wide: Double) { (self.geos, self.wide) = (geos, wide) }

    func thinned(_ lines: [[Coverage.Point]], tolerance: Double) throws(GeometryError) -> [[Coverage.Point]] {
        var parts: [OpaquePointer?] = []
        for line in lines { parts.append(try geometry(line, GEOSGeom_createLineString_r)) }
        let collection = try geos.take("GEOSGeom_createCollection") {
            GEOSGeom_createCollection_r($0, Int32(GEOS_GEOMETRYCOLLECTION.rawValue), &parts, UInt32(parts.count))
        }
        let thin = try geos.take("GEOSTopologyPreserveSimplify") {
            GEOSTopologyPreserveSimplify_r($0, collection.pointer, tolerance)
        }
        guard GEOSGetNumGeometries_r(geos.handle, thin.pointer) == lines.count else {
            throw GeometryError(call: "GEOSTopologyPreserveSimplify")
        }
        return try lines.indices.map { (number) throws(GeometryError) in
            guard let part = GEOSGetGeometryN_r(geos.handle, thin.pointer, Int32(number)),
                let sequence = GEOSGeom_getCoordSeq_r(geos.handle, part)
            else { throw GeometryError(call: "GEOSGeom_getCoordSeq") }
            return try points(of: sequence)
        }
    }

    /// The lines of an area that have lost too many points: those of rings that are none any more, or all of them if they
    /// touch where they did not.
    func wrong(
        _ polygons: [[[Lines.Use]]], _ thin: [[Coverage.Point]], _ whole: [[Coverage.Point]]
    ) throws(GeometryError) -> [Lines.Use] {
        let area = Lines.assembled(polygons, of: thin)
        let lost = zip(polygons.joined(), area.joined()).filter { $1.count < 3 }
        guard lost.isEmpty else { return lost.flatMap(\.0) }
        if try isValid(area) { return [] }
        return try isValid(Lines.assembled(polygons, of: whole)) ? Array(polygons.joined().joined()) : []
    }

    private func isValid(_ polygons: [Coverage.Polygon]) throws(GeometryError) -> Bool {
        var parts: [OpaquePointer?] = []
        for polygon in polygons {
            var rings: [OpaquePointer?] = []
            for ring in polygon { rings.append(try geometry(ring + [ring[0]], GEOSGeom_createLinearRing_r)) }
            var holes = Array(rings.dropFirst())
            guard let part = GEOSGeom_createPolygon_r(geos.handle, rings[0], &holes, UInt32(holes.count)) else {
                throw GeometryError(call: "GEOSGeom_createPolygon")
            }
            parts.append(part)
        }
        let area = try geos.take("GEOSGeom_createCollection") {
            GEOSGeom_createCollection_r($0, Int32(GEOS_MULTIPOLYGON.rawValue), &parts, UInt32(parts.count))
        }
        return GEOSisValid_r(geos.handle, area.pointer) == 1
    }

    private func geometry(
        _ points: [Coverage.Point], _ make: (OpaquePointer?, OpaquePointer?) -> OpaquePointer?
    ) throws(GeometryError) -> OpaquePointer {
        var numbers: [Double] = []
        numbers.reserveCapacity(2 * points.count)
        for point in points { numbers += [Double(point.x) * wide, Double(point.y)] }
        guard let sequence = GEOSCoordSeq_copyFromBuffer_r(geos.handle, numbers, UInt32(points.count), 0, 0),
            let geometry = make(geos.handle, sequence)
        else { throw GeometryError(call: "GEOSCoordSeq_copyFromBuffer") }
        return geometry
    }

    private func points(of sequence: OpaquePointer) throws(GeometryError) -> [Coverage.Point] {
        var count = UInt32(0)
        GEOSCoordSeq_getSize_r(geos.handle, sequence, &count)
        var numbers = [Double](repeating: 0, count: 2 * Int(count))
        guard GEOSCoordSeq_copyToBuffer_r(geos.handle, sequence, &numbers, 0, 0) == 1 else {
            throw GeometryError(call: "GEOSCoordSeq_copyToBuffer")
        }
        return (0..<Int(count)).map { index in
            Coverage.Point(x: Int32((numbers[2 * index] / wide).rounded()), y: Int32(numbers[2 * index + 1].rounded()))
        }
    }
}

extension Coverage.Point {
    fileprivate init(x: Int32, y: Int32) { (self.x, self.y) = (x, y) }
}
