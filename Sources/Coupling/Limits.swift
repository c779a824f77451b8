import Protocol

/// Bounds on what clients may ask for; `hello` names them.
public struct Limits: Sendable {
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
    /// Above this libzmq ends the connection unanswered.
    public var frameBytes = 16 << 20

    public init() {}

    var json: JSON {
        .object([
            .init("request_bytes", .number(Double(Request.bytesMax))),
            .init("frame_bytes", .number(Double(frameBytes))),
            .init("runs", .number(Double(runs))), .init("adjustments_in_force", .number(Double(adjustmentsInForce))),
            .init("adjustments_per_request", .number(Double(StepRequest.adjustMax))),
            .init("participants", .number(Double(participants))),
            .init("incidents_per_reply", .number(Double(incidentsPerReply))),
            .init("rows_per_reply", .number(Double(rowsPerReply))),
            .init("requests_waiting", .number(Double(requestsWaiting))),
            .init("reads_waiting", .number(Double(readsWaiting))),
        ])
    }
}
