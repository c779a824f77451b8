import CrimsCore
import Protocol

/// What the predecessor's paths are asked for: a force's incidents of a month, or of a year.
package struct DataQuestion: Equatable, Sendable {
    package enum Format: String, Sendable {
        case json, csv
    }

    package var force: String
    /// 1…12; nil for the whole year.
    package var month: Int?
    /// Nil for the first year after the model's period.
    package var year: Int?
    package var seed = 0
    package var format = Format.json

    static let parameters = ["force", "month", "year", "seed"]
    /// The last year of which every month can be drawn.
    static let years = 1970...2208

    package init(_ query: QueryReader) throws(WebRefusal) {
        guard let force = query.text("force"), !force.isEmpty else {
            throw .badRequest("'force' is required: the name of a police force, such as Merseyside", field: "force")
        }
        guard force.utf8.count <= 100 else { throw .badRequest("no force has a name that long", field: "force") }
        self.force = force
        month = try Self.number(query, "month", 1...12)
        year = try Self.number(query, "year", Self.years)
        if let seed = try query.number("seed") { self.seed = seed }
        guard let text = query.text("format") else { return }
        guard let format = Format(rawValue: text) else {
            throw .badRequest("'format' is json or csv, not '\(text)'", field: "format")
        }
        self.format = format
    }

    private static func number(_ query: QueryReader, _ name: String, _ range: ClosedRange<Int>) throws(WebRefusal)
        -> Int?
    {
        guard let number = try query.number(name) else { return nil }
        guard range.contains(number) else {
            throw .badRequest(
                "'\(name)' is from \(range.lowerBound) to \(range.upperBound), not \(number)", field: name)
        }
        return number
    }

    /// The year that is meant: the one asked for, or the first that begins after the records that the model is from.
    package func year(after period: (from: CivilMonth, to: CivilMonth)) -> Int {
        year ?? min(CivilMonth(index: period.to.index + 12).year, Self.years.upperBound)
    }

    /// The run that has these incidents.
    func run(of model: CrimeModel) -> OpenRequest {
        let year = year(after: model.period)
        let first = CivilMonth(year: year, month: month ?? 1)
        let last = CivilMonth(year: year, month: month ?? 12)
        return OpenRequest(
            model: model.name, start: first.start, end: last.next.start, world: World(seed: UInt64(seed)))
    }
}
