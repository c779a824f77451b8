import Protocol

/// Bounds on what clients may ask for and on what they may make the daemon hold; `hello` names them.
public struct Limits: Sendable {
    /// Bytes in one request.
    public var requestBytes = Request.bytesMax
    /// Bytes in one frame: above this libzmq ends the connection unanswered.
    public var frameBytes = 16 << 20
    /// Runs at once, closed ones included.
    public var runs = 1_000
    /// Adjustments of one run that are in force or pending.
    public var adjustmentsInForce = 10_000
    /// Participants of one run.
    public var participants = 100
    /// Incidents in one reply.
    public var incidentsPerReply = 1_000_000
    /// Rows in one reply to `rates`.
    public var rowsPerReply = 1_000_000
    /// Requests of one run that wait for its step to be done.
    public var requestsWaiting = 1_000
    /// Requests to `read` or `rates` that are at hand, of all clients together.
    public var readsWaiting = 1_000
    /// Requests of one connection that are not answered yet.
    public var requestsInFlight = 1_000
    /// Bytes of replies that one connection has not taken.
    public var unreadBytes = 256 << 20
    /// The same of all connections together.
    public var unreadBytesInAll = 1 << 30
    /// Bytes of events that listeners have not taken, all together.
    public var eventBytes = 256 << 20
    /// Subscriptions of one listener, and of all together.
    public var subscriptions = 1_000
    public var subscriptionsInAll = 100_000
    /// Connections to the daemon.
    public var connections = 4_000
    /// After how many seconds of silence a connection is ended; 0 for never.
    public var idleSeconds = 0
    /// After how many seconds a listener is ended that takes nothing of what was sent to it; 0 for never.
    public var stuckSeconds = 10

    public init() {}

    /// A bound as people and programs name it.
    public struct Bound: Sendable {
        /// In `hello` and in errors.
        public let name: String
        /// On the command line.
        public let option: String
        public let help: String
        public let range: ClosedRange<Int>
        public let path: any WritableKeyPath<Limits, Int> & Sendable
    }

    public static let bounds: [Bound] = [
        .init(
            name: "request_bytes", option: "max-request-bytes", help: "bytes in one request",
            range: 1_024...(1 << 30), path: \.requestBytes),
        .init(
            name: "frame_bytes", option: "max-frame-bytes", help: "bytes in one frame; above, the connection is cut",
            range: 4_096...(1 << 31), path: \.frameBytes),
        .init(name: "runs", option: "max-runs", help: "runs at once", range: 1...1_000_000, path: \.runs),
        .init(
            name: "adjustments_in_force", option: "max-adjustments", help: "adjustments of a run in force or pending",
            range: 0...1_000_000, path: \.adjustmentsInForce),
        .init(
            name: "participants", option: "max-participants", help: "participants of a run", range: 0...10_000,
            path: \.participants),
        .init(
            name: "incidents_per_reply", option: "max-incidents", help: "incidents in one reply",
            range: 1...100_000_000, path: \.incidentsPerReply),
        .init(
            name: "rows_per_reply", option: "max-rows", help: "rows in one reply to 'rates'", range: 1...100_000_000,
            path: \.rowsPerReply),
        .init(
            name: "requests_waiting", option: "max-waiting", help: "requests that wait for a run's step at hand",
            range: 1...1_000_000, path: \.requestsWaiting),
        .init(
            name: "reads_waiting", option: "max-reads", help: "reads at hand, of all clients", range: 1...1_000_000,
            path: \.readsWaiting),
        .init(
            name: "requests_in_flight", option: "max-in-flight", help: "unanswered requests of a connection",
            range: 1...1_000_000, path: \.requestsInFlight),
        .init(
            name: "unread_bytes", option: "max-unread-bytes", help: "bytes of replies that a connection leaves unread",
            range: 1...(1 << 40), path: \.unreadBytes),
        .init(
            name: "unread_bytes_in_all", option: "max-unread-bytes-in-all", help: "the same of all connections",
            range: 1...(1 << 40), path: \.unreadBytesInAll),
        .init(
            name: "event_bytes", option: "max-event-bytes", help: "bytes of events kept for slow listeners",
            range: 1...(1 << 40), path: \.eventBytes),
        .init(
            name: "subscriptions", option: "max-subscriptions", help: "subscriptions of a listener",
            range: 1...1_000_000, path: \.subscriptions),
        .init(
            name: "subscriptions_in_all", option: "max-subscriptions-in-all", help: "the same of all listeners",
            range: 1...10_000_000, path: \.subscriptionsInAll),
        .init(
            name: "connections", option: "max-connections", help: "connections; fewer where descriptors are few",
            range: 1...500_000, path: \.connections),
        .init(
            name: "idle_seconds", option: "idle-seconds", help: "cut a connection that is silent for so long; 0: never",
            range: 0...31_536_000, path: \.idleSeconds),
        .init(
            name: "stuck_seconds", option: "stuck-seconds",
            help: "cut a listener that takes nothing for so long; 0: never",
            range: 0...31_536_000, path: \.stuckSeconds),
    ]

    var json: JSON {
        .object(
            Self.bounds.map { .init($0.name, .number(Double(self[keyPath: $0.path]))) } + [
                .init("adjustments_per_request", .number(Double(StepRequest.adjustMax)))
            ])
    }
}
