/// The numbers of the adjustments that act, side by side.
final class ActiveAdjustments {
    /// Whether none decays.
    private(set) var areConstant = true
    let columns = GrowingBuffer<Column>()
    let decays = DecayTables()
    /// Decays that differ in when they began or in their half-life, four to a vector: those of one step are often the
    /// same, and an exponential is most of what one costs.
    private let ages = GrowingBuffer<Age>()
    private var ageCount = 0
    private let lefts = GrowingBuffer<SIMD4<Double>>()
    /// The last such decay of each hash.
    private let recent = GrowingBuffer<Int>(capacity: 256)

    struct Column: BitwiseCopyable {
        var factor: Double
        /// Minutes since 1970.
        var from: Int
        var end: Int
        /// Where the decay within an hour is kept, or −1 without one.
        var decay: Int
        /// Its place among the ages.
        var age: Int

        /// Whether it acts at every minute of a window.
        @inline(__always)
        func covers(_ window: Range<Int>) -> Bool { from <= window.lowerBound && end >= window.upperBound }
    }

    private struct Age: BitwiseCopyable {
        var from = SIMD4<Double>.zero
        var halfLife = SIMD4<Double>(repeating: .infinity)
    }

    func take(_ acting: [ScheduledAdjustment]) {
        areConstant = true
        ageCount = 0
        decays.trim()
        columns.reserve(acting.count)
        recent.start.update(repeating: -1, count: 256)
        for (index, entry) in acting.enumerated() {
            let adjustment = entry.adjustment
            var column = Column(
                factor: adjustment.factor, from: entry.from, end: entry.end, decay: -1, age: 0)
            if let halfLife = adjustment.halfLife {
                column.decay = decays.offset(halfLife: halfLife)
                column.age = age(from: column.from, halfLife: halfLife)
                areConstant = false
            }
            columns.start[index] = column
        }
    }

    private func age(from: Int, halfLife: Int) -> Int {
        let hash = (from &* 0x2545_F491 &+ halfLife &* 0x9E37_79B1) >> 16 & 0xFF
        let known = recent.start[hash]
        if known >= 0 {
            let age = ages.start + known / 4
            if age.pointee.from[known % 4] == Double(from), age.pointee.halfLife[known % 4] == Double(halfLife) {
                return known
            }
        }
        let new = ageCount
        ageCount += 1
        if new % 4 == 0 {
            ages.reserve(new / 4 + 1, keeping: new / 4)
            ages.start[new / 4] = Age(from: .init(repeating: Double(from)))
        }
        ages.start[new / 4].from[new % 4] = Double(from)
        ages.start[new / 4].halfLife[new % 4] = Double(halfLife)
        recent.start[hash] = new
        return new
    }

    /// Computes what is left of each effect at the beginning of an hour since 1970.
    func decay(hour: Int) {
        let minute = SIMD4<Double>(repeating: Double(hour * 60))
        let vectors = (ageCount + 3) / 4
        lefts.reserve(vectors)
        for index in 0..<vectors {
            lefts.start[index] = Numerics.exp2(-(minute - ages.start[index].from) / ages.start[index].halfLife)
        }
    }

    /// What is left of the effects at the beginning of the hour at hand, by their place among the ages.
    var left: UnsafePointer<Double> { UnsafeRawPointer(lefts.start).assumingMemoryBound(to: Double.self) }
}
