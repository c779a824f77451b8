import Models
import Protocol

/// A CSV table whose rows must all be right; the first that is not ends the calibration.
struct ReferenceTable {
    let file: String
    private let columns: [String]
    private let fieldOfColumn: [Int]
    private let fieldCount: Int
    private var reader: CSVReader

    init(folder: String, file: String, columns: [String]) throws(CalibrationError) {
        self.file = file
        self.columns = columns
        let bytes: [UInt8]?
        do throws(ModelError) {
            bytes = try FileSystem.read(folder + "/" + file)
        } catch {
            throw .reference(file: file, line: nil, reason: "\(error)")
        }
        guard let bytes else {
            throw .reference(file: file, line: nil, reason: "missing in the reference folder \(folder)")
        }
        reader = CSVReader(bytes)
        guard reader.next() else { throw .reference(file: file, line: 1, reason: "no header row") }
        fieldCount = reader.count
        let header = reader
        let names = (0..<fieldCount).map { header.text($0) }
        if let missing = columns.first(where: { !names.contains($0) }) {
            throw .reference(file: file, line: 1, reason: "no column \(missing)")
        }
        fieldOfColumn = columns.map { names.firstIndex(of: $0) ?? 0 }
    }

    mutating func next() throws(CalibrationError) -> Bool {
        guard reader.next() else { return false }
        guard reader.fault == nil, reader.count == fieldCount else {
            throw failure("\(reader.count) fields where the header has \(fieldCount)")
        }
        return true
    }

    func text(_ column: Int) -> String { reader.text(fieldOfColumn[column]) }

    /// Lends a field's bytes.
    func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        reader.withFields { body($0[fieldOfColumn[column]]) }
    }

    func number(_ column: Int) throws(CalibrationError) -> Double {
        if let value = Decimal.parse(reader.field(fieldOfColumn[column])), value.isFinite { return value }
        throw failure("\(columns[column]) is \"\(text(column))\"; a number is expected")
    }

    func failure(_ reason: String) -> CalibrationError { .reference(file: file, line: reader.line, reason: reason) }
}
