import CrimsCore
import Protocol

/// Where models come from.
public protocol ModelSource {
    /// Names of the models there are, sorted.
    func names() -> [String]
    /// Loads a model, or says for a person why it cannot.
    func load(_ name: String) throws(Refusal) -> CrimeModel
}

/// What the daemon tells of itself.
public struct Identity: Sendable {
    public var version: String
    /// The data folder's id, and how often a daemon has been started on it.
    public var journal: String
    public var boot: Int
    public var control: [String]
    public var events: [String]

    public init(version: String, journal: String, boot: Int, control: [String] = [], events: [String] = []) {
        self.version = version
        self.journal = journal
        self.boot = boot
        self.control = control
        self.events = events
    }
}

/// All runs of a daemon: requests go in, actions come out. It does no input or output and has no clock of its own.
///
/// Requests that change a run wait while a step of it is at hand; everything else is answered at once.
public final class Hub {
    /// A request that waits for its run.
    struct Pending {
        let request: Request
        let peer: Peer
    }

    public let limits: Limits
    public var identity: Identity
    /// Nanoseconds of a monotonic clock; for time-outs and `status` alone.
    let now: () -> UInt64
    /// Seconds since 1970, universal time; for `status` alone.
    let calendar: () -> Int
    let emit: (Action) -> Void
    let cache = MonthCache()
    let source: any ModelSource
    let recorder: any Recorder
    private var models: [String: ServedModel] = [:]
    private(set) var runs: [String: Run] = [:]
    /// Names in the order in which runs were opened.
    private(set) var order: [String] = []
    /// Runs that cannot go on here, in place of those above; they keep their place in ``order``.
    private(set) var stopped: [String: StoppedRun] = [:]
    /// The highest number in a name like `r1`.
    private var named = 0
    var subscriptions = Subscriptions()
    /// What the transport tells of its connections, for `status`.
    public var peers: () -> [JSON.Member] = { [] }
    private var jobs = JobQueue()
    public internal(set) var tally = HubTally()
    /// Whether somebody hears what happens to runs by another way than subscriptions.
    public var isHeard: () -> Bool = { false }
    /// Told before anything is done that may change what `status` or `adjustments` say of runs.
    public var onChange: () -> Void = {}
    /// Told of each step that was drawn as a whole, once those who asked for it have their answer.
    public var hearStep: ((_ run: String, _ identity: RunIdentity, _ step: TakenStep) -> Void)?
    /// Takes a reading that it has a thread for, or says that it has none for this peer.
    public var readElsewhere: ((ReadingPlan, Peer) throws(Refusal) -> Bool)?
    // What a plain step needs; kept for its memory.
    var lanes = StepLanes()
    var plainCounts: [Int] = []
    /// What the last plain step is answered.
    public internal(set) var plainReply = ReplyFrames()
    /// The last plain step.
    var plainStep: (lane: StepLane, step: StepDraft)?
    /// The runs for whose next step somebody waits, so that none of the others is looked at for time-outs.
    var atBarrier: [Run] = []

    public init(
        source: any ModelSource, recorder: any Recorder = NoRecorder(), limits: Limits, identity: Identity,
        now: @escaping () -> UInt64, calendar: @escaping () -> Int = { 0 }, emit: @escaping (Action) -> Void
    ) {
        self.source = source
        self.recorder = recorder
        self.limits = limits
        self.identity = identity
        self.now = now
        self.calendar = calendar
        self.emit = emit
    }

    // MARK: - Events from the transport

    /// A request's one frame.
    ///
    /// - Parameters:
    ///   - refusal: what the transport has against it, if anything.
    ///   - isPlain: false if it is known to be for the general way.
    public func receive(
        frame: UnsafeRawBufferPointer, from peer: Peer, refusing refusal: Refusal? = nil, isPlain: Bool = true
    ) {
        if isPlain, refusal == nil, takesPlainStep(frame, from: peer) { return }
        let request: Request
        do throws(RequestFailure) {
            request = try Request(frame: frame, bytesMax: limits.requestBytes)
        } catch {
            return refuse(error.refusal, id: error.id, op: error.op, to: peer)
        }
        // The one place where roles are looked at: what waits for its run was entitled to when it came.
        do throws(Refusal) {
            if let refusal { throw refusal }
            try peer.role.require(request.operation, who: peer.who)
        } catch {
            return refuse(error, id: request.id.map { .string($0) }, op: request.operation.name, to: peer)
        }
        if request.operation.mayChange { onChange() }
        handle(request, from: peer)
    }

    /// Something that is not one frame.
    public func receive(frameCount: Int, from peer: Peer) {
        refuse(
            .badRequest(field: nil, "a request is one frame, not \(frameCount)"), id: .null, op: nil, to: peer)
    }

    /// A listener's subscription, or its end.
    public func subscribe(_ prefix: [UInt8], _ subscribe: Bool, by listener: Int = 0) {
        subscriptions.change(prefix, subscribe: subscribe, by: listener)
    }

    /// The listeners that take nothing at present: nothing is made for them alone.
    public func setDeaf(_ listeners: Set<Int>) { subscriptions.setDeaf(listeners) }

    /// A connection has ended: nobody would get what it asked to read. Steps that it asked for are finished, since they
    /// are asked for again.
    public func depart(_ connection: Int) {
        subscriptions.remove(connection)
        jobs.dropReads(of: connection)
    }

    /// Once a second.
    public func heartbeat() {
        recorder.settle()
        var writer = ByteWriter(capacity: 256)
        writer.raw("{\"journal\":")
        writer.quoted(identity.journal)
        writer.raw(",\"boot\":")
        writer.integer(identity.boot)
        writer.raw(",\"runs\":[")
        var first = true
        for name in order {
            guard let run = runs[name], run.state == "open" else { continue }
            if !first { writer.raw(",") }
            first = false
            writer.raw("{\"run\":")
            writer.quoted(name)
            writer.raw(",\"next_seq\":")
            writer.integer(run.nextSeq)
            writer.raw(",\"time\":")
            writer.quoted(run.time)
            writer.raw(",\"state\":")
            writer.quoted(run.state)
            writer.raw("}")
        }
        writer.raw("]}")
        emit(.publish(topic: Array("heartbeat/".utf8), payload: writer.bytes))
    }

    /// Whether there is work in progress.
    public var hasWork: Bool { !jobs.isEmpty }

    /// Works on what is in progress, turn by turn, until nothing is left or `isOver` says so.
    public func work(until isOver: () -> Bool) {
        if !jobs.isEmpty { onChange() }
        while let (job, run) = jobs.next() {
            if job.work(self, until: isOver) {
                if let run { release(run) }
            } else {
                jobs.putBack(job, run)
            }
            if isOver() { return }
        }
    }

    /// Before the daemon ends: goes on with the steps at hand and begins nothing.
    public func finishSteps(until isOver: () -> Bool) {
        jobs.dropReads()
        while let (job, run) = jobs.next() {
            if !job.work(self, until: isOver) { jobs.putBack(job, run) }
            if isOver() { return }
        }
    }

    /// Goes on with what waited for the run, up to the next request that takes long.
    private func release(_ run: Run) {
        run.isBusy = false
        run.isStepping = false
        while !run.isBusy, !run.waiting.isEmpty {
            let pending = run.waiting.removeFirst()
            // By its name: what waited may have deleted this run and opened another of the same name.
            handle(pending.request, from: pending.peer)
        }
    }

    /// Begins work that changes a run.
    func start(_ job: any Job, on run: Run) {
        run.isBusy = true
        jobs.add(job, run)
    }

    /// Begins work that only reads.
    func start(_ job: any ReadingJob) throws(Refusal) {
        guard job.peer.connection != Peer.gone else { return }
        guard jobs.reads < limits.readsWaiting else { throw .tooManyReads(limits) }
        jobs.add(job)
    }

    private func handle(_ request: Request, from peer: Peer) {
        guard let name = request.operation.changes, let run = runs[name], run.isBusy else {
            return dispatch(request, from: peer)
        }
        guard run.waiting.count < limits.requestsWaiting else {
            return refuse(
                .limit(
                    "requests_waiting",
                    "\(limits.requestsWaiting) requests already wait for the step of run '\(name)' that is at hand"),
                id: request.id.map { .string($0) }, op: request.operation.name, to: peer)
        }
        run.waiting.append(Pending(request: request, peer: peer))
    }

    private func dispatch(_ request: Request, from peer: Peer) {
        do throws(Refusal) {
            try perform(request, from: peer)
        } catch {
            refuse(error, id: request.id.map { .string($0) }, op: request.operation.name, to: peer)
        }
    }

    // MARK: - Models and runs

    func served(_ name: String) throws(Refusal) -> ServedModel {
        if let model = models[name] { return model }
        let model = ServedModel(try source.load(name))
        models[name] = model
        return model
    }

    func run(_ name: String) throws(Refusal) -> Run {
        guard let run = runs[name] else {
            if let stopped = stopped[name] { throw stopped.refusal }
            let hint = Spelling.nearest(to: name, in: order).map { "; did you mean '\($0)'?" } ?? ""
            throw .unknown(.unknownRun, name: name, "there is no run '\(name)'\(hint)")
        }
        return run
    }

    /// A name that no run has: `r1`, `r2`, ….
    func freshName() -> String {
        var number = named + 1
        while isTaken("r\(number)") { number += 1 }
        return "r\(number)"
    }

    /// Names are counted on from the highest number that was given, also after a restart.
    private func countName(_ name: String) {
        guard name.first == "r", name.utf8.count < 10, let number = Int(name.dropFirst()) else { return }
        named = max(named, number)
    }

    func isTaken(_ name: String) -> Bool { runs[name] != nil || stopped[name] != nil }

    /// Keeps a new run, and has it from then on.
    func add(_ run: Run, as event: Record.Event, by who: String? = nil) throws(Refusal) {
        guard !isTaken(run.name) else {
            throw Refusal(.runExists, "run '\(run.name)' exists: choose another name")
        }
        guard order.count < limits.runs else {
            throw .limit("runs", "there are \(limits.runs) runs, as many as there may be: delete closed ones")
        }
        try recorder.append(Record(run: run.name, who: who, event: event))
        insert(run)
    }

    func insert(_ run: Run) {
        runs[run.name] = run
        order.append(run.name)
        countName(run.name)
    }

    func remove(_ name: String) {
        leaveLane(name)
        runs[name] = nil
        stopped[name] = nil
        order.removeAll { $0 == name }
    }

    /// Has a run in place of one that goes on no more, or from the start.
    func insert(_ run: StoppedRun) {
        if !isTaken(run.name) { order.append(run.name) }
        countName(run.name)
        leaveLane(run.name)
        runs[run.name] = nil
        stopped[run.name] = run
    }
}

extension Protocol.Operation {
    /// Whether it is none of those that only ask.
    var mayChange: Bool {
        switch self {
        case .hello, .describe, .read, .adjustments, .rates, .status: false
        case .open, .step, .adjust, .retract, .fork, .close, .delete: true
        }
    }

    /// The run that it changes, whose step at hand it waits for.
    var changes: String? {
        switch self {
        case .step(let request): request.run
        case .adjust(let run, _), .retract(let run, _), .close(let run), .delete(let run): run
        case .fork(let request): request.run
        case .open(let request): request.run
        case .hello, .describe, .read, .adjustments, .rates, .status: nil
        }
    }
}
