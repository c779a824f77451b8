import CrimsCore

/// Incidents per day of one category by area and calendar month, estimated in two levels: the force, and its areas.
///
/// **The force's level** is that of the last month: expected incidents are level × pattern of the year × growth ×
/// exposure, and the level makes the expected total, weighted by recency, the counted one.
///
/// **The areas' shares.** With recency weights w, an area's N = Σ w·count · Σ w / Σ w² is counted as an effective
/// Poisson number. Rates are gamma about the force's mean with a shape α that the category's areas share, so that
/// marginally N is negative binomial; α maximises that likelihood. An area's share is proportional to α + N: with mean
/// M of the N, it is (α + N) / (α + M) / areas. Areas with many incidents keep their own rate, areas with few lean on
/// the force; the shares sum to 1.
package struct RateEstimate: Sendable {
    /// Incidents per day in all areas, over a flat year, as of the last month.
    package let level: Double
    /// Of each area; they sum to 1, or are all 0 for a category never seen.
    package let shares: [Double]
    package let season: SeasonEstimate
    /// Growth of the logarithm in the first month after the last; see ``GrowthEstimate/damping``.
    package let growth: Double
    /// Gamma shape of the areas; large where areas hardly differ.
    package let shape: Double
    /// Of the growth that is left, and how many months before the last its weighted months lie.
    private let growthVariance: Double
    private let meanAge: Double
    /// Variance of the level, as a part of one month's.
    private let levelNoise: Double
    /// Variance of each area's share that is left, relative to its square.
    let shareVariances: [Double]
    /// What a month's own dispersion adds to it, as a part of that dispersion.
    let shareNoise: Double
    let last: CivilMonth

    /// With fewer areas, their differences say too little about the shape.
    package static let areasMin = 10

    package init(_ category: ForceCounts.Category, areas: Int, months: [CivilMonth], recency: Recency) {
        let path = ForcePath(category, months: months)
        let shares = AreaShares(category, areas: areas, months: months, halfLife: recency.areas)
        self.init(path: path, shares: shares, halfLife: recency.level)
    }

    init(path: ForcePath, shares: AreaShares, halfLife: Double) {
        let fitted = path.level(halfLife: halfLife)
        level = fitted.level
        growth = fitted.growth
        season = path.season
        self.shares = shares.shares
        shape = shares.shape
        growthVariance = fitted.growthVariance
        let weights = Recency.weights(path.months, halfLife: halfLife)
        levelNoise = Recency.noise(weights)
        let newest = path.months[path.months.count - 1].index
        meanAge =
            zip(weights, path.months).reduce(0) { $0 + $1.0 * Double(newest - $1.1.index) } / weights.reduce(0, +)
        shareVariances = shares.variances
        shareNoise = shares.noise
        last = path.months[path.months.count - 1]
    }

    /// Incidents per day of an area in a calendar month (1…12), as of the last month.
    package func rate(area: Int, month: Int) -> Double { level * shares[area] * season.pattern[month - 1] }

    /// How uncertain what the force expects in a month is.
    ///
    /// - Returns: The variance as a part of one month's relative variance, and the rest of the relative variance.
    func uncertainty(in month: CivilMonth) -> (noise: Double, bias: Double) {
        let factor = season.pattern[month.month - 1]
        let square = factor > 0 ? factor * factor : 1
        let time = meanAge + Double(min(max(month.index - last.index, 0), Int(1 / (1 - GrowthEstimate.damping))))
        return (
            levelNoise + season.noise[month.month - 1] / square,
            season.bias[month.month - 1] / square + growthVariance * time * time
        )
    }

    /// What the force expects in a month, in or after the training months.
    package func expected(in month: CivilMonth, exposure: Double) -> Double {
        let ahead = month.index - last.index
        let factor =
            ahead > 0
            ? GrowthEstimate.factor(growth: growth, months: ahead) : Numerics.exp(growth * Double(ahead))
        return level * season.pattern[month.month - 1] * exposure * factor
    }
}

/// A category's monthly totals and what is known of their course, before it is decided how far back to look.
struct ForcePath {
    let totals: [Double]
    let exposure: [Double]
    let months: [CivilMonth]
    let season: SeasonEstimate
    private let growth: GrowthEstimate?

    init(_ category: ForceCounts.Category, months: [CivilMonth]) {
        totals = category.totals
        exposure = category.exposure
        self.months = months
        growth = GrowthEstimate(totals: totals, exposure: exposure, months: months)
        season = SeasonEstimate(
            totals: totals, exposure: exposure, months: months, growth: growth, towards: category.season)
    }

    /// The level of the last month in incidents per day, the growth in a month and its variance.
    func level(halfLife: Double) -> (level: Double, growth: Double, growthVariance: Double) {
        guard totals.contains(where: { $0 > 0 }) else { return (0, 0, 0) }
        let (growth, growthVariance) =
            growth?.shrunk(
                halfLife: halfLife, totals: totals, exposure: exposure, months: months, pattern: season.pattern)
            ?? (0, 0)
        let weights = Recency.weights(months, halfLife: halfLife)
        let last = months[months.count - 1].index
        var counted = 0.0
        var expected = 0.0
        for (slot, month) in months.enumerated() {
            counted += weights[slot] * totals[slot]
            expected +=
                weights[slot] * exposure[slot] * season.pattern[month.month - 1]
                * Numerics.exp(growth * Double(month.index - last))
        }
        return (expected > 0 ? counted / expected : 0, growth, growthVariance)
    }
}

/// The shares that areas have in their force's incidents of one category; see ``RateEstimate``.
struct AreaShares {
    let shares: [Double]
    let shape: Double
    /// Relative to the square: 1 / (α + N), of the gamma posterior.
    private(set) var variances: [Double] = []
    /// Of a mean with these weights, as a part of one month's variance.
    private(set) var noise = 0.0

    /// Where only the force's level is asked for.
    static let none = AreaShares()

    private init() {
        shares = []
        shape = 0
    }

    init(_ category: ForceCounts.Category, areas: Int, months: [CivilMonth], halfLife: Double) {
        let weights = Recency.weights(months, halfLife: halfLife)
        var counts = Array(repeating: 0.0, count: areas)
        for slot in months.indices {
            for area in 0..<areas { counts[area] += weights[slot] * Double(category.counts[slot * areas + area]) }
        }
        noise = Recency.noise(weights)
        let effective = weights.reduce(0, +) / weights.reduce(0) { $0 + $1 * $1 }
        for area in 0..<areas { counts[area] *= effective }
        let mean = counts.reduce(0, +) / Double(areas)
        guard mean > 0 else {
            shares = counts
            shape = category.fallbackShape
            variances = counts
            return
        }
        let shape =
            areas < RateEstimate.areasMin ? category.fallbackShape : GammaShape.maximumLikelihood(counts: counts)
        self.shape = shape
        shares = counts.map { (shape + $0) / (shape + mean) / Double(areas) }
        variances = counts.map { 1 / (shape + $0) }
    }
}
