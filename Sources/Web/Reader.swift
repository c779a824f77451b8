import CSystem
import CrimsCore
import Glibc
import Locking

/// A thread that works on what is to be read, so that no step waits for it: a few readings in turn, slice by slice.
final class Reader: Sendable {
    /// Works for a slice, and says whether it is done.
    typealias Work = (_ isOver: () -> Bool) -> Bool
    /// Makes work ready, on the reader's thread.
    typealias Begin = @Sendable (MonthCache) -> Work

    private struct State {
        var waiting: [(ticket: Int, begin: Begin)] = []
        /// Those that have begun.
        var atWork: Set<Int> = []
        /// Of these, those for which nobody waits any more.
        var forgotten: Set<Int> = []
        var isStopping = false
    }

    private let bell = crims_bell()
    private let state = Locked(State())
    private let thread = Locked<pthread_t?>(nil)
    private let now: @Sendable () -> UInt64
    /// Each has a reply in memory.
    private static let atWorkMax = 4
    private static let sliceNanoseconds: UInt64 = 5_000_000

    init(now: @escaping @Sendable () -> UInt64) { self.now = now }

    deinit { close(bell) }

    /// Readings that are at hand.
    var count: Int { state.withLock { $0.waiting.count + $0.atWork.count } }

    func add(_ ticket: Int, _ begin: @escaping Begin) {
        state.withLock { $0.waiting.append((ticket, begin)) }
        crims_bell_ring(bell)
    }

    /// Nobody waits for it any more.
    func forget(_ ticket: Int) {
        state.withLock { state in
            state.waiting.removeAll { $0.ticket == ticket }
            if state.atWork.contains(ticket) { state.forgotten.insert(ticket) }
        }
    }

    // MARK: - The thread

    func start() {
        var started = pthread_t()
        let status = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Reader>.fromOpaque(context).takeRetainedValue().serve()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "pthread_create: \(String(cString: strerror(status)))")
        thread.withLock { $0 = started }
    }

    /// Waits for the slice at hand, and forgets the rest.
    func stop() {
        guard let started = thread.withLock({ $0.take() }) else { return }
        state.withLock { $0.isStopping = true }
        crims_bell_ring(bell)
        pthread_join(started, nil)
    }

    private func serve() {
        crims_stand_back()
        let cache = MonthCache()
        var atWork: [(ticket: Int, work: Work)] = []
        while let begun = take(&atWork) {
            atWork += begun.map { ($0.ticket, $0.begin(cache)) }
            guard !atWork.isEmpty else {
                var item = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
                _ = poll(&item, 1, -1)
                crims_bell_still(bell)
                continue
            }
            let (ticket, work) = atWork.removeFirst()
            let over = now() + Self.sliceNanoseconds
            if work({ now() >= over }) {
                _ = state.withLock { $0.atWork.remove(ticket) }
            } else {
                atWork.append((ticket, work))
            }
        }
    }

    /// Drops what is forgotten, and takes what there is room for; nil if it is to end.
    private func take(_ atWork: inout [(ticket: Int, work: Work)]) -> [(ticket: Int, begin: Begin)]? {
        state.withLock { state in
            guard !state.isStopping else { return nil }
            if !state.forgotten.isEmpty {
                atWork.removeAll { state.forgotten.contains($0.ticket) }
                state.atWork.subtract(state.forgotten)
                state.forgotten = []
            }
            // In memory of its own: what is left is changed by others while this is looked at.
            let taken = state.waiting.prefix(max(0, Self.atWorkMax - atWork.count)).map { $0 }
            state.waiting.removeFirst(taken.count)
            state.atWork.formUnion(taken.map(\.ticket))
            return taken
        }
    }
}
