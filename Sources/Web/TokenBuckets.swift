/// How many requests each address may make: so many a second for long, and a number at once.
package struct TokenBuckets: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: UInt64
    }

    /// Requests a second; 0 for no bound.
    let rate: Double
    private let burst: Double
    private var buckets: [String: Bucket] = [:]
    private static let addressesMax = 4_096

    package init(rate: Int) {
        self.rate = Double(rate)
        burst = max(1, 2 * self.rate)
    }

    /// Takes a token.
    ///
    /// - Parameter now: nanoseconds of a monotonic clock.
    /// - Returns: nil if there was one, else the whole seconds until there is.
    package mutating func take(_ address: String, now: UInt64) -> Int? {
        guard rate > 0 else { return nil }
        if buckets[address] == nil, buckets.count >= Self.addressesMax { forgetFull(now: now) }
        // Where still more addresses come at once, they share one bucket.
        let key = buckets[address] == nil && buckets.count >= Self.addressesMax ? "" : address
        var bucket = buckets[key] ?? Bucket(tokens: burst, filledAt: now)
        bucket.tokens = tokens(of: bucket, now: now)
        bucket.filledAt = now
        defer { buckets[key] = bucket }
        if bucket.tokens >= 1 {
            bucket.tokens -= 1
            return nil
        }
        return max(1, Int(((1 - bucket.tokens) / rate).rounded(.up)))
    }

    private func tokens(of bucket: Bucket, now: UInt64) -> Double {
        min(burst, bucket.tokens + Double(now - min(now, bucket.filledAt)) * 1e-9 * rate)
    }

    private mutating func forgetFull(now: UInt64) {
        buckets = buckets.filter { tokens(of: $0.value, now: now) < burst }
    }
}
