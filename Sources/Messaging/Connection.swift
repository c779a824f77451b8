import CSystem
import Glibc

/// One connection to a socket of the daemon.
package final class Connection {
    package enum Side { case control, events }

    /// Never used again for another.
    let id: Int
    let side: Side
    /// A descriptor of our own for libzmq's connection: it can be looked at, and cut without hitting another that has
    /// got the same number meanwhile.
    private let descriptor: Int32
    /// When something last came from it, nanoseconds of the monotonic clock.
    private(set) var lastActive: UInt64
    /// Whether a request or a subscription ever came from it.
    private(set) var hasAsked = false
    /// The public key that it was made with, once something came from it; nil where there are no keys.
    var key: String?
    /// What the router calls it, once a request came from it.
    private var route: [UInt8] = []
    /// Requests that are not answered yet.
    var inFlight = 0
    var subscriptions = 0
    private(set) var isCut = false
    /// Replies that libzmq has for it.
    let unread = QueuedBytes()
    /// Bytes that the system has for it, since when there have been some whenever it was looked at, and since when they
    /// have not become others.
    private var backlog: Int32 = 0
    private(set) var behindSince: UInt64?
    private var stuckSince: UInt64?

    package init?(id: Int, side: Side, descriptor: Int32, now: UInt64) {
        self.id = id
        self.side = side
        self.descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        lastActive = now
        guard self.descriptor >= 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Something came from it.
    func hear(now: UInt64) {
        lastActive = now
        hasAsked = true
    }

    /// Whether it is known to be the one that has this route. Who chooses a name for themselves may come again under it;
    /// those that libzmq makes begin with zero and are new each time.
    func has(_ route: UnsafeRawBufferPointer) -> Bool { route.first == 0 && self.route.elementsEqual(route) }

    /// It is the one that has this route.
    func take(_ route: UnsafeRawBufferPointer) { self.route = Array(route) }

    /// Ends it; libzmq notices as if the peer had.
    func cut() {
        isCut = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Whether it was libzmq that ended it: the peer is still there, or has sent what libzmq would not read.
    var wasRefused: Bool {
        guard !isCut else { return false }
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count > 0 || count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
    }

    /// Looks whether what was sent to it is taken.
    package func look(now: UInt64) {
        let waiting = crims_unsent_bytes(descriptor)
        if waiting <= 0 {
            (behindSince, stuckSince) = (nil, nil)
        } else {
            behindSince = behindSince ?? now
            if stuckSince == nil || waiting != backlog { stuckSince = now }
        }
        backlog = waiting
    }

    /// Whether it has taken nothing for so long although there was something to take.
    package func isStuck(for nanoseconds: UInt64, now: UInt64) -> Bool {
        Self.lasts(stuckSince, for: nanoseconds, now: now)
    }

    /// Whether it has not taken everything for so long.
    package func isBehind(for nanoseconds: UInt64, now: UInt64) -> Bool {
        Self.lasts(behindSince, for: nanoseconds, now: now)
    }

    /// Whether nothing need be made for it, since it would be lost.
    func isDeaf(now: UInt64) -> Bool { isStuck(for: 1_000_000_000, now: now) }

    private static func lasts(_ since: UInt64?, for nanoseconds: UInt64, now: UInt64) -> Bool {
        // Whoever asks may have looked at the clock before something was sent, and with it this connection looked at.
        since.map { now - min(now, $0) >= nanoseconds } ?? false
    }
}
