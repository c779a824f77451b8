import CrimsCore
import Protocol

/// All of a model that the predecessor's formulas determine: rates, suspects and the weights of its 21 periods.
///
/// What made the predecessor's results is kept, also where it is a defect (`docs/model.md` lists both kinds), so that a
/// run can be compared with them.
struct UpstreamFit {
    let years: Int
    /// As in ``CrimeModel/rates``.
    private(set) var rates: [Double] = []
    /// As in ``CrimeModel/suspect``.
    private(set) var suspect: [Double] = []
    /// As in ``CrimeModel/profiles``, a row for each category.
    let profiles: [Double]
    /// Incidents by category.
    private(set) var incidents: [Int]

    /// - Throws: ``CalibrationError/notWholeYears(from:to:)``, ``CalibrationError/monthsWithoutRecords(_:)``.
    init(
        counts: StreetCounts, reference: Reference, period: (from: CivilMonth, to: CivilMonth)
    ) throws(CalibrationError) {
        let months = period.to.index - period.from.index + 1
        guard months % 12 == 0 else { throw .notWholeYears(from: period.from, to: period.to) }
        let seen = Set(counts.months.map(\.month))
        let missing = (period.from.index...period.to.index).map(CivilMonth.init(index:)).filter { !seen.contains($0) }
        guard missing.isEmpty else { throw .monthsWithoutRecords(missing) }
        years = months / 12
        profiles = Self.periods(reference.profile)
        incidents = Array(repeating: 0, count: counts.categories)
        for area in 0..<counts.areas {
            for category in 0..<counts.categories { fit(counts, area: area, category: category) }
        }
    }

    private mutating func fit(_ counts: StreetCounts, area: Int, category: Int) {
        var monthly = Array(repeating: 0, count: 12)
        var suspects = 0
        for (slot, month) in counts.months.enumerated() {
            monthly[month.month.month - 1] += counts.incidents(slot, area: area, category: category)
            suspects += counts.outcomes(slot, area: area, category: category, .suspect)
        }
        rates += UpstreamRates.daily(counts: monthly, years: years)
        let all = monthly.reduce(0, +)
        // Unshrunk, over all incidents, whatever is known of them. A cell without any draws none: its share is not used.
        suspect.append(all > 0 ? Double(suspects) / Double(all) : 0)
        incidents[category] += all
    }

    /// Rows of 168 weights made constant within the predecessor's periods of 8 hours, from midnight: night, day and
    /// evening.
    static func periods(_ profiles: [Double]) -> [Double] {
        stride(from: 0, to: profiles.count, by: 8).flatMap { start in
            Array(repeating: profiles[start..<start + 8].reduce(0, +) / 8, count: 8)
        }
    }
}

extension UpstreamFit {
    /// A model of these estimates, without dispersion and trend.
    func model(
        _ options: CalibrationOptions, reference: Reference, period: (from: CivilMonth, to: CivilMonth)
    ) -> CrimeModel {
        let crimes = OffenceShares(reference).crimes
        let categories = reference.categories
        return CrimeModel(
            name: options.name ?? options.force,
            title: options.title ?? "\(reference.forceName), \(period.from.text) to \(period.to.text), upstream method",
            period: period, digest: "", areas: reference.areas, categories: categories, crimes: crimes, rates: rates,
            profiles: profiles, profileOfCrime: crimes.map(\.category), suspect: suspect,
            neighbours: reference.neighbours, dispersion: Array(repeating: .init(), count: categories.count),
            trend: Array(repeating: .init(), count: categories.count), profileMean: .month)
    }

    /// The fit by category in lines for people.
    func summary(_ categories: [String]) -> [String] {
        categories.indices.map { category in
            var year = 0.0
            for area in 0..<rates.count / (categories.count * 12) {
                for month in 1...12 {
                    let rate = rates[(area * categories.count + category) * 12 + month - 1]
                    year += rate * Double(CivilMonth(year: 2019, month: month).days)
                }
            }
            return "\(categories[category]): \(incidents[category]) counted in \(years) "
                + "\(years == 1 ? "year" : "years"), \(Decimal.format(year, significantDigits: 6)) expected a year"
        }
    }
}
