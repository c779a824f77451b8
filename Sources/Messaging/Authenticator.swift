import CZMQ

/// Answers libzmq's question whether a client's key is admitted, by its authentication protocol (ZAP, ZeroMQ RFC 27).
///
/// It has to be bound before the sockets that it guards and must live longer: without it, libzmq admits everybody.
final class Authenticator {
    let socket: Socket
    private let access: Access
    /// Answered in one go; each takes a look into a table.
    private static let batch = 256
    /// The domain that the guarded sockets name.
    private static let domain = "crims"

    init(_ access: Access, in context: Context) throws(MessagingError) {
        self.access = access
        socket = try Socket(.reply, in: context)
        socket.set(ZMQ_LINGER, 0)
        _ = try socket.bind("inproc://zeromq.zap.01")
    }

    /// Has a socket that is not yet bound admit clients with keys alone.
    func guardSocket(_ guarded: Socket) {
        guarded.set(ZMQ_CURVE_SERVER, 1)
        guarded.set(ZMQ_CURVE_SECRETKEY, access.server.secretKey ?? "")
        guarded.set(ZMQ_ZAP_DOMAIN, Self.domain)
        guarded.guardian = self
    }

    /// Answers those that wait for it.
    func answer(now: UInt64) {
        for _ in 0..<Self.batch {
            // Version, number of the question, domain, address, identity, mechanism, and its credentials.
            guard let (frames, count) = socket.receiveMessage(keeping: 7) else { return }
            let number = frames.count > 1 ? frames[1] : []
            var key: String?
            if count == 7, frames[2] == Array(Self.domain.utf8), frames[5] == Array("CURVE".utf8) {
                key = KeyPair.key(frames[6])
            }
            let isAdmitted = access.client(key) != nil
            if !isAdmitted {
                let address = frames.count > 3 ? String(decoding: frames[3], as: UTF8.self) : ""
                access.refuseHandshake(key: key, address: address, now: now)
            }
            // What it is known by from now on is the key itself: a name may get another key.
            let answer = isAdmitted ? ["200", "OK", key ?? "", ""] : ["400", "this key is not admitted", "", ""]
            socket.send(Array("1.0".utf8), more: true)
            socket.send(number, more: true)
            for (index, text) in answer.enumerated() {
                socket.send(Array(text.utf8), more: index + 1 < answer.count)
            }
        }
    }
}
