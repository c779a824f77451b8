import CrimsCore

/// Rates and dispersion of a force from its first months, with settings chosen within them.
package struct ForceEstimate {
    package let recency: Recency
    /// By category.
    package let rates: [RateEstimate]
    /// By category: what monthly counts vary about forecasts of them.
    package let dispersion: [CrimeModel.Dispersion]

    /// - Parameters:
    ///   - rolling: Forecasts over `counts`.
    ///   - months: How many months to use, from the first.
    ///   - recency: Instead of the half-lives chosen within the months.
    package init(_ counts: ForceCounts, rolling: RollingForecasts, months: Int, recency: Recency? = nil) {
        let recency = recency ?? rolling.recency(months: months)
        self.recency = recency
        var rates: [RateEstimate] = []
        var dispersion: [CrimeModel.Dispersion] = []
        for (index, category) in counts.categories.enumerated() {
            let estimate = rolling.estimate(category: index, months: months, recency: recency)
            rates.append(estimate)
            let errors = rolling.errors(category: index, months: months, recency: recency)
            if let found = errors.dispersion(
                of: estimate, monthsMin: RollingForecasts.originsMin * RollingForecasts.horizon)
            {
                dispersion.append(found)
            } else {
                // Too short a past to forecast from: the residuals of the fit itself, which has taken some of them up.
                let expected = (0..<months).flatMap { slot in
                    let force = estimate.expected(in: counts.months[slot], exposure: category.exposure[slot])
                    return estimate.shares.map { force * $0 }
                }
                dispersion.append(
                    DispersionEstimate.moments(
                        counts: Array(category.counts.prefix(months * counts.areas)), expected: expected,
                        areas: counts.areas, patternParameters: estimate.season.parameters))
            }
        }
        self.rates = rates
        self.dispersion = dispersion
    }
}
