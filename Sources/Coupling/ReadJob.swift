import CrimsCore
import Protocol

/// A `read` of steps that were taken: they are drawn again, under the adjustments that acted on them.
final class ReadJob: Reading {
    /// All that is known of it before anything is drawn.
    struct Plan: Sendable {
        let request: ReadRequest
        let id: String?
        let window: Range<Int>
        let schedule: [ScheduledAdjustment]
        let selection: Sampler.Selection
        let adjusted: [String]
        let limits: Limits
    }

    private let plan: Plan
    private var draw: WindowDraw

    /// - Parameter run: the run, or its twin.
    init(_ plan: Plan, run: Run) {
        self.plan = plan
        draw = WindowDraw(
            run: run, window: plan.window, schedule: plan.schedule, formats: [plan.request.format],
            selection: plan.selection)
    }

    func work(until isOver: () -> Bool) throws(Refusal) -> [[UInt8]]? {
        // Where its time goes is told of steps alone.
        repeat { try draw.advance(limits: plan.limits, now: { 0 }) } while !draw.isAtEnd && !isOver()
        guard draw.isAtEnd else { return nil }
        var writer = ByteWriter.reply("read", id: plan.id)
        writer.run(draw.run.name)
        let frames = draw.write(
            seq: plan.request.seq, steps: plan.request.count, adjusted: plan.adjusted, format: plan.request.format,
            to: &writer)
        writer.raw("}")
        return [writer.bytes] + frames
    }
}

extension Run {
    /// What a `read` comes to by now.
    func plan(_ request: ReadRequest, id: String?, limits: Limits) throws(Refusal) -> ReadJob.Plan {
        guard request.seq + request.count <= nextSeq else {
            throw .outOfStep(
                expected: nextSeq,
                "run '\(name)' has taken the steps before seq \(nextSeq), not \(request.seq) to "
                    + "\(request.seq + request.count - 1)")
        }
        let window = start(of: request.seq).minutes..<start(of: request.seq + request.count).minutes
        return ReadJob.Plan(
            request: request, id: id, window: window, schedule: schedule(in: window),
            selection: try served.selection(areas: request.areas, categories: request.categories),
            adjusted: adjusted(in: request.seq..<request.seq + request.count), limits: limits)
    }
}

extension ServedModel {
    /// The part of the model that these names are of; nil stands for all. Throws `unknown_area` or `unknown_crime`.
    func selection(areas: [String]?, categories: [String]?) throws(Refusal) -> Sampler.Selection {
        var selection = Sampler.Selection()
        if let areas {
            var mask = [Bool](repeating: false, count: prepared.areaCount)
            for index in try self.areas(areas) { mask[index] = true }
            selection.areas = mask
        }
        if let categories {
            var mask = [Bool](repeating: false, count: prepared.categoryCount)
            for name in categories { mask[try category(name)] = true }
            selection.categories = mask
        }
        return selection
    }
}
