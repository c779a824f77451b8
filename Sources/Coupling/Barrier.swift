import Protocol

/// Who has asked for a run's next step and who has not: the step is taken when all have. A run without participants
/// has one place, so that whoever asks completes it.
struct Barrier {
    /// A request that is in, and how to answer it.
    struct Asking {
        let request: StepRequest
        let steps: Int
        let peer: Peer
        let id: String?
    }

    /// In the order in which `open` or `fork` named them.
    let participants: [Participant]
    /// By participant; each holds the latest request only.
    private(set) var asking: [Asking?]
    /// When the first request for the step came, nanoseconds of the monotonic clock and seconds since 1970; nil while
    /// nobody has asked.
    private(set) var since: (monotonic: UInt64, calendar: Int)?
    /// When the step fails unless more have asked, nanoseconds of the monotonic clock; nil for never.
    private(set) var deadline: UInt64?

    init(_ participants: [Participant]) {
        self.participants = participants
        asking = [Asking?](repeating: nil, count: max(participants.count, 1))
    }

    var isEmpty: Bool { since == nil }
    var isComplete: Bool { asking.allSatisfy { $0 != nil } }

    /// The name of the participant with this place; nil in a run without participants.
    func name(_ place: Int) -> String? { participants.isEmpty ? nil : participants[place].name }

    /// All agree on the number of steps, or the newcomer is refused. Who asks again may change its mind as long as
    /// nobody else waits.
    func requireAgreement(on steps: Int, seq: Int, from place: Int) throws(Refusal) {
        for (other, waiting) in asking.enumerated() where other != place {
            guard let waiting, waiting.steps != steps else { continue }
            throw Refusal(
                .conflict,
                "participant '\(name(other) ?? "")' waits for \(waiting.steps) steps from seq \(seq), not \(steps): "
                    + "all have to ask for as many")
        }
    }

    /// The `adjust` lists of those who wait, in the participants' order, with a newcomer's at its place.
    func lists(with adjust: [AdjustmentTerms], at newcomer: Int) -> [[AdjustmentTerms]] {
        asking.indices.map { $0 == newcomer ? adjust : asking[$0]?.request.adjust ?? [] }
    }

    /// Lets a request in. An earlier one of the same participant is forgotten; its time still counts.
    mutating func enter(_ request: Asking, at place: Int, now: UInt64, calendar: () -> Int) {
        asking[place] = request
        if since == nil { since = (now, calendar()) }
        deadline = missing.filter { $0.onTimeout == .fail }.compactMap { limit($0) }.min()
    }

    /// Forgets a participant's request.
    mutating func leave(_ place: Int) { asking[place] = nil }

    /// Lets everybody out, in the participants' order.
    mutating func clear() -> [Asking] {
        let all = asking.compactMap { $0 }
        for place in asking.indices { asking[place] = nil }
        since = nil
        deadline = nil
        return all
    }

    private var missing: [Participant] {
        participants.indices.filter { asking[$0] == nil }.map { participants[$0] }
    }

    /// When a participant is overdue.
    private func limit(_ participant: Participant) -> UInt64? {
        guard let since, let timeout = participant.timeout else { return nil }
        return since.monotonic + UInt64(timeout) * 1_000_000
    }

    /// Whom the step fails for at a time: the first in the participants' order of those whose time ended first.
    func lost(at now: UInt64) -> Participant? {
        guard let deadline, deadline <= now else { return nil }
        return missing.first { $0.onTimeout == .fail && limit($0) == deadline }
    }

    /// Whom the others wait for, for `status`.
    func waitingFor(at now: UInt64) -> JSON {
        guard let since else { return .array([]) }
        let milliseconds = (now - min(now, since.monotonic)) / 1_000_000
        return .array(
            missing.map { participant in
                .object([
                    .init("name", .string(participant.name)),
                    .init("since", .string(TimeText.formatUniversal(secondsSince1970: since.calendar))),
                    .init("seconds", .number(Double(milliseconds) / 1_000)),
                    .init("overdue", .bool(limit(participant).map { $0 <= now } ?? false)),
                ])
            })
    }
}
