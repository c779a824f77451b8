import CSystem
import Glibc

/// Whether somebody wants the process to end: SIGINT and SIGTERM, from when this is made on.
public final class Interruption {
    private let descriptor = crims_termination_descriptor()
    private var seen: Int32 = 0

    public init() {}

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The first signal that came; nil if none has.
    public var signal: Int32? {
        if seen == 0, descriptor >= 0 { seen = crims_termination_read(descriptor) }
        return seen == 0 ? nil : seen
    }

    /// Waits, until a signal comes at most.
    func wait(seconds: Double) {
        guard signal == nil else { return }
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&item, 1, Int32(max(0, min(seconds, 86_400)) * 1_000))
    }

    /// Ends the process by the signal that came, as one that does not catch it would end.
    public func endProcess() -> Never {
        let number = signal ?? SIGTERM
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, number)
        Glibc.signal(number, SIG_DFL)
        sigprocmask(SIG_UNBLOCK, &mask, nil)
        raise(number)
        exit(128 + number)
    }
}
