import CrimsCore

/// By how much a category's monthly counts vary beyond Poisson: together in all areas, and in each for itself.
///
/// With S and O the gamma frailties of mean 1 and variances s and o, a cell's count has variance μ + (s + o + so)μ²,
/// and two areas of one month have covariance s·μ₁μ₂. So with totals M = Σ μ over areas,
///
///     E Σ (force total − M)²  = Σ M + s Σ M² + (1 + s) o Σ μ²
///     E Σ (cell − μ)²         = Σ μ + s Σ μ² + (1 + s) o Σ μ²
///
/// summed over months (and areas). Where μ was forecast, the deviations are whole, and the variances hold what a forecast
/// of the next months has to reckon with: chance within a month, and how far the level has wandered since.
package enum DispersionEstimate {
    /// About means that were fitted to the same counts: what the fit has taken up of the deviations is put back, of the
    /// shared part p/months, p being the parameters of the month pattern, of the rest 1/months, the cell's own mean.
    ///
    /// - Parameter patternParameters: ``SeasonEstimate/parameters``.
    /// - Returns: Variances, never negative; none with too few months to tell.
    package static func moments(
        counts: [Int], expected: [Double], areas: Int, patternParameters: Double
    ) -> CrimeModel.Dispersion {
        let months = Double(counts.count / areas)
        guard months - patternParameters >= 1 else { return .init() }
        return moments(
            counts: counts, expected: expected, areas: areas, keptShared: 1 - patternParameters / months,
            keptOwn: 1 - 1 / months)
    }

    /// About means that the same counts had no part in.
    ///
    /// - Parameters:
    ///   - counts: Incidents, `[month · areas + area]`.
    ///   - expected: The means of the same cells.
    ///   - keptShared: How much of the force's deviations is left.
    ///   - keptOwn: How much of the cells' deviations is left.
    package static func moments(
        counts: [Int], expected: [Double], areas: Int, keptShared: Double = 1, keptOwn: Double = 1
    ) -> CrimeModel.Dispersion {
        let months = counts.count / areas
        var forceDeviation = 0.0
        var cellDeviation = 0.0
        var mean = 0.0
        var forceSquares = 0.0
        var cellSquares = 0.0
        for month in 0..<months {
            var total = 0.0
            var forceMean = 0.0
            for cell in month * areas..<(month + 1) * areas {
                let count = Double(counts[cell])
                let deviation = count - expected[cell]
                cellDeviation += deviation * deviation
                cellSquares += expected[cell] * expected[cell]
                total += count
                forceMean += expected[cell]
            }
            forceDeviation += (total - forceMean) * (total - forceMean)
            forceSquares += forceMean * forceMean
            mean += forceMean
        }
        guard mean > 0 else { return .init() }
        // One area: the two parts cannot be told apart, and the force is the area.
        guard areas > 1 else {
            return .init(shared: max(0, (forceDeviation / keptShared - mean) / forceSquares))
        }
        let difference = forceDeviation / keptShared - cellDeviation / keptOwn
        let shared = max(0, difference / (forceSquares - cellSquares * keptShared / keptOwn))
        let rest = (cellDeviation - keptShared * shared * cellSquares) / keptOwn - mean
        return .init(shared: shared, own: max(0, rest / ((1 + shared) * cellSquares)))
    }
}
