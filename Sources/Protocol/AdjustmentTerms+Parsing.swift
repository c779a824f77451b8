import CrimsCore

extension Adjustment.Mode: CaseIterable {
    public static let allCases: [Adjustment.Mode] = [.scale, .set]
}

extension Adjustment.Target: CaseIterable {
    public static let allCases: [Adjustment.Target] = [.incidence, .suspect]
}

extension AdjustmentTerms {
    static let fields = [
        "factor", "mode", "areas", "categories", "codes", "descriptions", "from", "until", "half_life", "displacement",
        "target", "key", "source", "reason",
    ]

    /// Reads an adjustment that stands alone, as in a file of adjustments.
    public init(_ object: JSON, place: String) throws(Refusal) {
        guard let members = object.members else {
            throw .badRequest(field: nil, "\(place)an adjustment is a JSON object, not \(object.kind)")
        }
        try self.init(try FieldReader(members, allowing: Self.fields, place: place), given: members)
    }

    init(_ reader: FieldReader, given: [JSON.Member]) throws(Refusal) {
        factor = try reader.required("factor", try reader.real("factor", 0...Adjustment.factorMax))
        mode = try reader.choice("mode") ?? .scale
        target = try reader.choice("target") ?? .incidence
        areas = try reader.strings("areas")
        categories = try reader.strings("categories")
        codes = try reader.strings("codes")
        descriptions = try reader.strings("descriptions")
        from = try reader.time("from")
        until = try reader.time("until")
        if case .minutes(let minutes)? = try reader.duration("half_life", months: false) { halfLife = minutes }
        displacement = try reader.real("displacement", 0...1) ?? 0
        key = try reader.string("key", bytesMax: 128)
        source = try reader.string("source")
        reason = try reader.string("reason")
        self.given = given.filter { $0.value != .null }
        if let from, let until, until <= from { throw reader.refuse("until", "after 'from'") }
        if mode == .set {
            if halfLife != nil { throw reader.refuse("half_life", "left out with mode 'set'") }
            if displacement > 0 { throw reader.refuse("displacement", "left out with mode 'set'") }
        }
        guard displacement > 0 else { return }
        if target != .incidence { throw reader.refuse("displacement", "left out with target 'suspect'") }
        if factor > 1 { throw reader.refuse("displacement", "left out with a factor above 1, which removes nothing") }
    }
}
