import CrimsCore
import Protocol

/// A step that all who take part have asked for, from the first draw to its publications: nothing of the run changes
/// before all of it is drawn.
final class StepJob: Job {
    /// One who is answered.
    struct Asker {
        /// Nil in a run without participants.
        let participant: String?
        let format: Format
        let peer: Peer
        let id: String?
        /// The ids that its own `adjust` list came to.
        let adjusted: [String]
    }

    private let run: Run
    private let plan: StepPlan
    private let askers: [Asker]
    private var draw: WindowDraw
    private var isTaken = false
    private var answered = 0
    private var publication: StepPublication?

    init(run: Run, plan: StepPlan, askers: [Asker]) {
        self.run = run
        self.plan = plan
        self.askers = askers
        var schedule = run.schedule(in: plan.window)
        if !plan.accepted.isEmpty {
            schedule += plan.accepted.lazy.map(\.scheduled).filter { $0.acts(in: plan.window) }
        }
        draw = WindowDraw(
            run: run, window: plan.window, schedule: schedule, formats: askers.map(\.format),
            lastStep: run.start(of: plan.seq + plan.steps - 1).minutes)
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        if !isTaken {
            do throws(Refusal) {
                repeat { try draw.advance(limits: hub.limits, now: hub.now) } while !draw.isAtEnd && !isOver()
                guard draw.isAtEnd else { return false }
                try plan.isRetry ? hub.requireSame(draw, as: run) : take(hub)
            } catch {
                refuse(error, hub)
                return true
            }
            isTaken = true
            if plan.isRetry { hub.tally.retries += 1 }
        }
        // A large reply takes as long as a slice, and there may be as many as participants.
        while answered < askers.count {
            answer(askers[answered], hub)
            answered += 1
            if answered < askers.count, isOver() { return false }
        }
        if !plan.isRetry, publication == nil, plan.steps == 1 { hub.tell(draw, seq: plan.seq) }
        guard !plan.isRetry, run.arguments.publish else { return true }
        if publication == nil, !hub.subscriptions.wantsAny(of: run.topics) {
            for adjustment in plan.accepted { hub.publish(adjustment, of: run) }
            if run.hasEnded { hub.publish("ended", of: run) }
            return true
        }
        let publication = publication ?? StepPublication(run: run, plan: plan, schedule: draw.schedule, hub: hub)
        self.publication = publication
        return publication.work(hub, until: isOver)
    }

    /// All is drawn and nobody is answered yet.
    private func take(_ hub: Hub) throws(Refusal) {
        let step = Record.Stepped(
            seq: plan.seq, steps: plan.steps, asked: plan.asked, incidents: draw.count, digest: draw.digest.value,
            lastDigest: draw.lastDigest.value)
        var keys: [String] = []
        for who in askers.compactMap(\.peer.who) where !keys.contains(who) { keys.append(who) }
        let who = keys.isEmpty ? nil : keys.joined(separator: ", ")
        try hub.recorder.append(Record(run: run.name, who: who, event: .stepped(step)))
        run.take(plan.accepted)
        run.take(step)
        run.timings.sampling.add(nanoseconds: draw.nanoseconds.sampling)
        run.lastDrawing = (draw.nanoseconds.sampling, run.live.count)
        run.timings.encoding.add(nanoseconds: draw.nanoseconds.encoding)
        hub.tally.sampling.add(nanoseconds: draw.nanoseconds.sampling)
        hub.tally.encoding.add(nanoseconds: draw.nanoseconds.encoding)
        hub.tally.steps += plan.steps
        hub.tally.incidents += draw.count
        hub.tally.adjustments += plan.accepted.count
    }

    private func answer(_ asker: Asker, _ hub: Hub) {
        var writer = hub.begin("step", id: asker.id)
        writer.run(run.name)
        let frames = draw.write(
            seq: plan.seq, steps: plan.steps, adjusted: asker.adjusted, format: asker.format, to: &writer)
        hub.reply(writer, frames, to: asker.peer, run: run)
    }

    /// The step is not taken, for nobody.
    private func refuse(_ refusal: Refusal, _ hub: Hub) {
        var refusal = refusal
        // The others have to be told whose format it was that asked for too much.
        if refusal.facts.contains(.init("limit", .string("incidents_per_reply"))),
            let asker = askers.first(where: \.format.carriesIncidents), let name = asker.participant
        {
            refusal.message = "participant '\(name)' asked for format '\(asker.format.rawValue)': " + refusal.message
            refusal.facts.append(.init("name", .string(name)))
        }
        for asker in askers { hub.refuse(refusal, id: asker.id.map { .string($0) }, op: "step", to: asker.peer) }
    }
}

/// What listeners are told of steps that were taken, after the reply: adjustments, then incidents and their sums step
/// by step, drawn once more so that nothing need be kept.
final class StepPublication {
    private let run: Run
    private let schedule: [ScheduledAdjustment]
    private let wantsSteps: Bool
    private let wantedCategories: [Bool]
    private let lastSeq: Int

    private var seq: Int
    private var cursor: WindowCursor
    private var columns: IncidentColumns
    private var expectation = Expectation()
    private var byCategory: [Int]
    private var batches: [Batch]

    private struct Batch {
        var body = ByteWriter(capacity: 0)
        var count = 0
        var part = 0
    }
    private static let batchMax = 1_000

    init(run: Run, plan: StepPlan, schedule: [ScheduledAdjustment], hub: Hub) {
        self.run = run
        self.schedule = schedule
        for adjustment in plan.accepted { hub.publish(adjustment, of: run) }
        let topics = run.topics
        wantsSteps = hub.subscriptions.wants(topics.step)
        wantedCategories = topics.categories.map { hub.subscriptions.wants($0) }
        let wanted = wantsSteps || wantedCategories.contains(true)
        seq = plan.seq
        lastSeq = wanted ? plan.seq + plan.steps : plan.seq
        cursor = WindowCursor(plan.window.lowerBound..<run.start(of: plan.seq + 1).minutes)
        columns = IncidentColumns(origin: CivilMinute(minutes: plan.window.lowerBound))
        byCategory = [Int](repeating: 0, count: topics.categories.count)
        batches = [Batch](repeating: Batch(), count: topics.categories.count)
    }

    /// - Returns: whether all is published.
    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        while seq < lastSeq {
            gather(cursor.next(), hub)
            if cursor.isAtEnd { finishStep(hub) }
            if isOver() { break }
        }
        guard seq >= lastSeq else { return false }
        if run.hasEnded { hub.publish("ended", of: run) }
        return true
    }

    private func gather(_ part: Range<Int>, _ hub: Hub) {
        columns.clear(origin: CivilMinute(minutes: cursor.window.lowerBound))
        // The same hours were drawn for the reply, so that numbering cannot overflow now.
        guard let drawn = try? run.sampler.draw(window: part, schedule: schedule, into: &columns) else { return }
        expectation.expected += drawn.expected
        expectation.baseline += drawn.baseline
        var date = IncidentFragments.DateText()
        for index in 0..<columns.count {
            let category = run.served.model.crimes[Int(columns.crime[index])].category
            byCategory[category] += 1
            guard wantedCategories[category] else { continue }
            if batches[category].count > 0 { batches[category].body.raw(",") }
            run.served.fragments.writeJSON(columns, index, &date, to: &batches[category].body)
            batches[category].count += 1
            if batches[category].count == Self.batchMax { flush(category, hub) }
        }
    }

    private func flush(_ category: Int, _ hub: Hub) {
        var writer = ByteWriter(capacity: batches[category].body.count + 128)
        writer.raw("{\"run\":")
        writer.quoted(run.name)
        writer.raw(",\"seq\":")
        writer.integer(seq)
        writer.raw(",\"category\":")
        writer.quoted(run.served.model.categories[category])
        writer.raw(",\"part\":")
        writer.integer(batches[category].part)
        writer.raw(",\"incidents\":[")
        writer.raw(batches[category].body.bytes)
        writer.raw("]}")
        batches[category] = Batch(part: batches[category].part + 1)
        hub.emit(.publish(topic: run.topics.categories[category], payload: writer.bytes))
    }

    private func finishStep(_ hub: Hub) {
        for category in batches.indices where batches[category].count > 0 { flush(category, hub) }
        if wantsSteps {
            var writer = ByteWriter(capacity: 768)
            writer.raw("{\"run\":")
            writer.quoted(run.name)
            writer.raw(",\"seq\":")
            writer.integer(seq)
            writer.raw(",\"from\":")
            writer.quoted(CivilMinute(minutes: cursor.window.lowerBound))
            writer.raw(",\"to\":")
            writer.quoted(CivilMinute(minutes: cursor.window.upperBound))
            writer.raw(",\"count\":")
            writer.integer(byCategory.reduce(0, +))
            writer.raw(",\"by_category\":")
            writer.counts(byCategory, of: run.served.model.categories)
            writer.raw(",\"expected\":")
            writer.real(expectation.expected)
            writer.raw(",\"baseline\":")
            writer.real(expectation.baseline)
            writer.raw("}")
            hub.emit(.publish(topic: run.topics.step, payload: writer.bytes))
        }
        for category in batches.indices {
            batches[category] = Batch()
            byCategory[category] = 0
        }
        expectation = Expectation()
        seq += 1
        guard seq < lastSeq else { return }
        cursor = WindowCursor(cursor.window.upperBound..<run.start(of: seq + 1).minutes)
    }
}
