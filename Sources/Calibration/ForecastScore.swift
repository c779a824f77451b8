import CrimsCore

/// How forecasts of some cells came out, summed; a cell is an area, category and month.
public struct ForecastScore: Equatable, Sendable {
    public private(set) var cells = 0
    public private(set) var incidents = 0
    package init() {}

    private var devianceSum = 0.0
    private var absoluteError = 0.0
    private var rankedScore = 0.0
    private var logScoreSum = 0.0
    private var inside90 = 0.0
    private var inside50 = 0.0
    private var cellsCovered = 0
    /// How many cells have their PIT in each tenth of 0…1, in fractions; even if the law is right.
    package private(set) var pitTenths = Array(repeating: 0.0, count: 10)
    public private(set) var totals = 0
    public private(set) var totalsCovered = 0
    private var hits = [0.0, 0.0]
    private var maps = 0

    /// Parts of the force's area that the prediction accuracy index is of.
    public static let areaShares = [0.05, 0.1]

    /// Poisson deviance, summed over the cells.
    public var deviance: Double { devianceSum }
    /// Mean absolute error of a cell, in incidents.
    public var meanAbsoluteError: Double { mean(absoluteError) }
    /// Mean continuous ranked probability score of a cell, in incidents.
    public var meanRankedScore: Double { mean(rankedScore) }
    /// Mean −log probability of a cell's count.
    public var meanLogScore: Double { mean(logScoreSum) }
    /// Mean share of a count's PIT interval inside [0.05, 0.95]; 0.90 if the law is right.
    public var pit90: Double { mean(inside90) }
    /// The same inside [0.25, 0.75]; 0.50 if the law is right.
    public var pit50: Double { mean(inside50) }
    /// Share of cells between the 5 % and the 95 % quantile; above 0.90 where counts are few.
    public var cellCoverage: Double { mean(Double(cellsCovered)) }
    /// Share of the force's totals, by category and month, between the 5 % and the 95 % quantile.
    public var totalCoverage: Double { totals > 0 ? Double(totalsCovered) / Double(totals) : 0 }

    /// Prediction accuracy index: the share of incidents in the areas forecast densest, up to a part of the force's
    /// area, over that part (Chainey et al. 2008, Security Journal 21); mean over months. 1 is no better than chance.
    ///
    /// - Parameter index: Of ``areaShares``.
    public func accuracyIndex(_ index: Int) -> Double {
        maps > 0 ? hits[index] / Double(maps) / Self.areaShares[index] : 0
    }

    private func mean(_ sum: Double) -> Double { cells > 0 ? sum / Double(cells) : 0 }

    package mutating func add(count: Int, law: CountLaw) {
        cells += 1
        incidents += count
        let k = Double(count)
        devianceSum += 2 * ((count > 0 ? k * Numerics.log(k / law.mean) : 0) - (k - law.mean))
        absoluteError += abs(k - law.mean)
        rankedScore += law.rankedScore(count)
        logScoreSum += law.logScore(count)
        inside90 += law.share(of: count, inside: 0.05, 0.95)
        inside50 += law.share(of: count, inside: 0.25, 0.75)
        cellsCovered += law.covers(count) ? 1 : 0
        law.spread(count, over: &pitTenths)
    }

    package mutating func add(total: Int, law: CountLaw) {
        totals += 1
        totalsCovered += law.covers(total) ? 1 : 0
    }

    /// Adds a month's map.
    ///
    /// - Parameters:
    ///   - counts: Incidents by area.
    ///   - forecast: Expected incidents by area.
    ///   - hectares: Of each area.
    package mutating func addMap(counts: [Int], forecast: [Double], hectares: [Double]) {
        let all = counts.reduce(0, +)
        guard all > 0 else { return }
        maps += 1
        let order = counts.indices.sorted { left, right in
            let densities = (forecast[left] / hectares[left], forecast[right] / hectares[right])
            return densities.0 != densities.1 ? densities.0 > densities.1 : left < right
        }
        let whole = hectares.reduce(0, +)
        for (index, share) in Self.areaShares.enumerated() {
            var room = whole * share
            var found = 0.0
            for area in order where room > 0 {
                // The last area counts in part, so that all methods are given the same area.
                let part = min(1, room / hectares[area])
                found += part * Double(counts[area])
                room -= hectares[area]
            }
            hits[index] += found / Double(all)
        }
    }

    /// The same without what maps add to.
    var withoutMaps: ForecastScore {
        var score = self
        score.hits = [0, 0]
        score.maps = 0
        return score
    }

    package mutating func add(_ other: ForecastScore) {
        cells += other.cells
        incidents += other.incidents
        devianceSum += other.devianceSum
        absoluteError += other.absoluteError
        rankedScore += other.rankedScore
        logScoreSum += other.logScoreSum
        inside90 += other.inside90
        inside50 += other.inside50
        cellsCovered += other.cellsCovered
        for tenth in pitTenths.indices { pitTenths[tenth] += other.pitTenths[tenth] }
        totals += other.totals
        totalsCovered += other.totalsCovered
        for index in hits.indices { hits[index] += other.hits[index] }
        maps += other.maps
    }
}
