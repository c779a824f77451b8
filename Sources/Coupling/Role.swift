import Protocol

/// What a client's key entitles it to; each role may do what those before it may.
public enum Role: String, CaseIterable, Comparable, Sendable {
    case observer, policy, driver

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .observer: 0
        case .policy: 1
        case .driver: 2
        }
    }

    /// Refuses an operation that takes more than this role.
    ///
    /// - Parameter who: the key's name, for the message.
    /// - Throws: `forbidden`, with the role that it needs and the one that there is.
    func require(_ operation: Protocol.Operation, who: String?) throws(Refusal) {
        let needed = operation.role
        guard self < needed else { return }
        throw Refusal(
            .forbidden,
            "'\(operation.name)' needs the role '\(needed.rawValue)', and \(who.map { "key '\($0)'" } ?? "this client") has "
                + "'\(rawValue)': use another key, or ask whoever runs the daemon for that role",
            facts: [.init("needs", .string(needed.rawValue)), .init("role", .string(rawValue))])
    }
}

extension Protocol.Operation {
    /// The least role that may ask for it.
    var role: Role {
        switch self {
        case .hello, .describe, .read, .rates, .status, .adjustments: .observer
        case .adjust, .retract: .policy
        case .open, .step, .fork, .close, .delete: .driver
        }
    }
}
