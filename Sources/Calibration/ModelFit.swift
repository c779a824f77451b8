import CrimsCore

/// All estimates of a model: rates, offences, suspects and dispersion.
struct ModelFit {
    /// Of the force's offences, those that it has recorded; shares sum to 1 by category.
    private(set) var crimes: [CrimeModel.Crime] = []
    /// As in ``CrimeModel/rates``.
    private(set) var rates: [Double]
    /// As in ``CrimeModel/suspect``.
    private(set) var suspect: [Double]
    private(set) var dispersion: [CrimeModel.Dispersion] = []
    /// By category.
    private(set) var rateEstimates: [RateEstimate] = []
    private(set) var suspectEstimates: [SuspectEstimate] = []
    /// Incidents by category, counted and as the fitted rates expect them over the same months.
    private(set) var observed: [Double] = []
    private(set) var expected: [Double] = []
    private(set) var expectedByYear: [Double] = []
    /// Categories whose offences the force has not counted.
    private(set) var categoriesWithoutCounts: [Int] = []

    init(counts: StreetCounts, reference: Reference, leavingOut: [CivilMonth]) {
        let areas = counts.areas
        let categories = counts.categories
        rates = Array(repeating: 0, count: areas * categories * 12)
        suspect = Array(repeating: 0, count: areas * categories)
        for category in 0..<categories {
            fitRates(counts, reference, category)
        }
        fitSuspects(counts, leavingOut)
        fitShares(reference)
    }

    private mutating func fitRates(_ counts: StreetCounts, _ reference: Reference, _ category: Int) {
        let areas = counts.areas
        let months = counts.months.map(\.month)
        let weights = reference.profile[category * 168..<(category + 1) * 168]
        let exposure = months.map { Exposure.days(of: $0, weights: weights) }
        let incidents = counts.incidents(category: category)
        let estimate = RateEstimate(
            counts: incidents, areas: areas, months: months, exposure: exposure,
            fallbackShape: EnglandAndWales.shape(reference.categories[category]))
        var means: [Double] = []
        means.reserveCapacity(incidents.count)
        for (slot, month) in months.enumerated() {
            for area in 0..<areas { means.append(estimate.rate(area: area, month: month.month) * exposure[slot]) }
        }
        dispersion.append(
            DispersionEstimate.moments(
                counts: incidents, expected: means, areas: areas, patternParameters: estimate.patternParameters))
        for area in 0..<areas {
            for month in 1...12 {
                rates[(area * counts.categories + category) * 12 + month - 1] = estimate.rate(area: area, month: month)
            }
        }
        observed.append(Double(incidents.reduce(0, +)))
        expected.append(means.reduce(0, +))
        // A year of the mean exposure: what a run over any one year expects, but for its weekdays.
        var year = 0.0
        for month in 1...12 {
            let days = Double(CivilMonth(year: 2019, month: month).days)
            for area in 0..<areas { year += estimate.rate(area: area, month: month) * days }
        }
        expectedByYear.append(year)
        rateEstimates.append(estimate)
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
