import Protocol

/// What the hub has done since it was made, over all runs: counts that only grow. For monitoring; no reply depends on them.
public struct HubTally: Sendable {
    public internal(set) var steps = 0
    public internal(set) var incidents = 0
    public internal(set) var adjustments = 0
    public internal(set) var retractions = 0
    /// Requests for steps that were answered once more.
    public internal(set) var retries = 0
    /// Requests that were refused, by the error's code.
    public internal(set) var refusals: [ErrorCode: Int] = [:]
    public internal(set) var waiting = StageTimes()
    public internal(set) var sampling = StageTimes()
    public internal(set) var encoding = StageTimes()
    public internal(set) var sending = StageTimes()
}

/// How long a stage of a step took, counted in classes whose bounds grow by four.
public struct StageTimes: Sendable {
    /// Upper bounds of all classes but the last, in nanoseconds: 10 µs to 2.6 s.
    public static let bounds: [UInt64] = (0..<10).map { 10_000 << (2 * UInt64($0)) }
    /// How many there are up to each bound and no other below it; the last is above them all.
    public private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    public private(set) var nanoseconds: UInt64 = 0

    mutating func add(nanoseconds more: UInt64) {
        counts[Self.bounds.firstIndex { more <= $0 } ?? Self.bounds.count] += 1
        nanoseconds &+= more
    }
}

extension Hub {
    /// How many runs are in each state, by its name.
    public var runStates: [(state: String, runs: Int)] {
        let open = runs.values.count { $0.state == "open" }
        let ended = runs.values.count { $0.state == "ended" }
        return [
            ("open", open), ("ended", ended), ("closed", runs.count - open - ended),
            ("stopped", order.count - runs.count),
        ]
    }

    func countWaiting(of run: Run, nanoseconds: UInt64) {
        run.timings.waiting.add(nanoseconds: nanoseconds)
        tally.waiting.add(nanoseconds: nanoseconds)
    }
}
