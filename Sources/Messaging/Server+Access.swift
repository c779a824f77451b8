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
        unbound += eventEndpoints.filter { events.unbind($0) }
        events.set(ZMQ_LINGER, Self.lingerMilliseconds)
        rebind(milliseconds: 200)
    }

    /// Binds again what was unbound. libzmq lets go of an endpoint a moment after it was told to.
    ///
    /// - Parameter milliseconds: for how long to try; what is not bound then is tried again every second.
    func rebind(milliseconds: Int) {
        guard !unbound.isEmpty else { return }
        for attempt in 0...milliseconds {
            if attempt > 0 { usleep(1_000) }
            var failure: MessagingError?
            unbound.removeAll { endpoint in
                do throws(MessagingError) {
                    _ = try Self.bind(events, endpoint)
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
            guard let failure else { return }
            if attempt == milliseconds { log("events not bound", [.init("problem", .string("\(failure)"))]) }
        }
    }
}
