/// Reads comma-separated records (RFC 4180) from bytes that come at once or in pieces.
///
/// Quoted fields may hold commas, doubled quotes and line ends. A byte-order mark, CRLF and blank lines are passed
/// over. No record ends the reading: one that cannot be taken apart has a ``fault``, and the next line follows it.
///
///     var reader = CSVReader()
///     reader.append(piece)
///     while reader.next() { use(reader.field(0)) }
///     reader.finish()
///     while reader.next() { use(reader.field(0)) }
public struct CSVReader: Sendable {
    /// What is wrong with a record.
    public enum Fault: Equatable, Sendable {
        /// A quote is opened and not closed in the next ``CSVReader/recordBytesMax`` bytes.
        case quoteNotClosed
        /// Something other than a comma or the line's end follows a closing quote.
        case textAfterQuote
        /// No end within ``CSVReader/recordBytesMax`` bytes.
        case tooLong
    }

    /// A longer record is a fault, so that memory stays bounded whatever the input.
    public static let recordBytesMax = 1 << 16

    /// The line that the current record begins on, 1 for the first.
    public private(set) var line = 0
    /// Set if the current record is not to be trusted.
    public private(set) var fault: Fault?

    @usableFromInline internal private(set) var buffer: [UInt8]
    /// Where the next record begins.
    private var position = 0
    private var nextLine = 1
    private var isFinished: Bool
    private var isAtStart = true
    /// Where the current record's fields lie; those after ``count`` are of earlier records.
    @usableFromInline internal private(set) var fields = [Range<Int>](repeating: 0..<0, count: 64)
    /// Fields of the current record in which quotes are doubled.
    private var escaped: [Int] = []

    /// A reader of bytes that ``append(_:)`` and ``finish()`` give it.
    public init() {
        buffer = []
        isFinished = false
    }

    /// A reader of a whole document.
    public init(_ bytes: [UInt8]) {
        buffer = bytes
        isFinished = true
    }

    /// Adds a piece; what has been read is let go.
    public mutating func append(_ piece: some Collection<UInt8>) {
        forgetRead()
        buffer.append(contentsOf: piece)
    }

    /// Adds a piece that somebody lends; it is copied.
    public mutating func append(_ piece: UnsafeRawBufferPointer) {
        forgetRead()
        buffer.append(contentsOf: piece)
    }

    private mutating func forgetRead() {
        buffer.removeSubrange(..<position)
        position = 0
    }

    /// Says that no more bytes will come, so that a last line without an end is read too.
    public mutating func finish() { isFinished = true }

    /// Fields of the current record.
    public private(set) var count = 0

    /// The bytes of a field of the current record, without its quotes.
    public func field(_ index: Int) -> ArraySlice<UInt8> {
        precondition(index < count, "no such field")
        return buffer[fields[index]]
    }

    /// Lends the bytes of the current record's fields, which costs nothing, unlike ``field(_:)`` and ``text(_:)``.
    ///
    /// - Parameter body: Must not let the fields escape.
    @inlinable
    public func withFields<Result>(_ body: (Fields) -> Result) -> Result {
        buffer.withUnsafeBytes { bytes in
            fields.withUnsafeBufferPointer { body(Fields(bytes: bytes, ranges: $0)) }
        }
    }

    /// The fields of a record, lent.
    public struct Fields {
        @usableFromInline let bytes: UnsafeRawBufferPointer
        @usableFromInline let ranges: UnsafeBufferPointer<Range<Int>>

        @inlinable
        init(bytes: UnsafeRawBufferPointer, ranges: UnsafeBufferPointer<Range<Int>>) {
            self.bytes = bytes
            self.ranges = ranges
        }

        /// The bytes of a field below the reader's ``CSVReader/count``, without its quotes.
        @inlinable
        public subscript(index: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[ranges[index]])
        }
    }

    /// The text of a field; bytes that are not UTF-8 are replaced.
    public func text(_ index: Int) -> String { String(decoding: field(index), as: UTF8.self) }

    /// Moves to the next record; false when the bytes there are hold none.
    public mutating func next() -> Bool {
        if isAtStart {
            guard isFinished || buffer.count >= 3 else { return false }
            if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
            isAtStart = false
        }
        while position < buffer.count {
            switch scanBare() ?? scan() {
            case .record(let end, let lineEnds):
                accept(end: end, lineEnds: lineEnds)
                let isBlank = count == 1 && fields[0].isEmpty && fault == nil
                if !isBlank { return true }
            case .incomplete:
                if isFinished || buffer.count - position > Self.recordBytesMax {
                    giveUpLine(.tooLong)
                    return true
                }
                return false
            case .unclosed:
                if isFinished || buffer.count - position > Self.recordBytesMax {
                    giveUpLine(.quoteNotClosed)
                    return true
                }
                return false
            }
        }
        return false
    }

    private enum Scan {
        /// `end` is where the next record begins.
        case record(end: Int, lineEnds: Int)
        case incomplete
        case unclosed
    }

    /// Takes the record at `position` apart if no quote is in it, sixteen bytes at a time; nil if it has to be looked at
    /// more closely.
    ///
    /// Nearly all records are such, and ``scan()`` takes many times as long.
    private mutating func scanBare() -> Scan? {
        let begin = position
        let found = buffer.withUnsafeBytes { bytes in
            fields.withUnsafeMutableBufferPointer { fields -> (count: Int, end: Int)? in
                let countMax = fields.count
                var count = 0
                var start = begin
                var index = begin
                // The last bytes of a piece are left to `scan()`, which also knows what the end of all bytes means.
                while index &+ 16 <= bytes.count {
                    let marks = Self.marks(in: bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self))
                    for half in 0..<2 {
                        var rest = UInt64(littleEndian: marks[half])
                        while rest != 0 {
                            let place = index &+ rest.trailingZeroBitCount / 8
                            rest &= rest &- 1
                            let byte = bytes[place]
                            if byte == UInt8(ascii: "\"") || count == countMax { return nil }
                            fields[count] = Range(uncheckedBounds: (start, place))
                            count &+= 1
                            start = place &+ 1
                            guard byte == UInt8(ascii: "\n") else { continue }
                            let last = fields[count - 1]
                            if !last.isEmpty, bytes[place - 1] == UInt8(ascii: "\r") {
                                fields[count - 1] = Range(uncheckedBounds: (last.lowerBound, place - 1))
                            }
                            return (count, start)
                        }
                        index &+= 8
                    }
                }
                return nil
            }
        }
        guard let found else { return nil }
        count = found.count
        escaped.removeAll(keepingCapacity: true)
        fault = nil
        return .record(end: found.end, lineEnds: 1)
    }

    /// The highest bit of each byte that is a comma, a line feed or a quote.
    @inline(__always)
    private static func marks(in bytes: SIMD16<UInt8>) -> SIMD2<UInt64> {
        let low = SIMD16<UInt8>(repeating: 0x7F)
        // Has its highest bit clear where the byte is one. Swift compares vectors byte by byte, but adds them at once.
        @inline(__always)
        func differs(_ byte: UInt8) -> SIMD16<UInt8> {
            let bits = bytes ^ SIMD16(repeating: byte)
            return ((bits & low) &+ low) | bits
        }
        let none = differs(UInt8(ascii: ",")) & differs(UInt8(ascii: "\n")) & differs(UInt8(ascii: "\""))
        return unsafeBitCast(~(none | low), to: SIMD2<UInt64>.self)
    }

    /// Takes the record at `position` apart and changes no byte, so that it can begin anew when more bytes have come.
    private mutating func scan() -> Scan {
        self.count = 0
        escaped.removeAll(keepingCapacity: true)
        fault = nil
        let count = buffer.count
        var lineEnds = 0
        var index = position
        while true {
            var start = index
            var end = index
            if index < count, buffer[index] == UInt8(ascii: "\"") {
                start += 1
                index += 1
                var isEscaped = false
                while true {
                    guard index < count, index - position <= Self.recordBytesMax else { return .unclosed }
                    let byte = buffer[index]
                    if byte == UInt8(ascii: "\"") {
                        guard index + 1 < count || isFinished else { return .unclosed }
                        guard index + 1 < count, buffer[index + 1] == UInt8(ascii: "\"") else { break }
                        isEscaped = true
                        index += 1
                    } else if byte == UInt8(ascii: "\n") {
                        lineEnds += 1
                    }
                    index += 1
                }
                end = index
                index += 1
                if isEscaped { escaped.append(self.count) }
                let tail = index
                index = endOfBareField(index)
                let onlyReturn = index == tail + 1 && buffer[tail] == UInt8(ascii: "\r")
                if index > tail, !onlyReturn { fault = .textAfterQuote }
            } else {
                index = endOfBareField(index)
                end = index
                let endsLine = index == count || buffer[index] == UInt8(ascii: "\n")
                if endsLine, end > start, buffer[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            }
            guard index < count || isFinished else { return .incomplete }
            if self.count == fields.count { fields.append(0..<0) }
            fields[self.count] = start..<end
            self.count += 1
            if index == count { return .record(end: count, lineEnds: lineEnds) }
            index += 1
            if buffer[index - 1] == UInt8(ascii: "\n") { return .record(end: index, lineEnds: lineEnds + 1) }
        }
    }

    /// The next comma, line feed or end of the bytes.
    private func endOfBareField(_ start: Int) -> Int {
        var index = start
        while index < buffer.count, buffer[index] != UInt8(ascii: ","), buffer[index] != UInt8(ascii: "\n") {
            index += 1
        }
        return index
    }

    private mutating func accept(end: Int, lineEnds: Int) {
        if end - position > Self.recordBytesMax { fault = .tooLong }
        line = nextLine
        nextLine += lineEnds
        position = end
        for index in escaped { fields[index] = removingDoubledQuotes(fields[index]) }
    }

    private mutating func removingDoubledQuotes(_ field: Range<Int>) -> Range<Int> {
        var write = field.lowerBound
        var read = field.lowerBound
        while read < field.upperBound {
            buffer[write] = buffer[read]
            read += buffer[read] == UInt8(ascii: "\"") ? 2 : 1
            write += 1
        }
        return field.lowerBound..<write
    }

    /// Makes one faulty record of the line at `position`, so that one stray quote does not swallow what follows it.
    private mutating func giveUpLine(_ reason: Fault) {
        line = nextLine
        fault = reason
        let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n"))
        fields[0] = position..<(end ?? buffer.count)
        count = 1
        escaped = []
        if end != nil { nextLine += 1 }
        position = end.map { $0 + 1 } ?? buffer.count
    }
}
