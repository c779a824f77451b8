/// Builds alias tables (Walker 1977, in Vose's form of 1991): one draw from a discrete distribution costs one
/// multiplication and one comparison, however many outcomes it has.
///
/// An entry packs a threshold in its upper and the alias in its lower 32 bits; see ``pick(_:_:_:)``.
struct AliasBuilder {
    /// Weights scaled to a mean of 1, and two stacks in one array: what is below 1 grows from its front, the rest from
    /// its back.
    private var scaled: [Double] = []
    private var stacks: [Int32] = []

    /// Writes the table of `weights` (≥ 0) into `entries`; if all are 0, every outcome is as likely.
    mutating func build(weights: [Double], into entries: UnsafeMutablePointer<UInt64>) {
        let count = weights.count
        if scaled.count < count {
            scaled = weights
            stacks = [Int32](repeating: 0, count: count)
        }
        weights.withUnsafeBufferPointer { weights in
            scaled.withUnsafeMutableBufferPointer { scaled in
                stacks.withUnsafeMutableBufferPointer { stacks in
                    Self.build(weights, scaled, stacks, entries)
                }
            }
        }
    }

    private static func build(
        _ weights: UnsafeBufferPointer<Double>, _ scaled: UnsafeMutableBufferPointer<Double>,
        _ stacks: UnsafeMutableBufferPointer<Int32>, _ entries: UnsafeMutablePointer<UInt64>
    ) {
        let count = weights.count
        var total = 0.0
        for weight in weights { total += weight }
        let scale = total > 0 ? Double(count) / total : 0
        var small = 0
        var large = count
        for index in 0..<count {
            let value = total > 0 ? weights[index] * scale : 1
            scaled[index] = value
            if value < 1 {
                stacks[small] = Int32(truncatingIfNeeded: index)
                small += 1
            } else {
                large -= 1
                stacks[large] = Int32(truncatingIfNeeded: index)
            }
        }
        while small > 0, large < count {
            small -= 1
            let less = Int(stacks[small])
            let more = Int(stacks[large])
            entries[less] = entry(threshold: scaled[less], alias: more)
            scaled[more] = (scaled[more] + scaled[less]) - 1
            if scaled[more] < 1 {
                large += 1
                stacks[small] = Int32(truncatingIfNeeded: more)
                small += 1
            }
        }
        // What is left stands for 1 up to rounding: it is its own alias. An outcome of weight 0 can be left over
        // only by rounding, and goes to the likeliest instead of happening.
        for index in stacks[large..<count] { entries[Int(index)] = entry(threshold: 1, alias: Int(index)) }
        for index in stacks[..<small].lazy.map({ Int($0) }) {
            entries[index] = entry(threshold: 1, alias: index)
            if weights[index] == 0, total > 0 {
                var likeliest = 0
                for other in 1..<count where weights[other] > weights[likeliest] { likeliest = other }
                entries[index] = entry(threshold: 0, alias: likeliest)
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
