import CrimsCore

/// Times and durations as the wire writes them.
public enum TimeText {
    /// Reads `2020-01-31T23:00:00`, `2020-01-31T23:00` or `2020-01-31`; nil if it is none of them, names a day that
    /// does not exist, has seconds other than 00, or lies outside 1970…2209.
    public static func parse(_ text: String) -> CivilMinute? {
        let bytes = Array(text.utf8)
        guard [10, 16, 19].contains(bytes.count) else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard case let digit = byte &- 48, digit < 10 else { return nil }
                value = value * 10 + Int(digit)
            }
            return value
        }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), let year = number(0..<4),
            let month = number(5..<7), let day = number(8..<10), (1970...2209).contains(year),
            (1...12).contains(month), day >= 1, day <= CivilMonth(year: year, month: month).days
        else { return nil }
        guard bytes.count > 10 else { return CivilMinute(year: year, month: month, day: day) }
        guard bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), let hour = number(11..<13),
            let minute = number(14..<16), hour < 24, minute < 60
        else { return nil }
        if bytes.count == 19 {
            guard bytes[16] == UInt8(ascii: ":"), number(17..<19) == 0 else { return nil }
        }
        return CivilMinute(year: year, month: month, day: day, hour: hour, minute: minute)
    }

    /// `2020-01-31T23:00:00`.
    public static func format(_ time: CivilMinute) -> String {
        var writer = ByteWriter(capacity: 19)
        writer.time(time)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Universal time to the second, `2020-01-31T23:00:05Z`: of the world outside, never of a run.
    public static func formatUniversal(secondsSince1970 seconds: Int) -> String {
        var writer = ByteWriter(capacity: 20)
        writer.time(CivilMinute(minutes: seconds / 60))
        var second = ByteWriter(capacity: 3)
        second.twoDigits(seconds % 60)
        return String(decoding: writer.bytes.dropLast(2) + second.bytes, as: UTF8.self) + "Z"
    }

    /// Reads a positive whole number and `m`, `h`, `d`, `w` or `mo`; up to 240 years.
    public static func parseDuration(_ text: String) -> StepLength? {
        let digits = text.utf8.prefix { $0 &- 48 < 10 }
        guard (1...9).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)), number > 0
        else { return nil }
        let perUnit: Int
        switch text.dropFirst(digits.count) {
        case "m": perUnit = 1
        case "h": perUnit = 60
        case "d": perUnit = 24 * 60
        case "w": perUnit = 7 * 24 * 60
        case "mo": return number <= 240 * 12 ? .months(number) : nil
        default: return nil
        }
        let minutes = number * perUnit
        return minutes <= CivilMinute.limit.minutes ? .minutes(minutes) : nil
    }

    /// The duration in its largest whole unit.
    public static func format(_ length: StepLength) -> String {
        switch length {
        case .months(let months): return "\(months)mo"
        case .minutes(let minutes):
            for (unit, size) in [("w", 10_080), ("d", 1_440), ("h", 60)] where minutes % size == 0 {
                return "\(minutes / size)\(unit)"
            }
            return "\(minutes)m"
        }
    }
}

extension ByteWriter {
    /// `2020-01-31T23:00:00`, or with another byte between date and time.
    public mutating func time(_ time: CivilMinute, separator: UInt8 = UInt8(ascii: "T")) {
        let date = time.date
        twoDigits(date.year / 100)
        twoDigits(date.year % 100)
        byte(UInt8(ascii: "-"))
        twoDigits(date.month)
        byte(UInt8(ascii: "-"))
        twoDigits(date.day)
        byte(separator)
        let minute = time.minutes - CivilMinute(year: date.year, month: date.month, day: date.day).minutes
        twoDigits(minute / 60)
        byte(UInt8(ascii: ":"))
        twoDigits(minute % 60)
        raw(":00")
    }

    /// A quoted time.
    public mutating func quoted(_ time: CivilMinute) {
        byte(UInt8(ascii: "\""))
        self.time(time)
        byte(UInt8(ascii: "\""))
    }
}
