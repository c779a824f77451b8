/// One of several clients that step a run together.
public struct Participant: Equatable, Sendable {
    /// What happens to a step that one has not asked for in time.
    public enum OnTimeout: String, CaseIterable, Sendable {
        /// The others go on waiting.
        case wait
        /// The others are told, and the step is not taken.
        case fail
    }

    /// 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    public var name: String
    /// How long the others wait for it, in milliseconds of wall-clock time from the first request for a step; nil for
    /// as long as it takes.
    public var timeout: Int?
    public var onTimeout: OnTimeout

    public init(name: String, timeout: Int? = nil, onTimeout: OnTimeout = .wait) {
        self.name = name
        self.timeout = timeout
        self.onTimeout = onTimeout
    }

    /// Written as it could have been sent.
    public var json: JSON {
        var members: [JSON.Member] = [.init("name", .string(name))]
        if let timeout { members.append(.init("timeout", .number(Double(timeout) / 1_000))) }
        members.append(.init("on_timeout", .string(onTimeout.rawValue)))
        return .object(members)
    }

    static let fields = ["name", "timeout", "on_timeout"]
    /// A leap year.
    static let timeoutMax = 366 * 86_400_000

    /// The field `participants`; nobody where it is left out, null or empty.
    static func list(_ reader: FieldReader) throws(Refusal) -> [Participant] {
        guard let value = reader.value("participants") else { return [] }
        guard let elements = value.elements else {
            throw reader.refuse("participants", "a list of objects, not \(value.kind)")
        }
        var names: Set<String> = []
        var list: [Participant] = []
        for (index, element) in elements.enumerated() {
            guard let members = element.members else {
                throw reader.refuse("participants", "a list of objects, but participants[\(index)] is \(element.kind)")
            }
            let place = "participants[\(index)]: "
            let participant = try Participant(try FieldReader(members, allowing: fields, place: place))
            guard names.insert(participant.name).inserted else {
                throw .badRequest(field: "name", "\(place)there is another '\(participant.name)': names are different")
            }
            list.append(participant)
        }
        return list
    }

    private init(_ reader: FieldReader) throws(Refusal) {
        name = try reader.required("name", try reader.string("name"))
        let allowed = name.utf8.allSatisfy {
            $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 26
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
        }
        guard allowed, (1...64).contains(name.utf8.count) else {
            throw reader.refuse("name", "1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and '-'")
        }
        onTimeout = try reader.choice("on_timeout") ?? .wait
        guard let value = reader.value("timeout") else { return }
        guard let timeout = Self.timeout(value) else {
            throw reader.refuse(
                "timeout", "a number of seconds or a text like 500ms, 30s, 5m or 1h, from 1ms to 366 days")
        }
        self.timeout = timeout
    }

    /// Milliseconds of wall-clock time. Seconds as a number are never taken for a time of the run, whose durations
    /// are text.
    private static func timeout(_ value: JSON) -> Int? {
        let milliseconds: Double
        if let seconds = value.number {
            milliseconds = (seconds * 1_000).rounded()
        } else {
            guard let text = value.text else { return nil }
            let digits = text.utf8.prefix { $0 &- 48 < 10 }
            guard (1...12).contains(digits.count), let number = Double(String(decoding: digits, as: UTF8.self)) else {
                return nil
            }
            switch text.dropFirst(digits.count) {
            case "ms": milliseconds = number
            case "s": milliseconds = number * 1_000
            case "m": milliseconds = number * 60_000
            case "h": milliseconds = number * 3_600_000
            default: return nil
            }
        }
        // NaN is in no range.
        return (1...Double(timeoutMax)).contains(milliseconds) ? Int(milliseconds) : nil
    }
}
