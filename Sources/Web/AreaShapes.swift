import Geometry
import Protocol

/// A model's areas as shapes on a map.
enum AreaShapes {
    /// A GeoJSON feature for each area, in the order of `describe`, with its `code` and `name`.
    static func reply(for model: JSON) -> Reply {
        let areas = model["areas"]?.elements ?? []
        let places = areas.map { (x: $0["x"]?.number ?? .nan, y: $0["y"]?.number ?? .nan) }
        let shapes: [String]
        do throws(GeometryError) {
            shapes = try AreaCells.geometries(around: places)
        } catch {
            return Reply(WebRefusal(.internalError, "the areas' cells cannot be drawn: \(error)"))
        }
        var writer = ByteWriter()
        writer.raw(#"{"type":"FeatureCollection","features":["#)
        for (number, (area, shape)) in zip(areas, shapes).enumerated() {
            if number > 0 { writer.raw(",") }
            writer.raw(#"{"type":"Feature","properties":"#)
            writer.json(.object(area.members?.filter { $0.name == "code" || $0.name == "name" } ?? []))
            writer.raw(#","geometry":"#)
            writer.raw(Array(shape.utf8))
            writer.raw("}")
        }
        writer.raw("]}")
        return Reply(.ok, .geoJSON, writer.bytes)
    }
}
