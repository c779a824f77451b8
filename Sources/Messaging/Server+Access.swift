import CZMQ
import Coupling
import Glibc
import Protocol

/// What the server does because of keys.
extension Server {
    /// The client that the request just received came from; nil if its key is no longer admitted.
    func peer(route: [UInt8], enveloped: Bool) -> Peer? {
        guard let access else { return Peer(route: route, enveloped: enveloped) }
        guard let client = access.client(control.sender) else {
            access.dropRequest(now: Clock.now())
            return nil
        }
        return Peer(route: route, enveloped: enveloped, who: client.name, role: client.role, key: control.sender)
    }

    /// Whether a client may be answered: its key may have been revoked since it asked.
    func mayAnswer(_ peer: Peer) -> Bool { access.map { $0.client(peer.key) != nil } ?? true }

    /// SIGHUP: takes up the folder of client keys as it is now.
    func reload() {
        guard let access else { return log("SIGHUP changes nothing: there are no keys", []) }
        guard access.reload() else { return }
        // What is published goes to whoever is connected, and a listener cannot be told from another. So all are cut
        // off, and those that are still admitted come back by themselves.
        events.set(ZMQ_LINGER, 0)
        for endpoint in eventEndpoints {
            if events.unbind(endpoint) {
                unbound.append(endpoint)
            } else if !unbound.contains(endpoint) {
                log("listeners not cut off, start the daemon again", [.init("endpoint", .string(endpoint))])
            }
        }
        events.set(ZMQ_LINGER, Self.lingerMilliseconds)
        // libzmq lets go of an endpoint a moment after it was told to.
        for _ in 0..<200 {
            rebind()
            if unbound.isEmpty { return }
            usleep(1_000)
        }
        log("events not bound, trying again", [.init("endpoints", .array(unbound.map { .string($0) }))])
    }

    /// Binds what was unbound, as far as it can be; to be called again until nothing is left.
    func rebind() {
        unbound.removeAll { (try? Self.bind(events, $0)) != nil }
    }
}
