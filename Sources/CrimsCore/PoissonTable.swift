/// Poisson distributions to be drawn from by inversion, one after the other in memory that is used again.
///
/// Weights run by recurrence from the mode outwards until they no longer matter and are normalised, so that no
/// exponential and no factorial is needed; within 10⁻¹³ of the exact law.
final class PoissonTables {
    /// One distribution: its running sums, not normalised.
    struct Row {
        /// The smallest count that has a weight.
        var first = 0
        var offset = 0
        /// 0 where there is none yet.
        var size = 0
    }

    private var sums: UnsafeMutablePointer<Double>
    private var capacity: Int
    private var used = 0

    /// Relative to the mode's weight of 1; what is left out sums to far less than 10⁻¹³.
    private static let negligible = 0x1p-62

    init(capacity: Int = 64) {
        self.capacity = capacity
        sums = .allocate(capacity: capacity)
    }

    deinit { sums.deallocate() }

    /// Forgets all of them and keeps the memory.
    func clear() { used = 0 }

    private func reserve(_ needed: Int) {
        guard needed > capacity else { return }
        capacity = max(needed, 2 * capacity)
        let larger = UnsafeMutablePointer<Double>.allocate(capacity: capacity)
        larger.update(from: sums, count: used)
        sums.deallocate()
        sums = larger
    }

    /// - Parameter mean: finite, ≥ 0.
    func append(mean: Double) -> Row {
        precondition(mean >= 0 && mean.isFinite, "a Poisson mean is finite and not negative")
        let offset = used
        let mode = Int(mean)
        // Down to 0 at most, and the mode.
        reserve(used + mode + 1)
        guard mean > 0 else {
            sums[used] = 1
            used += 1
            return Row(first: 0, offset: offset, size: 1)
        }
        var weight = 1.0
        var count = mode
        while count > 0 {
            weight *= Double(count) / mean
            if weight < Self.negligible { break }
            sums[used] = weight
            used += 1
            count -= 1
        }
        let first = mode - (used - offset)
        var below = UnsafeMutableBufferPointer(start: sums + offset, count: used - offset)
        below.reverse()
        var sum = 0.0
        for place in offset..<used {
            sum += sums[place]
            sums[place] = sum
        }
        weight = 1
        count = mode
        while weight >= Self.negligible {
            if used == capacity { reserve(used + 1) }
            sum += weight
            sums[used] = sum
            used += 1
            count += 1
            weight *= mean / Double(count)
        }
        return Row(first: first, offset: offset, size: used - offset)
    }

    /// The count whose part of [0, 1) holds `unit`.
    func quantile(_ row: Row, _ unit: Double) -> Int {
        row.first + Self.place(UnsafeBufferPointer(start: sums + row.offset, count: row.size), unit)
    }

    /// The running sums of one distribution.
    func sums(of row: Row) -> [Double] { Array(UnsafeBufferPointer(start: sums + row.offset, count: row.size)) }

    /// The first running sum that exceeds `unit` times the last. The number of halvings depends on how many there are
    /// alone, and the choice needs no branch.
    fileprivate static func place(_ sums: UnsafeBufferPointer<Double>, _ unit: Double) -> Int {
        let start = sums.baseAddress!
        var size = sums.count
        let target = unit * start[size - 1]
        var low = 0
        while size > 1 {
            let half = size / 2
            low &+= start[low &+ half &- 1] <= target ? half : 0
            size -= half
        }
        return low
    }
}

/// The Poisson distribution of one mean, to be drawn from by inversion; see ``PoissonTables``.
public struct PoissonTable: Sendable {
    private let first: Int
    private let sums: [Double]

    /// - Parameter mean: finite, ≥ 0.
    public init(mean: Double) {
        let tables = PoissonTables()
        let row = tables.append(mean: mean)
        first = row.first
        sums = tables.sums(of: row)
    }

    /// The count whose part of [0, 1) holds `unit`.
    public func quantile(_ unit: Double) -> Int {
        first + sums.withUnsafeBufferPointer { PoissonTables.place($0, unit) }
    }
}
