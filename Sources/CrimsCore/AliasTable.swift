/// Builds alias tables (Walker 1977, in Vose's form of 1991): one draw from a discrete distribution costs one
/// multiplication and one comparison, however many outcomes it has.
///
/// An entry packs a threshold in its upper and the alias in its lower 32 bits; see ``pick(_:_:)``.
final class AliasBuilder {
    /// Weights scaled to a mean of 1.
    private let scaled: UnsafeMutablePointer<Double>
    /// What is below 1, and the rest; room for one more than there are, since a place is written before it is known
    /// whether it counts.
    private let small: UnsafeMutablePointer<Int32>
    private let large: UnsafeMutablePointer<Int32>
    private let capacity: Int

    /// - Parameter capacity: the most outcomes that a table has.
    init(capacity: Int) {
        self.capacity = capacity
        scaled = .allocate(capacity: capacity)
        small = .allocate(capacity: capacity + 1)
        large = .allocate(capacity: capacity + 1)
    }

    deinit {
        scaled.deallocate()
        small.deallocate()
        large.deallocate()
    }

    /// Writes the table of `weights` (≥ 0) into `entries`; if all are 0, every outcome is as likely.
    func build(weights: UnsafeBufferPointer<Double>, into entries: UnsafeMutablePointer<UInt64>) {
        let count = weights.count
        precondition(count <= capacity, "more outcomes than there is room for")
        var total = 0.0
        for weight in weights { total += weight }
        let scale = total > 0 ? Double(count) / total : 0
        var smalls = 0
        var larges = 0
        for index in 0..<count {
            let value = total > 0 ? weights[index] * scale : 1
            scaled[index] = value
            small[smalls] = Int32(truncatingIfNeeded: index)
            large[larges] = Int32(truncatingIfNeeded: index)
            // No branch: which of the two it is cannot be foretold.
            let isSmall = value < 1 ? 1 : 0
            smalls &+= isSmall
            larges &+= 1 &- isSmall
        }
        pair(&smalls, &larges, entries)
        // What is left stands for 1 up to rounding: it is its own alias. An outcome of weight 0 can be left over
        // only by rounding, and goes to the likeliest instead of happening.
        for place in 0..<larges { entries[Int(large[place])] = Self.entry(threshold: 1, alias: Int(large[place])) }
        for index in (0..<smalls).lazy.map({ [small] in Int(small[$0]) }) {
            entries[index] = Self.entry(threshold: 1, alias: index)
            if weights[index] == 0, total > 0 {
                var likeliest = 0
                for other in 1..<count where weights[other] > weights[likeliest] { likeliest = other }
                entries[index] = Self.entry(threshold: 0, alias: likeliest)
            }
        }
    }

    /// The last of the small ones takes what it lacks from the last of the large ones. A large one that has become
    /// small by that is the next to take: what is left of it stays in a register all along.
    private func pair(_ smalls: inout Int, _ larges: inout Int, _ entries: UnsafeMutablePointer<UInt64>) {
        while smalls > 0, larges > 0 {
            larges -= 1
            var more = Int(large[larges])
            var rest = scaled[more]
            while smalls > 0 {
                smalls -= 1
                let less = Int(small[smalls])
                entries[less] = Self.entry(threshold: scaled[less], alias: more)
                rest = (rest + scaled[less]) - 1
                while rest < 1, larges > 0 {
                    larges -= 1
                    let next = Int(large[larges])
                    entries[more] = Self.entry(threshold: rest, alias: next)
                    rest = (scaled[next] + rest) - 1
                    more = next
                }
                if rest < 1 { break }
            }
            if rest < 1 {
                small[smalls] = Int32(truncatingIfNeeded: more)
                smalls += 1
            } else {
                large[larges] = Int32(truncatingIfNeeded: more)
                larges += 1
            }
        }
    }

    @inline(__always)
    private static func entry(threshold: Double, alias: Int) -> UInt64 {
        let fixed = min(Numerics.roundedToEven(threshold * 0x1p32), 0xFFFF_FFFF)
        return fixed << 32 | UInt64(truncatingIfNeeded: alias)
    }

    /// The outcome for a uniform word times the number of outcomes: its upper part chooses an entry, the rest is held
    /// against the threshold.
    @inline(__always)
    static func pick(_ entries: UnsafePointer<UInt64>, _ product: UInt64) -> Int {
        let index = product >> 32
        let entry = entries[Int(truncatingIfNeeded: index)]
        let alias = entry & 0xFFFF_FFFF
        // A mask and no branch: which of the two it is cannot be foretold.
        let keep: UInt64 = 0 &- (product & 0xFFFF_FFFF < entry >> 32 ? 1 : 0)
        return Int(truncatingIfNeeded: alias ^ (alias ^ index) & keep)
    }
}
