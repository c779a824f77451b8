import CrimsCore
import Protocol

/// Steps, and what their lists of adjustments come to.
extension ReferenceDaemon {
    /// Lets in what waits for others: that is not answered, so it takes effect as soon as it is its turn.
    func settle(_ name: String) {
        while due[name, default: []].isEmpty, let head = queues[name]?.first, case .step(_, let step) = head.what,
            let run = runs[name], !run.isRetry(step), let place = run.place(step.participant),
            run.waiting.indices.contains(where: { $0 != place && run.waiting[$0] == nil }),
            stepFaults(run, step, place).isEmpty,
            resolve(run, run.lists(with: step.adjust, at: place)).faults.isEmpty
        {
            queues[name]?.removeFirst()
            enter(head, step, name, place)
        }
    }

    func enter(_ ask: Ask, _ step: Ask.StepAsk, _ name: String, _ place: Int) {
        if let earlier = runs[name]?.waiting[place] { replaced.insert(earlier.ask.number) }
        runs[name]?.waiting[place] = (ask, step)
        if runs[name]?.since == nil { runs[name]?.since = clock }
    }

    func turnAway(_ name: String, _ faults: [Fault]) -> [(ask: Ask, check: Check)] {
        let all = runs[name]?.waiting.compactMap { $0 } ?? []
        runs[name]?.clearWaiting()
        return all.map { ($0.ask, refused(faults)) }
    }

    func step(_ ask: Ask, _ name: String, _ step: Ask.StepAsk) -> [(ask: Ask, check: Check)] {
        guard let run = runs[name] else { return [(ask, unknownRun(name))] }
        guard let place = run.place(step.participant) else {
            return [(ask, refused([Fault(code: "bad_request", fact: ("field", .string("participant")))]))]
        }
        if let last = run.last, run.isRetry(step) {
            let steps = run.steps(step, from: last.seq)
            guard steps > 0 else { return [(ask, refused([badUntil]))] }
            guard steps == last.steps, step.adjust == last.asked[place].adjust else {
                return [(ask, refused([Fault(code: "conflict")]))]
            }
            let range = last.seq..<last.seq + steps
            let drawn = draw(run, range)
            return [
                (ask, stepped(run, drawn, range, format: step.format, adjusted: last.asked[place].ids, area: nil))
            ]
        }
        let faults = stepFaults(run, step, place)
        let lists = run.lists(with: step.adjust, at: place)
        let resolved = resolve(run, lists)
        guard faults.isEmpty else { return [(ask, refused(faults + resolved.faults))] }
        guard resolved.faults.isEmpty else {
            // What the others have asked for may be at odds with what came since.
            let others = resolve(run, run.lists(with: [], at: place)).faults
            guard !others.isEmpty else { return [(ask, refused(resolved.faults))] }
            if let earlier = run.waiting[place] {
                replaced.insert(earlier.ask.number)
                runs[name]?.waiting[place] = nil
            }
            return turnAway(name, others) + [(ask, refused(others))]
        }
        enter(ask, step, name, place)
        let all = runs[name]?.waiting.compactMap { $0 } ?? []
        runs[name]?.clearWaiting()
        let range = run.next..<run.next + run.steps(step, from: run.next)
        var after = run
        after.clearWaiting()
        after.adjustments += resolved.new
        let drawn = draw(after, range)
        if drawn.count > limits.incidents, all.contains(where: { Self.carries($0.step.format) }) {
            return all.map { ($0.ask, tooMany) }
        }
        after.take(range, drawn.counts, lists, resolved.ids)
        runs[name] = after
        return zip(all, resolved.ids).map { asking, ids in
            (asking.ask, stepped(after, drawn, range, format: asking.step.format, adjusted: ids, area: nil))
        }
    }

    func stepFaults(_ run: ReferenceRun, _ step: Ask.StepAsk, _ place: Int) -> [Fault] {
        var faults: [Fault] = []
        if run.isClosed { faults.append(Fault(code: "run_closed")) }
        if let seq = step.seq, seq != run.next { faults.append(outOfStep(run)) }
        if run.hasEnded { faults.append(Fault(code: "run_ended")) }
        let steps = run.steps(step, from: run.next)
        if steps < 1 { faults.append(badUntil) }
        if let length = run.arguments.length, run.next + steps > length { faults.append(Fault(code: "run_ended")) }
        let others = run.waiting.indices.filter { $0 != place }.compactMap { run.waiting[$0]?.step }
        if others.contains(where: { run.steps($0, from: run.next) != steps }) { faults.append(Fault(code: "conflict")) }
        return faults
    }

    /// What lists of adjustments come to that act one after the other from now on.
    func resolve(
        _ run: ReferenceRun, _ lists: [[Ask.Change]]
    ) -> (faults: [Fault], new: [ReferenceRun.Adjustment], ids: [[String]]) {
        var faults: [Fault] = []
        var new: [ReferenceRun.Adjustment] = []
        let ids = lists.map { list in
            list.map { change in
                if let key = change.key, let known = (run.adjustments + new).first(where: { $0.change.key == key }) {
                    if known.change != change { faults.append(Fault(code: "conflict")) }
                    return known.id
                }
                if change.area == 9 { faults.append(Fault(code: "unknown_area", fact: ("name", .string("E9")))) }
                let from = change.from ?? run.time
                if from < run.time || change.until ?? .max <= from { faults.append(Fault(code: "too_late")) }
                let adjustment = Adjustment(
                    factor: change.factor, mode: change.isSet ? .set : .scale,
                    target: change.ofSuspects ? .suspect : .incidence,
                    areas: change.area.map { $0 == 9 ? [] : [$0] },
                    crimes: change.category.flatMap { prepared.categoryIndex[$0] }.map {
                        prepared.crimesOfCategory[$0]
                    },
                    from: Ask.start + from, until: change.until.map { Ask.start + $0 }, halfLife: change.halfLife,
                    displacement: change.displacement, model: prepared)
                let id = "a\(run.adjustments.count + new.count + 1)"
                new.append(
                    .init(
                        id: id, change: change, from: from, acceptedSeq: run.next,
                        scheduled: ScheduledAdjustment(adjustment)))
                return id
            }
        }
        if !new.isEmpty, run.live + new.count > limits.inForce {
            faults.append(Fault(code: "limit_exceeded", fact: ("limit", .string("adjustments_in_force"))))
        }
        return (faults, new, ids)
    }
}
