import CSystem
import Coupling
import Glibc
import Locking
import Protocol
import Synchronization

/// The way from HTTP's thread to the hub, which lives on the poll loop's: frames of the wire's protocol go in, and what
/// the hub says to them comes back. So HTTP is a client like any other.
///
/// What it asks the hub for is little: readings are handed on to a thread of their own, who asks the same as another who
/// still waits shares the answer, and while steps are taken it comes in now and then only.
public final class Door: HubDoor, Sendable {
    /// What the hub said; and the count of changes until which that holds, if it is known to hold at all.
    typealias Answer = @Sendable (_ frames: [[UInt8]], _ holdsAt: UInt64?) -> Void
    /// Something that is done on the hub's thread.
    typealias Errand = @Sendable (Hub) -> Void
    /// What is told of all publications.
    typealias Listener = @Sendable (_ topic: [UInt8], _ payload: [UInt8]) -> Void
    /// What is told of each step.
    typealias StepListener = @Sendable (_ run: String, _ identity: RunIdentity, _ step: TakenStep) -> Void

    /// One who waits for an answer.
    struct Ticket: Sendable {
        fileprivate let question: Int
        fileprivate let place: Int
    }

    private enum Visit {
        case ask(question: Int, frame: [UInt8], role: Role)
        case errand(Errand)
    }

    private struct State {
        var visits: [Visit] = []
        /// Those who wait for the answer to each question, by their place.
        var answers: [Int: [Int: Answer]] = [:]
        var questions = Door.firstQuestion
        var places = 0
        /// Questions that the hub has not taken yet, and so may be shared.
        var shared: [[UInt8]: Int] = [:]
        var hasRung = false
        var isClosed = false
    }

    private struct Ears {
        var publications: Listener?
        var steps: StepListener?
        var turns: Errand?
    }

    /// Used on the hub's thread alone.
    private struct Pace {
        var changes: UInt64 = 0
        var changedAt: UInt64 = 0
        var visitedAt: UInt64 = 0
        /// Since when somebody waits to be let in.
        var wantedSince: UInt64?
        var isAlarmSet = false
        /// What an answer holds at that is given now.
        var holdsAt: UInt64?
        var isKnown = false
    }

    /// Questions are connections to the hub, and so are larger than any of the transport's.
    private static let firstQuestion = 1 << 48
    /// Requests that are not answered yet.
    private static let openMax = 1_024
    /// Requests taken in one turn, so that those at the sockets get theirs.
    private static let batch = 8
    /// After a change the hub has other things to do for so long. Meanwhile requests are let in at most so often, and not
    /// right after a change, where they would keep a reply from leaving; where changes never end, after the longest wait.
    private static let busyNanoseconds: UInt64 = 10_000_000
    private static let restNanoseconds: UInt64 = 1_000_000
    private static let calmNanoseconds: UInt64 = 150_000
    private static let longestNanoseconds: UInt64 = 2_000_000

    public let descriptor: Int32
    private let bell: Int32
    private let alarm: Int32
    let reader: Reader
    private let state = Locked(State())
    private let pace = Locked(Pace())
    /// Who listens. In a structure of its own, since a closure kept by itself in a `Locked` gets a wrapper more each time
    /// that it is looked at.
    private let ears = Locked(Ears())
    private let lastTurn = Atomic<UInt64>(0)
    private let changes = Atomic<UInt64>(0)
    private let now: @Sendable () -> UInt64

    /// - Parameter now: nanoseconds of a monotonic clock.
    public init(now: @escaping @Sendable () -> UInt64) {
        (bell, alarm) = (crims_bell(), crims_alarm())
        descriptor = crims_either(bell, alarm)
        precondition(descriptor >= 0, "eventfd, timerfd, epoll: \(String(cString: strerror(errno)))")
        reader = Reader(now: now)
        self.now = now
    }

    deinit { for one in [descriptor, bell, alarm] { close(one) } }

    /// Nanoseconds since the loop last turned; nil before its first turn.
    var silence: UInt64? {
        let last = lastTurn.load(ordering: .relaxed)
        return last == 0 ? nil : now() - min(now(), last)
    }

    /// Whether an answer that held at so many changes holds still. Who has heard of a change asks after it was counted.
    func holds(_ count: UInt64) -> Bool { changes.load(ordering: .acquiring) == count }

    // MARK: - From HTTP's thread

    /// Sends a request; its answer comes on another thread.
    ///
    /// - Parameter isShared: whether one answer does for all who ask the same.
    /// - Returns: nil if too many are not answered yet, or the hub takes no more.
    func ask(_ frame: [UInt8], role: Role, isShared: Bool = false, then answer: @escaping Answer) -> Ticket? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            state.places += 1
            if isShared, let question = state.shared[frame] {
                state.answers[question]?[state.places] = answer
                return Ticket(question: question, place: state.places)
            }
            guard state.answers.count < Self.openMax else { return nil }
            state.questions += 1
            state.answers[state.questions] = [state.places: answer]
            if isShared { state.shared[frame] = state.questions }
            visit(.ask(question: state.questions, frame: frame, role: role), &state)
            return Ticket(question: state.questions, place: state.places)
        }
    }

    /// A number of its own for a reading that nobody asked the hub for.
    func newQuestion() -> Int {
        state.withLock { state in
            state.questions += 1
            return state.questions
        }
    }

    /// Nobody waits for the answer any more: what nobody else waits for is not worked on.
    func forget(_ ticket: Ticket) {
        let isAlone = state.withLock { state in
            guard state.answers[ticket.question]?.removeValue(forKey: ticket.place) != nil,
                state.answers[ticket.question]?.isEmpty == true
            else { return false }
            state.answers[ticket.question] = nil
            state.shared = state.shared.filter { $0.value != ticket.question }
            state.visits.removeAll { if case .ask(ticket.question, _, _) = $0 { true } else { false } }
            return true
        }
        if isAlone { reader.forget(ticket.question) }
    }

    /// Has something done on the hub's thread; it has to be short.
    @discardableResult
    func send(_ errand: @escaping Errand) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            visit(.errand(errand), &state)
            return true
        }
    }

    private func visit(_ visit: Visit, _ state: inout State) {
        state.visits.append(visit)
        guard !state.hasRung else { return }
        state.hasRung = true
        crims_bell_ring(bell)
    }

    /// From now on, publications and steps are told to these, on the hub's thread.
    func listen(_ hear: Listener?, steps: StepListener?) {
        ears.withLock { ($0.publications, $0.steps) = (hear, steps) }
    }

    /// From now on, this is done in each turn of the loop.
    func watch(_ look: Errand?) { ears.withLock { $0.turns = look } }

    /// Takes no more requests, and forgets those that are not answered.
    func shut() {
        state.withLock {
            $0.isClosed = true
            $0.visits = []
            $0.answers = [:]
        }
        reader.stop()
    }

    // MARK: - On the hub's thread

    public func turn(_ hub: Hub) {
        let time = now()
        lastTurn.store(time, ordering: .relaxed)
        meet(hub)
        if let look = ears.withLock({ $0 }).turns { look(hub) }
        guard mayVisit(at: time) else { return }
        for visit in takeVisits() {
            switch visit {
            case .errand(let errand): errand(hub)
            case .ask(let question, let frame, let role):
                var peer = Peer(route: [], enveloped: false, who: role > .observer ? "http" : nil, role: role)
                peer.connection = question
                pace.withLock { $0.holdsAt = hub.isSettled ? changes.load(ordering: .relaxed) : nil }
                frame.withUnsafeBytes { hub.receive(frame: $0, from: peer) }
            }
        }
        pace.withLock { $0.holdsAt = nil }
    }

    private func meet(_ hub: Hub) {
        let isKnown = pace.withLock { pace in
            defer { pace.isKnown = true }
            return pace.isKnown
        }
        guard !isKnown else { return }
        hub.onChange = { [unowned self] in changes.add(1, ordering: .acquiringAndReleasing) }
        // Looked at when there is something to hear: who begins to listen may be answered before the loop turns.
        hub.isHeard = { [unowned self] in ears.withLock { $0.publications != nil } }
        hub.hearStep = { [unowned self] run, identity, step in
            if let hear = ears.withLock({ $0 }).steps { hear(run, identity, step) }
        }
        let limits = hub.limits
        hub.readElsewhere = { [unowned self] (plan: ReadingPlan, peer: Peer) throws(Refusal) -> Bool in
            try self.read(plan, for: peer, limits)
        }
    }

    /// Whether there is somebody to be let in, and the hub has the time: while steps are taken it has to have had a rest
    /// from those before, so that few steps come upon one who is let in.
    private func mayVisit(at time: UInt64) -> Bool {
        let isWanted = state.withLock { $0.hasRung }
        return pace.withLock { pace in
            let count = changes.load(ordering: .relaxed)
            if pace.changes != count { (pace.changes, pace.changedAt) = (count, time) }
            guard isWanted else { return false }
            let isBusy = time - pace.changedAt < Self.busyNanoseconds
            let soonest = max(pace.visitedAt + Self.restNanoseconds, pace.changedAt + Self.calmNanoseconds)
            let since = pace.wantedSince ?? time
            let due = min(soonest, since + Self.longestNanoseconds)
            guard isBusy, time < due else {
                if pace.isAlarmSet { crims_alarm_set(alarm, 0) }
                (pace.visitedAt, pace.wantedSince, pace.isAlarmSet) = (time, nil, false)
                return true
            }
            // The bell would end every wait at once.
            crims_bell_still(bell)
            crims_alarm_set(alarm, due - time)
            (pace.wantedSince, pace.isAlarmSet) = (since, true)
            return false
        }
    }

    private func takeVisits() -> [Visit] {
        state.withLock { state in
            let taken = Array(state.visits.prefix(Self.batch))
            state.visits.removeFirst(taken.count)
            for case .ask(_, let frame, _) in taken { state.shared[frame] = nil }
            if state.visits.isEmpty {
                state.hasRung = false
                crims_bell_still(bell)
            } else {
                crims_bell_ring(bell)
            }
            return taken
        }
    }

    /// Has a reading done by the reader, if it was asked for by this door.
    private func read(_ plan: ReadingPlan, for peer: Peer, _ limits: Limits) throws(Refusal) -> Bool {
        guard peer.connection > Self.firstQuestion else { return false }
        guard reader.count < limits.readsWaiting else { throw .tooManyReads(limits) }
        reader.add(peer.connection) { [unowned self] cache in
            let reading = plan.begin(cache)
            return { isOver in
                do throws(Refusal) {
                    guard let frames = try reading.work(until: isOver) else { return false }
                    self.answer(peer.connection, frames, holdsAt: nil)
                } catch {
                    // The hub counts what is refused, and says it.
                    let refusal = error
                    self.send { $0.refuse(refusal, of: plan.op, to: peer) }
                }
                return true
            }
        }
        return true
    }

    /// Takes what the hub says to those who came by this door, and hears what it tells all.
    ///
    /// - Returns: whether nobody else has to be told.
    public func take(_ action: Action) -> Bool {
        switch action {
        case .reply(let peer, let frames):
            guard peer.connection > Self.firstQuestion else { return false }
            answer(peer.connection, frames, holdsAt: pace.withLock { $0.holdsAt })
            return true
        case .forget(let peer): return peer.connection > Self.firstQuestion
        case .publish(let topic, let payload):
            if let hear = ears.withLock({ $0 }).publications { hear(topic, payload) }
            return false
        case .log: return false
        }
    }

    private func answer(_ question: Int, _ frames: [[UInt8]], holdsAt: UInt64?) {
        let answers = state.withLock { $0.answers.removeValue(forKey: question) ?? [:] }
        for answer in answers.values { answer(frames, holdsAt) }
    }
}
