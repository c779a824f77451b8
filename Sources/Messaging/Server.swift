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
    private let control: Socket
    private let events: Socket
    private let termination: Int32
    public let controlEndpoints: [String]
    public let eventEndpoints: [String]

    /// Between two looks at the sockets.
    private static let sliceNanoseconds: UInt64 = 10_000_000
    private static let heartbeatNanoseconds: UInt64 = 1_000_000_000
    /// How long a step at hand may still take when the daemon is asked to end.
    private static let graceNanoseconds: UInt64 = 500_000_000
    /// Requests taken from the socket in one go.
    private static let batch = 64
    /// Messages kept for a listener, or replies for a client, that does not read; what comes after them is lost. A large
    /// one has 1,000 incidents, so a sleeping listener costs 200 MB at most.
    private static let peerQueue: Int32 = 1_000

    /// Blocks SIGTERM and SIGINT, which the loop then reads, and binds.
    public init(control: [String], events: [String], limits: Limits) throws(MessagingError) {
        for endpoint in control + events { try Endpoint.requireLocal(endpoint) }
        // Before libzmq starts its threads, which inherit the mask.
        termination = crims_termination_descriptor()
        guard termination >= 0 else {
            throw .system(call: "signalfd", endpoint: "", reason: String(cString: strerror(errno)))
        }
        let context = try Context()
        self.control = try Socket(.router, in: context)
        self.events = try Socket(.xpub, in: context)
        for socket in [self.control, self.events] {
            socket.set64(ZMQ_MAXMSGSIZE, Int64(limits.frameBytes))
            // With the default of 30 s, connections that say nothing lock others out.
            socket.set(ZMQ_HANDSHAKE_IVL, 2_000)
            socket.set(ZMQ_LINGER, 200)
        }
        self.events.set(ZMQ_SNDHWM, Self.peerQueue)
        self.control.set(ZMQ_SNDHWM, Self.peerQueue)
        var bound: [String] = []
        for endpoint in control { bound.append(try Self.bind(self.control, endpoint)) }
        controlEndpoints = bound
        bound = []
        for endpoint in events { bound.append(try Self.bind(self.events, endpoint)) }
        eventEndpoints = bound
    }

    deinit { close(termination) }

    private static func bind(_ socket: Socket, _ endpoint: String) throws(MessagingError) -> String {
        // Only where it is asked for: with it, 127.0.0.1 would be told as an IPv6 address.
        socket.set(ZMQ_IPV6, endpoint.hasPrefix("tcp://[") ? 1 : 0)
        return try socket.bind(endpoint)
    }

    /// Carries out one of the hub's actions.
    public func perform(_ action: Action) {
        switch action {
        case .reply(let peer, let frames):
            guard control.send(peer.route, more: true) else { return }
            if peer.enveloped { control.send([], more: true) }
            for (index, frame) in frames.enumerated() { control.send(frame, more: index + 1 < frames.count) }
        case .publish(let topic, let payload):
            if events.send(topic, more: true) { events.send(payload, more: false) }
        case .log: break
        }
    }

    /// Serves until SIGTERM or SIGINT comes, and then finishes the step at hand or abandons it untaken.
    ///
    /// - Parameter manager: told with every turn of the loop that the daemon is alive, and when it begins to end.
    public func run(_ hub: Hub, manager: ServiceManager? = nil) {
        var heartbeat = Clock.now() + Self.heartbeatNanoseconds
        while true {
            let now = Clock.now()
            if now >= heartbeat {
                hub.heartbeat()
                heartbeat = now + Self.heartbeatNanoseconds
            }
            manager?.beat(now: now)
            let next = max(now, min(heartbeat, hub.nextDeadline ?? .max, manager?.nextBeat ?? .max))
            let ready = wait(milliseconds: hub.hasWork ? 0 : Int((next - now) / 1_000_000) + 1)
            if ready.subscriptions { receiveSubscriptions(hub) }
            if ready.requests { receiveRequests(hub) }
            hub.expire()
            if ready.end {
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
        }
    }

    /// Waits for something to do.
    private func wait(milliseconds: Int) -> (requests: Bool, subscriptions: Bool, end: Bool) {
        var items = (
            zmq_pollitem_t(socket: control.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
            zmq_pollitem_t(socket: events.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
            zmq_pollitem_t(socket: nil, fd: termination, events: Int16(ZMQ_POLLIN), revents: 0)
        )
        withUnsafeMutableBytes(of: &items) { bytes in
            let list = bytes.assumingMemoryBound(to: zmq_pollitem_t.self)
            _ = zmq_poll(list.baseAddress, 3, milliseconds)
        }
        let end = items.2.revents != 0 && crims_termination_read(termination) != 0
        return (items.0.revents != 0, items.1.revents != 0, end)
    }

    private func receiveRequests(_ hub: Hub) {
        for _ in 0..<Self.batch {
            guard let (frames, count) = control.receiveMessage(keeping: 3) else { return }
            // The router puts the client's address first; an empty frame before another one is REQ's envelope.
            let enveloped = count > 2 && frames[1].isEmpty
            let peer = Peer(route: frames[0], enveloped: enveloped)
            let body = enveloped ? 2 : 1
            if count == body + 1 {
                frames[body].withUnsafeBytes { hub.receive(frame: $0, from: peer) }
            } else {
                hub.receive(frameCount: count - body, from: peer)
            }
        }
    }

    private func receiveSubscriptions(_ hub: Hub) {
        while let (frames, _) = events.receiveMessage(keeping: 1) {
            guard let first = frames[0].first, first <= 1 else { continue }
            hub.subscribe(Array(frames[0].dropFirst()), first == 1)
        }
    }
}
