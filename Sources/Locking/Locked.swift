import Glibc

/// A value that one thread at a time has.
///
/// In place of the library's `Mutex`, of which the thread sanitizer sees nothing: it would take each use for a race.
public final class Locked<Value>: @unchecked Sendable {
    // Safety: the value is only touched while the lock is held.
    private var value: Value
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    public init(_ value: sending Value) {
        self.value = value
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_mutex_t())
        // Fails for want of memory alone, and not at all where Linux makes it.
        precondition(pthread_mutex_init(lock, nil) == 0)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deinitialize(count: 1).deallocate()
    }

    /// Does something with the value while nobody else can. It may not come here again meanwhile.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value)
    }
}
