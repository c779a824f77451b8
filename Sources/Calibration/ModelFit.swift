import CrimsCore

/// All estimates of a model: rates, offences, suspects and dispersion.
struct ModelFit {
    /// Of the force's offences, those that it has recorded; shares sum to 1 by category.
    private(set) var crimes: [CrimeModel.Crime] = []
    /// As in ``CrimeModel/rates``.
    private(set) var rates: [Double]
    /// As in ``CrimeModel/suspect``.
    private(set) var suspect: [Double]
    let dispersion: [CrimeModel.Dispersion]
    let trend: [CrimeModel.Trend]
    let estimate: ForceEstimate
    /// By category.
    private(set) var suspectEstimates: [SuspectEstimate] = []
    /// Incidents by category, counted.
    let observed: [Double]
    /// Incidents that a year of 365 days at the last month's level expects, by category.
    private(set) var expectedByYear: [Double] = []
    /// Categories whose offences the force has not counted.
    private(set) var categoriesWithoutCounts: [Int] = []

    /// - Parameters:
    ///   - force: The same counts, prepared for estimation.
    ///   - rolling: Forecasts over `force`.
    init(
        counts: StreetCounts, force: ForceCounts, rolling: RollingForecasts, reference: Reference,
        leavingOut: [CivilMonth], recency: Recency?
    ) {
        let areas = counts.areas
        let categories = counts.categories
        estimate = ForceEstimate(force, rolling: rolling, months: force.months.count, recency: recency)
        dispersion = estimate.dispersion
        trend = estimate.rates.map {
            $0.growth == 0 ? .init() : .init(growth: $0.growth, damping: GrowthEstimate.damping)
        }
        observed = force.categories.map { $0.totals.reduce(0, +) }
        rates = Array(repeating: 0, count: areas * categories * 12)
        suspect = Array(repeating: 0, count: areas * categories)
        for (category, estimate) in estimate.rates.enumerated() {
            var year = 0.0
            for month in 1...12 {
                for area in 0..<areas {
                    let rate = estimate.rate(area: area, month: month)
                    rates[(area * categories + category) * 12 + month - 1] = rate
                    year += rate * Double(CivilMonth(year: 2019, month: month).days)
                }
            }
            expectedByYear.append(year)
        }
        fitSuspects(counts, leavingOut)
        fitShares(reference)
    }

    private mutating func fitSuspects(_ counts: StreetCounts, _ leavingOut: [CivilMonth]) {
        let slots = counts.months.indices.filter { !leavingOut.contains(counts.months[$0].month) }
        var found: [(suspect: [Int], known: [Int])] = []
        for category in 0..<counts.categories {
            var suspect = Array(repeating: 0, count: counts.areas)
            var known = suspect
            for slot in slots {
                for area in 0..<counts.areas {
                    let one = counts.suspects(slot, area: area, category: category)
                    suspect[area] += one
                    known[area] += one + counts.outcomes(slot, area: area, category: category, .none)
                }
            }
            found.append((suspect, known))
        }
        let all = found.reduce((0, 0)) { ($0.0 + $1.suspect.reduce(0, +), $0.1 + $1.known.reduce(0, +)) }
        let fallback = all.1 > 0 ? Double(all.0) / Double(all.1) : 0
        for (category, cells) in found.enumerated() {
            let hasOutcomes = category != counts.categoryWithoutOutcomes
            let estimate = SuspectEstimate(
                suspect: cells.suspect, known: cells.known, fallback: hasOutcomes ? fallback : 0)
            suspectEstimates.append(estimate)
            for area in 0..<counts.areas { suspect[area * counts.categories + category] = estimate.areas[area] }
        }
    }

    private mutating func fitShares(_ reference: Reference) {
        let shares = OffenceShares(reference)
        crimes = shares.crimes
        categoriesWithoutCounts = shares.categoriesWithoutCounts
    }
}
