import CSystem
import Glibc
import Locking

/// A thread that does something every quarter of a second until it is stopped, and something else when there is news, at
/// most a hundred times a second.
final class Ticker: Sendable {
    private final class Work: Sendable {
        let stop: Int32
        let news: Int32
        let tick: @Sendable () -> Void
        let hear: @Sendable () -> Void
        let now: @Sendable () -> UInt64

        init(
            stop: Int32, news: Int32, now: @escaping @Sendable () -> UInt64, tick: @escaping @Sendable () -> Void,
            hear: @escaping @Sendable () -> Void
        ) {
            (self.stop, self.news, self.now, self.tick, self.hear) = (stop, news, now, tick, hear)
        }

        func serve() {
            var next = now() + Ticker.tickNanoseconds
            while true {
                var bells = (
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: news, events: Int16(POLLIN), revents: 0)
                )
                let left = Int32((next - min(next, now())) / 1_000_000)
                withUnsafeMutableBytes(of: &bells) {
                    _ = poll($0.assumingMemoryBound(to: pollfd.self).baseAddress, 2, left + 1)
                }
                if bells.0.revents != 0 { return }
                if bells.1.revents != 0 {
                    crims_bell_still(news)
                    hear()
                    var end = pollfd(fd: stop, events: Int16(POLLIN), revents: 0)
                    if poll(&end, 1, Ticker.restMilliseconds) > 0 { return }
                }
                guard now() >= next else { continue }
                tick()
                next = now() + Ticker.tickNanoseconds
            }
        }
    }

    private let bell = crims_bell()
    private let thread = Locked<pthread_t?>(nil)
    private static let tickNanoseconds: UInt64 = 250_000_000
    private static let restMilliseconds: Int32 = 10

    deinit { close(bell) }

    /// - Parameters:
    ///   - news: a bell that is rung when there is news.
    ///   - now: nanoseconds of a monotonic clock.
    func start(
        news: Int32, now: @escaping @Sendable () -> UInt64, tick: @escaping @Sendable () -> Void,
        hear: @escaping @Sendable () -> Void
    ) {
        let work = Unmanaged.passRetained(Work(stop: bell, news: news, now: now, tick: tick, hear: hear))
        var started = pthread_t()
        let status = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().serve()
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
