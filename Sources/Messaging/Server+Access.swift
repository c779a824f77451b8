import Coupling
import Protocol

/// What the server does because of keys.
extension Server {
    /// The client that the request just received came from; nil if its key is no longer admitted.
    func peer(route: [UInt8], enveloped: Bool) -> Peer? {
        guard let access else { return Peer(route: route, enveloped: enveloped) }
        guard let client = access.client(control.sender) else {
            // It was under way when the key was revoked.
            access.dropRequest(now: Clock.now())
            return nil
        }
        return Peer(route: route, enveloped: enveloped, who: client.name, role: client.role, key: control.sender)
    }

    /// Whether a client may be answered: its key may have been revoked since it asked.
    func mayAnswer(_ peer: Peer) -> Bool { access.map { $0.client(peer.key) != nil } ?? true }

    /// SIGHUP: takes up the folder of client keys as it is now, and ends the connections of keys that are not in it.
    func reload(_ hub: Hub) {
        guard let access else { return log("SIGHUP changes nothing: there are no keys", []) }
        guard access.reload() else { return }
        // Whoever was admitted until now is known after this: libzmq tells of a connection before it asks about its key.
        takeDepartures(hub)
        access.cut(connections.cut { access.client($0) != nil })
    }
}
