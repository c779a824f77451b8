import CSystem
import Coupling
import Glibc
import Protocol
import Synchronization

/// The way from HTTP's thread to the hub, which lives on the poll loop's: frames of the wire's protocol go in, and what
/// the hub says to them comes back. So HTTP is a client like any other.
public final class Door: HubDoor, Sendable {
    typealias Answer = @Sendable ([[UInt8]]) -> Void
    /// Something that is done on the hub's thread.
    typealias Errand = @Sendable (Hub) -> Void
    /// What is told of all publications.
    typealias Listener = @Sendable (_ topic: [UInt8], _ payload: [UInt8]) -> Void

    private enum Visit {
        case ask(ticket: Int, frame: [UInt8], role: Role)
        case errand(Errand)
    }

    private struct State {
        var visits: [Visit] = []
        var answers: [Int: Answer] = [:]
        var tickets = Door.firstTicket
        var hasRung = false
        var isClosed = false
    }

    /// Tickets are connections to the hub, and so are larger than any of the transport's.
    private static let firstTicket = 1 << 48
    /// Requests that are not answered yet.
    private static let openMax = 1_024
    /// Requests taken in one turn, so that those at the sockets get theirs.
    private static let batch = 8

    public let descriptor: Int32
    private let state = Mutex(State())
    private let listener = Mutex<Listener?>(nil)
    private let watcher = Mutex<Errand?>(nil)
    private let lastTurn = Atomic<UInt64>(0)
    private let now: @Sendable () -> UInt64

    /// - Parameter now: nanoseconds of a monotonic clock.
    public init(now: @escaping @Sendable () -> UInt64) {
        descriptor = crims_bell()
        precondition(descriptor >= 0, "eventfd: \(String(cString: strerror(errno)))")
        self.now = now
    }

    deinit { close(descriptor) }

    /// Nanoseconds since the loop last turned; nil before its first turn.
    var silence: UInt64? {
        let last = lastTurn.load(ordering: .relaxed)
        return last == 0 ? nil : now() - min(now(), last)
    }

    // MARK: - From HTTP's thread

    /// Sends a request; its answer comes on the hub's thread.
    ///
    /// - Returns: false if too many are not answered yet, or the hub takes no more.
    func ask(_ frame: [UInt8], role: Role, then answer: @escaping Answer) -> Bool {
        visit { state in
            guard state.answers.count < Self.openMax else { return nil }
            state.tickets += 1
            state.answers[state.tickets] = answer
            return .ask(ticket: state.tickets, frame: frame, role: role)
        }
    }

    /// Has something done on the hub's thread; it has to be short.
    @discardableResult
    func send(_ errand: @escaping Errand) -> Bool { visit { _ in .errand(errand) } }

    private func visit(_ make: (inout State) -> Visit?) -> Bool {
        state.withLock { state in
            guard !state.isClosed, let visit = make(&state) else { return false }
            state.visits.append(visit)
            if !state.hasRung {
                state.hasRung = true
                crims_bell_ring(descriptor)
            }
            return true
        }
    }

    /// From now on, publications are told to this, on the hub's thread.
    func listen(_ hear: Listener?) { listener.withLock { $0 = hear } }

    /// From now on, this is done in each turn of the loop.
    func watch(_ look: Errand?) { watcher.withLock { $0 = look } }

    /// Takes no more requests, and forgets those that are not answered.
    func shut() {
        state.withLock {
            $0.isClosed = true
            $0.visits = []
            $0.answers = [:]
        }
    }

    // MARK: - On the hub's thread

    public var isHeard: Bool { listener.withLock { $0 != nil } }

    public func turn(_ hub: Hub) {
        lastTurn.store(now(), ordering: .relaxed)
        if let look = watcher.withLock({ $0 }) { look(hub) }
        let visits = state.withLock { state -> [Visit] in
            guard state.hasRung else { return [] }
            let taken = Array(state.visits.prefix(Self.batch))
            state.visits.removeFirst(taken.count)
            if state.visits.isEmpty {
                state.hasRung = false
                crims_bell_still(descriptor)
            }
            return taken
        }
        for visit in visits {
            switch visit {
            case .errand(let errand): errand(hub)
            case .ask(let ticket, let frame, let role):
                var peer = Peer(route: [], enveloped: false, who: role > .observer ? "http" : nil, role: role)
                peer.connection = ticket
                frame.withUnsafeBytes { hub.receive(frame: $0, from: peer) }
            }
        }
    }

    /// Takes what the hub says to those who came by this door, and hears what it tells all.
    ///
    /// - Returns: whether nobody else has to be told.
    public func take(_ action: Action) -> Bool {
        switch action {
        case .reply(let peer, let frames):
            guard peer.connection > Self.firstTicket else { return false }
            let answer = state.withLock { $0.answers.removeValue(forKey: peer.connection) }
            answer?(frames)
            return true
        case .forget(let peer): return peer.connection > Self.firstTicket
        case .publish(let topic, let payload):
            if let hear = listener.withLock({ $0 }) { hear(topic, payload) }
            return false
        case .log: return false
        }
    }
}
