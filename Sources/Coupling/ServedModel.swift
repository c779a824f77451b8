import CrimsCore
import Protocol

/// A model as clients see it: names to look up, and its parts of a reply written once.
public final class ServedModel: Sendable {
    public let prepared: PreparedModel
    public var model: CrimeModel { prepared.model }
    /// Indices by lower-case offence code and description.
    private let crimesByCode: [String: [Int]]
    private let crimesByDescription: [String: [Int]]
    public let fragments: IncidentFragments

    public init(_ model: CrimeModel) {
        prepared = PreparedModel(model)
        let crimes = Array(model.crimes.enumerated())
        crimesByCode = Dictionary(grouping: crimes.indices) { crimes[$0].element.code.lowercased() }
        crimesByDescription = Dictionary(grouping: crimes.indices) { crimes[$0].element.description.lowercased() }
        fragments = IncidentFragments(model)
    }

    /// Ascending indices of the areas, or `unknown_area`.
    public func areas(_ codes: [String]) throws(Refusal) -> [Int] {
        var indices: Set<Int> = []
        for code in codes {
            guard let index = prepared.areaIndex[code] else {
                let hint =
                    Spelling.nearest(to: code, in: model.areas.map(\.code)).map { "; did you mean '\($0)'?" }
                    ?? "; 'describe' lists its \(model.areas.count) areas"
                throw .unknown(.unknownArea, name: code, "model '\(model.name)' has no area '\(code)'\(hint)")
            }
            indices.insert(index)
        }
        return indices.sorted()
    }

    /// Ascending indices of the crimes that any of the lists names, nil if there are none; or `unknown_crime`.
    func crimes(categories: [String]?, codes: [String]?, descriptions: [String]?) throws(Refusal) -> [Int]? {
        if categories == nil, codes == nil, descriptions == nil { return nil }
        var indices: Set<Int> = []
        for category in categories ?? [] {
            indices.formUnion(prepared.crimesOfCategory[try self.category(category)])
        }
        for code in codes ?? [] {
            guard let found = crimesByCode[code.lowercased()] else {
                throw unknownCrime(code, "offence code", model.crimes.map(\.code))
            }
            indices.formUnion(found)
        }
        for description in descriptions ?? [] {
            guard let found = crimesByDescription[description.lowercased()] else {
                throw unknownCrime(description, "offence description", model.crimes.map(\.description))
            }
            indices.formUnion(found)
        }
        return indices.sorted()
    }

    /// The index of a category, or `unknown_crime`.
    public func category(_ name: String) throws(Refusal) -> Int {
        guard let index = prepared.categoryIndex[name.lowercased()] else {
            throw unknownCrime(name, "category", model.categories)
        }
        return index
    }

    private func unknownCrime(_ name: String, _ kind: String, _ known: [String]) -> Refusal {
        let hint =
            Spelling.nearest(to: name, in: known).map { "; did you mean '\($0)'?" }
            ?? (known.count <= 20 ? "; there are \(known.joined(separator: ", "))" : "; 'describe' lists them")
        return .unknown(.unknownCrime, name: name, "model '\(model.name)' has no \(kind) '\(name)'\(hint)")
    }

    /// The members of a `describe` reply.
    public func writeDescription(_ writer: inout ByteWriter) {
        writer.raw(",\"model\":")
        writer.quoted(model.name)
        writer.raw(",\"title\":")
        writer.quoted(model.title)
        writer.raw(",\"digest\":")
        writer.quoted(model.digest)
        writer.raw(",\"period\":{\"from\":")
        writer.quoted(model.period.from.text)
        writer.raw(",\"to\":")
        writer.quoted(model.period.to.text)
        writer.raw("},\"areas\":[")
        for (index, area) in model.areas.enumerated() {
            writer.raw(index > 0 ? ",{\"code\":" : "{\"code\":")
            writer.quoted(area.code)
            writer.raw(",\"name\":")
            writer.quoted(area.name)
            writer.raw(",\"x\":")
            writer.json(.number(area.longitude))
            writer.raw(",\"y\":")
            writer.json(.number(area.latitude))
            writer.raw(",\"population\":")
            writer.integer(area.population)
            writer.raw(area.isImputed ? ",\"imputed\":true}" : "}")
        }
        writer.raw("],\"imputed_areas\":")
        writer.integer(model.areas.count(where: \.isImputed))
        writer.raw(",\"categories\":")
        writer.json(.array(model.categories.map { .string($0) }))
        writer.raw(",\"crimes\":[")
        for (index, crime) in model.crimes.enumerated() {
            writer.raw(index > 0 ? ",{\"code\":" : "{\"code\":")
            writer.quoted(crime.code)
            writer.raw(",\"description\":")
            writer.quoted(crime.description)
            writer.raw(",\"category\":")
            writer.quoted(model.categories[crime.category])
            writer.raw(",\"severity\":")
            writer.json(.number(crime.severity))
            writer.raw("}")
        }
        writer.raw("],\"expected_per_year\":")
        writer.real(prepared.expectedPerYear())
    }
}
