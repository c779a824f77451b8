import CMicroHTTPD
import Coupling
import Synchronization

/// libmicrohttpd's connection, which is only touched where it says that this may be.
struct ConnectionHandle: @unchecked Sendable {
    // Safety: MHD_suspend_connection is called on its own thread, MHD_resume_connection is made for others; a connection
    // lives at least until it is resumed.
    let pointer: OpaquePointer

    func suspend() { MHD_suspend_connection(pointer) }
    func resume() { MHD_resume_connection(pointer) }

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
    case frames([[UInt8]])
    case snapshot(HubSnapshot)
    case run(RunPlace, RunLegend)
    case noRun
    /// What was asked of the models can be drawn, or why not.
    case prepared(WebRefusal?)
    case reply(Reply)
    /// The daemon ends.
    case nothing
}

/// An answer that comes on another thread, and the connection that stands still until then.
final class Waiting: Sendable {
    private struct State {
        var said: Said?
        var isOver = false
        var isSuspended = false
    }

    private let state = Mutex(State())
    private let connection: ConnectionHandle

    init(_ connection: ConnectionHandle) { self.connection = connection }

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
