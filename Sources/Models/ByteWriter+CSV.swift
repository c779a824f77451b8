import Protocol

/// One row of a CSV file while it is written.
struct CSVRow {
    fileprivate var writer: ByteWriter
    fileprivate var isFirst = true

    /// A field, in quotes only if it needs them.
    mutating func text(_ text: String) {
        separate()
        let special: [UInt8] = Array(",\"\r\n".utf8)
        guard text.utf8.contains(where: { special.contains($0) }) else { return writer.text(text) }
        writer.byte(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { writer.byte(byte) }
            writer.byte(byte)
        }
        writer.byte(UInt8(ascii: "\""))
    }

    /// A number to that many significant digits.
    mutating func number(_ value: Double, digits: Int = 6) {
        separate()
        writer.text(Decimal.format(value, significantDigits: digits))
    }

    /// A number in the shortest form that reads back the same.
    mutating func exact(_ value: Double) {
        separate()
        writer.text(Decimal.shortest(value))
    }

    private mutating func separate() {
        if !isFirst { writer.byte(UInt8(ascii: ",")) }
        isFirst = false
    }
}

extension ByteWriter {
    mutating func row(_ body: (inout CSVRow) -> Void) {
        // Moved in and out, so that the bytes are not copied for each row.
        var row = CSVRow(writer: self)
        self = ByteWriter(capacity: 0)
        body(&row)
        row.writer.byte(UInt8(ascii: "\n"))
        self = row.writer
    }

    /// JSON with a member or element a line where it has structure, so that a difference shows where it is.
    mutating func indented(_ value: JSON, depth: Int = 0) {
        switch value {
        case .object(let members) where members.contains { $0.value.isNested } || depth == 0:
            byte(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                newLine(after: index, depth: depth + 1)
                quoted(member.name)
                raw(": ")
                indented(member.value, depth: depth + 1)
            }
            raw("\n")
            text(String(repeating: "  ", count: depth))
            byte(UInt8(ascii: "}"))
        case .array(let elements) where !elements.isEmpty:
            byte(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                newLine(after: index, depth: depth + 1)
                indented(element, depth: depth + 1)
            }
            raw("\n")
            text(String(repeating: "  ", count: depth))
            byte(UInt8(ascii: "]"))
        default: json(value)
        }
    }

    private mutating func newLine(after index: Int, depth: Int) {
        raw(index == 0 ? "\n" : ",\n")
        text(String(repeating: "  ", count: depth))
    }
}

extension JSON {
    fileprivate var isNested: Bool { members != nil || elements != nil }
}
