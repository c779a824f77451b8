import CrimsCore
import Models
import Protocol

/// Where a row stands.
struct RowPlace: Equatable {
    /// Among all files.
    var file: Int
    var name: String
    var line: Int
}

/// Counts the rows of street files, each as used or rejected.
struct RowCounter {
    private(set) var counts: StreetCounts
    private(set) var tally: RowTally
    /// Rows whose Crime ID an earlier row of their file has.
    private(set) var repeatedIDs = 0
    /// Rows used whose place is known by their LSOA's name alone.
    private(set) var placedByName = 0
    /// Rows of another month than their file's name says.
    private(set) var ofOtherMonths = 0
    /// By ``Accounting/Reason``: where the first such row is.
    private(set) var firstRejected = [RowPlace?](repeating: nil, count: Accounting.Reason.allCases.count)

    private let places: Places
    private let period: (from: CivilMonth?, to: CivilMonth?)
    private var file = RowPlace(file: 0, name: "", line: 0)
    private var fileMonth: CivilMonth?
    private var ids = RepeatedIDs()

    /// What a column's text means; looked up once for each text.
    private struct Month {
        /// Nil if the text is none.
        var month: CivilMonth?
        var tally: Int
        /// Nil if it lies outside the period.
        var counts: Int?
    }
    private struct Category {
        var tally: Int
        var isKnown: Bool
    }
    private struct Outcome {
        var standing: OutcomeStanding
        /// Counted for undocumented ones alone.
        var rows = 0
    }

    private var monthTexts = TextIndex()
    private var months: [Month] = []
    private var categoryTexts = TextIndex()
    private var categories: [Category] = []
    private var outcomeTexts = TextIndex()
    private var outcomes: [Outcome] = []

    /// Different texts of a column that are remembered; however strange a file, memory stays small.
    private static let textsMax = 256
    /// Months of this century are 1,200; a year of four digits is no more likely than a misprint.
    private static let years = 2000..<2100

    init(places: Places, areas: Int, categories: [String], from: CivilMonth?, to: CivilMonth?) {
        self.places = places
        period = (from, to)
        counts = StreetCounts(areas: areas, categories: categories)
        tally = RowTally(categories: categories)
    }

    /// - Parameters:
    ///   - index: The file's place among all files.
    ///   - month: The one that the file's name says; nil if it says none.
    mutating func begin(file index: Int, name: String, month: CivilMonth?) {
        file = RowPlace(file: index, name: name, line: 0)
        fileMonth = month
        ids.forget()
    }

    /// Counts the reader's current record.
    mutating func count(_ reader: CSVReader, _ columns: StreetColumns) {
        guard reader.fault == nil, reader.count == columns.count else {
            return reject(RowTally.withoutMonth, tally.withoutCategory, .malformedRow, reader)
        }
        reader.withFields { fields in count(fields, columns, reader) }
    }

    private mutating func count(_ fields: CSVReader.Fields, _ columns: StreetColumns, _ reader: CSVReader) {
        if let column = columns.crimeID, case let id = fields[column], !id.isEmpty, ids.sees(id) { repeatedIDs += 1 }
        let category = category(fields[columns.category])
        let month = month(fields[columns.month])
        guard let inMonth = month.month else { return reject(month.tally, category.tally, .badMonth, reader) }
        if inMonth != fileMonth, fileMonth != nil { ofOtherMonths += 1 }
        guard let slot = month.counts else { return reject(month.tally, category.tally, .outsidePeriod, reader) }
        guard category.isKnown else { return reject(month.tally, category.tally, .unknownCategory, reader) }
        let code = fields[columns.lsoa]
        if code.isEmpty { return reject(month.tally, category.tally, .noLSOA, reader) }
        var place = places.place(ofCode: code)
        var isByName = false
        if place == nil {
            guard Places.isLSOACode(code) else { return reject(month.tally, category.tally, .unknownLSOA, reader) }
            place = columns.lsoaName.flatMap { places.place(ofLSOAName: fields[$0]) }
            isByName = true
        }
        switch place {
        case nil: reject(month.tally, category.tally, .otherLSOA, reader)
        case .elsewhere: reject(month.tally, category.tally, .outsideForce, reader)
        case .area(let area):
            let standing = columns.outcome.map { self.standing(fields[$0]) } ?? OutcomeStanding.blank
            counts.add(slot: slot, area: area, category: category.tally, outcome: standing.kind)
            tally.use(month.tally, category.tally, standing)
            if isByName { placedByName += 1 }
        }
    }

    private mutating func reject(_ month: Int, _ category: Int, _ reason: Accounting.Reason, _ reader: CSVReader) {
        tally.reject(month, category, reason)
        if firstRejected[reason.rawValue] == nil {
            firstRejected[reason.rawValue] = RowPlace(file: file.file, name: file.name, line: reader.line)
        }
    }

    private mutating func month(_ text: UnsafeRawBufferPointer) -> Month {
        if let number = monthTexts.number(of: text) { return months[number] }
        var month = Month(month: nil, tally: RowTally.withoutMonth, counts: nil)
        if let found = CivilMonth(text: text), Self.years.contains(found.year) {
            let isInside = found >= period.from ?? found && found <= period.to ?? found
            month = Month(month: found, tally: tally.month(found), counts: isInside ? counts.slot(found) : nil)
        }
        if months.count < Self.textsMax {
            monthTexts.insert(text)
            months.append(month)
        }
        return month
    }

    /// A category by its name in the file, which has capitals.
    private mutating func category(_ text: UnsafeRawBufferPointer) -> Category {
        if let number = categoryTexts.number(of: text) { return categories[number] }
        let slot = tally.category(String(decoding: text, as: UTF8.self).lowercased())
        let category = Category(tally: slot, isKnown: slot < counts.categories)
        if categories.count < Self.textsMax {
            categoryTexts.insert(text)
            categories.append(category)
        }
        return category
    }

    private mutating func standing(_ text: UnsafeRawBufferPointer) -> OutcomeStanding {
        let number: Int
        if let known = outcomeTexts.number(of: text) {
            number = known
        } else {
            let isFull = outcomes.count >= Self.textsMax
            let standing = isFull ? .undocumented : OutcomeStanding(outcome: String(decoding: text, as: UTF8.self))
            number = isFull ? outcomeTexts.insert("(others)") : outcomeTexts.insert(text)
            if number == outcomes.count { outcomes.append(Outcome(standing: standing)) }
        }
        let standing = outcomes[number].standing
        if standing == .undocumented { outcomes[number].rows += 1 }
        return standing
    }

    /// Adds what another has counted of other files.
    mutating func add(_ other: RowCounter) {
        counts.add(other.counts)
        tally.add(other.tally)
        repeatedIDs += other.repeatedIDs
        placedByName += other.placedByName
        ofOtherMonths += other.ofOtherMonths
        for (reason, place) in other.firstRejected.enumerated() {
            if let place, place.file < firstRejected[reason]?.file ?? .max { firstRejected[reason] = place }
        }
        for (number, outcome) in other.outcomes.enumerated() where outcome.rows > 0 {
            let mine = outcomeTexts.insert(other.outcomeTexts.text(number))
            if mine == outcomes.count { outcomes.append(Outcome(standing: outcome.standing)) }
            outcomes[mine].rows += outcome.rows
        }
    }

    /// Outcomes that data.police.uk does not document, sorted.
    var unrecognisedOutcomes: [Accounting.Outcome] {
        outcomes.indices.filter { outcomes[$0].standing == .undocumented }
            .map { .init(outcome: outcomeTexts.text($0), rows: outcomes[$0].rows) }
            .sorted { $0.outcome.utf8.lexicographicallyPrecedes($1.outcome.utf8) }
    }
}
