import CrimsCore
import Models
import Protocol

/// Reads tables of counts by force, area, month and category, and accounts for each record.
///
/// Such a table is made by somebody, not published: a record that cannot be right ends the calibration, where one that
/// is merely of no use is rejected with a reason.
struct CountsReader {
    private(set) var counts: NationalCounts
    private(set) var account = CountsAccount()

    private let options: CalibrationOptions
    private let forces: [String: Int]
    private let areas: [String: Int]
    private let forceOfArea: [Int]
    private let categoryNames: [String]
    /// By their names in the tables, which have capitals.
    private var categories: [String: Int?] = [:]

    /// No month of an area has a hundredth of that.
    private static let incidentsMax = 1_000_000

    init(options: CalibrationOptions, reference: Reference) {
        self.options = options
        counts = NationalCounts(reference: reference)
        forces = Dictionary(uniqueKeysWithValues: reference.forces.enumerated().map { ($1.force, $0) })
        areas = Dictionary(uniqueKeysWithValues: reference.areas.enumerated().map { ($1.code, $0) })
        forceOfArea = reference.forceOfArea
        categoryNames = reference.categories
    }

    /// Reads all tables.
    ///
    /// - Throws: ``CalibrationError/archive(path:entry:reason:)`` for one that cannot be read to its end,
    ///   ``CalibrationError/notCounts(path:entry:reason:)``, ``CalibrationError/counts(path:entry:line:reason:)``.
    mutating func readAll() throws(CalibrationError) {
        for path in options.archives { try read(path) }
        counts.finish()
    }

    private mutating func read(_ path: String) throws(CalibrationError) {
        var archive = try ArchiveReader(path)
        let before = account.files
        while try archive.next() {
            if let entry = archive.entry, !entry.hasSuffix(".csv") { continue }
            try readTable(&archive)
            account.files += 1
        }
        if account.files == before {
            throw .notCounts(path: path, entry: nil, reason: "there is no .csv file in it")
        }
    }

    private mutating func readTable(_ archive: inout ArchiveReader) throws(CalibrationError) {
        var reader = CSVReader()
        var columns: CountsColumns?
        var isOpen = true
        while isOpen {
            isOpen = try archive.readPiece(into: &reader)
            if !isOpen { reader.finish() }
            while reader.next() {
                if let columns {
                    try count(try columns.record(reader))
                } else {
                    columns = try CountsColumns(header: reader, path: archive.path, entry: archive.entry)
                }
            }
        }
        if columns == nil { throw .notCounts(path: archive.path, entry: archive.entry, reason: "it is empty") }
    }

    private mutating func count(_ record: CountsColumns.Record) throws(CalibrationError) {
        func failure(_ reason: String) -> CalibrationError { record.failure(reason) }
        let incidents = record.incidents
        guard incidents <= Self.incidentsMax else {
            throw failure("n is \(incidents), more than \(Self.incidentsMax) incidents in one month of an area")
        }
        account.all.add(incidents)
        if record.month < options.from ?? record.month || record.month > options.to ?? record.month {
            return account.reject(incidents, .outsidePeriod)
        }
        guard let category = category(record.category) else {
            return account.reject(incidents, .unknownCategory, name: record.category.lowercased())
        }
        guard let force = forces[record.force] else {
            return account.reject(incidents, .unknownForce, name: record.force)
        }
        if record.area.isEmpty { return account.reject(incidents, .noArea) }
        guard let area = areas[record.area] else { return account.reject(incidents, .unknownArea) }
        guard forceOfArea[area] == force else { return account.reject(incidents, .outsideForce) }
        let isNew = counts.set(
            month: record.month, area: area, category: category, incidents: Int32(incidents),
            suspects: Int32(record.suspects))
        guard isNew else {
            throw failure("area \(record.area), \(record.month.text), \"\(record.category)\" is there twice")
        }
        account.used.add(incidents)
    }

    private mutating func category(_ text: String) -> Int? {
        if let known = categories[text] { return known }
        let category = categoryNames.firstIndex(of: text.lowercased())
        if categories.count < 256 { categories[text] = .some(category) }
        return category
    }
}
