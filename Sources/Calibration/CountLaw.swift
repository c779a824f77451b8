import CrimsCore

/// Counts from one to another, both included.
package struct CountInterval: Equatable, Sendable {
    package var low: Int
    package var high: Int

    package func contains(_ count: Int) -> Bool { count >= low && count <= high }
}

/// The law of a count: Poisson, its mean multiplied by a gamma variable of mean 1. A negative binomial, or, where that
/// variable does not vary, Poisson.
package struct CountLaw: Sendable {
    package let mean: Double
    /// Variance of the gamma variable.
    package let variance: Double
    /// F(first + i); below `first` F is 0, beyond the last 1, both within 10⁻¹⁵.
    private let first: Int
    private let cumulative: [Double]

    /// - Precondition: `mean` > 0, `variance` ≥ 0.
    package init(mean: Double, variance: Double) {
        precondition(mean > 0 && variance >= 0, "a mean above 0")
        // So little beyond Poisson is lost in rounding.
        let variance = variance * mean < 1e-9 ? 0 : variance
        self.mean = mean
        self.variance = variance
        // p(k + 1) / p(k) = (mean + k·step) / (k + 1) / (1 + step)
        let step = variance * mean
        let mode = max(0, Int(((mean - step) / 1).rounded(.down)))
        var below: [Double] = []
        var weight = 1.0
        var count = mode
        while count > 0, weight > Self.tiny {
            weight *= Double(count) * (1 + step) / (mean + Double(count - 1) * step)
            below.append(weight)
            count -= 1
        }
        first = count
        var weights = Array(below.reversed())
        weights.append(1)
        weight = 1
        count = mode
        while weight > Self.tiny {
            weight *= (mean + Double(count) * step) / (Double(count + 1) * (1 + step))
            weights.append(weight)
            count += 1
        }
        let sum = weights.reduce(0, +)
        var running = 0.0
        cumulative = weights.map {
            running += $0
            return running / sum
        }
    }

    private static let tiny = 1e-17

    /// P(X ≤ count).
    package func cumulative(_ count: Int) -> Double {
        count < first ? 0 : count - first >= cumulative.count ? 1 : cumulative[count - first]
    }

    /// The least count with P(X ≤ count) ≥ `probability`.
    package func quantile(_ probability: Double) -> Int {
        first + (cumulative.firstIndex { $0 >= probability } ?? cumulative.count - 1)
    }

    /// −log P(X = count).
    package func logScore(_ count: Int) -> Double {
        let k = Double(count)
        guard variance > 0 else { return mean - k * Numerics.log(mean) + logGamma(k + 1) }
        let shape = 1 / variance
        let whole = Numerics.log(1 + variance * mean)
        return logGamma(k + 1) + logGamma(shape) - logGamma(k + shape) + shape * whole
            - k * (Numerics.log(variance * mean) - whole)
    }

    /// Continuous ranked probability score, Σ over k of (P(X ≤ k) − [count ≤ k])²; in incidents.
    package func rankedScore(_ count: Int) -> Double {
        // Beyond both ends of the table each k between the count and the table adds 1.
        var sum = Double(max(0, first - count) + max(0, count - first - cumulative.count))
        for (index, probability) in cumulative.enumerated() {
            let difference = probability - (count <= first + index ? 1 : 0)
            sum += difference * difference
        }
        return sum
    }

    /// How much of the count's interval [F(count − 1), F(count)] lies inside [lower, upper]: for a right law its mean
    /// is upper − lower, also where counts are few (the PIT of a discrete variable; Czado et al. 2009, Biometrics 65).
    package func share(of count: Int, inside lower: Double, _ upper: Double) -> Double {
        let low = cumulative(count - 1)
        let high = cumulative(count)
        guard high > low else { return low >= lower && low <= upper ? 1 : 0 }
        return max(0, min(high, upper) - max(low, lower)) / (high - low)
    }

    /// Adds the parts of the count's interval [F(count − 1), F(count)] to the equal parts of 0…1 that they lie in; 1 in
    /// all.
    package func spread(_ count: Int, over parts: inout [Double]) {
        let size = Double(parts.count)
        let low = cumulative(count - 1) * size
        let high = cumulative(count) * size
        guard high > low else {
            parts[min(Int(low), parts.count - 1)] += 1
            return
        }
        for part in Int(low)..<min(Int(high) + 1, parts.count) {
            parts[part] += max(0, min(high, Double(part + 1)) - max(low, Double(part))) / (high - low)
        }
    }

    /// From the 5 % to the 95 % quantile.
    package var interval90: CountInterval { CountInterval(low: quantile(0.05), high: quantile(0.95)) }

    /// Whether the count lies between the 5 % and the 95 % quantile.
    package func covers(_ count: Int) -> Bool { interval90.contains(count) }
}
