import Glibc

/// The monotonic clock, for time-outs, slices and timings; never for a result.
public enum Clock {
    /// Nanoseconds since some fixed point.
    public static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
