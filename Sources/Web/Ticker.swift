import CSystem
import Glibc
import Synchronization

/// A thread that does something every quarter of a second until it is stopped.
final class Ticker: Sendable {
    private final class Work: Sendable {
        let bell: Int32
        let tick: @Sendable () -> Void
        init(bell: Int32, tick: @escaping @Sendable () -> Void) { (self.bell, self.tick) = (bell, tick) }
    }

    private let bell = crims_bell()
    private let thread = Mutex<pthread_t?>(nil)
    private static let milliseconds: Int32 = 250

    deinit { close(bell) }

    func start(_ tick: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(bell: bell, tick: tick))
        var started = pthread_t()
        let status = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
                var item = pollfd(fd: work.bell, events: Int16(POLLIN), revents: 0)
                while poll(&item, 1, Ticker.milliseconds) <= 0 { work.tick() }
                return nil
            }, work.toOpaque())
        precondition(status == 0, "pthread_create: \(String(cString: strerror(status)))")
        thread.withLock { $0 = started }
    }

    /// Waits for the tick at hand.
    func stop() {
        guard let started = thread.withLock({ $0.take() }) else { return }
        crims_bell_ring(bell)
        pthread_join(started, nil)
    }
}
