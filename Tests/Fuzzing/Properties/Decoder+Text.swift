import CrimsCore
import Protocol

extension Decoder {
    /// A document that is read, written and read again is the same, and so are its bytes the second time.
    static let json = Decoder(name: "json", longest: 1_024) { bytes throws(Broken) in
        let document: JSON
        do throws(JSONSyntaxError) {
            document = try JSON(parsing: bytes)
        } catch {
            try hold((0...bytes.count).contains(error.offset), "byte \(error.offset) of \(bytes.count) is at fault")
            return try hold(!error.reason.isEmpty, "no reason")
        }
        // Python's NaN and infinities are read so that they can be refused, and are never written.
        guard document.isWritable else { return }
        let written = document.bytes
        let again = try? JSON(parsing: written)
        try hold(again == document, "read again as something else: \(written)")
        try hold(again?.bytes == written, "written otherwise the second time: \(written)")
        try hold(document.depth <= JSON.depthMax, "\(document.depth) levels")
    }

    /// Text as a number: what the standard library reads, and the same again from any text that is made of it.
    /// Eight bytes are a number too.
    static let decimal = Decoder(name: "decimal", longest: 64) { bytes throws(Broken) in
        if let value = Decimal.parse(bytes) {
            try hold(value == Double(String(decoding: bytes, as: UTF8.self)), "\(Array(bytes)) is not \(value)")
            if value.isFinite { try holdText(of: value) }
        }
        guard bytes.count >= 8 else { return }
        let value = Double(bitPattern: bytes.loadUnaligned(as: UInt64.self))
        if value.isFinite { try holdText(of: value) }
    }

    private static func holdText(of value: Double) throws(Broken) {
        try hold(Decimal.parse(Decimal.shortest(value).utf8) == value, "\(value) is not \(Decimal.shortest(value))")
        for digits in [1, 6, 9, 15] {
            let text = Decimal.format(value, significantDigits: digits)
            guard let read = Decimal.parse(text.utf8) else { throw Broken("\(text), of \(value), is no number") }
            // Half a unit of the last digit, and what scaling may lose; next to 0 doubles have fewer digits.
            let unit = (0..<digits).reduce(1.0) { unit, _ in unit / 10 } * 10
            let bound = abs(value) * (unit * 0.5 + 0x1p-48) + 0x1p-1073
            try hold(abs(read - value) <= bound || !read.isFinite, "\(value) to \(digits) digits is \(text)")
            let figures = text.utf8.prefix { $0 != UInt8(ascii: "e") }.filter { $0 &- 48 < 10 }
            let leading = figures.drop { $0 == 48 }.reversed().drop { $0 == 48 }
            try hold(leading.count <= digits, "\(text) has more than \(digits) digits")
        }
        guard abs(value) < 1e12 else { return }
        for places in 0...6 {
            let text = Decimal.fixed(value, places: places)
            guard let read = Decimal.parse(text.utf8) else { throw Broken("\(text), of \(value), is no number") }
            let unit = (0..<places).reduce(1.0) { unit, _ in unit / 10 }
            try hold(abs(read - value) <= unit * 0.51 + abs(value) * 0x1p-50, "\(value) to \(places) places is \(text)")
        }
    }

    /// Times, durations and months, apart by blanks: each is the same again, and steps lead there and back.
    static let time = Decoder(name: "time", longest: 48) { bytes throws(Broken) in
        var start: CivilMinute?
        for part in bytes.split(separator: UInt8(ascii: " "), maxSplits: 2) {
            let text = String(decoding: part, as: UTF8.self)
            if let month = CivilMonth(text: text) {
                try hold(month.text == text, "\(text) comes back as \(month.text)")
            }
            if let time = TimeText.parse(text) {
                try hold(time.minutes >= 0 && time.date.year <= 2209, "\(text) is out of range")
                let written = TimeText.format(time)
                try hold(TimeText.parse(written) == time, "\(text) comes back as \(written)")
                try hold(written.hasPrefix(text.prefix(10)), "\(text) is another day than \(written)")
                start = time
            }
            guard let length = TimeText.parseDuration(text) else { continue }
            let written = TimeText.format(length)
            try hold(TimeText.parseDuration(written) == length, "\(text) comes back as \(written)")
            guard let start, start < .limit else { continue }
            if case .months = length, start.date.day > 28 { continue }
            for count in [1, 2, 13, 1_000] {
                let end = length.advance(start, by: count)
                try hold(end > start, "\(count) times \(written) leads from \(start) to \(end)")
                try hold(length.count(from: start, to: end) == count, "not \(count) times \(written) from \(start)")
            }
        }
    }
}

extension JSON {
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.json(self)
        return writer.bytes
    }

    var isWritable: Bool {
        switch self {
        case .null, .bool, .string: true
        case .number(let number): number.isFinite
        case .array(let elements): elements.allSatisfy(\.isWritable)
        case .object(let members): members.allSatisfy(\.value.isWritable)
        }
    }

    /// Lists and objects around the innermost value.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
        default: 0
        }
    }
}
