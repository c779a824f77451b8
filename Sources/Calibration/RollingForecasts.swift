import CrimsCore

/// What could have been forecast at each month of a force's past: the judge of settings and the measure of errors.
///
/// At an origin of n months, the first n months are fitted and the next two forecast. Nothing later enters, so an
/// object made for many months also serves a fit of fewer.
package final class RollingForecasts {
    /// Months forecast from each origin.
    package static let horizon = 2
    /// Fewer origins choose nothing.
    static let originsMin = 3

    private let counts: ForceCounts
    private var paths: [Int: [ForcePath]] = [:]
    private var scores: [Int: (levels: [Double], shares: [Double])] = [:]

    package init(_ counts: ForceCounts) { self.counts = counts }

    /// The origins within the first `months` months: with a year behind them, and where that leaves too few, with half
    /// a year.
    package static func origins(months: Int) -> Range<Int> {
        let first = max(6, min(12, months - 6))
        return first..<max(first, months - horizon + 1)
    }

    /// The half-lives under which the forecasts from all origins within the first `months` months come out best.
    ///
    /// A cell's expected count is the force's times the area's share, and shares sum to 1, so the Poisson deviance
    /// falls into a part of the level and one of the shares, and each half-life is chosen by its own part.
    package func recency(months: Int) -> Recency {
        let origins = Self.origins(months: months)
        guard origins.count >= Self.originsMin else { return .usual }
        func best(_ halfLives: [Double], usual: Double, _ score: (Int, Int) -> Double) -> Double {
            var best = (halfLife: usual, score: Double.infinity)
            for (index, halfLife) in halfLives.enumerated() {
                let sum = origins.reduce(Recency.penalty(halfLife, usual: usual)) { $0 + score($1, index) }
                if sum < best.score { best = (halfLife, sum) }
            }
            return best.halfLife
        }
        return Recency(
            level: best(Recency.levels, usual: Recency.usual.level) { scores(at: $0).levels[$1] },
            areas: best(Recency.shares, usual: Recency.usual.areas) { scores(at: $0).shares[$1] })
    }

    /// The fit of a category's first `months` months.
    package func estimate(category: Int, months: Int, recency: Recency) -> RateEstimate {
        RateEstimate(
            path: path(category, months),
            shares: AreaShares(
                counts.categories[category], areas: counts.areas, months: Array(counts.months.prefix(months)),
                halfLife: recency.areas),
            halfLife: recency.level)
    }

    /// How one category's forecasts from all origins within the first `months` months came out.
    func errors(category: Int, months: Int, recency: Recency) -> ForecastErrors {
        var errors = ForecastErrors()
        let data = counts.categories[category]
        for origin in Self.origins(months: months) {
            let estimate = estimate(category: category, months: origin, recency: recency)
            for slot in origin..<origin + Self.horizon {
                let month = counts.months[slot]
                errors.add(
                    counts: data.counts[slot * counts.areas..<(slot + 1) * counts.areas],
                    total: estimate.expected(in: month, exposure: data.exposure[slot]), in: month, estimate: estimate)
            }
        }
        return errors
    }

    private func path(_ category: Int, _ months: Int) -> ForcePath {
        if let known = paths[months] { return known[category] }
        let first = counts.first(months)
        let made = first.categories.map { ForcePath($0, months: first.months) }
        paths[months] = made
        return made[category]
    }

    /// Poisson deviance of the two months after the origin, less what does not depend on the half-lives.
    private func scores(at origin: Int) -> (levels: [Double], shares: [Double]) {
        if let known = scores[origin] { return known }
        var levels = Array(repeating: 0.0, count: Recency.levels.count)
        var shares = Array(repeating: 0.0, count: Recency.shares.count)
        let slots = origin..<origin + Self.horizon
        for (index, category) in counts.categories.enumerated() {
            // A category not seen before gives each half-life the same.
            guard category.totals[..<origin].contains(where: { $0 > 0 }) else { continue }
            let path = path(index, origin)
            for (candidate, halfLife) in Recency.levels.enumerated() {
                let estimate = RateEstimate(path: path, shares: .none, halfLife: halfLife)
                for slot in slots {
                    let mean = estimate.expected(in: counts.months[slot], exposure: category.exposure[slot])
                    levels[candidate] += 2 * (mean - category.totals[slot] * Numerics.log(max(mean, 1e-6)))
                }
            }
            guard counts.areas > 1 else { continue }
            for (candidate, halfLife) in Recency.shares.enumerated() {
                let found = AreaShares(
                    category, areas: counts.areas, months: Array(counts.months.prefix(origin)), halfLife: halfLife)
                let logs = found.shares.map { Numerics.log($0) }
                for slot in slots {
                    for area in 0..<counts.areas {
                        let count = category.counts[slot * counts.areas + area]
                        if count > 0 { shares[candidate] -= 2 * Double(count) * logs[area] }
                    }
                }
            }
        }
        scores[origin] = (levels, shares)
        return (levels, shares)
    }
}
