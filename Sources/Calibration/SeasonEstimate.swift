import CrimsCore

/// How a force's incidents of one category vary over the year, shrunk towards flat.
///
/// Or towards another pattern: then the months are taken as ratios to that, and it is these that lean towards flat.
///
/// The months, as ratios to their mean and with a steady growth taken out, vary by season (variance τ²) and by chance
/// within the same calendar month of different years (σ²); an analysis of variance parts the two. A calendar month
/// seen in k years keeps τ² / (τ² + σ²/k) of its departure from flat.
package struct SeasonEstimate: Sendable {
    /// Factor of each calendar month, `[12]`; 1 over the months given, in the mean weighted by exposure.
    package private(set) var pattern = Array(repeating: 1.0, count: 12)
    /// Standard error of each factor, `[12]`; 0 for a month never seen.
    package private(set) var error = Array(repeating: 0.0, count: 12)
    /// How much of a month's departure from flat is kept, 0…1, in the mean over the calendar months seen.
    package private(set) var weight = 0.0
    /// Sampling variance of each factor as a part of one month's relative variance, `[12]`; 0 for a month never seen.
    package private(set) var noise = Array(repeating: 0.0, count: 12)
    /// Square of what shrinkage has taken from each factor's departure from flat, as it is expected, `[12]`.
    package private(set) var bias = Array(repeating: 0.0, count: 12)
    /// The months' incidents for their exposure, as ratios to the mean and with a steady growth taken out: what the
    /// pattern is estimated from; empty where there is none.
    package private(set) var ratios: [Double] = []
    /// Parameters that the pattern has spent: 1 if flat, 12 if taken as observed.
    package private(set) var parameters = 1.0

    /// Variance of a force's monthly total beyond Poisson, relative to its square, where one year cannot tell.
    package static let excessWithoutYears = 0.005
    package static let flat = Array(repeating: 1.0, count: 12)

    /// - Parameters:
    ///   - totals: Incidents of all areas, by month; not all 0.
    ///   - growth: The months' growth, which is neither season nor chance; nil if unknown.
    ///   - excess: See ``excessWithoutYears``.
    ///   - towards: What the pattern is shrunk towards, `[12]`, above 0; also what months never seen have.
    package init(
        totals: [Double], exposure: [Double], months: [CivilMonth], growth: GrowthEstimate?,
        excess: Double = excessWithoutYears, towards: [Double] = flat
    ) {
        pattern = towards
        let worth = zip(exposure, months).map { $0 * towards[$1.month - 1] }
        let daily = totals.reduce(0, +) / worth.reduce(0, +)
        let calendar = months.map { $0.month - 1 }
        var years = Array(repeating: 0.0, count: 12)
        for month in calendar { years[month] += 1 }
        let seen = (0..<12).filter { years[$0] > 0 }
        guard seen.count > 1, daily > 0 else { return }

        let middle = Double(months[0].index + months[months.count - 1].index) / 2
        let slope = growth?.slope ?? 0
        let level = months.indices.map { slot in
            totals[slot] / (daily * worth[slot]) * Numerics.exp(-slope * (Double(months[slot].index) - middle))
        }
        ratios = level
        var season = Array(repeating: 0.0, count: 12)
        for (slot, month) in calendar.enumerated() { season[month] += level[slot] / years[month] }

        // What the same calendar month of different years differs by. One year cannot tell: then it is chance, with
        // the excess that counts of forces commonly have.
        var within = 0.0
        for (slot, month) in calendar.enumerated() where years[month] > 1 {
            let deviation = level[slot] - season[month]
            within += deviation * deviation
        }
        let degrees = Double(months.count - seen.count - (growth == nil ? 0 : 1))
        let poisson = worth.reduce(0) { $0 + 1 / (daily * $1) } / Double(months.count)
        let variance = degrees > 0 ? max(within / degrees, poisson) : poisson + excess

        let mean = seen.reduce(0) { $0 + season[$1] } / Double(seen.count)
        var between = 0.0
        for month in seen {
            let deviation = season[month] - mean
            between += deviation * deviation - variance / years[month] * (1 - 1 / Double(seen.count))
        }
        let seasonal = max(0, between / Double(seen.count - 1))
        for month in seen {
            let kept = seasonal / (seasonal + variance / years[month])
            pattern[month] = towards[month] * (1 + kept * (season[month] - mean))
            // The posterior deviation of the departure from flat.
            error[month] = towards[month] * (kept * variance / years[month]).squareRoot()
            let square = towards[month] * towards[month]
            noise[month] = square * kept * kept / years[month]
            bias[month] = square * (1 - kept) * (1 - kept) * seasonal
            weight += kept / Double(seen.count)
        }
        parameters = 1 + weight * Double(seen.count - 1)

        var sum = 0.0
        for (slot, month) in calendar.enumerated() { sum += pattern[month] * exposure[slot] }
        let scale = exposure.reduce(0, +) / sum
        for month in 0..<12 {
            pattern[month] *= scale
            error[month] *= scale
        }
    }
}
