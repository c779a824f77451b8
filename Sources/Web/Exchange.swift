import Locking
import CMicroHTTPD
import Coupling

/// libmicrohttpd's connection, which is only touched where it says that this may be.
struct ConnectionHandle: @unchecked Sendable {
    // Safety: MHD_suspend_connection is called on its own thread, MHD_resume_connection is made for others; a connection
    // lives at least until it is resumed.
    let pointer: OpaquePointer

    func suspend() { MHD_suspend_connection(pointer) }
    func resume() { MHD_resume_connection(pointer) }

    /// The password that a browser sends which was asked for one.
    var password: String? {
        var password: UnsafeMutablePointer<CChar>?
        let user = MHD_basic_auth_get_username_password(pointer, &password)
        defer {
            MHD_free(user)
            MHD_free(password)
        }
        return password.map { String(cString: $0) }
    }

    /// The first header of that name.
    func header(_ name: String) -> String? { crims_http_header(pointer, name).map { String(cString: $0) } }
}

/// One request and its answer. Used on libmicrohttpd's thread, but for ``Waiting``.
final class Exchange {
    enum Stage {
        case fresh
        case reading
        case waiting(Waiting, then: (Said) -> Bool)
        case answered
    }

    let target: String
    let visitor: Visitor?
    var stage = Stage.fresh
    var body: [UInt8] = []
    var refusal: WebRefusal?
    static let bodyMax = 65_536

    init(target: String, visitor: Visitor?) { (self.target, self.visitor) = (target, visitor) }
}

/// What comes from the hub's thread.
enum Said: Sendable {
    /// What the hub said, and the count of changes until which it holds; nil if that is not known.
    case frames([[UInt8]], holdsAt: UInt64?)
    case snapshot(HubSnapshot)
    case run(RunPlace, RunLegend)
    case noRun
    /// What was asked of the models can be drawn, or why not.
    case prepared(WebRefusal?)
    case reply(Reply)
    /// The daemon ends.
    case nothing
    /// Who asked has gone.
    case gone
}

/// An answer that comes on another thread, and the connection that stands still until then.
final class Waiting: Sendable {
    private struct State {
        var said: Said?
        var isOver = false
        var isSuspended = false
        var ticket: Door.Ticket?
        var ticks = 0
    }

    private let state = Locked(State())
    private let connection: ConnectionHandle
    let descriptor: Int32

    init(_ connection: ConnectionHandle, descriptor: Int32) {
        (self.connection, self.descriptor) = (connection, descriptor)
    }

    /// The request that it waits for, which may be taken back.
    var ticket: Door.Ticket? {
        get { state.withLock { $0.ticket } }
        set { state.withLock { $0.ticket = newValue } }
    }

    /// Whether it has waited for as long as it takes to look whether somebody is still there.
    func tick() -> Bool {
        state.withLock { state in
            state.ticks += 1
            return !state.isOver && state.ticks > 1
        }
    }

    /// Lets the connection stand still.
    ///
    /// - Returns: false if what it waits for is there already, and nobody would call again.
    func suspend() -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            state.isSuspended = true
            connection.suspend()
            return true
        }
    }

    /// The first answer counts.
    func finish(_ said: Said) {
        state.withLock { state in
            guard !state.isOver else { return }
            (state.said, state.isOver) = (said, true)
            guard state.isSuspended else { return }
            state.isSuspended = false
            connection.resume()
        }
    }

    /// The answer, once; nil before it is there.
    func take() -> Said? { state.withLock { $0.said.take() } }
}
