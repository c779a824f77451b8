import Protocol

/// A CSV file of a model folder, with its columns found by name and its faulty rows reported and passed over.
struct ModelTable {
    let file: ModelFile
    /// Rows read so far, faulty ones included.
    private(set) var rows = 0
    private var reader: CSVReader
    /// Field of each of the file's columns, the optional ones last; -1 for one that is not there.
    private let fieldOfColumn: [Int]
    private let columns: [String]
    private let fieldCount: Int

    /// Reads the header; nil, with the problems reported, if a column is missing.
    init?(_ file: ModelFile, _ bytes: [UInt8], _ problems: inout ProblemList) {
        self.file = file
        reader = CSVReader(bytes)
        guard reader.next(), reader.fault == nil else {
            problems.error(file, 1, "a header row is expected: \(Self.listed(file.columns))")
            return nil
        }
        fieldCount = reader.count
        let header = reader
        let names = (0..<fieldCount).map { header.text($0) }
        let missing = file.columns.filter { !names.contains($0) }
        let columns = file.columns + file.optionalColumns
        self.columns = columns
        fieldOfColumn = columns.map { names.firstIndex(of: $0) ?? -1 }
        guard missing.isEmpty else {
            let noun = missing.count == 1 ? "column" : "columns"
            problems.error(
                file, reader.line, "no \(noun) \(Self.listed(missing)); the header is \(Self.listed(file.columns))")
            return nil
        }
        for (index, name) in names.enumerated() where !columns.contains(name) {
            problems.warning(file, reader.line, "column \"\(name)\" (number \(index + 1)) is not known and not read")
        }
        for (index, name) in names.enumerated() where columns.contains(name) {
            if names.firstIndex(of: name) != index {
                problems.error(file, reader.line, "column \"\(name)\" is there twice")
            }
        }
    }

    /// `a, b, … z`: a long list of columns is told by its ends.
    private static func listed(_ names: [String]) -> String {
        names.count <= 14
            ? names.joined(separator: ", ") : "\(names[0]), \(names[1]), … \(names[names.count - 1])"
    }

    /// Moves to the next row that has as many fields as the header.
    mutating func next(_ problems: inout ProblemList) -> Bool {
        while reader.next() {
            rows += 1
            switch reader.fault {
            case nil: break
            case .quoteNotClosed:
                problems.error(file, reader.line, "a quote is opened and not closed")
                continue
            case .textAfterQuote:
                problems.error(file, reader.line, "something follows a closing quote; a comma or the line's end may")
                continue
            case .tooLong:
                problems.error(file, reader.line, "longer than \(CSVReader.recordBytesMax) bytes")
                continue
            }
            guard reader.count == fieldCount else {
                problems.error(
                    file, reader.line, "\(reader.count) fields where the header has \(fieldCount)")
                continue
            }
            return true
        }
        return false
    }

    var line: Int { reader.line }

    /// Whether an optional column is there.
    func has(_ column: Int) -> Bool { fieldOfColumn[column] >= 0 }

    func bytes(_ column: Int) -> ArraySlice<UInt8> { reader.field(fieldOfColumn[column]) }

    /// What stands there, for messages.
    func shown(_ column: Int) -> String { reader.text(fieldOfColumn[column]) }

    /// The text of a column; reported if it is not UTF-8.
    func text(_ column: Int, _ problems: inout ProblemList) -> String {
        if let text = String(validating: bytes(column), as: UTF8.self) { return text }
        problems.error(file, line, "\(columns[column]) is not valid UTF-8")
        return shown(column)
    }

    /// A code or name that others refer to: text that is not empty.
    func code(_ column: Int, _ problems: inout ProblemList) -> String {
        let text = text(column, &problems)
        if text.isEmpty { problems.error(file, line, "\(columns[column]) is empty") }
        return text
    }

    /// A finite number within `range`; reported and 0 otherwise.
    func number(
        _ column: Int, in range: ClosedRange<Double>, expecting expected: StaticString, _ problems: inout ProblemList
    ) -> Double {
        if let value = Self.number(bytes(column)), value.isFinite, range.contains(value) { return value }
        problems.error(file, line, "\(columns[column]) is \"\(shown(column))\"; \(expected) is expected")
        return 0
    }

    /// 0 or 1; reported and false otherwise.
    func flag(_ column: Int, _ problems: inout ProblemList) -> Bool {
        switch shown(column) {
        case "0": return false
        case "1": return true
        default:
            problems.error(file, line, "\(columns[column]) is \"\(shown(column))\"; 0 or 1 is expected")
            return false
        }
    }

    /// Digits with at most one point, as almost every number in a model is, without a call across modules for each
    /// byte; up to 15 digits both parts are exact, so that one division rounds once. The rest is for `Decimal`.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Double? {
        guard bytes.count <= 16 else { return Decimal.parse(bytes) }
        var mantissa = 0
        var digits = 0
        var point = -1
        for byte in bytes {
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                mantissa = mantissa * 10 + Int(digit)
                digits += 1
            } else if byte == UInt8(ascii: "."), point < 0, digits > 0 {
                point = digits
            } else {
                return Decimal.parse(bytes)
            }
        }
        guard digits > 0, digits <= 15, point < digits else { return Decimal.parse(bytes) }
        return Double(mantissa) / powersOfTen[point < 0 ? 0 : digits - point]
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]
}

/// Finds the index of a code, fast where the rows of a file come in the order of the codes.
struct CodeIndex {
    private var codes: [[UInt8]] = []
    private var indices: [String: Int] = [:]
    private var last = 0

    var count: Int { codes.count }

    /// Adds a code; false if it is there already.
    mutating func add(_ code: String) -> Bool {
        guard indices.updateValue(codes.count, forKey: code) == nil else {
            indices[code] = codes.firstIndex { $0.elementsEqual(code.utf8) }
            return false
        }
        codes.append(Array(code.utf8))
        return true
    }

    func index(of code: String) -> Int? { indices[code] }

    mutating func index(of code: ArraySlice<UInt8>) -> Int? {
        // The same code as the row before, or the one after it, or the first again.
        for guess in [last, last + 1, 0] where guess < codes.count && codes[guess].elementsEqual(code) {
            last = guess
            return guess
        }
        guard let found = indices[String(decoding: code, as: UTF8.self)] else { return nil }
        last = found
        return found
    }
}
