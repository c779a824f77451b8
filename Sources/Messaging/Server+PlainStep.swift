import Coupling
import Protocol

/// Steps as most are asked for: nothing of them is copied or looked up twice on their way through.
extension Server {
    /// Answers the request that has come if it is for a plain step, from where it lies and to where it came from.
    ///
    /// - Returns: whether it has; if not, nothing has happened.
    func answerPlainStep(_ hub: Hub, enveloped: Bool) -> Bool {
        let body = enveloped ? 2 : 1
        guard inbox.count == body + 1, let connection = connections.asking(control.source),
            objection(to: connection) == nil
        else { return false }
        var client: ClientKeys.Client?
        if let access {
            client = access.client(control.sender)
            guard client != nil else { return false }
        }
        let began = Clock.now()
        switch hub.takePlainStep(inbox[body], by: client?.name, role: client?.role ?? .driver, now: began) {
        case .notPlain: return false
        case .refused(let refusal):
            connection.hear(now: began)
            connection.key = control.sender
            guard var peer = peer(route: Array(inbox[0]), enveloped: enveloped) else { return true }
            (peer.connection, peer.descriptor) = (connection.id, control.source)
            connection.inFlight += 1
            hub.refuse(refusal, ofPlain: inbox[body], to: peer)
        case .taken:
            connection.hear(now: began)
            connection.key = control.sender
            let taken = Clock.now()
            send(hub.plainReply, to: connection, enveloped: enveloped)
            hub.finishPlainStep(began: taken, sent: Clock.now())
        }
        return true
    }

    /// Sends frames to whom the inbox came from.
    private func send(_ reply: ReplyFrames, to connection: Connection, enveloped: Bool) {
        guard control.send(frame: 0, of: inbox, more: true) else { return }
        if enveloped { _ = control.send(frame: 1, of: inbox, more: true) }
        reply.bytes.bytes.withUnsafeBytes { bytes in
            var begin = 0
            for (index, end) in reply.ends.enumerated() {
                frames.send(
                    UnsafeRawBufferPointer(rebasing: bytes[begin..<end]), by: control,
                    more: index + 1 < reply.ends.count, countedIn: (connections.unread, connection.unread))
                begin = end
            }
        }
        connections.makeRoomForReplies()
    }
}
