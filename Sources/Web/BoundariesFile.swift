import Geometry
import Models
import Protocol

/// One file of boundaries: a GeoJSON FeatureCollection, as ONS' Open Geography portal gives it.
struct BoundariesFile {
    let path: String
    /// Of the areas that are looked for.
    let centroids: [String: (x: Double, y: Double)]
    /// The areas that were found, by their codes.
    private(set) var found: [String: [Coverage.Polygon]]
    /// Features of the file.
    private(set) var count = 0
    private var numbers: [String: Int] = [:]
    private var example = ""

    /// What the property with an area's code may be called, in lower case: ONS names it by the year of the boundaries.
    private static let names = ["code", "msoa11cd", "msoa21cd", "msoa01cd", "areacd", "geo_code", "id"]
    /// Degrees by which a centroid may lie outside its area.
    private static let near = 0.1

    init(path: String, centroids: [String: (x: Double, y: Double)], found: [String: [Coverage.Polygon]]) {
        (self.path, self.centroids, self.found) = (path, centroids, found)
    }

    mutating func read() throws(WebError) {
        let before = found.count
        let read: [UInt8]?
        do throws(ModelError) {
            read = try FileSystem.read(path)
        } catch {
            guard case .system(_, _, _, let reason) = error else { throw failure("\(error)") }
            throw failure("it cannot be read: \(reason)")
        }
        guard let bytes = read else { throw failure("no such file") }
        var members: [JSON.Member] = []
        var failure: WebError?
        do throws(JSONSyntaxError) {
            let begin = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            let result: Result<[JSON.Member], JSONSyntaxError> = bytes.withUnsafeBytes { bytes in
                do throws(JSONSyntaxError) {
                    return .success(
                        try JSON.members(of: .init(rebasing: bytes[begin...]), eachOf: "features") { feature, _ in
                            do throws(WebError) {
                                try add(feature)
                                return true
                            } catch {
                                failure = error
                                return false
                            }
                        })
                } catch {
                    return .failure(error)
                }
            }
            members = try result.get()
        } catch {
            throw self.failure("not GeoJSON: \(error.reason) (byte \(error.offset))")
        }
        if let system = members.first(where: { $0.name == "crs" })?.value { try check(system: system) }
        if let failure { throw failure }
        guard members.contains(where: { $0 == .init("type", "FeatureCollection") }),
            members.contains(where: { $0 == .init("features", .array([])) })
        else { throw self.failure("not a GeoJSON FeatureCollection: 'type' or 'features' is missing, or another") }
        guard found.count > before else {
            let sample = centroids.keys.min().map { ", such as '\($0)'" } ?? ""
            throw self.failure(
                count == 0
                    ? "it has no feature"
                    : "none of its \(count) features is an area of a model served here\(sample); it has \(example)")
        }
    }

    private func failure(_ reason: String) -> WebError { .boundaries(path: path, reason: reason) }

    /// Only that of GeoJSON; ETRS89 differs from it by less than a metre.
    private func check(system: JSON) throws(WebError) {
        guard let name = system["properties"]?["name"]?.text else { return }
        guard !["CRS84", "4326", "4258"].contains(where: name.hasSuffix) else { return }
        throw failure("its coordinates are of '\(name)': \(Self.remedy)")
    }

    private static let remedy = "export it with WGS 84 longitudes and latitudes (EPSG:4326), as GeoJSON has them"

    private mutating func add(_ feature: JSON) throws(WebError) {
        count += 1
        let place = "feature \(count)"
        guard feature["type"]?.text == "Feature" else { throw failure("\(place) is no GeoJSON Feature") }
        let (name, code) = try code(of: feature, place)
        if example.isEmpty { example = "'\(name)' '\(code)'" }
        let named = "\(place) ('\(code)')"
        let polygons = try polygons(of: feature["geometry"] ?? .null, named)
        guard let centroid = centroids[code] else { return }
        if let other = numbers[code] { throw failure("\(named) is the area of feature \(other) again") }
        guard found[code] == nil else { throw failure("\(named) is an area of another file, too") }
        numbers[code] = count
        try check(polygons, around: centroid, named)
        found[code] = polygons
    }

    private func code(of feature: JSON, _ place: String) throws(WebError) -> (name: String, code: String) {
        let properties = feature["properties"]?.members ?? []
        for name in Self.names {
            let member = properties.first { $0.name.lowercased() == name && !($0.value.text ?? "").isEmpty }
            if let member, let code = member.value.text { return (member.name, code) }
        }
        if let code = feature["id"]?.text, !code.isEmpty { return ("id", code) }
        let names = properties.map(\.name)
        throw failure(
            "\(place) has no area's code: a property 'MSOA11CD', 'MSOA21CD' or 'code' is looked for"
                + (names.isEmpty ? "" : ", and there are \(names.joined(separator: ", "))"))
    }

    private func polygons(of geometry: JSON, _ place: String) throws(WebError) -> [Coverage.Polygon] {
        guard let kind = geometry["type"]?.text, kind == "Polygon" || kind == "MultiPolygon",
            let coordinates = geometry["coordinates"]?.elements
        else {
            throw failure(
                "the geometry of \(place) is \(geometry["type"]?.text.map { "a \($0)" } ?? "missing"); "
                    + "a Polygon or a MultiPolygon with its coordinates is expected")
        }
        var polygons: [Coverage.Polygon] = []
        for polygon in kind == "Polygon" ? [geometry["coordinates"]!] : coordinates {
            guard let rings = polygon.elements, !rings.isEmpty else {
                throw failure("\(place) has a polygon without rings")
            }
            var parts: Coverage.Polygon = []
            for ring in rings {
                let points = try points(of: ring, place)
                // Smaller than a metre: a hole or an island that nobody can see.
                if points.count < 3, parts.isEmpty { break }
                if points.count >= 3 { parts.append(points) }
            }
            if !parts.isEmpty { polygons.append(parts) }
        }
        guard !polygons.isEmpty else { throw failure("\(place) is smaller than a metre") }
        return polygons
    }

    private func points(of ring: JSON, _ place: String) throws(WebError) -> Coverage.Ring {
        guard let positions = ring.elements, positions.count >= 4, positions.first == positions.last else {
            throw failure("\(place) has a ring that is not closed: four positions or more, the last as the first")
        }
        var points: Coverage.Ring = []
        points.reserveCapacity(positions.count)
        for position in positions.dropLast() {
            guard case .array(let numbers) = position, numbers.count >= 2, let x = numbers[0].number,
                let y = numbers[1].number, x.isFinite, y.isFinite
            else { throw failure("\(place) has a position that is not two numbers") }
            guard let point = Coverage.Point(longitude: x, latitude: y) else {
                let isGrid = (0...800_000).contains(x) && (0...1_300_000).contains(y)
                throw failure(
                    "\(place) has a position of \(x), \(y), which are no degrees"
                        + (isGrid ? " but eastings and northings of the British National Grid" : "") + ": "
                        + Self.remedy)
            }
            if points.last != point { points.append(point) }
        }
        while points.count > 1, points.last == points.first { points.removeLast() }
        return points
    }

    private func check(
        _ polygons: [Coverage.Polygon], around centroid: (x: Double, y: Double), _ place: String
    ) throws(WebError) {
        let points = polygons.lazy.map { $0[0] }.joined()
        let (xs, ys) = (points.map { Double($0.x) * Coverage.grid }, points.map { Double($0.y) * Coverage.grid })
        let (wide, high) = (xs.min()!...xs.max()!, ys.min()!...ys.max()!)
        func isNear(_ value: Double, _ range: ClosedRange<Double>) -> Bool {
            value > range.lowerBound - Self.near && value < range.upperBound + Self.near
        }
        guard !isNear(centroid.x, wide) || !isNear(centroid.y, high) else { return }
        let isSwapped = isNear(centroid.y, wide) && isNear(centroid.x, high)
        throw failure(
            "\(place) is not where that area is, at \(centroid.x), \(centroid.y)"
                + (isSwapped ? ": its positions have the latitude first, and GeoJSON the longitude" : ""))
    }
}
