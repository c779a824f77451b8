import CSystem
import CZMQ
import Coupling
import Glibc
import Protocol

/// All connections to the daemon's sockets, as libzmq tells of them: how many there may be, which of them goes when
/// there are too many, and what a peer may make libzmq hold.
///
/// libzmq itself bounds the number of messages for a peer and nothing else: not their bytes, not subscriptions, not
/// connections. It offers no way to end one connection either, so the system's is used.
final class Connections {
    private let limits: Limits
    private let log: Access.Log
    private var monitors: [(side: Connection.Side, socket: Socket)] = []
    /// By libzmq's descriptor, of each side.
    private var control: [Int32: Connection] = [:]
    private var events: [Int32: Connection] = [:]
    private var made = 0
    /// Where a handshake has just failed: libzmq does not tell whose, but ends that connection next.
    private var handshakeFailed: Connection.Side?
    /// Events that are taken in one go.
    private static let batch = 1_000
    private(set) var subscriptions = 0
    /// Bytes that libzmq holds.
    let unread = QueuedBytes()
    let queuedEvents = QueuedBytes()
    /// When listeners were last looked at; how often that is done when events pile up; and who is then to blame for it:
    /// whoever has taken nothing, or not all, for so long.
    private var lastLook: UInt64 = 0
    private static let lookNanoseconds: UInt64 = 20_000_000
    private static let stuckNanoseconds: UInt64 = 200_000_000
    private static let stuckBesideOthersNanoseconds: UInt64 = 40_000_000
    private static let behindNanoseconds: UInt64 = 2_000_000_000
    /// Connections that have ended since the hub was told.
    private var departed: [Connection] = []

    private(set) var overLimit = Refusals("connections cut: too many")
    private(set) var idle = Refusals("connections cut: idle")
    private(set) var malformed = Refusals("connections cut: a frame too large, or no ZMTP")
    private(set) var greedy = Refusals("listeners cut: too many subscriptions")
    private(set) var stuck = Refusals("listeners cut: they take nothing")
    private(set) var unreading = Refusals("clients cut: they do not read their replies")
    private(set) var fleeting = Refusals("connections ended at once")
    private(set) var handshakes = Refusals("handshakes failed")
    private(set) var droppedEvents = Refusals("events dropped: listeners are too slow")

    init(limits: Limits, log: @escaping Access.Log) {
        self.limits = limits
        self.log = log
    }

    /// Watches a socket that is not bound yet.
    func watch(_ socket: Socket, as side: Connection.Side, in context: Context) throws(MessagingError) {
        let endpoint = "inproc://monitor-\(side)"
        // Not those that were not accepted for want of descriptors: libzmq tries again at once, a million times a second.
        let kinds =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        guard zmq_socket_monitor(socket.handle, endpoint, kinds) == 0 else { throw .last("zmq_socket_monitor") }
        let monitor = try Socket(.pair, in: context)
        monitor.set(ZMQ_LINGER, 0)
        // Without a bound: libzmq's thread would stand still until it is read.
        monitor.set(ZMQ_RCVHWM, 0)
        try monitor.connect(endpoint)
        monitors.append((side, monitor))
    }

    /// To be polled, of either side.
    var descriptors: (Int32, Int32) { (monitors[0].socket.descriptor, monitors[1].socket.descriptor) }
    /// Whether libzmq may have told something of which the descriptors do not tell.
    var isUnsettled: Bool { monitors[0].socket.isUnsettled || monitors[1].socket.isUnsettled }

    var count: Int { control.count + events.count }

    // MARK: - What libzmq tells

    /// Takes what has happened since.
    ///
    /// - Returns: connections that have ended.
    func update(now: UInt64) -> [Connection] {
        for (side, socket) in monitors {
            for _ in 0..<Self.batch {
                guard let (frames, _) = socket.receiveMessage(keeping: 1) else { break }
                guard frames[0].count == 6 else { continue }
                let kind = Int32(frames[0][0]) | Int32(frames[0][1]) << 8
                let value = (2..<6).reduce(Int32(0)) { $0 | Int32(frames[0][$1]) << (8 * ($1 - 2)) }
                take(kind, value, side, now)
            }
        }
        defer { departed = [] }
        return departed
    }

    private func take(_ kind: Int32, _ value: Int32, _ side: Connection.Side, _ now: UInt64) {
        switch kind {
        case ZMQ_EVENT_ACCEPTED: accept(value, side, now)
        case ZMQ_EVENT_DISCONNECTED:
            end(value, side, hasFailed: handshakeFailed == side)
            handshakeFailed = nil
        default:
            handshakes.count([])
            handshakeFailed = side
        }
    }

    private func accept(_ descriptor: Int32, _ side: Connection.Side, _ now: UInt64) {
        made += 1
        guard let connection = Connection(id: made, side: side, descriptor: descriptor, now: now) else {
            // It has ended already, and why can no longer be seen.
            guard errno != EBADF else { return fleeting.count([]) }
            // No descriptor is left to look at it with: it goes at once, since nothing would ever end it.
            shutdown(descriptor, Int32(SHUT_RDWR))
            return overLimit.count([.init("limit", .number(Double(limits.connections)))])
        }
        if side == .control { control[descriptor] = connection } else { events[descriptor] = connection }
        guard count > limits.connections, let victim = longestIdle(except: connection) else { return }
        victim.cut()
        overLimit.count([.init("limit", .number(Double(limits.connections)))])
    }

    private func end(_ descriptor: Int32, _ side: Connection.Side, hasFailed: Bool) {
        let found = side == .control ? control.removeValue(forKey: descriptor) : events.removeValue(forKey: descriptor)
        guard let connection = found else { return }
        if !hasFailed, connection.wasRefused {
            malformed.count([.init("frame_bytes", .number(Double(limits.frameBytes)))])
        }
        subscriptions -= connection.subscriptions
        departed.append(connection)
    }

    /// Who goes when there are too many: who never asked before who did, then whoever has been silent longest. Nobody
    /// goes who waits for an answer or listens.
    private func longestIdle(except newcomer: Connection) -> Connection? {
        var victim: Connection?
        for connection in all where !connection.isCut && connection !== newcomer && connection.inFlight == 0 {
            if connection.subscriptions > 0, !connection.isDeaf(now: newcomer.lastActive) { continue }
            guard let other = victim else {
                victim = connection
                continue
            }
            let goesFirst =
                connection.hasAsked == other.hasAsked
                ? (connection.lastActive, connection.id) < (other.lastActive, other.id) : !connection.hasAsked
            if goesFirst { victim = connection }
        }
        return victim
    }

    private var all: [Connection] { Array(control.values) + Array(events.values) }

    // MARK: - What comes and goes

    /// The connection that a request came by; nil if it has ended, or nothing was told of it yet.
    func asking(_ descriptor: Int32) -> Connection? { control[descriptor] }

    /// The connection that an answer, or none, is for.
    func answered(_ peer: Peer) -> Connection? {
        guard let connection = control[peer.descriptor], connection.id == peer.connection else { return nil }
        connection.inFlight -= 1
        return connection
    }

    /// The connection that a subscription, or its end, came by; nil if it has gone too far.
    func subscribed(_ descriptor: Int32, _ subscribe: Bool, now: UInt64) -> Connection? {
        guard let connection = events[descriptor], !connection.isCut else { return nil }
        connection.hear(now: now)
        let change = subscribe ? 1 : connection.subscriptions > 0 ? -1 : 0
        connection.subscriptions += change
        subscriptions += change
        guard connection.subscriptions <= limits.subscriptions, subscriptions <= limits.subscriptionsInAll else {
            greedy.count([.init("limit", .number(Double(limits.subscriptions)))])
            connection.cut()
            return nil
        }
        return connection
    }

    /// Makes room for a reply: whoever leaves most unread goes when all together leave too much.
    func makeRoomForReplies() {
        guard unread.count > limits.unreadBytesInAll else { return }
        guard let worst = control.values.max(by: { ($0.unread.count, $1.id) < ($1.unread.count, $0.id) }),
            worst.unread.count > 0, !worst.isCut
        else { return }
        worst.cut()
        unreading.count([.init("unread_bytes", .number(Double(worst.unread.count)))])
    }

    /// Whether another event may be queued. Listeners that take nothing are cut while half of the room is left, so that
    /// the others lose none, and sooner when a quarter is left and others do take. When there is none left, the one that
    /// has been behind for longest is cut as well, and the event is lost.
    func hasRoomForEvent(now: () -> UInt64) -> Bool {
        let queued = queuedEvents.count
        guard queued > limits.eventBytes / 8 else { return true }
        let now = now()
        let isFull = queued > limits.eventBytes
        let isDue = now - min(now, lastLook) >= Self.lookNanoseconds
        if isDue { lookAtListeners(now: now) }
        if isDue, queued > limits.eventBytes / 2 {
            var listeners = events.values.filter { !$0.isCut }
            let isUrgent =
                queued > limits.eventBytes / 4 * 3
                && listeners.contains { !$0.isStuck(for: Self.stuckBesideOthersNanoseconds, now: now) }
            let patience = isUrgent ? Self.stuckBesideOthersNanoseconds : Self.stuckNanoseconds
            for listener in listeners where listener.isStuck(for: patience, now: now) {
                listener.cut()
                stuck.count([])
            }
            listeners.removeAll(where: \.isCut)
            let slowest = listeners.min { ($0.behindSince ?? .max, $0.id) < ($1.behindSince ?? .max, $1.id) }
            if isFull, let slowest, slowest.isBehind(for: Self.behindNanoseconds, now: now) {
                slowest.cut()
                stuck.count([])
            }
        }
        if isFull { droppedEvents.count([]) }
        return !isFull
    }

    private func lookAtListeners(now: UInt64) {
        lastLook = now
        for connection in events.values { connection.look(now: now) }
    }

    /// Ends the connections whose keys are no longer admitted. The key of one that has said nothing yet is not known: a
    /// listener is cut all the same, since libzmq would serve it as soon as it subscribes.
    ///
    /// - Returns: how many were ended.
    func cut(unless isAdmitted: (String) -> Bool) -> Int {
        let revoked = all.filter { connection in
            !connection.isCut && connection.key.map { !isAdmitted($0) } ?? (connection.side == .events)
        }
        for connection in revoked { connection.cut() }
        return revoked.count
    }

    /// Once a second: who takes nothing, who is silent, and what there is to tell.
    func look(now: UInt64) {
        lookAtListeners(now: now)
        if limits.stuckSeconds > 0 {
            let patience = UInt64(limits.stuckSeconds) * 1_000_000_000
            for connection in events.values where !connection.isCut && connection.isStuck(for: patience, now: now) {
                connection.cut()
                stuck.count([])
            }
        }
        if limits.idleSeconds > 0 {
            for connection in all
            where !connection.isCut && connection.inFlight == 0 && connection.subscriptions == 0
                && now - min(now, connection.lastActive) >= UInt64(limits.idleSeconds) * 1_000_000_000
            {
                connection.cut()
                idle.count([])
            }
        }
        report(now: now)
    }

    /// Listeners that take nothing: nothing need be made for them, since it would be lost.
    func deaf(now: UInt64) -> Set<Int> { Set(events.values.lazy.filter { $0.isDeaf(now: now) }.map(\.id)) }

    private func report(now: UInt64) {
        overLimit.report(now: now, to: log)
        idle.report(now: now, to: log)
        malformed.report(now: now, to: log)
        greedy.report(now: now, to: log)
        stuck.report(now: now, to: log)
        unreading.report(now: now, to: log)
        fleeting.report(now: now, to: log)
        handshakes.report(now: now, to: log)
        droppedEvents.report(now: now, to: log)
    }

    /// For `status`.
    var json: [JSON.Member] {
        func number(_ name: String, _ value: Int) -> JSON.Member { .init(name, .number(Double(value))) }
        return [
            number("connections", count), number("listeners", events.values.count { $0.subscriptions > 0 }),
            number("subscriptions", subscriptions), number("unread_bytes", unread.count),
            number("event_bytes", queuedEvents.count), number("cut_connections", overLimit.total),
            number("cut_idle", idle.total), number("cut_malformed", malformed.total),
            number("cut_subscriptions", greedy.total), number("cut_stuck", stuck.total),
            number("cut_unread", unreading.total), number("ended_at_once", fleeting.total),
            number("failed_handshakes", handshakes.total),
            number("dropped_events", droppedEvents.total),
        ]
    }
}
