import CZMQ
import Protocol

/// A client's own key pair and the public key of the daemon that it means to talk to.
public struct ClientCredentials: Sendable {
    private let own: KeyPair
    private let server: String

    /// - Parameters:
    ///   - key: the client's secret certificate, `NAME.key_secret`.
    ///   - serverKey: the daemon's public certificate, `NAME.key`.
    /// - Throws: ``MessagingError/keys(_:)`` for a file that is not in order.
    public init(key: String, serverKey: String) throws(MessagingError) {
        do throws(KeyProblem) {
            own = try KeyFile(secret: key).keys
            server = try KeyFile(public: serverKey).keys.publicKey
        } catch {
            throw .keys([error])
        }
    }

    func prepare(_ socket: Socket) {
        socket.set(ZMQ_CURVE_SERVERKEY, server)
        socket.set(ZMQ_CURVE_PUBLICKEY, own.publicKey)
        socket.set(ZMQ_CURVE_SECRETKEY, own.secretKey ?? "")
    }
}

/// A client of a running daemon, for the command line.
///
/// It never waits for a dead daemon: when an answer is late it says `hello` on a second connection, and goes on
/// waiting only if that is answered.
public final class Client {
    private let context: Context
    private let socket: Socket
    private let endpoint: String
    private let credentials: ClientCredentials?
    /// Before a silent daemon is asked whether it is alive.
    private static let patienceSeconds = 3.0

    /// - Parameter credentials: for a daemon that has keys.
    public init(_ endpoint: String, _ credentials: ClientCredentials? = nil) throws(MessagingError) {
        self.endpoint = endpoint
        self.credentials = credentials
        context = try Context()
        socket = try Self.connect(endpoint, credentials, context)
    }

    private static func connect(
        _ endpoint: String, _ credentials: ClientCredentials?, _ context: Context
    ) throws(MessagingError) -> Socket {
        try Endpoint.requireKnown(endpoint)
        let socket = try Socket(.dealer, in: context)
        socket.set(ZMQ_LINGER, 0)
        credentials?.prepare(socket)
        try socket.connect(endpoint)
        return socket
    }

    /// Asks and waits for the answer: its JSON and the frames after it.
    ///
    /// - Throws: ``MessagingError/refused(code:message:)`` with the daemon's words, or why there is no answer.
    public func ask(_ members: [JSON.Member]) throws(MessagingError) -> (reply: JSON, frames: [[UInt8]]) {
        var writer = ByteWriter()
        writer.json(.object([.init("v", .number(1))] + members))
        socket.send(writer.bytes, more: false)
        while !socket.wait(milliseconds: Int(Self.patienceSeconds * 1_000)) {
            try requireAlive()
        }
        guard let (frames, _) = socket.receiveMessage(), let first = frames.first else {
            throw .garbled("no frame")
        }
        let reply: JSON
        do throws(JSONSyntaxError) {
            reply = try JSON(parsing: first)
        } catch {
            throw .garbled("at byte \(error.offset): \(error.reason)")
        }
        if let error = reply["error"] {
            throw .refused(code: error["code"]?.text ?? "?", message: error["message"]?.text ?? "refused")
        }
        return (reply, Array(frames.dropFirst()))
    }

    private func requireAlive() throws(MessagingError) {
        let second = try Self.connect(endpoint, credentials, context)
        second.send(Array(#"{"v":1,"op":"hello"}"#.utf8), more: false)
        guard second.wait(milliseconds: 1_000) else {
            throw .silent(endpoint: endpoint, seconds: Self.patienceSeconds + 1, hasKey: credentials != nil)
        }
    }
}

/// A listener to a daemon's events, for the command line.
public final class Listener {
    private let context: Context
    private let socket: Socket

    /// - Parameters:
    ///   - topics: prefixes such as `step/r1/`; an empty one means all.
    ///   - credentials: for a daemon that has keys.
    public init(
        _ endpoint: String, topics: [String], _ credentials: ClientCredentials? = nil
    ) throws(MessagingError) {
        try Endpoint.requireKnown(endpoint)
        context = try Context()
        socket = try Socket(.subscriber, in: context)
        socket.set(ZMQ_LINGER, 0)
        credentials?.prepare(socket)
        for topic in topics { socket.subscribe(topic) }
        try socket.connect(endpoint)
    }

    /// The next event: its topic and payload; nil when none came in time.
    public func next(seconds: Double) -> (topic: String, payload: [UInt8])? {
        guard socket.wait(milliseconds: Int(seconds * 1_000)), let (frames, count) = socket.receiveMessage(), count == 2
        else { return nil }
        return (String(decoding: frames[0], as: UTF8.self), frames[1])
    }
}
