import CZMQ
import Glibc

/// Owns a libzmq context; ended when the last socket that it made is gone.
final class Context {
    let handle: UnsafeMutableRawPointer

    init() throws(MessagingError) {
        guard let handle = zmq_ctx_new() else { throw .last("zmq_ctx_new") }
        self.handle = handle
    }

    deinit { zmq_ctx_term(handle) }

    func set(_ option: Int32, _ value: Int32) { zmq_ctx_set(handle, option, value) }
}

/// A message as it came: its first frames, in memory that the next one takes over.
final class Inbox {
    /// An address, a REQ's envelope and a request; what comes behind them is of no use to anybody.
    private static let kept = 3
    private let messages = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: kept + 1)
    /// How many frames the message has, those that are not kept included.
    fileprivate(set) var count = 0

    init() { for index in 0...Self.kept { zmq_msg_init(messages + index) } }

    deinit {
        for index in 0...Self.kept { zmq_msg_close(messages + index) }
        messages.deallocate()
    }

    /// One of the kept frames, which stays where it is until the next message is received.
    subscript(index: Int) -> UnsafeRawBufferPointer {
        precondition(index < min(count, Self.kept), "frame \(index) is not kept")
        return UnsafeRawBufferPointer(start: zmq_msg_data(messages + index), count: zmq_msg_size(messages + index))
    }

    fileprivate func message(_ index: Int) -> UnsafeMutablePointer<zmq_msg_t> { messages + min(index, Self.kept) }
}

/// Owns one libzmq socket; used on a single thread.
final class Socket {
    enum Kind {
        case router, xpub, dealer, subscriber, reply, pair

        var raw: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .xpub: ZMQ_XPUB
            case .dealer: ZMQ_DEALER
            case .subscriber: ZMQ_SUB
            case .reply: ZMQ_REP
            case .pair: ZMQ_PAIR
            }
        }
    }

    let handle: UnsafeMutableRawPointer
    // Ending the context waits for its sockets, so a socket keeps it.
    private let context: Context
    /// Who admits its clients, and has to outlive it; with one, ``sender`` is known.
    var guardian: Authenticator?
    /// libzmq's descriptor of the connection that the last message came by; -1 if it came by none.
    private(set) var source: Int32 = -1
    /// The public key, in Z85, of whom the last message came from.
    private(set) var sender: String?
    /// libzmq's descriptor for the poll loop. It becomes readable when there is news, once: whoever has used the socket
    /// since may have used the news up, and looks again before waiting.
    let descriptor: Int32
    /// Whether something may be there of which the descriptor does not tell.
    private(set) var isUnsettled = true

    func unsettle() { isUnsettled = true }

    init(_ kind: Kind, in context: Context) throws(MessagingError) {
        guard let handle = zmq_socket(context.handle, kind.raw) else { throw .last("zmq_socket") }
        self.handle = handle
        self.context = context
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size)
        self.descriptor = descriptor
    }

    deinit { zmq_close(handle) }

    func set(_ option: Int32, _ value: Int32) {
        var value = value
        let done = zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
        precondition(done == 0, "socket option \(option) = \(value): \(String(cString: zmq_strerror(zmq_errno())))")
    }

    func set(_ option: Int32, _ value: String) {
        let done = zmq_setsockopt(handle, option, value, value.utf8.count)
        precondition(done == 0, "socket option \(option): \(String(cString: zmq_strerror(zmq_errno())))")
    }

    func set64(_ option: Int32, _ value: Int64) {
        var value = value
        let done = zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size)
        precondition(done == 0, "socket option \(option) = \(value): \(String(cString: zmq_strerror(zmq_errno())))")
    }

    /// Binds and says where: a port of `*` is chosen by the system.
    func bind(_ endpoint: String) throws(MessagingError) -> String {
        guard zmq_bind(handle, endpoint) == 0 else { throw .last("bind", endpoint) }
        var buffer = [CChar](repeating: 0, count: 1_024)
        var length = buffer.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &length) == 0 else { throw .last("bind", endpoint) }
        return String(decoding: buffer[..<max(0, length - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func connect(_ endpoint: String) throws(MessagingError) {
        guard zmq_connect(handle, endpoint) == 0 else { throw .last("connect", endpoint) }
    }

    func subscribe(_ topic: String) {
        _ = topic.utf8.withContiguousStorageIfAvailable {
            zmq_setsockopt(handle, ZMQ_SUBSCRIBE, $0.baseAddress, $0.count)
        }
    }

    /// Sends one frame; false if the peer is gone or its queue is full.
    @discardableResult
    func send(_ bytes: [UInt8], more: Bool) -> Bool { bytes.withUnsafeBytes { send($0, more: more) } }

    /// As above.
    @discardableResult
    func send(_ bytes: UnsafeRawBufferPointer, more: Bool) -> Bool {
        isUnsettled = true
        return zmq_send(handle, bytes.baseAddress, bytes.count, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0
    }

    /// Sends a frame of the message that came last; false if the peer is gone or its queue is full.
    func send(frame index: Int, of inbox: Inbox, more: Bool) -> Bool {
        isUnsettled = true
        return zmq_msg_send(inbox.message(index), handle, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0
    }

    /// Takes a whole message, if one is there.
    func receive(into inbox: Inbox) -> Bool {
        inbox.count = 0
        // A message arrives whole: if its first frame is there, so are the others.
        while true {
            let message = inbox.message(inbox.count)
            while zmq_msg_recv(message, handle, ZMQ_DONTWAIT) < 0 {
                guard zmq_errno() == EINTR else {
                    isUnsettled = false
                    return false
                }
            }
            inbox.count += 1
            guard zmq_msg_more(message) == 0 else { continue }
            // Of the last frame: the address that a router puts first is the router's own.
            source = zmq_msg_get(message, ZMQ_SRCFD)
            if guardian != nil { noteSender(zmq_msg_gets(message, "User-Id")) }
            isUnsettled = true
            return true
        }
    }

    /// Mostly the one who sent the message before.
    private func noteSender(_ text: UnsafePointer<CChar>?) {
        guard let text else { return sender = nil }
        if let sender, sender.withCString({ strcmp($0, text) == 0 }) { return }
        sender = String(cString: text)
    }

    /// Takes a whole message, if one is there: its first frames, and how many it has.
    func receiveMessage(keeping limit: Int = .max) -> (frames: [[UInt8]], count: Int)? {
        var frames: [[UInt8]] = []
        var count = 0
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        repeat {
            while zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) < 0 {
                guard zmq_errno() == EINTR else {
                    isUnsettled = false
                    return nil
                }
            }
            if count < limit {
                frames.append(
                    Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
            }
            if zmq_msg_more(&message) == 0 {
                source = zmq_msg_get(&message, ZMQ_SRCFD)
                if guardian != nil { noteSender(zmq_msg_gets(&message, "User-Id")) }
            }
            count += 1
        } while zmq_msg_more(&message) != 0
        isUnsettled = true
        return (frames, count)
    }

    /// Waits until a message is there; false when the time is over.
    func wait(milliseconds: Int) -> Bool {
        var item = zmq_pollitem_t(socket: handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        return zmq_poll(&item, 1, milliseconds) > 0
    }
}
