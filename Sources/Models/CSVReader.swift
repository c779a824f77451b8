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

    private var buffer: [UInt8]
    /// Where the next record begins.
    private var position = 0
    private var nextLine = 1
    private var isFinished: Bool
    private var isAtStart = true
    private var fields: [Range<Int>] = []
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
        buffer.removeSubrange(..<position)
        position = 0
        buffer.append(contentsOf: piece)
    }

    /// Says that no more bytes will come, so that a last line without an end is read too.
    public mutating func finish() { isFinished = true }

    /// Fields of the current record.
    public var count: Int { fields.count }

    /// The bytes of a field of the current record, without its quotes.
    public func field(_ index: Int) -> ArraySlice<UInt8> { buffer[fields[index]] }

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
            switch scan() {
            case .record(let end, let lineEnds):
                accept(end: end, lineEnds: lineEnds)
                let isBlank = fields.count == 1 && fields[0].isEmpty && fault == nil
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

    /// Takes the record at `position` apart and changes no byte, so that it can begin anew when more bytes have come.
    private mutating func scan() -> Scan {
        fields.removeAll(keepingCapacity: true)
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
                if isEscaped { escaped.append(fields.count) }
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
            fields.append(start..<end)
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
        fields = [position..<(end ?? buffer.count)]
        escaped = []
        if end != nil { nextLine += 1 }
        position = end.map { $0 + 1 } ?? buffer.count
    }
}
