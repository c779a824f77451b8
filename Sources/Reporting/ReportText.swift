import CrimsCore
import Protocol

/// Numbers for people: thousands apart, no more digits than mean something, units where they belong.
package enum ReportText {
    package static let none = "–"

    /// `330,861`.
    package static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// With `places` digits after the point: `1,234.5`.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e11 else { return none }
        let parts = Decimal.fixed(abs(value), places: places).split(separator: ".")
        let isZero = parts.allSatisfy { $0.allSatisfy { $0 == "0" } }
        let whole = count(Int(parts[0]) ?? 0)
        return (value < 0 && !isZero ? "−" : "") + whole + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// To about three digits: `27,747`, `83.4`, `0.52`.
    package static func number(_ value: Double) -> String {
        let size = abs(value)
        return fixed(value, size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3)
    }

    /// Without zeros at the end, and to two digits below 100: `130`, `0.4`.
    package static func short(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 100 else { return fixed(value, 0) }
        return Decimal.format(value, significantDigits: 2)
    }

    /// `4.6 %`, with a space that does not break.
    package static func percent(_ share: Double, _ places: Int = 1) -> String {
        let text = fixed(share * 100, places)
        return text == none ? text : text + "\u{A0}%"
    }

    /// With its sign: `+3.1 %`.
    package static func change(_ share: Double, _ places: Int = 1) -> String {
        let text = percent(share, places)
        return share > 0 && text != percent(0, places) ? "+" + text : text
    }

    package static func months(_ halfLife: Double) -> String {
        halfLife.isFinite ? "\(fixed(halfLife, 0)) months" : "none: all months weigh the same"
    }

    package static func list(_ months: [CivilMonth]) -> String { list(months.map(\.text)) }

    /// `a, b and c`; a long list ends in its number.
    package static func list(_ items: [String], most: Int = 24) -> String {
        if items.count > most { return items.prefix(most).joined(separator: ", ") + " and \(items.count - most) more" }
        guard items.count > 1 else { return items.first ?? "" }
        return items.dropLast().joined(separator: ", ") + " and " + items[items.count - 1]
    }

    /// `1 month`, `24 months`.
    package static func plural(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(Self.count(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// With a capital, as a heading has it.
    package static func heading(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    package static let monthLetters = ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"]
    package static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
}
