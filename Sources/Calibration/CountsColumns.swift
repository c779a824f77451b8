import CrimsCore
import Models
import Protocol

/// Where a table of counts has its columns; they are found by name, in any order and case.
struct CountsColumns {
    /// A row, as it is written there.
    struct Record {
        var force: String
        var area: String
        var month: CivilMonth
        var category: String
        /// 0 or more.
        var incidents: Int
        /// 0 to ``incidents``.
        var suspects: Int
        fileprivate var line: Int
        fileprivate var table: (path: String, entry: String?)

        func failure(_ reason: String) -> CalibrationError {
            .counts(path: table.path, entry: table.entry, line: line, reason: reason)
        }
    }

    private static let names = ["force", "MSOA", "Month", "Crime type", "n", "suspect"]

    private let fields: [Int]
    private let count: Int
    private let table: (path: String, entry: String?)

    /// - Throws: ``CalibrationError/notCounts(path:entry:reason:)`` if columns are missing, there twice or not known.
    init(header: CSVReader, path: String, entry: String?) throws(CalibrationError) {
        func failure(_ reason: String) -> CalibrationError { .notCounts(path: path, entry: entry, reason: reason) }
        let found = (0..<header.count).map { header.text($0) }
        let lower = found.map { $0.lowercased() }
        let listed = Self.names.joined(separator: ", ")
        if lower.contains("crime id") || lower.contains("lsoa code") {
            throw failure(
                "a street file of data.police.uk, which is of one force; \(EnglandAndWales.name) takes a table of "
                    + "counts with the columns \(listed)")
        }
        let missing = Self.names.filter { !lower.contains($0.lowercased()) }
        guard missing.isEmpty else {
            throw failure(
                "no \(missing.count == 1 ? "column" : "columns") \(missing.joined(separator: ", ")) in the first line; "
                    + "a table of counts has \(listed)")
        }
        // A column that nobody reads may be one that was meant to matter.
        for (index, name) in lower.enumerated() {
            guard let known = Self.names.first(where: { $0.lowercased() == name }) else {
                throw failure("column \"\(found[index])\" is not known; a table of counts has \(listed)")
            }
            guard lower.firstIndex(of: name) == index else { throw failure("column \(known) is there twice") }
        }
        fields = Self.names.map { lower.firstIndex(of: $0.lowercased()) ?? 0 }
        count = found.count
        table = (path, entry)
    }

    /// The current row.
    func record(_ reader: CSVReader) throws(CalibrationError) -> Record {
        func failure(_ reason: String) -> CalibrationError {
            .counts(path: table.path, entry: table.entry, line: reader.line, reason: reason)
        }
        guard reader.fault == nil, reader.count == count else {
            throw failure("\(reader.count) fields where the header has \(count)")
        }
        guard let month = CivilMonth(text: reader.field(fields[2])), (2000..<2100).contains(month.year) else {
            throw failure("Month is \"\(reader.text(fields[2]))\"; YYYY-MM is expected")
        }
        func number(_ column: Int) throws(CalibrationError) -> Int {
            let text = reader.text(fields[column])
            if let value = Int(text), value >= 0 { return value }
            throw failure("\(Self.names[column]) is \"\(text)\"; a whole number of incidents, 0 or more, is expected")
        }
        let incidents = try number(4)
        let suspects = try number(5)
        guard suspects <= incidents else {
            throw failure("suspect is \(suspects), more than the n of \(incidents) incidents that it is part of")
        }
        return Record(
            force: reader.text(fields[0]), area: reader.text(fields[1]), month: month,
            category: reader.text(fields[3]), incidents: incidents, suspects: suspects, line: reader.line, table: table)
    }
}
