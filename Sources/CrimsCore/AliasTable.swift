/// Builds alias tables (Walker 1977, in Vose's form of 1991): one draw from a discrete distribution costs one
/// multiplication and one comparison, however many outcomes it has.
///
/// An entry packs a threshold in its upper and the alias in its lower 32 bits; see ``pick(_:_:_:)``.
struct AliasBuilder {
    private var small: [Int] = []
    private var large: [Int] = []
    private var scaled: [Double] = []

    /// Writes the table of `count` weights (≥ 0) into `entries`; if all are 0, every outcome is as likely.
    mutating func build(
        count: Int, weight: (Int) -> Double, into entries: UnsafeMutableBufferPointer<UInt64>
    ) {
        small.removeAll(keepingCapacity: true)
        large.removeAll(keepingCapacity: true)
        scaled.removeAll(keepingCapacity: true)
        var total = 0.0
        for index in 0..<count { total += weight(index) }
        let scale = total > 0 ? Double(count) / total : 0
        for index in 0..<count {
            let value = total > 0 ? weight(index) * scale : 1
            scaled.append(value)
            if value < 1 { small.append(index) } else { large.append(index) }
        }
        while let less = small.last, let more = large.last {
            small.removeLast()
            entries[less] = Self.entry(threshold: scaled[less], alias: more)
            scaled[more] = (scaled[more] + scaled[less]) - 1
            if scaled[more] < 1 {
                large.removeLast()
                small.append(more)
            }
        }
        // What is left stands for 1 up to rounding: it is its own alias. An outcome of weight 0 can be left over
        // only by rounding, and goes to the likeliest instead of happening.
        for index in large { entries[index] = Self.entry(threshold: 1, alias: index) }
        for index in small {
            entries[index] = Self.entry(threshold: 1, alias: index)
            if weight(index) == 0, total > 0 {
                var likeliest = 0
                for other in 1..<count where weight(other) > weight(likeliest) { likeliest = other }
                entries[index] = Self.entry(threshold: 0, alias: likeliest)
            }
        }
    }

    private static func entry(threshold: Double, alias: Int) -> UInt64 {
        let fixed = min(UInt64((threshold * 0x1p32).rounded(.toNearestOrEven)), 0xFFFF_FFFF)
        return fixed << 32 | UInt64(alias)
    }

    /// The outcome for a uniform word: its upper part chooses an entry, the rest is held against the threshold.
    @inline(__always)
    static func pick(_ entries: UnsafePointer<UInt64>, _ count: Int, _ word: UInt32) -> Int {
        let product = UInt64(word) &* UInt64(truncatingIfNeeded: count)
        let index = Int(truncatingIfNeeded: product >> 32)
        let entry = entries[index]
        return product & 0xFFFF_FFFF < entry >> 32 ? index : Int(truncatingIfNeeded: entry & 0xFFFF_FFFF)
    }
}
