import Glibc

/// Clocks, for time-outs, slices, timings and what people look at; never for a result.
public enum Clock {
    /// Nanoseconds of the monotonic clock, since some fixed point.
    public static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Seconds since 1970, universal time.
    public static func calendar() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int(time.tv_sec)
    }
}
