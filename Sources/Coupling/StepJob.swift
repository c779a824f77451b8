import CrimsCore
import Protocol

/// A step request from the first draw to its publications: nothing of the run changes before all of it is drawn.
final class StepJob: Job {
    private let run: Run
    private let plan: StepPlan
    private let peer: Peer
    private let id: String?
    private var draw: WindowDraw
    private var publication: StepPublication?

    init(run: Run, plan: StepPlan, request: StepRequest, peer: Peer, id: String?) {
        self.run = run
        self.plan = plan
        self.peer = peer
        self.id = id
        let schedule =
            run.schedule(in: plan.window) + plan.accepted.map(\.scheduled).filter { $0.acts(in: plan.window) }
        draw = WindowDraw(
            run: run, window: plan.window, schedule: schedule, format: request.format,
            lastStep: run.start(of: plan.seq + plan.steps - 1).minutes)
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        if publication == nil {
            do throws(Refusal) {
                repeat { try draw.advance(limits: hub.limits, now: hub.now) } while !draw.isAtEnd && !isOver()
            } catch {
                hub.refuse(error, id: id.map { .string($0) }, op: "step", to: peer)
                return true
            }
            guard draw.isAtEnd else { return false }
            do throws(Refusal) {
                try take(hub)
            } catch {
                hub.refuse(error, id: id.map { .string($0) }, op: "step", to: peer)
                return true
            }
            guard !plan.isRetry, run.arguments.publish else { return true }
            publication = StepPublication(run: run, plan: plan, schedule: draw.schedule, hub: hub)
        }
        return publication?.work(hub, until: isOver) ?? true
    }

    private func take(_ hub: Hub) throws(Refusal) {
        if plan.isRetry {
            try hub.requireSame(draw, as: run)
        } else {
            let taken = Run.Taken(
                seq: plan.seq, steps: plan.steps, adjust: plan.terms, adjusted: plan.adjusted,
                digest: draw.digest.value, lastDigest: draw.lastDigest.value)
            try hub.recorder.append(
                Record(run: run.name, who: peer.who, event: .stepped(Record.Stepped(taken, incidents: draw.count))))
            run.take(plan.accepted)
            run.take(taken, incidents: draw.count)
            run.timings.sampling.add(nanoseconds: draw.nanoseconds.sampling)
            run.timings.encoding.add(nanoseconds: draw.nanoseconds.encoding)
        }
        var writer = hub.begin("step", id: id)
        writer.run(run.name)
        let frames = draw.write(seq: plan.seq, steps: plan.steps, adjusted: plan.adjusted, to: &writer)
        hub.reply(writer, frames, to: peer, run: run)
    }
}

/// What listeners are told of steps that were taken, after the reply: adjustments, then incidents and their sums step
/// by step, drawn once more so that nothing need be kept.
final class StepPublication {
    private let run: Run
    private let schedule: [ScheduledAdjustment]
    private let wantsSteps: Bool
    private let wantedCategories: [Bool]
    private let stepTopic: [UInt8]
    private let categoryTopics: [[UInt8]]
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
        stepTopic = Array("step/\(run.name)/".utf8)
        categoryTopics = run.served.model.categories.map { category in
            Array("incidents/\(run.name)/\(String(category.map { $0 == " " ? "-" : $0 }))/".utf8)
        }
        wantsSteps = hub.subscriptions.wants(stepTopic)
        wantedCategories = categoryTopics.map { hub.subscriptions.wants($0) }
        let wanted = wantsSteps || wantedCategories.contains(true)
        seq = plan.seq
        lastSeq = wanted ? plan.seq + plan.steps : plan.seq
        cursor = WindowCursor(plan.window.lowerBound..<run.start(of: plan.seq + 1).minutes)
        columns = IncidentColumns(origin: CivilMinute(minutes: plan.window.lowerBound))
        byCategory = [Int](repeating: 0, count: categoryTopics.count)
        batches = [Batch](repeating: Batch(), count: categoryTopics.count)
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
        hub.emit(.publish(topic: categoryTopics[category], payload: writer.bytes))
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
            hub.emit(.publish(topic: stepTopic, payload: writer.bytes))
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
