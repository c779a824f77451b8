import CrimsCore
import Protocol

/// Rates, suspects and dispersion of all areas of England and Wales.
///
/// A force that has records is estimated as it would be alone, its months shrunk towards those of England and Wales in
/// place of flat. The areas of a force that has none get, for each resident, what the others have.
struct NationalFit {
    let months: [CivilMonth]
    let usable: NationalMonths
    /// By category.
    private(set) var seasons: [NationalSeason] = []
    /// Incidents per resident and day over a flat year, by category, as of the last month.
    private(set) var residentRates: [Double] = []
    /// Of forces that have records, `[force][category]`; empty for those that have none.
    private(set) var estimates: [[RateEstimate]]
    /// The months whose suspects are counted.
    let suspectMonths: [CivilMonth]
    /// Of all incidents with a known area in these months, by category.
    private(set) var suspectShares: [Double] = []
    /// Suspects and incidents that suspects were counted among, by force.
    private(set) var suspectSums: [(suspect: Int, all: Int)]
    /// As in ``CrimeModel/rates``.
    private(set) var rates: [Double]
    /// As in ``CrimeModel/suspect``.
    private(set) var suspect: [Double]
    private(set) var dispersion: [CrimeModel.Dispersion] = []
    /// Incidents counted, by category.
    let observed: [Double]

    let recency: Recency

    private let counts: NationalCounts
    private let totals: [[[Double]]]
    /// `[category][slot]`.
    private let exposure: [[Double]]

    /// - Parameters:
    ///   - recency: Half-lives; nil for the usual ones, months being too few to choose by.
    ///   - suspects: The months to count suspects in; nil for those in which outcomes have settled.
    init(
        counts: NationalCounts, reference: Reference, recency: Recency?, suspects: BacktestPlan.Period?
    ) throws(CalibrationError) {
        self.counts = counts
        self.recency = recency ?? .usual
        let months = counts.months.map(\.month)
        self.months = months
        totals = counts.totals
        usable = NationalMonths(totals: totals, months: months)
        exposure = reference.categories.indices.map { category in
            let weights = reference.profile[category * 168..<(category + 1) * 168]
            return months.map { Exposure.days(of: $0, weights: weights) }
        }
        observed = totals.map { $0.reduce(0) { $0 + $1.reduce(0, +) } }
        suspectMonths = try Self.suspectMonths(counts, usable, reference, suspects)
        estimates = reference.forces.map { _ in [] }
        suspectSums = reference.forces.map { _ in (0, 0) }
        rates = Array(repeating: 0, count: reference.areas.count * counts.categories * 12)
        suspect = Array(repeating: 0, count: reference.areas.count * counts.categories)
        for category in 0..<counts.categories {
            fitRates(category, reference)
            fitSuspects(category, reference)
            dispersion.append(dispersion(of: category))
        }
    }

    // MARK: - rates

    private mutating func fitRates(_ category: Int, _ reference: Reference) {
        let season = NationalSeason(
            totals: totals[category], exposure: exposure[category], months: months,
            isThere: usable.isSteady[category])
        let rate = residentRate(category, season, reference)
        seasons.append(season)
        residentRates.append(rate)
        for (force, areas) in counts.areasOfForce.enumerated() {
            let slots = usable.slots(of: force)
            guard !slots.isEmpty else {
                for area in areas {
                    let level = rate * Double(reference.areas[area].population)
                    for month in 0..<12 { rates[cell(area, category) * 12 + month] = level * season.pattern[month] }
                }
                continue
            }
            let known = ForceCounts(
                areas: areas.count, months: slots.map { months[$0] },
                categories: [
                    (
                        counts.incidents(force: force, category: category, slots: slots),
                        slots.map { exposure[category][$0] }, EnglandAndWales.shape(reference.categories[category])
                    )
                ]
            ).leaning(on: [season.pattern])
            let estimate = RateEstimate(
                known.categories[0], areas: areas.count, months: known.months, recency: recency)
            estimates[force].append(estimate)
            for (index, area) in areas.enumerated() {
                for month in 1...12 {
                    rates[cell(area, category) * 12 + month - 1] = estimate.rate(area: index, month: month)
                }
            }
        }
    }

    /// Of the forces that have records; recent months weigh more, as they do for each force.
    private func residentRate(_ category: Int, _ season: NationalSeason, _ reference: Reference) -> Double {
        let weights = Recency.weights(months, halfLife: recency.level)
        var counted = 0.0
        var worth = 0.0
        for (force, areas) in counts.areasOfForce.enumerated() {
            let residents = Double(areas.reduce(0) { $0 + reference.areas[$1].population })
            for (slot, month) in months.enumerated() where usable.isSteady[category][force][slot] {
                counted += weights[slot] * totals[category][force][slot]
                worth += weights[slot] * residents * exposure[category][slot] * season.pattern[month.month - 1]
            }
        }
        return worth > 0 ? counted / worth : 0
    }

    private func cell(_ area: Int, _ category: Int) -> Int { area * counts.categories + category }

    // MARK: - suspects

    private static let withoutOutcomes = "anti-social behaviour"

    private static func suspectMonths(
        _ counts: NationalCounts, _ usable: NationalMonths, _ reference: Reference, _ asked: BacktestPlan.Period?
    ) throws(CalibrationError) -> [CivilMonth] {
        let months = counts.months.map(\.month)
        if let asked {
            let found = months.filter { $0 >= asked.from && $0 <= asked.to }
            guard !found.isEmpty else {
                throw .noSuspectMonths(from: asked.from.text, to: asked.to.text, found: months.map(\.text))
            }
            return found
        }
        var suspects = Array(repeating: 0.0, count: months.count)
        var incidents = suspects
        for slot in months.indices {
            for force in counts.areasOfForce.indices where usable.isUsed[force][slot] {
                for (category, name) in reference.categories.enumerated() where name != withoutOutcomes {
                    let sums = counts.suspects(force: force, category: category, slots: [slot])
                    suspects[slot] += Double(sums.suspect.reduce(0, +))
                    incidents[slot] += Double(sums.all.reduce(0, +))
                }
            }
        }
        return Array(months.prefix(SuspectMonths.settled(suspects: suspects, incidents: incidents)))
    }

    private mutating func fitSuspects(_ category: Int, _ reference: Reference) {
        guard reference.categories[category] != Self.withoutOutcomes else { return suspectShares.append(0) }
        let found = counts.areasOfForce.indices.map { force in
            let slots = usable.slots(of: force).filter { suspectMonths.contains(months[$0]) }
            return counts.suspects(force: force, category: category, slots: slots)
        }
        var sums = (suspect: 0, all: 0)
        for (force, areas) in found.enumerated() {
            let (suspect, all) = (areas.suspect.reduce(0, +), areas.all.reduce(0, +))
            suspectSums[force].suspect += suspect
            suspectSums[force].all += all
            sums.suspect += suspect
            sums.all += all
        }
        let share = sums.all > 0 ? Double(sums.suspect) / Double(sums.all) : 0
        suspectShares.append(share)
        for (force, areas) in counts.areasOfForce.enumerated() {
            // Where nothing is known, all is the fallback.
            let estimate = SuspectEstimate(suspect: found[force].suspect, known: found[force].all, fallback: share)
            for (index, area) in areas.enumerated() { suspect[cell(area, category)] = estimate.areas[index] }
        }
    }

    // MARK: - dispersion

    /// About the fitted means, without forces whose category has a break; what is not there adds to no sum.
    ///
    /// What the fit has taken up is put back: of the shared part what the pattern of England and Wales has spent, and
    /// what the forces' own patterns then keep of what it has left; of the rest each cell's own mean.
    private func dispersion(of category: Int) -> CrimeModel.Dispersion {
        let forces = counts.areasOfForce.indices.filter { force in
            !estimates[force].isEmpty && usable.isSteady[category][force] == usable.isUsed[force]
        }
        var found: (counts: [Int], expected: [Double]) = ([], [])
        var left = (sum: 0.0, worth: 0.0)
        for slot in months.indices {
            for force in forces {
                guard usable.isUsed[force][slot] else {
                    let areas = counts.areasOfForce[force].count
                    found.counts += repeatElement(0, count: areas)
                    found.expected += repeatElement(0, count: areas)
                    continue
                }
                let estimate = estimates[force][category]
                let total = estimate.expected(in: months[slot], exposure: exposure[category][slot])
                found.counts += counts.incidents(force: force, category: category, slots: [slot])
                found.expected += estimate.shares.map { total * $0 }
                left.sum += total * (1 - estimate.season.weight)
                left.worth += total
            }
        }
        guard left.worth > 0 else { return .init() }
        let areas = forces.reduce(0) { $0 + counts.areasOfForce[$1].count }
        let fitted = Double(months.count)
        let byForces = left.sum / left.worth
        let keptShared = max(1 - seasons[category].parameters / fitted, 1 / fitted) * byForces * byForces
        return DispersionEstimate.moments(
            counts: found.counts, expected: found.expected, areas: areas, keptShared: keptShared,
            keptOwn: 1 - 1 / fitted)
    }
}
