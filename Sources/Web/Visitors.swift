import Glibc
import Locking
import Synchronization

/// One connection.
final class Visitor: Sendable {
    let descriptor: Int32
    /// What its requests are counted by.
    let address: String
    /// Since when a whole request of it has been waited for, nanoseconds of the monotonic clock; 0 while one is at hand.
    let waitingSince: Atomic<UInt64>
    fileprivate let id: UInt64

    fileprivate init(id: UInt64, descriptor: Int32, address: String, now: UInt64) {
        (self.id, self.descriptor, self.address) = (id, descriptor, address)
        waitingSince = Atomic(now)
    }
}

/// All connections, and how long each may take to say what it wants.
///
/// libmicrohttpd ends those that are silent. One that sends a byte now and then is never silent, so the time to a whole
/// request is measured here: the more connections there are, the less of it they get.
final class Visitors: Sendable {
    private struct State {
        var all: [UInt64: Visitor] = [:]
        var made: UInt64 = 0
        var cut = 0
        /// The most connections since memory was last given back.
        var most = 0
    }

    private let state = Locked(State())
    private let max: Int
    /// While there is room, and when most of it is taken.
    static let patience: UInt64 = 15_000_000_000
    static let impatience: UInt64 = 1_000_000_000
    private static let crowd = 500

    init(max: Int) { self.max = max }

    var counts: (connections: Int, cut: Int) { state.withLock { ($0.all.count, $0.cut) } }

    func enter(_ descriptor: Int32, address: String, now: UInt64) -> Visitor {
        state.withLock { state in
            state.made += 1
            let visitor = Visitor(id: state.made, descriptor: descriptor, address: address, now: now)
            state.all[visitor.id] = visitor
            state.most = Swift.max(state.most, state.all.count)
            return visitor
        }
    }

    /// Its descriptor is closed next, and may be another's then.
    func leave(_ visitor: Visitor) { state.withLock { _ = $0.all.removeValue(forKey: visitor.id) } }

    /// Cuts those that take too long.
    func sweep(now: UInt64) {
        state.withLock { state in
            let patience = state.all.count > max * 3 / 4 ? Self.impatience : Self.patience
            for visitor in state.all.values {
                let since = visitor.waitingSince.load(ordering: .relaxed)
                guard since > 0, now > since, now - since > patience else { continue }
                shutdown(visitor.descriptor, Int32(SHUT_RDWR))
                // Not again until it is gone.
                visitor.waitingSince.store(.max, ordering: .relaxed)
                state.cut += 1
            }
        }
    }

    /// Whether a crowd has left since this was last asked, each of whom has had memory of its own.
    func crowdHasLeft() -> Bool {
        state.withLock { state in
            guard state.most >= Self.crowd, state.all.count < state.most / 4 else { return false }
            state.most = state.all.count
            return true
        }
    }
}
