import CrimsCore
import Models
import Protocol

/// Counts the records of a force's street files, and accounts for each row.
struct StreetReader {
    private(set) var counts: StreetCounts
    private(set) var accounting = Accounting()

    private let options: CalibrationOptions
    private let reference: Reference
    private var seenFiles: Set<String> = []
    private var foundForces: Set<String> = []
    private var entries: [Key: Accounting.Entry] = [:]
    private var categories: [String: Category] = [:]
    private var outcomes: [String: OutcomeKind?] = [:]
    private var unrecognised: [String: Int] = [:]

    /// Different categories or outcomes that are told apart.
    private static let textsMax = 256

    private struct Key: Hashable {
        var month: CivilMonth?
        var category: String?
    }

    private struct Category {
        var name: String
        var index: Int?
    }

    init(options: CalibrationOptions, reference: Reference) {
        self.options = options
        self.reference = reference
        counts = StreetCounts(areas: reference.areas.count, categories: reference.categories)
    }

    /// Reads all archives.
    ///
    /// - Throws: ``CalibrationError/archive(path:entry:reason:)`` for one that cannot be read to its end,
    ///   ``CalibrationError/notStreetFile(path:entry:reason:)``, ``CalibrationError/noFiles(force:found:)``.
    mutating func readAll() throws(CalibrationError) {
        for path in options.archives { try read(path) }
        guard accounting.files > 0 else {
            throw .noFiles(force: options.force, found: foundForces.sorted())
        }
        counts.finish()
        accounting.entries = entries.values.sorted { left, right in
            let months = (left.month?.index ?? .max, right.month?.index ?? .max)
            if months.0 != months.1 { return months.0 < months.1 }
            return (left.category ?? "").utf8.lexicographicallyPrecedes((right.category ?? "").utf8)
        }
        accounting.unrecognisedOutcomes = unrecognised.map { .init(outcome: $0.key, rows: $0.value) }
            .sorted { $0.outcome.utf8.lexicographicallyPrecedes($1.outcome.utf8) }
    }

    private mutating func read(_ path: String) throws(CalibrationError) {
        var archive = try ArchiveReader(path)
        while try archive.next() {
            let name = FileSystem.lastComponent(of: archive.entry ?? path)
            if let force = StreetContents.file(name)?.force {
                foundForces.insert(force)
                guard force == options.force else { continue }
                guard seenFiles.insert(name).inserted else {
                    accounting.repeatedFiles.append(name)
                    continue
                }
            } else if archive.entry != nil {
                // Outcome and stop-and-search files lie beside the street files.
                continue
            }
            try readFile(archive)
            accounting.files += 1
        }
    }

    private mutating func readFile(_ archive: borrowing ArchiveReader) throws(CalibrationError) {
        var reader = CSVReader()
        var columns: StreetColumns?
        var isOpen = true
        while isOpen {
            isOpen = try archive.readPiece(into: &reader)
            if !isOpen { reader.finish() }
            while reader.next() {
                if let columns {
                    count(reader, columns)
                } else {
                    columns = try StreetColumns(header: reader, path: archive.path, entry: archive.entry)
                }
            }
        }
        if columns == nil { throw .notStreetFile(path: archive.path, entry: archive.entry, reason: "it is empty") }
    }

    private mutating func count(_ reader: CSVReader, _ columns: StreetColumns) {
        guard reader.fault == nil, reader.count == columns.count else {
            return note(.init(month: nil, category: nil), rejected: .malformedRow)
        }
        let category = category(reader.text(columns.category))
        guard let month = columns.month(reader) else {
            return note(.init(month: nil, category: category.name), rejected: .badMonth)
        }
        let key = Key(month: month, category: category.name)
        if month < options.from ?? month || month > options.to ?? month { return note(key, rejected: .outsidePeriod) }
        guard let index = category.index else { return note(key, rejected: .unknownCategory) }
        let lsoa = reader.text(columns.lsoa)
        if lsoa.isEmpty { return note(key, rejected: .noLSOA) }
        switch reference.places[lsoa] {
        case nil: note(key, rejected: .unknownLSOA)
        case .elsewhere: note(key, rejected: .outsideForce)
        case .area(let area):
            let outcome = outcome(columns.outcome.map { reader.text($0) } ?? "")
            counts.add(month: month, area: area, category: index, outcome: outcome)
            entries[key, default: .init(month: month, category: category.name)].used += 1
        }
    }

    private mutating func note(_ key: Key, rejected reason: Accounting.Reason) {
        entries[key, default: .init(month: key.month, category: key.category)].rejected[reason.rawValue] += 1
    }

    /// A category by its name in the file, which has capitals.
    private mutating func category(_ text: String) -> Category {
        if let known = categories[text] { return known }
        // However strange a file, the account stays small.
        let name = categories.count < Self.textsMax ? text.lowercased() : "(others)"
        let category = Category(name: name, index: reference.categories.firstIndex(of: name))
        if categories.count < Self.textsMax { categories[text] = category }
        return category
    }

    private mutating func outcome(_ text: String) -> OutcomeKind {
        let kind: OutcomeKind?
        if let known = outcomes[text] {
            kind = known
        } else {
            kind = OutcomeKind(outcome: text)
            if outcomes.count < Self.textsMax { outcomes[text] = .some(kind) }
        }
        if kind == nil {
            let isListed = unrecognised[text] != nil || unrecognised.count < Self.textsMax
            unrecognised[isListed ? text : "(others)", default: 0] += 1
        }
        return kind ?? .unknown
    }
}
