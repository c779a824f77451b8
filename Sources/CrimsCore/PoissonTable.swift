/// The Poisson distribution of one mean, to be drawn from by inversion.
///
/// Weights run by recurrence from the mode outwards until they no longer matter and are normalised, so that no
/// exponential and no factorial is needed; within 10⁻¹³ of the exact law.
public struct PoissonTable: Sendable {
    /// The smallest count that has a weight.
    let first: Int
    /// Running sums of the weights, not normalised.
    let cumulative: [Double]

    /// - Parameter mean: finite, ≥ 0.
    public init(mean: Double) {
        precondition(mean >= 0 && mean.isFinite, "a Poisson mean is finite and not negative")
        guard mean > 0 else {
            first = 0
            cumulative = [1]
            return
        }
        // Relative to the mode's weight of 1; what is left out sums to far less than 10⁻¹³.
        let negligible = 0x1p-62
        let mode = Int(mean)
        var below: [Double] = []
        var weight = 1.0
        var count = mode
        while count > 0 {
            weight *= Double(count) / mean
            if weight < negligible { break }
            below.append(weight)
            count -= 1
        }
        first = mode - below.count
        var sums: [Double] = []
        sums.reserveCapacity(2 * below.count + 16)
        var sum = 0.0
        for weight in below.reversed() {
            sum += weight
            sums.append(sum)
        }
        weight = 1
        count = mode
        while weight >= negligible {
            sum += weight
            sums.append(sum)
            count += 1
            weight *= mean / Double(count)
        }
        cumulative = sums
    }

    /// The count whose part of [0, 1) holds `unit`.
    public func quantile(_ unit: Double) -> Int {
        let target = unit * cumulative[cumulative.count - 1]
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if target < cumulative[middle] { high = middle } else { low = middle + 1 }
        }
        return first + low
    }
}
