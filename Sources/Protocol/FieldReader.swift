import CrimsCore

/// Reads the members of a request's object strictly: a misspelt, unknown or repeated field is refused before any
/// other is looked at, since a scenario in which one is silently ignored is a wrong result.
struct FieldReader {
    private let members: [JSON.Member]
    /// Where the object stands in the request, such as `adjust[2]: `, for messages.
    private let place: String

    /// - Parameter names: the fields that the object may have.
    init(_ members: [JSON.Member], allowing names: [String], place: String = "") throws(Refusal) {
        self.members = members
        self.place = place
        for (index, member) in members.enumerated() {
            guard names.contains(member.name) else {
                let hint =
                    Spelling.nearest(to: member.name, in: names).map { "; did you mean '\($0)'?" }
                    ?? "; there are \(names.joined(separator: ", "))"
                throw .badRequest(field: member.name, "\(place)unknown field '\(member.name)'\(hint)")
            }
            if members[..<index].contains(where: { $0.name == member.name }) {
                throw .badRequest(field: member.name, "\(place)field '\(member.name)' is given twice")
            }
        }
    }

    /// The value, if it is there and not null.
    func value(_ name: String) -> JSON? {
        guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
        return value
    }

    func refuse(_ name: String, _ expected: String) -> Refusal {
        .badRequest(field: name, "\(place)'\(name)' must be \(expected)")
    }

    func required<Value>(_ name: String, _ value: Value?) throws(Refusal) -> Value {
        guard let value else { throw .badRequest(field: name, "\(place)'\(name)' is required") }
        return value
    }

    func string(_ name: String, bytesMax: Int = 1_000) throws(Refusal) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.text, text.utf8.count <= bytesMax else {
            throw refuse(name, "a string of at most \(bytesMax) bytes")
        }
        return text
    }

    func bool(_ name: String) throws(Refusal) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let truth = value.truth else { throw refuse(name, "true or false, not \(value.kind)") }
        return truth
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(Refusal) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.number, number == number.rounded(.towardZero), abs(number) <= 0x1p53,
            range.contains(Int(number))
        else { throw refuse(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return Int(number)
    }

    func real(_ name: String, _ range: ClosedRange<Double>) throws(Refusal) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.number, range.contains(number) else {
            throw refuse(name, "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return number
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws(Refusal) -> Choice?
    where Choice.RawValue == String {
        guard let value = value(name) else { return nil }
        guard let choice = value.text.flatMap({ Choice(rawValue: $0) }) else {
            throw refuse(name, "one of \(Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))")
        }
        return choice
    }

    func time(_ name: String) throws(Refusal) -> CivilMinute? {
        guard let value = value(name) else { return nil }
        guard let time = value.text.flatMap({ TimeText.parse($0) }) else {
            throw refuse(name, "a time to the minute like 2020-01-31T23:00:00, without a zone, from 1970 to 2209")
        }
        return time
    }

    func duration(_ name: String, months: Bool) throws(Refusal) -> StepLength? {
        guard let value = value(name) else { return nil }
        guard let length = value.text.flatMap({ TimeText.parseDuration($0) }) else {
            throw refuse(name, "a duration like 15m, 1h, 8h, 1d, 2w\(months ? " or 1mo" : ""), of at most 240 years")
        }
        if case .months = length, !months { throw refuse(name, "a duration in m, h, d or w, not in months") }
        return length
    }

    func strings(_ name: String, mayBeEmpty: Bool = false) throws(Refusal) -> [String]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.elements else { throw refuse(name, "a list of strings, not \(value.kind)") }
        guard mayBeEmpty || !elements.isEmpty else {
            throw refuse(name, "a list with something in it; leave it out for all")
        }
        var strings: [String] = []
        for element in elements {
            guard let text = element.text, text.utf8.count <= 1_000 else {
                throw refuse(name, "a list of strings of at most 1000 bytes, but has \(element.kind)")
            }
            strings.append(text)
        }
        return strings
    }
}
