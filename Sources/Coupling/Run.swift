import CrimsCore
import Protocol

/// An adjustment that a run has taken: a line of its audit trail.
struct AcceptedAdjustment {
    let id: String
    let terms: AdjustmentTerms
    var scheduled: ScheduledAdjustment
    /// The run's `next_seq` when it was taken.
    let acceptedSeq: Int
    /// The first step that it acts on.
    let seq: Int
    /// Expected incidents per day that displacement loses, where no neighbour has any of the crime.
    let displacementLostPerDay: Double
    var retraction: Retraction?

    struct Retraction: Equatable {
        var seq: Int
        var time: CivilMinute
    }

    /// What clients see of it at a run's time.
    func state(at time: CivilMinute) -> String {
        if retraction != nil { return "retracted" }
        if scheduled.end <= time.minutes || scheduled.end <= scheduled.adjustment.from.minutes { return "expired" }
        return scheduled.adjustment.from > time ? "pending" : "in_force"
    }
}

/// One run: a clock, its adjustments, and what was last asked of it. Its incidents are not kept; they are a function
/// of this and are drawn again when asked for.
final class Run {
    /// Empty while a fork that was given none is in the making.
    var name: String { didSet { topics = Topics(of: name, categories: served.model.categories) } }
    /// Under what its steps are published: made once, since every step looks who wants them.
    private(set) var topics: Topics
    let served: ServedModel
    let arguments: OpenRequest
    let sampler: Sampler
    private(set) var time: CivilMinute
    private(set) var nextSeq: Int
    private(set) var isClosed = false
    /// The audit trail, oldest first.
    private(set) var adjustments: [AcceptedAdjustment] = []
    /// The adjustments that may still act, so that a step's cost does not grow with those that have expired.
    private(set) var live = LiveAdjustments()
    /// How long the last request's steps took to draw, and how many adjustments might act then.
    var lastDrawing: (nanoseconds: UInt64, adjustments: Int) = (0, 0)
    private var keys: [String: Int] = [:]
    /// The last request that was taken, against which a retry is recognised.
    private(set) var last: Record.Stepped?
    /// Incidents in all steps taken, those before a fork included.
    private(set) var incidents = 0
    /// The requests that took steps, in their order: a few bytes each.
    private var milestones: [Milestone] = []
    /// What it was forked with, and the answer to that.
    let origin: (request: ForkRequest, nextSeq: Int)?

    /// How often anything has changed of which a step is a function.
    private(set) var changes = 0

    let identity = RunIdentity()

    // What the hub keeps with a run.
    var isBusy = false
    var isStepping = false
    var barrier: Barrier
    var waiting: [Hub.Pending] = []
    var timings = RunTimings()

    private struct Milestone {
        let seq: Int
        /// Before its steps.
        let incidents: Int
        /// What its `adjust` lists came to.
        let adjusted: [String]
    }

    var state: String { isClosed ? "closed" : hasEnded ? "ended" : "open" }
    var hasEnded: Bool { arguments.end == time }

    init(name: String, served: ServedModel, arguments: OpenRequest, cache: MonthCache) {
        self.name = name
        topics = Topics(of: name, categories: served.model.categories)
        self.served = served
        self.arguments = arguments
        barrier = Barrier(arguments.participants)
        sampler = Sampler(prepared: served.prepared, world: arguments.world, cache: cache)
        time = arguments.start
        nextSeq = 0
        origin = nil
    }

    /// A fork: `parent` up to and including step `seq` − 1, with what was acknowledged before that step was taken.
    init(name: String?, of parent: Run, request: ForkRequest, cache: MonthCache) {
        self.name = name ?? ""
        topics = Topics(of: name ?? "", categories: parent.served.model.categories)
        served = parent.served
        var arguments = parent.arguments
        arguments.participants = request.participants
        self.arguments = arguments
        barrier = Barrier(arguments.participants)
        sampler = Sampler(prepared: served.prepared, world: arguments.world, cache: cache)
        let seq = request.seq ?? parent.nextSeq
        time = arguments.step.advance(arguments.start, by: seq)
        nextSeq = seq
        origin = (request, seq)
        let known: (Int) -> Bool = { request.seq == nil || $0 < seq }
        adjustments = parent.adjustments.filter { known($0.acceptedSeq) }
        for index in adjustments.indices {
            guard let retraction = adjustments[index].retraction, !known(retraction.seq) else { continue }
            adjustments[index].retraction = nil
            adjustments[index].scheduled.end = adjustments[index].scheduled.adjustment.end
        }
        keys = parent.keys.filter { $0.value < adjustments.count }
        for index in adjustments.indices where adjustments[index].scheduled.end > time.minutes {
            live.append(adjustments[index].scheduled, place: index)
        }
        milestones = parent.milestones.filter { $0.seq < seq }
        incidents = parent.incidents(before: seq).known
    }

    /// How many incidents the steps before `seq` have, as far as that is known without drawing: up to the beginning of
    /// the request that `seq` is within.
    func incidents(before seq: Int) -> (known: Int, upTo: Int) {
        guard seq < nextSeq else { return (incidents, nextSeq) }
        let after = milestones.firstIndex { $0.seq > seq } ?? milestones.count
        guard after > 0 else { return (0, seq) }
        return (milestones[after - 1].incidents, milestones[after - 1].seq)
    }

    /// Adds what had to be drawn to know it.
    func count(_ more: Int) {
        changes += 1
        incidents += more
    }

    /// What the `adjust` lists of the requests that took these steps came to.
    func adjusted(in steps: Range<Int>) -> [String] {
        let first = milestones.firstIndex { $0.seq >= steps.lowerBound } ?? milestones.count
        return milestones[first...].prefix { $0.seq < steps.upperBound }.flatMap(\.adjusted)
    }

    /// When step `seq` begins.
    func start(of seq: Int) -> CivilMinute { arguments.step.advance(arguments.start, by: seq) }

    /// The adjustments that act between two times, in their order of acceptance, as far as they are known by now.
    func schedule(in window: Range<Int>) -> [ScheduledAdjustment] {
        if window.lowerBound >= time.minutes { return live.acting(in: window) }
        return adjustments.lazy.map(\.scheduled).filter { $0.acts(in: window) }
    }

    func adjustment(key: String) -> AcceptedAdjustment? { keys[key].map { adjustments[$0] } }

    func index(ofAdjustment id: String) -> Int? {
        guard id.first == "a", let number = Int(id.dropFirst()), number >= 1, number <= adjustments.count,
            adjustments[number - 1].id == id
        else { return nil }
        return number - 1
    }

    // MARK: - Changes

    func take(_ accepted: [AcceptedAdjustment]) {
        changes += 1
        for adjustment in accepted {
            if let key = adjustment.terms.key { keys[key] = adjustments.count }
            if adjustment.scheduled.end > time.minutes { live.append(adjustment.scheduled, place: adjustments.count) }
            adjustments.append(adjustment)
        }
    }

    func take(_ step: Record.Stepped) {
        changes += 1
        let adjusted = step.asked.count == 1 ? step.asked[0].adjusted : step.asked.flatMap(\.adjusted)
        milestones.append(Milestone(seq: step.seq, incidents: incidents, adjusted: adjusted))
        last = step
        nextSeq = step.seq + step.steps
        time = start(of: nextSeq)
        incidents += step.incidents
        live.removeAll(endedBy: time.minutes)
    }

    /// Ends an adjustment at the next step; a second time changes nothing.
    func retract(_ index: Int) -> AcceptedAdjustment.Retraction {
        if let retraction = adjustments[index].retraction { return retraction }
        changes += 1
        let retraction = AcceptedAdjustment.Retraction(seq: nextSeq, time: time)
        adjustments[index].retraction = retraction
        adjustments[index].scheduled.end = min(adjustments[index].scheduled.end, time.minutes)
        live.remove(place: index)
        return retraction
    }

    func close() {
        changes += 1
        isClosed = true
    }
}
