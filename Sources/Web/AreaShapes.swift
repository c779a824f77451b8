import Geometry
import Protocol

/// Areas as shapes on a map: their boundaries where they are given, and else cells around their centroids.
struct AreaShapes {
    /// Where shapes are from.
    enum Source: String {
        case boundaries, cells
        /// Some of each.
        case mixed
    }

    let source: Source
    /// A GeoJSON geometry for each area, in their order.
    let geometries: [String]

    init(of areas: [(code: String, x: Double, y: Double)], _ boundaries: Boundaries) throws(GeometryError) {
        let given = areas.map { boundaries.geometries[$0.code] }
        let count = given.count(where: { $0 != nil })
        source = count == 0 ? .cells : count == areas.count ? .boundaries : .mixed
        // A cell is as large as its neighbours' centroids let it be, whether they have boundaries or not.
        let cells = source == .boundaries ? [] : try AreaCells.geometries(around: areas.map { ($0.x, $0.y) })
        geometries = given.enumerated().map { $1 ?? cells[$0] }
    }

    /// A GeoJSON feature for each area of a model, in the order of `describe`, with its `code` and `name`.
    static func reply(for model: JSON, _ boundaries: Boundaries) -> Reply {
        let areas = model["areas"]?.elements ?? []
        let shapes: AreaShapes
        do throws(GeometryError) {
            shapes = try AreaShapes(
                of: areas.map { ($0["code"]?.text ?? "", $0["x"]?.number ?? .nan, $0["y"]?.number ?? .nan) }, boundaries
            )
        } catch {
            return Reply(WebRefusal(.internalError, "the areas' cells cannot be drawn: \(error)"))
        }
        var writer = ByteWriter()
        writer.raw(#"{"type":"FeatureCollection","source":"#)
        writer.quoted(shapes.source.rawValue)
        writer.raw(#","features":["#)
        for (number, (area, shape)) in zip(areas, shapes.geometries).enumerated() {
            if number > 0 { writer.raw(",") }
            writer.raw(#"{"type":"Feature","properties":"#)
            writer.json(.object(area.members?.filter { $0.name == "code" || $0.name == "name" } ?? []))
            writer.raw(#","geometry":"#)
            writer.text(shape)
            writer.raw("}")
        }
        writer.raw("]}")
        return Reply(.ok, .geoJSON, writer.bytes)
    }
}
