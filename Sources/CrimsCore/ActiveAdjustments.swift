/// The numbers of the adjustments that act, in columns, so that those of four at a time fit vectors.
struct ActiveAdjustments: ~Copyable {
    private(set) var count = 0
    /// Whether none decays.
    private(set) var areConstant = true
    /// Of each: its factor; minutes since 1970 at which it begins and ends; its half-life in minutes, or 1 without one,
    /// and where the decay within an hour is kept, or −1; what is left of its effect at the beginning of the hour at hand.
    private(set) var columns = GrowingBuffer<Column>()
    private(set) var decays = DecayTables()

    struct Column: BitwiseCopyable {
        var factor: Double
        var from: Int
        var end: Int
        var halfLife: Double
        var decay: Int
        var left = 1.0
    }

    mutating func take(_ acting: [ScheduledAdjustment]) {
        count = acting.count
        areConstant = true
        decays.trim()
        columns.reserve(count)
        for (index, entry) in acting.enumerated() {
            let adjustment = entry.adjustment
            var column = Column(
                factor: adjustment.factor, from: adjustment.from.minutes, end: entry.end, halfLife: 1, decay: -1)
            if let halfLife = adjustment.halfLife {
                column.halfLife = Double(halfLife)
                column.decay = decays.offset(halfLife: halfLife)
                areConstant = false
            }
            columns.start[index] = column
        }
    }

    /// Computes what is left of each effect at the beginning of an hour since 1970.
    func decay(hour: Int) {
        let columns = columns.start
        let minute = Double(hour * 60)
        for first in stride(from: 0, to: count, by: 4) {
            var ages = SIMD4<Double>.zero
            for lane in 0..<min(4, count - first) where columns[first + lane].decay >= 0 {
                let column = columns[first + lane]
                ages[lane] = -(minute - Double(column.from)) / column.halfLife
            }
            let left = Numerics.exp2(ages)
            for lane in 0..<min(4, count - first) { columns[first + lane].left = left[lane] }
        }
    }
}
