/// Builds a frame byte by byte: JSON, CSV or packed numbers.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    public var count: Int { bytes.count }
    /// Empties it; the memory stays.
    public mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Makes room for more, at least doubling what there is: asked for exactly, an array would be copied each time.
    public mutating func reserve(_ additional: Int) {
        guard bytes.count + additional > bytes.capacity else { return }
        bytes.reserveCapacity(max(bytes.count + additional, 2 * bytes.capacity))
    }

    public mutating func byte(_ byte: UInt8) { bytes.append(byte) }
    public mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }
    public mutating func raw(_ other: UnsafeRawBufferPointer) { bytes.append(contentsOf: other) }
    public mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    public mutating func text(_ text: some StringProtocol) { bytes.append(contentsOf: text.utf8) }

    /// Decimal digits.
    public mutating func integer(_ value: Int) {
        if value < 0 { byte(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = 20
            repeat {
                first -= 1
                digits[first] = UInt8(truncatingIfNeeded: 48 + magnitude % 10)
                magnitude /= 10
            } while magnitude > 0
            bytes.append(contentsOf: digits[first..<20])
        }
    }

    /// Two decimal digits, 00…99.
    public mutating func twoDigits(_ value: Int) {
        bytes.append(UInt8(truncatingIfNeeded: 48 + value / 10))
        bytes.append(UInt8(truncatingIfNeeded: 48 + value % 10))
    }

    /// A real to 9 significant digits, as `expected` and `baseline` are written.
    public mutating func real(_ value: Double) { real(value, significantDigits: 9) }

    /// As ``Decimal/format(_:significantDigits:)``, without memory in between.
    mutating func real(_ value: Double, significantDigits digits: Int) {
        precondition(value.isFinite, "no text for an infinity or NaN")
        guard value != 0 else { return byte(UInt8(ascii: "0")) }
        if value < 0 { byte(UInt8(ascii: "-")) }
        var (rest, exponent) = Decimal.digits(abs(value), digits)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { text in
            // From the last to the first; zeros at the end say nothing.
            var first = 20
            while rest % 10 == 0, rest >= 10 { rest /= 10 }
            repeat {
                first -= 1
                text[first] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            let significant = text[first..<20]
            if exponent < -5 || exponent > 15 {
                byte(significant[first])
                if significant.count > 1 {
                    byte(UInt8(ascii: "."))
                    bytes.append(contentsOf: significant.dropFirst())
                }
                byte(UInt8(ascii: "e"))
                byte(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
                if abs(exponent) < 10 { byte(UInt8(ascii: "0")) }
                integer(abs(exponent))
            } else if exponent < 0 {
                raw("0.")
                for _ in 0..<(-exponent - 1) { byte(UInt8(ascii: "0")) }
                bytes.append(contentsOf: significant)
            } else {
                bytes.append(contentsOf: significant.prefix(exponent + 1))
                for _ in 0..<max(0, exponent + 1 - significant.count) { byte(UInt8(ascii: "0")) }
                if significant.count > exponent + 1 {
                    byte(UInt8(ascii: "."))
                    bytes.append(contentsOf: significant.dropFirst(exponent + 1))
                }
            }
        }
    }

    /// A JSON string, quotes included.
    public mutating func quoted(_ text: some StringProtocol) { quoted(String(text)) }

    /// A JSON string, quotes included.
    public mutating func quoted(_ text: String) {
        var text = text
        text.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    }

    private mutating func quoted(_ units: UnsafeRawBufferPointer) {
        byte(UInt8(ascii: "\""))
        defer { byte(UInt8(ascii: "\"")) }
        // Most have nothing that must be escaped.
        guard units.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            return raw(units)
        }
        for unit in units {
            switch unit {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                byte(UInt8(ascii: "\\"))
                byte(unit)
            case 0..<0x20:
                raw("\\u00")
                let digits = Array("0123456789abcdef".utf8)
                byte(digits[Int(unit >> 4)])
                byte(digits[Int(unit & 15)])
            default: byte(unit)
            }
        }
    }

    /// A whole document, without blanks; reals in the shortest form that reads back the same.
    public mutating func json(_ value: JSON) {
        switch value {
        case .null: raw("null")
        case .bool(let truth): truth ? raw("true") : raw("false")
        case .number(let number):
            if number == number.rounded(.towardZero), abs(number) < 0x1p53 {
                integer(Int(number))
            } else {
                precondition(number.isFinite, "no JSON for an infinity or NaN")
                text(number.description)
            }
        case .string(let string): quoted(string)
        case .array(let elements):
            byte(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { byte(UInt8(ascii: ",")) }
                json(element)
            }
            byte(UInt8(ascii: "]"))
        case .object(let members):
            byte(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { byte(UInt8(ascii: ",")) }
                quoted(member.name)
                byte(UInt8(ascii: ":"))
                json(member.value)
            }
            byte(UInt8(ascii: "}"))
        }
    }
}
