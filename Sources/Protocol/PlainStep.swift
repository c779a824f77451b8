/// A request for one step as most are written, read where it lies and without memory of its own: a run's name and
/// nothing that has to be looked up or checked beyond it.
///
/// What it does not read is not wrong: ``Request`` reads everything, says what is wrong, and reads the same of what this
/// one does read.
public struct PlainStep: Equatable {
    /// Places in the frame, without quotes.
    public private(set) var id: Range<Int>?
    public private(set) var run = 0..<0
    public private(set) var seq: Int?
    public private(set) var format = Format.records

    /// Longer frames are not looked at: nothing plain has so many bytes.
    private static let bytesMax = 512

    private struct Field: OptionSet {
        let rawValue: UInt16
        static let v = Self(rawValue: 1), id = Self(rawValue: 2), op = Self(rawValue: 4), run = Self(rawValue: 8)
        static let seq = Self(rawValue: 16), count = Self(rawValue: 32), format = Self(rawValue: 64)
        static let adjust = Self(rawValue: 128), until = Self(rawValue: 256), participant = Self(rawValue: 512)
        static let needed: Self = [.v, .op, .run]
    }

    /// Nil for anything but a plain request for one step.
    public init?(_ frame: UnsafeRawBufferPointer) {
        guard frame.count <= Self.bytesMax else { return nil }
        var reader = PlainReader(bytes: frame)
        var seen: Field = []
        guard reader.take("{") else { return nil }
        repeat {
            guard let name = reader.string(), reader.take(":"), let field = Self.field(frame[name]),
                seen.insert(field).inserted, read(field, &reader)
            else { return nil }
        } while reader.take(",")
        guard reader.take("}"), reader.isAtEnd, seen.isSuperset(of: .needed) else { return nil }
    }

    private mutating func read(_ field: Field, _ reader: inout PlainReader) -> Bool {
        switch field {
        case .v: return reader.number() == 1
        case .op: return reader.string().map { Self.equal(reader.bytes[$0], "step") } ?? false
        case .run:
            guard let name = reader.string() else { return false }
            run = name
            return true
        default: break
        }
        if reader.takeNull() { return true }
        switch field {
        case .id:
            guard let text = reader.string(), text.count <= 128 else { return false }
            id = text
        case .seq:
            guard let number = reader.number() else { return false }
            seq = number
        case .count: return reader.number() == 1
        case .format:
            guard let name = reader.string(), let named = Self.format(reader.bytes[name]) else { return false }
            format = named
        case .adjust: return reader.take("[") && reader.take("]")
        default: return false
        }
        return true
    }

    private static func field(_ name: Slice<UnsafeRawBufferPointer>) -> Field? {
        switch name.first {
        case UInt8(ascii: "v"): equal(name, "v") ? .v : nil
        case UInt8(ascii: "i"): equal(name, "id") ? .id : nil
        case UInt8(ascii: "o"): equal(name, "op") ? .op : nil
        case UInt8(ascii: "r"): equal(name, "run") ? .run : nil
        case UInt8(ascii: "s"): equal(name, "seq") ? .seq : nil
        case UInt8(ascii: "c"): equal(name, "count") ? .count : nil
        case UInt8(ascii: "f"): equal(name, "format") ? .format : nil
        case UInt8(ascii: "a"): equal(name, "adjust") ? .adjust : nil
        case UInt8(ascii: "u"): equal(name, "until") ? .until : nil
        case UInt8(ascii: "p"): equal(name, "participant") ? .participant : nil
        default: nil
        }
    }

    private static func format(_ name: Slice<UnsafeRawBufferPointer>) -> Format? {
        if equal(name, "columns") { return .columns }
        if equal(name, "records") { return .records }
        if equal(name, "none") { return Format.none }
        if equal(name, "csv") { return .csv }
        return equal(name, "counts") ? .counts : nil
    }

    private static func equal(_ bytes: Slice<UnsafeRawBufferPointer>, _ text: StaticString) -> Bool {
        bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

/// Reads the JSON of a plain request: strings of ASCII without escapes, whole numbers, blanks.
private struct PlainReader {
    let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func skipBlanks() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    var isAtEnd: Bool {
        mutating get {
            skipBlanks()
            return index == bytes.count
        }
    }

    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard index < bytes.count, bytes[index] == UInt8(ascii: mark) else { return false }
        index += 1
        return true
    }

    mutating func takeNull() -> Bool {
        skipBlanks()
        guard index + 4 <= bytes.count, bytes[index] == UInt8(ascii: "n"), bytes[index + 1] == UInt8(ascii: "u"),
            bytes[index + 2] == UInt8(ascii: "l"), bytes[index + 3] == UInt8(ascii: "l")
        else { return false }
        index += 4
        return true
    }

    /// The place of a string between its quotes.
    mutating func string() -> Range<Int>? {
        guard take("\"") else { return nil }
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return start..<index - 1
            }
            guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") else { return nil }
            index += 1
        }
        return nil
    }

    /// A whole number that is not negative, of at most 15 digits: such are exact as doubles.
    mutating func number() -> Int? {
        skipBlanks()
        let start = index
        var value = 0
        while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
            value = value &* 10 &+ Int(digit)
            index += 1
            guard index - start <= 15 else { return nil }
        }
        guard index > start, index == start + 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        // What goes on otherwise, as "1.5" does, is followed by neither ',' nor '}', and so is not plain.
        return value
    }
}
