import Protocol

/// A client's address, meaningful to the transport alone.
public struct Peer: Equatable, Sendable {
    public var route: [UInt8]
    /// Whether the request came behind an empty frame, which is then given back.
    public var enveloped: Bool
    /// Whose key the connection was made with, where keys are used; for the audit trail.
    public var who: String?
    /// What that key entitles it to; without keys, everything.
    public var role: Role
    /// The key itself, meaningful to the transport alone.
    public var key: String?
    /// The connection that it asks by, never used again for another; 0 if the transport knows of none.
    public var connection = 0
    /// The connection of a peer that has gone before its request was looked at.
    public static let gone = -1
    /// The transport's handle on it.
    public var descriptor: Int32 = -1

    public init(route: [UInt8], enveloped: Bool, who: String? = nil, role: Role = .driver, key: String? = nil) {
        self.route = route
        self.enveloped = enveloped
        self.who = who
        self.role = role
        self.key = key
    }
}

/// What the hub asks the transport to do, in this order.
public enum Action {
    case reply(Peer, [[UInt8]])
    case publish(topic: [UInt8], payload: [UInt8])
    /// A request that is never answered, since its client has asked again.
    case forget(Peer)
    /// For the person who looks after the daemon.
    case log(event: String, facts: [JSON.Member])
}
