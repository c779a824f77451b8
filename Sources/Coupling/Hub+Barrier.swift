import Protocol

/// A step from its first request to the moment at which all who take part have asked, and what else may come of it.
extension Hub {
    func step(_ request: StepRequest, _ id: String?, _ peer: Peer) throws(Refusal) {
        let run = try run(request.run)
        let place = try run.place(of: request)
        if let retry = try run.planRetry(request, place: place) {
            let adjusted = retry.asked[place].adjusted
            let asker = StepJob.Asker(
                participant: request.participant, format: request.format, peer: peer, id: id, adjusted: adjusted)
            return begin(retry, [asker], on: run)
        }
        let steps = try run.stepsAhead(request)
        try run.barrier.requireAgreement(on: steps, seq: run.nextSeq, from: place)
        let lists = run.barrier.lists(with: request.adjust, at: place)
        let resolved: (accepted: [AcceptedAdjustment], ids: [[String]])
        do throws(Refusal) {
            resolved = try run.resolve(lists, limits: limits)
        } catch {
            try requireOthersStillRight(run, place)
            throw error
        }
        if run.barrier.isEmpty { atBarrier.append(run) }
        if let earlier = run.barrier.asking[place] { emit(.forget(earlier.peer)) }
        run.barrier.enter(
            .init(request: request, steps: steps, peer: peer, id: id), at: place, now: now(), calendar: calendar)
        guard run.barrier.isComplete else { return }
        if let repliedAt = run.timings.repliedAt { countWaiting(of: run, nanoseconds: now() - repliedAt) }
        let plan = run.plan(lists, resolved, steps: steps)
        let askers = zip(clearBarrier(of: run), plan.asked).map { asking, asked in
            StepJob.Asker(
                participant: asked.participant, format: asking.request.format, peer: asking.peer, id: asking.id,
                adjusted: asked.adjusted)
        }
        begin(plan, askers, on: run)
    }

    private func begin(_ plan: StepPlan, _ askers: [StepJob.Asker], on run: Run) {
        run.isStepping = true
        start(StepJob(run: run, plan: plan, askers: askers), on: run)
    }

    /// An adjustment that was taken since the others asked may be at odds with theirs: then none of this step's
    /// requests can ever be taken, whoever asks next, and all are refused.
    private func requireOthersStillRight(_ run: Run, _ newcomer: Int) throws(Refusal) {
        do throws(Refusal) {
            _ = try run.resolve(run.barrier.lists(with: [], at: newcomer), limits: limits)
        } catch {
            // The newcomer is answered at its latest request only.
            if let earlier = run.barrier.asking[newcomer] { emit(.forget(earlier.peer)) }
            run.barrier.leave(newcomer)
            turnAway(from: run, error)
            throw error
        }
    }

    /// Refuses all who wait for a run's next step; nobody has asked for it then.
    func turnAway(from run: Run, _ refusal: Refusal) {
        for asking in clearBarrier(of: run) {
            refuse(refusal, id: asking.id.map { .string($0) }, op: "step", to: asking.peer)
        }
    }

    private func clearBarrier(of run: Run) -> [Barrier.Asking] {
        atBarrier.removeAll { $0 === run }
        return run.barrier.clear()
    }

    // MARK: - Time-outs

    /// When ``expire()`` has something to do, on the clock that the hub was given; nil for never.
    public var nextDeadline: UInt64? { atBarrier.lazy.filter { !$0.isBusy }.compactMap(\.barrier.deadline).min() }

    /// Gives up the steps for which a participant has not asked in time, where `open` said so. To be called after
    /// the requests that have come are handed over, so that none of them counts as lost.
    public func expire() {
        guard !atBarrier.isEmpty else { return }
        let now = now()
        // A run that is busy with a retry or a fork has not yet looked at the requests that wait for it.
        for run in atBarrier where !run.isBusy {
            guard let lost = run.barrier.lost(at: now) else { continue }
            turnAway(
                from: run,
                .unknown(
                    .participantLost, name: lost.name,
                    "participant '\(lost.name)' has not asked for seq \(run.nextSeq) of run '\(run.name)' within "
                        + "\(Double(lost.timeout ?? 0) / 1_000) s of the first: the step is not taken; ask again when it "
                        + "is back"))
        }
    }
}
