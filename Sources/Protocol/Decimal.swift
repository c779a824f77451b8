/// Numbers as text and back, the same on every machine and without Foundation.
public enum Decimal {
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
        1e19, 1e20, 1e21, 1e22,
    ]

    /// Reads a decimal number (`-12.5e3`, without blanks, `+`, or a bare point); nil if the bytes are not one.
    ///
    /// Correctly rounded: with up to 15 digits and a small exponent both parts are exact doubles and one IEEE
    /// operation rounds once (Clinger 1990); anything longer goes to the standard library. Too large is infinite.
    public static func parse(_ bytes: some Collection<UInt8>) -> Double? {
        var index = bytes.startIndex
        let end = bytes.endIndex
        var negative = false
        if index < end, bytes[index] == UInt8(ascii: "-") {
            negative = true
            bytes.formIndex(after: &index)
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var integerDigits = 0
        var exponent = 0
        func digit() -> UInt8? {
            guard index < end, case let value = bytes[index] &- 48, value < 10 else { return nil }
            return value
        }
        func take(_ value: UInt8) {
            if digits > 0 || value > 0 { digits += 1 }
            if digits <= 18 { mantissa = mantissa * 10 + UInt64(value) }
        }
        while let value = digit() {
            take(value)
            integerDigits += 1
            bytes.formIndex(after: &index)
        }
        guard integerDigits > 0 else { return nil }
        if index < end, bytes[index] == UInt8(ascii: ".") {
            bytes.formIndex(after: &index)
            var fraction = 0
            while let value = digit() {
                take(value)
                fraction += 1
                bytes.formIndex(after: &index)
            }
            guard fraction > 0 else { return nil }
            exponent = -fraction
        }
        if index < end, bytes[index] | 0x20 == UInt8(ascii: "e") {
            bytes.formIndex(after: &index)
            var minus = false
            if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                minus = bytes[index] == UInt8(ascii: "-")
                bytes.formIndex(after: &index)
            }
            var value = 0
            var any = false
            while let next = digit() {
                value = min(value * 10 + Int(next), 100_000)
                any = true
                bytes.formIndex(after: &index)
            }
            guard any else { return nil }
            exponent += minus ? -value : value
        }
        guard index == end else { return nil }
        if digits <= 15, abs(exponent) <= 22 {
            let exact = Double(mantissa)
            let value = exponent < 0 ? exact / powersOfTen[-exponent] : exact * powersOfTen[exponent]
            return negative ? -value : value
        }
        return Double(String(decoding: bytes, as: UTF8.self))
    }

    /// `value` to at most `digits` significant digits (1…15), in the shortest such form: `0.25`, `18.4361027`, `1.5e-07`.
    ///
    /// - Precondition: `value` is finite.
    public static func format(_ value: Double, significantDigits digits: Int) -> String {
        var writer = ByteWriter(capacity: 24)
        writer.real(value, significantDigits: digits)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The digits of a positive value, as many as asked for, as one number; and the exponent of the first of them.
    static func digits(_ magnitude: Double, _ digits: Int) -> (scaled: UInt64, exponent: Int) {
        // The decimal exponent, from the binary one and then corrected.
        var exponent = Int((Double(magnitude.exponent) * 0.301_029_995_663_981_2).rounded(.down))
        var scaled = scale(magnitude, by: digits - 1 - exponent).rounded(.toNearestOrEven)
        if scaled >= powersOfTen[digits] {
            exponent += 1
            scaled = scale(magnitude, by: digits - 1 - exponent).rounded(.toNearestOrEven)
        } else if scaled < powersOfTen[digits - 1] {
            exponent -= 1
            scaled = scale(magnitude, by: digits - 1 - exponent).rounded(.toNearestOrEven)
        }
        if scaled >= powersOfTen[digits] {
            exponent += 1
            scaled /= 10
        }
        return (UInt64(scaled), exponent)
    }

    /// `value` in the shortest form that reads back as the same double: `0.1`, `12`, `1.2345678901234567e-07`.
    ///
    /// - Precondition: `value` is finite.
    public static func shortest(_ value: Double) -> String {
        precondition(value.isFinite, "no text for an infinity or NaN")
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `value` with exactly `places` digits after the point, rounded half to even on the scaled double.
    public static func fixed(_ value: Double, places: Int) -> String {
        precondition(value.isFinite && abs(value) < 1e12 && places >= 0 && places <= 6, "fixed: out of range")
        let scaled = UInt64((abs(value) * powersOfTen[places]).rounded(.toNearestOrEven))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        let unit = UInt64(powersOfTen[places])
        guard places > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % unit)
        return sign + String(scaled / unit) + "." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    private static func scale(_ value: Double, by exponent: Int) -> Double {
        var value = value
        var exponent = exponent
        while exponent > 22 {
            value *= 1e22
            exponent -= 22
        }
        while exponent < -22 {
            value /= 1e22
            exponent += 22
        }
        return exponent < 0 ? value / powersOfTen[-exponent] : value * powersOfTen[exponent]
    }
}
