import Locking
import CMicroHTTPD

/// A reply as libmicrohttpd sends it, as often as it is asked for.
final class SentReply: Sendable {
    // Safety: it is counted by libmicrohttpd, under a lock of its own.
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private let handle: Handle
    let status: Int
    let bytes: Int

    /// - Parameter response: which this lets go of at its end.
    init(_ response: OpaquePointer, status: Int, bytes: Int) {
        handle = Handle(pointer: response)
        (self.status, self.bytes) = (status, bytes)
    }

    deinit { MHD_destroy_response(handle.pointer) }

    var response: OpaquePointer { handle.pointer }
}

/// Replies that still hold: those about runs until something is asked that may change one, those about models for good.
final class ReplyCache: Sendable {
    private struct State {
        var replies: [String: (reply: SentReply, holdsAt: UInt64?)] = [:]
        var bytes = 0
    }

    private let state = Locked(State())
    private static let countMax = 256
    private static let bytesMax = 32 << 20

    /// The reply to a path with its query.
    ///
    /// - Parameter holds: whether what held at so many changes holds still.
    func reply(to target: String, holds: (UInt64) -> Bool) -> SentReply? {
        state.withLock { state in
            guard let found = state.replies[target], found.holdsAt.map(holds) ?? true else { return nil }
            return found.reply
        }
    }

    /// - Parameter holdsAt: a count of changes; nil if it holds for good.
    func keep(_ reply: SentReply, to target: String, holdsAt: UInt64?) {
        guard reply.bytes <= Self.bytesMax / 4 else { return }
        state.withLock { state in
            if let old = state.replies.removeValue(forKey: target) { state.bytes -= old.reply.bytes }
            if state.replies.count >= Self.countMax || state.bytes + reply.bytes > Self.bytesMax {
                (state.replies, state.bytes) = ([:], 0)
            }
            state.replies[target] = (reply, holdsAt)
            state.bytes += reply.bytes
        }
    }
}
