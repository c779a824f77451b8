import CrimsCore
import Protocol

/// The bytes of a model's files; the same model gives the same bytes.
struct ModelWriter {
    let model: CrimeModel
    let name: String
    let information: ModelInformation
    /// Whether rates and probabilities have all the digits that it takes to read the same doubles back.
    let exactRates: Bool

    /// Nil for an optional file that would say nothing.
    func bytes(of file: ModelFile) -> [UInt8]? {
        var writer = ByteWriter(capacity: 1 << 16)
        guard file != .model else {
            writer.indented(header)
            writer.raw("\n")
            return writer.bytes
        }
        let columns = file.columns + (file == .areas && hasImputed ? file.optionalColumns : [])
        writer.row { row in for column in columns { row.text(column) } }
        switch file {
        case .model: break
        case .areas: areas(&writer)
        case .crimes: crimes(&writer)
        case .rates: rates(&writer)
        case .profile: profile(&writer)
        case .suspect: suspect(&writer)
        case .neighbours: neighbours(&writer)
        case .dispersion:
            guard model.dispersion.contains(where: { $0 != .init() }) else { return nil }
            dispersion(&writer)
        case .trend:
            guard model.trend.contains(where: { $0 != .init() }) else { return nil }
            trend(&writer)
        }
        return writer.bytes
    }

    private var header: JSON {
        var members: [JSON.Member] = [
            .init("format", .number(Double(ModelHeader.format))),
            .init("name", .string(name)),
            .init("title", .string(model.title)),
            .init(
                "period",
                .object([
                    .init("from", .string(model.period.from.text)), .init("to", .string(model.period.to.text)),
                ])),
        ]
        if model.profileMean != .week { members.append(.init("profileMean", .string(model.profileMean.rawValue))) }
        members += [
            .init(
                "sources",
                .array(
                    information.sources.map { source in
                        .object([
                            .init("name", .string(source.name)), .init("licence", .string(source.licence)),
                            .init("note", .string(source.note)),
                        ])
                    })),
            .init(
                "method",
                .object([
                    .init("name", .string(information.method)), .init("settings", .object(information.settings)),
                ])),
            .init("notes", .array(information.notes.map { .string($0) })),
        ]
        return .object(members)
    }

    private var hasImputed: Bool { model.areas.contains(where: \.isImputed) }

    private func areas(_ writer: inout ByteWriter) {
        let hasImputed = hasImputed
        for area in model.areas {
            writer.row { row in
                row.text(area.code)
                row.text(area.name)
                // Nine digits are less than a tenth of a metre; six would be a hundred metres.
                row.number(area.longitude, digits: 9)
                row.number(area.latitude, digits: 9)
                row.text(String(area.population))
                if hasImputed { row.text(area.isImputed ? "1" : "0") }
            }
        }
    }

    private func crimes(_ writer: inout ByteWriter) {
        var first: [Int] = []
        let digits = digitsOfShares
        for crime in model.crimes {
            if !first.contains(crime.category) { first.append(crime.category) }
            writer.row { row in
                row.text(crime.code)
                row.text(crime.description)
                row.text(model.categories[crime.category])
                row.number(crime.severity, digits: 12)
                row.number(crime.share, digits: digits[crime.category])
            }
        }
        precondition(first == Array(model.categories.indices), "categories in the order of their first crimes")
    }

    /// Six, and more where the sum of a category's rounded shares would be refused on reading.
    private var digitsOfShares: [Int] {
        var sums = Array(repeating: 0.0, count: model.categories.count)
        for crime in model.crimes {
            let written = Decimal.parse(Decimal.format(crime.share, significantDigits: 6).utf8)
            sums[crime.category] += written ?? crime.share
        }
        return sums.map { abs($0 - 1) > ModelLoader.shareSumTolerance ? 9 : 6 }
    }

    private func rates(_ writer: inout ByteWriter) {
        for (area, code) in model.areas.map(\.code).enumerated() {
            for (category, name) in model.categories.enumerated() {
                writer.row { row in
                    row.text(code)
                    row.text(name)
                    for month in 1...12 { rate(model.rate(area: area, category: category, month: month), &row) }
                }
            }
        }
    }

    private func rate(_ value: Double, _ row: inout CSVRow) {
        if exactRates { row.exact(value) } else { row.number(value) }
    }

    private func profile(_ writer: inout ByteWriter) {
        for (category, name) in model.categories.enumerated() {
            let crimes = model.crimes.indices.filter { model.crimes[$0].category == category }
            // The first crime's row stands for the category; crimes with another get a row of their own.
            let shared = model.profileOfCrime[crimes[0]]
            writer.row { row in
                row.text(name)
                for weight in model.profiles[shared * 168..<(shared + 1) * 168] { row.number(weight) }
            }
            for crime in crimes where model.profileOfCrime[crime] != shared {
                let own = model.profileOfCrime[crime]
                writer.row { row in
                    row.text(model.crimes[crime].code)
                    for weight in model.profiles[own * 168..<(own + 1) * 168] { row.number(weight) }
                }
            }
        }
    }

    private func suspect(_ writer: inout ByteWriter) {
        for (area, code) in model.areas.map(\.code).enumerated() {
            for (category, name) in model.categories.enumerated() {
                writer.row { row in
                    row.text(code)
                    row.text(name)
                    rate(model.suspect[area * model.categories.count + category], &row)
                }
            }
        }
    }

    /// Each pair once, the smaller index first.
    private func neighbours(_ writer: inout ByteWriter) {
        for (area, others) in model.neighbours.enumerated() {
            for other in others where other > area {
                writer.row { row in
                    row.text(model.areas[area].code)
                    row.text(model.areas[other].code)
                }
            }
        }
    }

    private func dispersion(_ writer: inout ByteWriter) {
        for (category, dispersion) in model.dispersion.enumerated() {
            writer.row { row in
                row.text(model.categories[category])
                row.number(dispersion.shared)
                row.number(dispersion.own)
            }
        }
    }

    private func trend(_ writer: inout ByteWriter) {
        for (category, trend) in model.trend.enumerated() {
            writer.row { row in
                row.text(model.categories[category])
                row.number(trend.growth)
                row.number(trend.damping)
            }
        }
    }
}
