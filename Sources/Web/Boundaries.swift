import CSystem
import CrimsCore
import Geometry
import Protocol

/// Areas' boundaries as files of the user's give them, made small enough to be sent to a browser.
public struct Boundaries: Sendable {
    /// GeoJSON geometries by the areas' codes.
    let geometries: [String: String]
    /// For the log: what each file has, and what each model lacks.
    public let facts: [[JSON.Member]]

    public init() { (geometries, facts) = ([:], []) }

    /// How far a line may move where points are left out: less than a pixel until a screen shows a town district alone.
    private static let metres = 20.0
    private static let namedMax = 5

    /// Reads GeoJSON files.
    ///
    /// - Parameter models: those whose areas are looked for; other features are checked and forgotten.
    /// - Throws: ``WebError/boundaries(path:reason:)`` for a file that is not in order, or has none of the areas.
    public init(files: [String], for models: [CrimeModel]) throws(WebError) {
        var centroids: [String: (x: Double, y: Double)] = [:]
        for area in models.lazy.flatMap(\.areas) { centroids[area.code] = (area.longitude, area.latitude) }
        var found: [String: [Coverage.Polygon]] = [:]
        var facts: [[JSON.Member]] = []
        for path in files {
            var file = BoundariesFile(path: path, centroids: centroids, found: found)
            try file.read()
            found = file.found
            facts.append([.init("file", .string(path)), .init("features", .number(Double(file.count)))])
        }
        let codes = found.keys.sorted()
        let thinned: [[Coverage.Polygon]]
        do throws(GeometryError) {
            thinned = try Coverage.thinned(codes.map { found[$0]! }, metres: Self.metres)
        } catch {
            throw .boundaries(path: files.joined(separator: ", "), reason: "\(error)")
        }
        geometries = Dictionary(uniqueKeysWithValues: zip(codes, thinned.map(Self.geometry)))
        for model in models {
            let without = model.areas.map(\.code).filter { found[$0] == nil }
            // Without any, it is of another force than the files, and that is as it should be.
            guard without.count < model.areas.count else { continue }
            var members: [JSON.Member] = [
                .init("model", .string(model.name)), .init("areas", .number(Double(model.areas.count))),
                .init("without", .number(Double(without.count))),
            ]
            if !without.isEmpty {
                members.append(.init("such as", .array(without.prefix(Self.namedMax).map { .string($0) })))
            }
            facts.append(members)
        }
        self.facts = facts
        // A file of the whole country has taken hundreds of megabytes, which nothing asks for again.
        found = [:]
        crims_give_memory_back()
    }

    /// As RFC 7946 has it: outer rings against the clock, holes with it.
    private static func geometry(_ polygons: [Coverage.Polygon]) -> String {
        var writer = ByteWriter()
        writer.raw(
            polygons.count == 1 ? #"{"type":"Polygon","coordinates":"# : #"{"type":"MultiPolygon","coordinates":["#)
        for (number, polygon) in polygons.enumerated() {
            if number > 0 { writer.raw(",") }
            writer.raw("[")
            for (number, ring) in polygon.enumerated() {
                if number > 0 { writer.raw(",") }
                let isRight = (doubleArea(ring) > 0) == (number == 0)
                let ring = isRight ? ring : ring.reversed()
                writer.raw("[")
                for point in ring + [ring[0]] {
                    writer.raw(writer.bytes.last == UInt8(ascii: "[") ? "[" : ",[")
                    writer.degrees(point.x)
                    writer.raw(",")
                    writer.degrees(point.y)
                    writer.raw("]")
                }
                writer.raw("]")
            }
            writer.raw("]")
        }
        writer.raw(polygons.count == 1 ? "}" : "]}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func doubleArea(_ ring: Coverage.Ring) -> Int {
        ring.indices.reduce(0) { sum, index in
            let (one, other) = (ring[index], ring[(index + 1) % ring.count])
            return sum + Int(one.x) * Int(other.y) - Int(other.x) * Int(one.y)
        }
    }
}

extension ByteWriter {
    /// Degrees from units of ``Coverage/grid``, with 5 places at most.
    fileprivate mutating func degrees(_ units: Int32) {
        if units < 0 { raw("-") }
        integer(Int(units.magnitude / 100_000))
        var (rest, places) = (Int(units.magnitude % 100_000), 5)
        guard rest > 0 else { return }
        while rest % 10 == 0 { (rest, places) = (rest / 10, places - 1) }
        raw(".")
        let digits = String(rest)
        text(String(repeating: "0", count: places - digits.utf8.count) + digits)
    }
}
