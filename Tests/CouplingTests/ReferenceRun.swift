import CrimsCore

/// A run as docs/protocol.md has it. Times are minutes since the schedules' start.
struct ReferenceRun {
    struct Adjustment {
        let id: String
        let change: Ask.Change
        let from: Int
        /// The run's next step when it was taken.
        let acceptedSeq: Int
        var scheduled: ScheduledAdjustment
        /// The run's next step when it was retracted.
        var retracted: Int?
    }

    let name: String
    let arguments: Ask.Arguments
    var isClosed = false
    var next = 0
    var adjustments: [Adjustment] = []
    /// Requests that took steps, with what their lists came to.
    private(set) var requests: [(seq: Int, adjusted: [String])] = []
    /// Incidents of each step.
    private(set) var counts: [Int] = []
    private(set) var last: (seq: Int, steps: Int, asked: [(adjust: [Ask.Change], ids: [String])])?
    private(set) var origin: (what: Ask.What, next: Int)?
    /// By participant; one place in a run without.
    var waiting: [(ask: Ask, step: Ask.StepAsk)?]
    /// Seconds.
    var since: Int?

    init(name: String, arguments: Ask.Arguments) {
        self.name = name
        self.arguments = arguments
        waiting = Array(repeating: nil, count: max(1, arguments.participants.count))
    }

    init(name: String, forkOf parent: ReferenceRun, at seq: Int?, _ participants: [Ask.Part], what: Ask.What) {
        var arguments = parent.arguments
        arguments.participants = participants
        self.init(name: name, arguments: arguments)
        next = seq ?? parent.next
        // With `seq`: what was acknowledged before step `seq` − 1 was taken.
        func isKnown(_ then: Int) -> Bool { seq.map { then <= $0 - 1 } ?? true }
        for adjustment in parent.adjustments where isKnown(adjustment.acceptedSeq) {
            var mine = adjustment
            if let retracted = mine.retracted, !isKnown(retracted) {
                mine.retracted = nil
                mine.scheduled = ScheduledAdjustment(mine.scheduled.adjustment)
            }
            adjustments.append(mine)
        }
        requests = parent.requests.filter { $0.seq < next }
        counts = Array(parent.counts.prefix(next))
        origin = (what, next)
    }

    /// The run that it was forked from.
    var parent: String? {
        guard case .fork(let parent, _, _, _) = origin?.what else { return nil }
        return parent
    }
    var time: Int { next * arguments.step }
    var hasEnded: Bool { arguments.length == next }
    var state: String { isClosed ? "closed" : hasEnded ? "ended" : "open" }

    /// Adjustments in force or pending.
    var live: Int { adjustments.count { $0.scheduled.end > Ask.start.minutes + time } }

    func state(of adjustment: Adjustment) -> String {
        if adjustment.retracted != nil { return "retracted" }
        if adjustment.scheduled.end <= Ask.start.minutes + max(time, adjustment.from) { return "expired" }
        return adjustment.from > time ? "pending" : "in_force"
    }

    mutating func retract(_ index: Int) {
        adjustments[index].retracted = next
        adjustments[index].scheduled.end = min(adjustments[index].scheduled.end, Ask.start.minutes + time)
    }

    // MARK: - Steps

    func isRetry(_ step: Ask.StepAsk) -> Bool { last != nil && step.seq == last?.seq && step.seq != next }

    /// How many steps a request means.
    func steps(_ step: Ask.StepAsk, from seq: Int) -> Int {
        guard let until = step.until else { return step.count ?? 1 }
        return until % arguments.step == 0 ? until / arguments.step - seq : 0
    }

    /// Nil if nobody of this name takes part.
    func place(_ participant: String?) -> Int? {
        guard !arguments.participants.isEmpty else { return participant == nil ? 0 : nil }
        return arguments.participants.firstIndex { $0.name == participant }
    }

    func lists(with adjust: [Ask.Change], at place: Int) -> [[Ask.Change]] {
        waiting.indices.map { $0 == place ? adjust : waiting[$0]?.step.adjust ?? [] }
    }

    mutating func take(_ steps: Range<Int>, _ counts: [Int], _ lists: [[Ask.Change]], _ ids: [[String]]) {
        requests.append((steps.lowerBound, ids.flatMap { $0 }))
        last = (steps.lowerBound, steps.count, Array(zip(lists, ids).map { ($0, $1) }))
        self.counts += counts
        next = steps.upperBound
    }

    // MARK: - Who waits

    var missing: [Ask.Part] {
        arguments.participants.indices.filter { waiting[$0] == nil }.map { arguments.participants[$0] }
    }

    /// When the step fails unless others have asked, in seconds, and whose fault that is.
    var deadline: (at: Int, lost: String)? {
        guard let since else { return nil }
        let late = missing.filter { $0.fails && $0.timeout != nil }
        guard let first = late.min(by: { $0.timeout ?? 0 < $1.timeout ?? 0 }), let timeout = first.timeout else {
            return nil
        }
        return (since + timeout, first.name)
    }

    mutating func clearWaiting() {
        waiting = Array(repeating: nil, count: waiting.count)
        since = nil
    }
}
