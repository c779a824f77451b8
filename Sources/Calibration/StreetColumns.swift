import CrimsCore
import Models

/// Where a street file has its columns; they are found by name, since some came late and others may.
struct StreetColumns {
    let count: Int
    let month: Int
    let category: Int
    let lsoa: Int
    let lsoaName: Int?
    /// Files of the first years have none.
    let outcome: Int?
    let crimeID: Int?

    init(header: CSVReader, path: String, entry: String?) throws(CalibrationError) {
        func failure(_ reason: String) -> CalibrationError { .notStreetFile(path: path, entry: entry, reason: reason) }
        let names = (0..<header.count).map { Self.trimmed(header.text($0).lowercased()) }
        if header.field(0).contains(0) { throw failure("not a text file") }
        if names[0].hasPrefix("<") { throw failure("a web page, saved in place of a CSV file") }
        func field(_ name: String) throws(CalibrationError) -> Int {
            if let index = names.firstIndex(of: name.lowercased()) { return index }
            throw failure("no column \"\(name)\" in the first line, so it is not a street file of data.police.uk")
        }
        count = names.count
        month = try field("Month")
        lsoa = try field("LSOA code")
        category = try field("Crime type")
        lsoaName = names.firstIndex(of: "lsoa name")
        outcome = names.firstIndex(of: "last outcome category")
        crimeID = names.firstIndex(of: "crime id")
    }

    private static func trimmed(_ name: String) -> String {
        func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
        return String(name.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
