import CSystem
import CZMQ
import Coupling
import Glibc
import Protocol

/// The daemon's sockets and the poll loop on its one thread.
///
/// Work that takes long is done in slices between looks at the sockets, so that a `status` and the heartbeat get
/// through a long step without a thread hop in a short one.
public final class Server {
    let control: Socket
    let events: Socket
    private let signals: Int32
    /// Who may connect; nil where there are no keys.
    let access: Access?
    private let authenticator: Authenticator?
    let log: Access.Log
    let connections: Connections
    let inbox = Inbox()
    let frames = FramePool()
    /// With as many connections as the system has room for.
    public let limits: Limits
    public let controlEndpoints: [String]
    public let eventEndpoints: [String]

    /// Between two looks at the sockets.
    private static let sliceNanoseconds: UInt64 = 10_000_000
    private static let heartbeatNanoseconds: UInt64 = 1_000_000_000
    /// How long a step at hand may still take when the daemon is asked to end.
    private static let graceNanoseconds: UInt64 = 500_000_000
    /// Requests taken from the socket in one go.
    private static let batch = 64
    private static let subscriptionBatch = 1_000
    /// Messages kept for a listener, or replies for a client, that does not read; what comes after them is lost. Their
    /// bytes have a bound of their own.
    private static let peerQueue: Int32 = 1_000
    /// Subscriptions that libzmq takes in one go, and the longest: a run's name and a category are shorter.
    private static let subscriptionQueue: Int32 = 100
    private static let subscriptionBytes: Int64 = 2_048
    /// Descriptors that are not for connections: libzmq's own, the journal's, and some to spare.
    private static let ownDescriptors = 48
    /// How long what was sent may take to leave when a socket is closed.
    private static let lingerMilliseconds: Int32 = 200

    /// How many descriptors it takes if it may have as many connections as `limits` say: for each libzmq's, and ours to
    /// look at it.
    public static func descriptors(_ limits: Limits) -> Int { ownDescriptors + 2 * limits.connections }

    /// Blocks SIGTERM, SIGINT and SIGHUP, which the loop then reads, and binds.
    ///
    /// - Parameters:
    ///   - access: who may connect; without it everybody may do everything, and only local endpoints are bound.
    ///   - keeping: descriptors that are left to others.
    ///   - log: for the person who looks after the daemon.
    public init(
        control: [String], events: [String], limits: Limits, access: Access? = nil, keeping: Int = 0,
        log: @escaping Access.Log
    ) throws(MessagingError) {
        for endpoint in control + events { try Endpoint.requireServable(endpoint, hasKeys: access != nil) }
        self.access = access
        self.log = log
        // Before libzmq starts its threads, which inherit the mask.
        signals = crims_serving_descriptor()
        guard signals >= 0 else {
            throw .system(call: "signalfd", endpoint: "", reason: String(cString: strerror(errno)))
        }
        let context = try Context()
        let room = (Int(crims_raise_descriptor_limit()) - Self.ownDescriptors - keeping) / 2
        var limits = limits
        limits.connections = max(4, min(limits.connections, room))
        self.limits = limits
        connections = Connections(limits: limits, log: log)
        // libzmq itself would take no more than 1,023.
        context.set(ZMQ_MAX_SOCKETS, Int32(limits.connections + 1_024))
        // libzmq admits everybody as long as nobody is there to be asked.
        if let access { authenticator = try Authenticator(access, in: context) } else { authenticator = nil }
        self.control = try Socket(.router, in: context)
        self.events = try Socket(.xpub, in: context)
        for socket in [self.control, self.events] {
            socket.set64(ZMQ_MAXMSGSIZE, Int64(limits.frameBytes))
            // With the default of 30 s, connections that say nothing lock others out.
            socket.set(ZMQ_HANDSHAKE_IVL, 2_000)
            socket.set(ZMQ_LINGER, Self.lingerMilliseconds)
            authenticator?.guardSocket(socket)
        }
        self.events.set(ZMQ_SNDHWM, Self.peerQueue)
        self.events.set(ZMQ_RCVHWM, Self.subscriptionQueue)
        self.events.set64(ZMQ_MAXMSGSIZE, Self.subscriptionBytes)
        // Every subscription of every listener is told, so that each can be held to its number.
        self.events.set(ZMQ_XPUB_VERBOSER, 1)
        try connections.watch(self.control, as: .control, in: context)
        try connections.watch(self.events, as: .events, in: context)
        self.control.set(ZMQ_SNDHWM, Self.peerQueue)
        var bound: [String] = []
        for endpoint in control { bound.append(try Self.bind(self.control, endpoint)) }
        controlEndpoints = bound
        bound = []
        for endpoint in events { bound.append(try Self.bind(self.events, endpoint)) }
        eventEndpoints = bound
    }

    deinit { close(signals) }

    private static func bind(_ socket: Socket, _ endpoint: String) throws(MessagingError) -> String {
        // Only where it is asked for: with it, 127.0.0.1 would be told as an IPv6 address.
        socket.set(ZMQ_IPV6, endpoint.hasPrefix("tcp://[") ? 1 : 0)
        return try socket.bind(endpoint)
    }

    /// Carries out one of the hub's actions.
    public func perform(_ action: Action) {
        switch action {
        case .reply(let peer, let frames):
            let connection = connections.answered(peer)
            guard mayAnswer(peer), control.send(peer.route, more: true) else { return }
            if peer.enveloped { control.send([], more: true) }
            let accounts = [connections.unread] + (connection.map { [$0.unread] } ?? [])
            for (index, frame) in frames.enumerated() {
                control.send(frame, more: index + 1 < frames.count, countedIn: accounts)
            }
            connections.makeRoomForReplies()
        case .forget(let peer): _ = connections.answered(peer)
        case .publish(let topic, let payload):
            guard connections.hasRoomForEvent(now: Clock.now), events.send(topic, more: true) else { return }
            events.send(payload, more: false, countedIn: [connections.queuedEvents])
        case .log: break
        }
    }

    /// Serves until SIGTERM or SIGINT comes, and then finishes the step at hand or abandons it untaken. SIGHUP makes it
    /// read the client keys again.
    ///
    /// - Parameters:
    ///   - manager: told with every turn of the loop that the daemon is alive, and when it begins to end.
    ///   - endsWithInput: whether the end of standard input is as good as SIGTERM.
    ///   - door: another way in, looked at in each turn of the loop.
    public func run(
        _ hub: Hub, manager: ServiceManager? = nil, endsWithInput: Bool = false, door: (any HubDoor)? = nil
    ) {
        hub.peers = { [connections, access] in connections.json + (access?.counts ?? []) }
        var heartbeat = Clock.now() + Self.heartbeatNanoseconds
        while true {
            let now = Clock.now()
            if now >= heartbeat {
                hub.heartbeat()
                heartbeat = now + Self.heartbeatNanoseconds
                access?.report(now: now)
                connections.look(now: now)
                hub.setDeaf(connections.deaf(now: now))
            }
            manager?.beat(now: now)
            door?.turn(hub)
            let next = max(now, min(heartbeat, hub.nextDeadline ?? .max, manager?.nextBeat ?? .max))
            let milliseconds = hub.hasWork || isUnsettled ? 0 : Int32((next - now) / 1_000_000) + 1
            let ready = wait(milliseconds: milliseconds, watchesInput: endsWithInput, door: door?.descriptor ?? -1)
            if ready.signal == SIGHUP {
                if let manager { manager.reload { reload(hub) } } else { reload(hub) }
            }
            // Also during a long step: who wants to connect waits for one slice of it at most.
            if ready.handshakes { authenticator?.answer(now: now) }
            if ready.departures { takeDepartures(hub) }
            if ready.subscriptions { receiveSubscriptions(hub) }
            if ready.requests { receiveRequests(hub) }
            hub.expire()
            if ready.signal == SIGTERM || ready.signal == SIGINT || ready.inputEnded {
                manager?.stopping()
                let end = Clock.now() + Self.graceNanoseconds
                while hub.hasWork, Clock.now() < end {
                    let over = Clock.now() + Self.sliceNanoseconds
                    hub.finishSteps { Clock.now() >= over }
                }
                return
            }
            if hub.hasWork {
                let over = Clock.now() + Self.sliceNanoseconds
                hub.work { Clock.now() >= over }
            }
            // Before it waits: sending may have used up what told of news.
            if events.isUnsettled { receiveSubscriptions(hub) }
            if control.isUnsettled { receiveRequests(hub) }
            if !hub.hasWork, !isUnsettled, hub.hasDraftToDraw {
                // libzmq's thread may want this processor for the reply.
                sched_yield()
                hub.drawAhead()
            }
        }
    }

    /// Whether waiting could miss something.
    private var isUnsettled: Bool {
        control.isUnsettled || events.isUnsettled || connections.isUnsettled
            || authenticator?.socket.isUnsettled == true
    }

    /// What there is to do.
    private struct Readiness {
        var requests = false
        var subscriptions = false
        var departures = false
        var handshakes = false
        var signal: Int32 = 0
        var inputEnded = false
    }

    /// Waits for something to do. libzmq's own `zmq_poll` would look at each of its sockets three times, with two system
    /// calls for each look.
    private func wait(milliseconds: Int32, watchesInput: Bool, door: Int32) -> Readiness {
        func item(_ descriptor: Int32) -> pollfd { pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0) }
        var items = (
            item(control.descriptor), item(events.descriptor), item(connections.descriptors.0),
            item(connections.descriptors.1), item(signals),
            // A descriptor below 0 is passed over.
            item(authenticator?.socket.descriptor ?? -1), item(watchesInput ? STDIN_FILENO : -1), item(door)
        )
        withUnsafeMutableBytes(of: &items) { bytes in
            let list = bytes.assumingMemoryBound(to: pollfd.self)
            _ = poll(list.baseAddress, nfds_t(list.count), milliseconds)
        }
        var ready = Readiness()
        ready.requests = items.0.revents != 0 || control.isUnsettled
        ready.subscriptions = items.1.revents != 0 || events.isUnsettled
        ready.departures = items.2.revents != 0 || items.3.revents != 0 || connections.isUnsettled
        ready.signal = items.4.revents != 0 ? crims_termination_read(signals) : 0
        ready.handshakes = items.5.revents != 0 || authenticator?.socket.isUnsettled == true
        ready.inputEnded = items.6.revents != 0 && Self.inputHasEnded()
        return ready
    }

    /// Reads what there is on standard input, which means nothing, and says whether that was its end.
    private static func inputHasEnded() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            return count == 0 || count < 0 && errno != EINTR && errno != EAGAIN
        }
    }

    /// Takes what libzmq tells of connections, and has the hub forget those that have ended.
    func takeDepartures(_ hub: Hub) {
        for gone in connections.update(now: Clock.now()) { hub.depart(gone.id) }
    }

    /// Takes what was asked.
    private func receiveRequests(_ hub: Hub) {
        for _ in 0..<Self.batch {
            guard control.receive(into: inbox) else { return }
            // Since connections were looked at, one may have gone and another come by the same descriptor: its requests
            // would end with the first one's.
            if connections.asking(control.source)?.has(inbox[0]) != true {
                takeDepartures(hub)
                connections.asking(control.source)?.take(inbox[0])
            }
            // The router puts the client's address first; an empty frame before another one is REQ's envelope.
            let enveloped = inbox.count > 2 && inbox[1].isEmpty
            if answerPlainStep(hub, enveloped: enveloped) { continue }
            guard var peer = peer(route: Array(inbox[0]), enveloped: enveloped) else { continue }
            let body = enveloped ? 2 : 1
            var refusal: Refusal?
            if let connection = connections.asking(control.source) {
                connection.hear(now: Clock.now())
                (peer.connection, peer.descriptor) = (connection.id, control.source)
                connection.key = peer.key
                refusal = objection(to: connection)
                connection.inFlight += 1
            } else {
                peer.connection = Peer.gone
            }
            if inbox.count == body + 1 {
                hub.receive(frame: inbox[body], from: peer, refusing: refusal, isPlain: false)
            } else {
                hub.receive(frameCount: inbox.count - body, from: peer)
            }
        }
    }

    /// What there is against a further request by a connection.
    func objection(to connection: Connection) -> Refusal? {
        if connection.inFlight >= limits.requestsInFlight {
            return .limit(
                "requests_in_flight",
                "\(limits.requestsInFlight) requests of this connection are not answered yet: wait for some of them")
        }
        if connection.unread.count > limits.unreadBytes {
            return .limit(
                "unread_bytes",
                "this connection leaves more than \(limits.unreadBytes) bytes of replies unread: read them first")
        }
        return nil
    }

    private func receiveSubscriptions(_ hub: Hub) {
        for _ in 0..<Self.subscriptionBatch {
            guard let (frames, _) = events.receiveMessage(keeping: 1) else { return }
            guard let first = frames[0].first, first <= 1 else { continue }
            // As with requests, but nothing tells listeners apart.
            if events.source >= 0 { takeDepartures(hub) }
            // What libzmq takes back for a listener that has gone came by no connection, and is known already.
            guard let listener = connections.subscribed(events.source, first == 1, now: Clock.now()) else { continue }
            listener.key = events.sender
            hub.subscribe(Array(frames[0].dropFirst()), first == 1, by: listener.id)
        }
    }
}
