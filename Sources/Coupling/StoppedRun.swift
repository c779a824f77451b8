import CrimsCore
import Protocol

/// A run that goes on no more: its model has changed, or what is kept of it is not what was written. It is shown and
/// can be closed and deleted; anything else is refused with the reason. Its records stay, so that the old model
/// brings it back.
final class StoppedRun {
    let name: String
    let arguments: OpenRequest
    let refusal: Refusal
    private(set) var nextSeq = 0
    private(set) var incidents = 0
    private(set) var isClosed = false
    private var adjustments = 0
    /// The run that it was forked from, and its first step since.
    private var origin: (run: String, nextSeq: Int)?

    init(name: String, arguments: OpenRequest, refusal: Refusal) {
        self.name = name
        self.arguments = arguments
        self.refusal = refusal
    }

    init(_ run: Run, refusal: Refusal) {
        name = run.name
        arguments = run.arguments
        self.refusal = refusal
        nextSeq = run.nextSeq
        incidents = run.incidents
        isClosed = run.isClosed
        adjustments = run.adjustments.count
        origin = run.origin.map { ($0.request.run, $0.nextSeq) }
    }

    /// Counts what was asked of it.
    func restore(_ event: Record.Event) {
        switch event {
        case .forked(let fork):
            (nextSeq, incidents) = (fork.nextSeq, fork.incidents)
            origin = (fork.request.run, fork.nextSeq)
        case .stepped(let step):
            nextSeq = step.seq + step.steps
            incidents += step.incidents
            adjustments += step.asked.reduce(0) { $0 + $1.adjust.count }
        case .adjusted: adjustments += 1
        case .closed: isClosed = true
        case .opened, .retracted, .deleted: break
        }
    }

    func close() { isClosed = true }

    var status: JSON {
        let members: [JSON.Member] = [
            .init("run", .string(name)), .init("model", .string(arguments.model)),
            .init("start", .string(TimeText.format(arguments.start))),
            .init("step", .string(TimeText.format(arguments.step))),
            .init("state", .string(isClosed ? "closed" : "stopped")),
            .init("time", .string(TimeText.format(arguments.step.advance(arguments.start, by: nextSeq)))),
            .init("next_seq", .number(Double(nextSeq))), .init("incidents", .number(Double(incidents))),
            .init("adjustments", .number(Double(adjustments))),
            .init(
                "error",
                .object([
                    .init("code", .string(refusal.code.rawValue)), .init("message", .string(refusal.message)),
                ])),
        ]
        return .object(members + Hub.origin(origin?.run, origin?.nextSeq))
    }
}
