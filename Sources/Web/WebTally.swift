import Locking
import Synchronization

/// What HTTP has done since the start, and what it holds; for `/metrics` and for bounds.
final class WebTally: Sendable {
    private let requests = Locked<[Int: Int]>([:])
    private let exchanges = Atomic<Int>(0)
    private let unread = Atomic<Int>(0)

    var atHand: Int { exchanges.load(ordering: .relaxed) }
    /// Bytes of replies that were not sent yet.
    var unreadBytes: Int { unread.load(ordering: .relaxed) }
    /// How many replies of each status, by ascending status.
    var replies: [(status: Int, count: Int)] {
        requests.withLock { counts in counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    func begin() { exchanges.add(1, ordering: .relaxed) }
    func end() { exchanges.subtract(1, ordering: .relaxed) }
    func reply(_ status: Int) { requests.withLock { $0[status, default: 0] += 1 } }
    func hold(_ bytes: Int) { unread.add(bytes, ordering: .relaxed) }
}
