import CrimsCore

/// The shape of the gamma law that the rates of a category's areas follow about their mean.
package enum GammaShape {
    /// Shapes outside have no meaning that counts could tell from the ends.
    package static let range = 0.01...100_000.0

    /// Maximises the negative binomial likelihood of counts that have the same exposure.
    ///
    /// The mean is the counts' own. A grid over log α finds the hill, a golden section its top; both take the same
    /// steps on every machine.
    ///
    /// - Parameter counts: Whole numbers; more than one, not all 0.
    package static func maximumLikelihood(counts: [Double]) -> Double {
        let mean = counts.reduce(0, +) / Double(counts.count)
        let low = Numerics.log(range.lowerBound)
        let high = Numerics.log(range.upperBound)
        let steps = 12
        let width = (high - low) / Double(steps)
        var best = (step: 0, value: -Double.infinity)
        for step in 0...steps {
            let value = logLikelihood(shape: Numerics.exp(low + Double(step) * width), mean: mean, counts: counts)
            if value > best.value { best = (step, value) }
        }
        var left = low + Double(max(best.step - 1, 0)) * width
        var right = low + Double(min(best.step + 1, steps)) * width
        let golden = 0.618_033_988_749_894_8
        func value(_ logShape: Double) -> Double {
            logLikelihood(shape: Numerics.exp(logShape), mean: mean, counts: counts)
        }
        var inner = (right - golden * (right - left), left + golden * (right - left))
        var values = (value(inner.0), value(inner.1))
        for _ in 0..<24 {
            if values.0 >= values.1 {
                right = inner.1
                inner = (right - golden * (right - left), inner.0)
                values = (value(inner.0), values.0)
            } else {
                left = inner.0
                inner = (inner.1, left + golden * (right - left))
                values = (values.1, value(inner.1))
            }
        }
        return Numerics.exp((left + right) / 2)
    }

    /// Σ log NB(count; shape, mean), without the part that does not depend on the shape.
    private static func logLikelihood(shape: Double, mean: Double, counts: [Double]) -> Double {
        let logP = Numerics.log(shape / (shape + mean))
        let logQ = Numerics.log(mean / (shape + mean))
        var sum = Double(counts.count) * (shape * logP - logGamma(shape))
        for count in counts { sum += logGamma(count + shape) + count * logQ }
        return sum
    }
}
