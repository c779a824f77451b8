import CrimsCore

/// What a category's counts of later months deviate from forecasts of them, and the dispersion that follows.
///
/// A forecast is wrong for three reasons: counts vary beyond Poisson (shared variance s, own variance o), the level
/// wanders on, and the fit itself is uncertain. The last is known. Level and season are weighted means of months whose
/// relative variance is s + 1/M, M being the force's mean, so they have the part ν of that; shrinking the season and
/// the growth leaves a variance b; and the gamma posterior of an area's share has the variance u = 1 / (α + N). With
/// sums over months and areas, μ being an area's mean,
///
///     E Σ (force total − M)² = Σ M (1 + ν) + s Σ M² (1 + ν) + Σ M² b + (1 + s) o Σ μ²
///     E Σ (cell − μ)²        = Σ μ + Σ μ² (u + b + ν/M) + s Σ μ² (1 + ν) + (1 + s) o Σ μ² (1 + νₐ)
///
/// The fits of the past have seen less than the last one; so their uncertainty is taken out, and that of the last put
/// in: what a model draws is then as uncertain as a forecast should be. The wandering of two months stays in.
struct ForecastErrors {
    private var months = 0
    private var force = (deviation: 0.0, square: 0.0, uncertainty: 0.0)
    private var cell = (deviation: 0.0, mean: 0.0, square: 0.0, uncertainty: 0.0, shared: 0.0, own: 0.0)

    /// - Parameters:
    ///   - counts: Of a month, by area.
    ///   - total: The force's forecast.
    ///   - estimate: What the forecast is from.
    mutating func add(counts: ArraySlice<Int>, total: Double, in month: CivilMonth, estimate: RateEstimate) {
        guard total > 0 else { return }
        months += 1
        let (noise, bias) = estimate.uncertainty(in: month)
        let deviation = Double(counts.reduce(0, +)) - total
        force.deviation += deviation * deviation
        force.square += total * total * (1 + noise)
        force.uncertainty += total * (1 + noise) + total * total * bias
        for (area, count) in counts.enumerated() {
            let mean = total * estimate.shares[area]
            let square = mean * mean
            cell.deviation += (Double(count) - mean) * (Double(count) - mean)
            cell.mean += mean
            cell.square += square
            cell.uncertainty += mean + square * (estimate.shareVariances[area] + bias + noise / total)
            cell.shared += square * (1 + noise)
            cell.own += square * (1 + estimate.shareNoise)
        }
    }

    /// The dispersion that a model of the last fit should have; nil with too few months to tell.
    func dispersion(of last: RateEstimate, monthsMin: Int) -> CrimeModel.Dispersion? {
        guard months >= monthsMin else { return nil }
        let found = processDispersion(areas: last.shares.count)
        let total = last.level * Self.daysOfMonth
        var noise = 0.0
        var bias = 0.0
        for ahead in 1...12 {
            let month = last.uncertainty(in: CivilMonth(index: last.last.index + ahead))
            noise += month.noise / 12
            bias += month.bias / 12
        }
        let shared = found.shared + bias + noise * (found.shared + 1 / total)
        guard last.shares.count > 1 else { return .init(shared: shared) }
        var square = 0.0
        var uncertainty = 0.0
        for (share, variance) in zip(last.shares, last.shareVariances) {
            square += share * share
            uncertainty += share * share * variance
        }
        return .init(shared: shared, own: found.own * (1 + last.shareNoise) + uncertainty / square)
    }

    /// Of the counts about their true means, and of two months' wandering.
    func processDispersion(areas: Int) -> CrimeModel.Dispersion {
        guard force.square > 0 else { return .init() }
        // One area: the two parts cannot be told apart, and the force is the area.
        guard areas > 1 else { return .init(shared: max(0, (force.deviation - force.uncertainty) / force.square)) }
        let difference = (force.deviation - force.uncertainty) - (cell.deviation - cell.uncertainty)
        let shared = max(0, difference / (force.square - cell.shared))
        let rest = cell.deviation - cell.uncertainty - shared * cell.shared
        return .init(shared: shared, own: max(0, rest / ((1 + shared) * cell.own)))
    }

    private static let daysOfMonth = 365.0 / 12
}
