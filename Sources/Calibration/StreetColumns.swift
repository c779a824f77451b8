import CrimsCore
import Models
import Protocol

/// Where a street file has its columns; they are found by name, since some came late and others may.
struct StreetColumns {
    let count: Int
    let category: Int
    let lsoa: Int
    /// Files of the first years have none.
    let outcome: Int?
    private let monthField: Int

    init(header: CSVReader, path: String, entry: String?) throws(CalibrationError) {
        func failure(_ reason: String) -> CalibrationError { .notStreetFile(path: path, entry: entry, reason: reason) }
        let names = (0..<header.count).map { header.text($0).lowercased() }
        if names[0].drop(while: { $0 == " " || $0 == "\t" }).hasPrefix("<") {
            throw failure("a web page, saved in place of a CSV file")
        }
        func field(_ name: String) throws(CalibrationError) -> Int {
            if let index = names.firstIndex(of: name.lowercased()) { return index }
            throw failure("no column \"\(name)\" in the first line, so it is not a street file of data.police.uk")
        }
        count = names.count
        monthField = try field("Month")
        lsoa = try field("LSOA code")
        category = try field("Crime type")
        outcome = names.firstIndex(of: "last outcome category")
    }

    /// The row's month; nil if it is not `YYYY-MM` of this century.
    func month(_ reader: CSVReader) -> CivilMonth? {
        guard let month = CivilMonth(text: reader.field(monthField)), (2000..<2100).contains(month.year) else {
            return nil
        }
        return month
    }
}
