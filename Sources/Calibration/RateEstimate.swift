import CrimsCore

/// Incidents per day of one category by area and calendar month, estimated in two levels.
///
/// **Areas.** A cell's count N over the training months is Poisson with mean R·T, T being the months' exposure in
/// days, and R is gamma with the force's mean and a shape α that the category's areas share; marginally N is negative
/// binomial. α maximises that likelihood, and the cell's rate is the posterior mean (α + N) / (α / mean + T): areas
/// with many incidents keep their own rate, areas with few lean on the force. With equal exposure the posterior means
/// sum to the observed total.
///
/// **Months.** The force's months, as ratios to its mean and with a steady growth taken out, vary by season (variance
/// τ²) and by chance within the same calendar month of different years (σ²); an analysis of variance parts the two. A calendar month seen in
/// k years keeps τ² / (τ² + σ²/k) of its departure from flat. Afterwards the pattern is scaled so that the expected
/// total over the training months is the observed one.
package struct RateEstimate: Sendable {
    /// Incidents per day by area, over the whole year.
    package var areas: [Double]
    /// Factor of each calendar month, `[12]`; 1 over the training months in the mean weighted by exposure.
    package var pattern: [Double]
    /// Gamma shape of the areas; large where areas hardly differ.
    package var shape: Double
    /// How much of a month's departure from flat is kept, 0…1, in the mean over the calendar months seen.
    package var monthWeight: Double
    /// Parameters that the month pattern has spent: 1 if flat, 12 if taken as observed.
    package var patternParameters: Double

    /// With fewer areas, their differences say too little about the shape.
    package static let areasMin = 10

    /// - Parameters:
    ///   - counts: Incidents, `[month · areas + area]`.
    ///   - areas: How many.
    ///   - months: The training months, ascending.
    ///   - exposure: Days' worth of each month, see ``Exposure``.
    ///   - fallbackShape: The shape to take with fewer than ``areasMin`` areas.
    package init(counts: [Int], areas: Int, months: [CivilMonth], exposure: [Double], fallbackShape: Double) {
        precondition(counts.count == areas * months.count && exposure.count == months.count, "one count a cell")
        let days = exposure.reduce(0, +)
        var totals = Array(repeating: 0.0, count: areas)
        var monthly = Array(repeating: 0.0, count: months.count)
        for slot in months.indices {
            for area in 0..<areas {
                totals[area] += Double(counts[slot * areas + area])
                monthly[slot] += Double(counts[slot * areas + area])
            }
        }
        let total = totals.reduce(0, +)
        pattern = Array(repeating: 1, count: 12)
        monthWeight = 0
        patternParameters = 1
        guard total > 0 else {
            self.areas = totals
            shape = fallbackShape
            return
        }
        let mean = total / Double(areas)
        let shape = areas < Self.areasMin ? fallbackShape : GammaShape.maximumLikelihood(counts: totals)
        self.shape = shape
        // (α + N) / (α / prior mean + T), the prior mean being mean / T.
        self.areas = totals.map { (shape + $0) / (shape + mean) * (mean / days) }
        estimatePattern(monthly: monthly, months: months, exposure: exposure, daily: total / days)
    }

    private mutating func estimatePattern(
        monthly: [Double], months: [CivilMonth], exposure: [Double], daily: Double
    ) {
        let ratios = zip(monthly, exposure).map { $0 / (daily * $1) }
        let calendar = months.map { $0.month - 1 }
        var years = Array(repeating: 0.0, count: 12)
        for month in calendar { years[month] += 1 }
        let seen = (0..<12).filter { years[$0] > 0 }
        guard seen.count > 1 else { return }

        // A steady growth is neither season nor chance: it is taken out, by comparing like months only.
        let slope = Self.slope(ratios, months, years: years)
        let middle = Double(months[0].index + months[months.count - 1].index) / 2
        let level = zip(ratios, months).map { max(0, $0 - (slope ?? 0) * (Double($1.index) - middle)) }
        var season = Array(repeating: 0.0, count: 12)
        for (slot, month) in calendar.enumerated() { season[month] += level[slot] / years[month] }

        // What the same calendar month of different years differs by. One year cannot tell: then it is chance, with
        // the excess that counts of forces commonly have.
        var within = 0.0
        for (slot, month) in calendar.enumerated() where years[month] > 1 {
            let deviation = level[slot] - season[month]
            within += deviation * deviation
        }
        let degrees = Double(months.count - seen.count - (slope == nil ? 0 : 1))
        let poisson = exposure.reduce(0) { $0 + 1 / (daily * $1) } / Double(months.count)
        let variance = degrees > 0 ? max(within / degrees, poisson) : poisson + Self.excessWithoutYears

        let mean = seen.reduce(0) { $0 + season[$1] } / Double(seen.count)
        var between = 0.0
        for calendarMonth in seen {
            let deviation = season[calendarMonth] - mean
            between += deviation * deviation - variance / years[calendarMonth] * (1 - 1 / Double(seen.count))
        }
        let seasonal = max(0, between / Double(seen.count - 1))
        for calendarMonth in seen {
            let weight = seasonal / (seasonal + variance / years[calendarMonth])
            pattern[calendarMonth] = 1 + weight * (season[calendarMonth] - mean)
            monthWeight += weight / Double(seen.count)
        }
        patternParameters = 1 + monthWeight * Double(seen.count - 1)

        var sum = 0.0
        var days = 0.0
        for (slot, month) in months.enumerated() {
            sum += pattern[month.month - 1] * exposure[slot]
            days += exposure[slot]
        }
        for calendarMonth in 0..<12 { pattern[calendarMonth] *= days / sum }
    }

    /// Growth of the ratios in a month, from what the same calendar months of different years differ by; nil if
    /// fewer than two such differences are left to tell growth from chance.
    private static func slope(_ ratios: [Double], _ months: [CivilMonth], years: [Double]) -> Double? {
        guard months.count - years.count(where: { $0 > 0 }) >= 2 else { return nil }
        var means = Array(repeating: (time: 0.0, ratio: 0.0), count: 12)
        for (ratio, month) in zip(ratios, months) {
            means[month.month - 1].time += Double(month.index) / years[month.month - 1]
            means[month.month - 1].ratio += ratio / years[month.month - 1]
        }
        var product = 0.0
        var square = 0.0
        for (ratio, month) in zip(ratios, months) {
            let time = Double(month.index) - means[month.month - 1].time
            product += time * (ratio - means[month.month - 1].ratio)
            square += time * time
        }
        return product / square
    }

    /// Variance of a force's monthly total beyond Poisson, relative to its square, where one year cannot tell.
    private static let excessWithoutYears = 0.005

    /// Incidents per day of an area in a calendar month (1…12).
    package func rate(area: Int, month: Int) -> Double { areas[area] * pattern[month - 1] }
}
