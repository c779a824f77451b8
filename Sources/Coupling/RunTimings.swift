import Protocol

/// Where the time of a run's steps goes. For people who look at `status`: no reply to a step depends on it.
struct RunTimings {
    /// From the last reply until the next request.
    var waiting = DurationHistogram()
    var sampling = DurationHistogram()
    var encoding = DurationHistogram()
    var sending = DurationHistogram()
    /// When the last reply was sent, nanoseconds of the monotonic clock.
    var repliedAt: UInt64?

    var json: JSON {
        .object([
            .init("waiting", waiting.json), .init("sampling", sampling.json), .init("encoding", encoding.json),
            .init("sending", sending.json),
        ])
    }
}

/// Durations counted in buckets an eighth of an octave wide: 9 % exact, a fixed size.
struct DurationHistogram {
    private var buckets = [UInt32](repeating: 0, count: 8 * 48)
    private var count = 0

    mutating func add(nanoseconds: UInt64) {
        let value = Double(max(nanoseconds, 1))
        let octave = Int(value.exponent)
        let bucket = min(8 * octave + Int((value.significand - 1) * 8), buckets.count - 1)
        buckets[bucket] &+= 1
        count += 1
    }

    /// Microseconds below which a share of the durations lie; nil without any.
    func quantile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        var left = Int((Double(count) * share).rounded(.up))
        for (bucket, number) in buckets.enumerated() {
            left -= Int(number)
            if left <= 0 {
                let low = Double(sign: .plus, exponent: bucket / 8, significand: 1 + Double(bucket % 8) / 8)
                return (low * 1.06 / 100).rounded() / 10
            }
        }
        return nil
    }

    var json: JSON {
        .object([
            .init("median_us", quantile(0.5).map { .number($0) } ?? .null),
            .init("p99_us", quantile(0.99).map { .number($0) } ?? .null),
        ])
    }
}
