import CrimsCore
import Protocol

/// What a step request comes to, before anything is changed.
struct StepPlan {
    var seq: Int
    var steps: Int
    var window: Range<Int>
    /// Adjustments that the step's `adjust` lists add.
    var accepted: [AcceptedAdjustment]
    /// What each participant asks with it.
    var asked: [Asked]
    var isRetry: Bool
}

extension Run {
    /// The place among the participants of who asks; 0 in a run without.
    func place(of request: StepRequest) throws(Refusal) -> Int {
        let participants = arguments.participants
        guard !participants.isEmpty else {
            guard request.participant == nil else {
                throw .badRequest(field: "participant", "run '\(name)' has no participants: leave 'participant' out")
            }
            return 0
        }
        let names = participants.map(\.name)
        let known = names.count <= 20 ? "; there are \(names.joined(separator: ", "))" : ""
        guard let who = request.participant else {
            throw .badRequest(
                field: "participant",
                "run '\(name)' is stepped by its participants: say in 'participant' who asks\(known)")
        }
        guard let place = names.firstIndex(of: who) else {
            let hint = Spelling.nearest(to: who, in: names).map { "; did you mean '\($0)'?" } ?? known
            throw .badRequest(field: "participant", "run '\(name)' has no participant '\(who)'\(hint)")
        }
        return place
    }

    /// How many steps a request asks for from now, if it may be asked now.
    func stepsAhead(_ request: StepRequest) throws(Refusal) -> Int {
        guard !isClosed else {
            throw Refusal(.runClosed, "run '\(name)' is closed: it can be read, not stepped; fork it to go on")
        }
        if let seq = request.seq, seq != nextSeq {
            throw .outOfStep(expected: nextSeq, "run '\(name)' expects seq \(nextSeq), not \(seq)")
        }
        guard !hasEnded else { throw Refusal(.runEnded, "run '\(name)' ended at \(TimeText.format(time))") }
        let steps = try steps(request, from: time)
        let to = start(of: nextSeq + steps)
        guard to <= CivilMinute.limit else {
            throw .limit("time", "a run goes no further than \(TimeText.format(CivilMinute.limit))")
        }
        if let end = arguments.end, to > end {
            let left = arguments.step.count(from: time, to: end) ?? 0
            throw Refusal(
                .runEnded, "run '\(name)' ends at \(TimeText.format(end)): \(left) steps are left, not \(steps)")
        }
        return steps
    }

    /// The steps that all have asked for.
    ///
    /// - Parameters:
    ///   - lists: each participant's `adjust`.
    ///   - resolved: what they come to.
    func plan(
        _ lists: [[AdjustmentTerms]], _ resolved: (accepted: [AcceptedAdjustment], ids: [[String]]), steps: Int
    ) -> StepPlan {
        StepPlan(
            seq: nextSeq, steps: steps, window: time.minutes..<start(of: nextSeq + steps).minutes,
            accepted: resolved.accepted,
            asked: lists.indices.map {
                Asked(participant: barrier.name($0), adjust: lists[$0], adjusted: resolved.ids[$0])
            },
            isRetry: false)
    }

    /// The last request once more, if that is what is asked for; nil if it is not.
    func planRetry(_ request: StepRequest, place: Int) throws(Refusal) -> StepPlan? {
        guard let last, let seq = request.seq, seq == last.seq, seq != nextSeq else { return nil }
        let from = start(of: last.seq)
        let steps = try steps(request, from: from)
        guard steps == last.steps else {
            throw Refusal(
                .conflict, "seq \(last.seq) was taken with \(last.steps) steps, not \(steps); the next is \(nextSeq)")
        }
        guard request.adjust.elementsEqual(last.asked[place].adjust, by: { $0.asksTheSame(as: $1) }) else {
            throw Refusal(.conflict, "seq \(last.seq) was taken with another 'adjust' list; the next is \(nextSeq)")
        }
        return StepPlan(
            seq: last.seq, steps: steps, window: from.minutes..<time.minutes, accepted: [], asked: last.asked,
            isRetry: true)
    }

    private func steps(_ request: StepRequest, from: CivilMinute) throws(Refusal) -> Int {
        guard let until = request.until else { return request.count ?? 1 }
        guard until > from, let steps = arguments.step.count(from: from, to: until) else {
            throw .badRequest(
                field: "until",
                "'until' must be after \(TimeText.format(from)) by a whole number of steps of "
                    + TimeText.format(arguments.step))
        }
        return steps
    }

    /// As below, for lists that act one after the other: the ids of each.
    func resolve(
        _ lists: [[AdjustmentTerms]], limits: Limits
    ) throws(Refusal) -> (accepted: [AcceptedAdjustment], ids: [[String]]) {
        let (accepted, ids) = try resolve(lists.flatMap { $0 }, limits: limits)
        var rest = ids[...]
        return (
            accepted,
            lists.map { list in
                defer { rest = rest.dropFirst(list.count) }
                return Array(rest.prefix(list.count))
            }
        )
    }

    /// Looks up and checks adjustments without taking any: the new ones, and the ids of all, duplicates included.
    func resolve(
        _ list: [AdjustmentTerms], limits: Limits
    ) throws(Refusal) -> (accepted: [AcceptedAdjustment], ids: [String]) {
        var accepted: [AcceptedAdjustment] = []
        var ids: [String] = []
        var newKeys: [String: Int] = [:]
        for terms in list {
            if let key = terms.key,
                let earlier = adjustment(key: key) ?? newKeys[key].map({ accepted[$0] })
            {
                guard newKeys[key] == nil || earlier.terms.asksTheSame(as: terms) else {
                    throw Refusal(
                        .conflict, "key '\(key)' is given to two adjustments with different fields for the same step")
                }
                try Self.checkDuplicate(earlier, terms, run: name)
                ids.append(earlier.id)
                continue
            }
            let new = try resolve(terms, number: adjustments.count + accepted.count + 1)
            if let key = terms.key { newKeys[key] = accepted.count }
            accepted.append(new)
            ids.append(new.id)
        }
        guard accepted.isEmpty || live.count + accepted.count <= limits.adjustmentsInForce else {
            throw .limit(
                "adjustments_in_force",
                "a run has at most \(limits.adjustmentsInForce) adjustments in force or pending: retract some, "
                    + "or give them 'until' or 'half_life'")
        }
        return (accepted, ids)
    }

    static func checkDuplicate(_ earlier: AcceptedAdjustment, _ terms: AdjustmentTerms, run: String) throws(Refusal) {
        guard earlier.terms.asksTheSame(as: terms) else {
            throw Refusal(
                .conflict,
                "key '\(terms.key ?? "")' of run '\(run)' belongs to adjustment \(earlier.id) with other fields")
        }
    }

    private func resolve(_ terms: AdjustmentTerms, number: Int) throws(Refusal) -> AcceptedAdjustment {
        let areas: [Int]?
        if let codes = terms.areas { areas = try served.areas(codes) } else { areas = nil }
        let crimes = try served.crimes(
            categories: terms.categories, codes: terms.codes, descriptions: terms.descriptions)
        let from = terms.from ?? time
        guard from >= time else {
            throw Refusal(
                .tooLate,
                "'from' \(TimeText.format(from)) is past: run '\(name)' is at \(TimeText.format(time)), and nothing "
                    + "changes a step that has been taken")
        }
        if let until = terms.until, until <= from {
            throw Refusal(
                .tooLate, "'until' \(TimeText.format(until)) is past: run '\(name)' is at \(TimeText.format(time))")
        }
        let adjustment = Adjustment(
            factor: terms.factor, mode: terms.mode, target: terms.target, areas: areas, crimes: crimes, from: from,
            until: terms.until, halfLife: terms.halfLife, displacement: terms.displacement, model: served.prepared)
        return AcceptedAdjustment(
            id: "a\(number)", terms: terms, scheduled: ScheduledAdjustment(adjustment), acceptedSeq: nextSeq,
            seq: seq(at: from), displacementLostPerDay: adjustment.displacementLostPerDay(model: served.prepared))
    }

    /// The step that a time not before now falls into.
    private func seq(at moment: CivilMinute) -> Int {
        switch arguments.step {
        case .minutes(let length): return (moment - arguments.start) / length
        case .months(let length):
            let guess = (moment.month.index - arguments.start.month.index) / length
            return start(of: guess) > moment ? guess - 1 : guess
        }
    }
}
