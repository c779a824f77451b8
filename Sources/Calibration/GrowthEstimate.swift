import CrimsCore

/// The growth of a category's monthly totals, as a least-squares slope of their logarithms.
///
/// Only like months are compared (each calendar month has a mean of its own), so that a season is not taken for growth.
package struct GrowthEstimate: Sendable {
    /// Growth of the logarithm in a month.
    package var slope: Double
    /// Variance of the slope if the months scatter independently about it.
    package var variance: Double

    /// Growth of 0.005 a month, 6 % a year, is what categories commonly have: the ridge's standard deviation.
    package static let ridge = 0.005
    /// Each month's growth is that many times the one before it, so that a forecast levels out at ten times the first.
    package static let damping = 0.9
    /// Differences between like months that must be left over to tell growth from chance.
    private static let degreesMin = 2

    /// Nil with too few months of the same name in different years.
    package init?(totals: [Double], exposure: [Double], months: [CivilMonth]) {
        let logs = Self.logs(totals, exposure)
        var years = Array(repeating: 0.0, count: 12)
        var means = Array(repeating: (time: 0.0, log: 0.0), count: 12)
        for (log, month) in zip(logs, months) {
            years[month.month - 1] += 1
            means[month.month - 1].time += Double(month.index)
            means[month.month - 1].log += log
        }
        let degrees = months.count - years.count(where: { $0 > 0 }) - 1
        guard degrees >= Self.degreesMin else { return nil }
        let deviations = zip(logs, months).map { log, month in
            let calendar = month.month - 1
            return (
                time: Double(month.index) - means[calendar].time / years[calendar],
                log: log - means[calendar].log / years[calendar]
            )
        }
        let square = deviations.reduce(0) { $0 + $1.time * $1.time }
        slope = deviations.reduce(0) { $0 + $1.time * $1.log } / square
        var rest = 0.0
        for deviation in deviations {
            let residual = deviation.log - slope * deviation.time
            rest += residual * residual
        }
        variance = rest / Double(degrees) / square
    }

    /// The slope, shrunk towards 0 by as much as it is uncertain.
    ///
    /// A level that wanders is the more uncertain a guide to growth the more it wanders. In the local-level model
    /// whose forecasts are exponentially weighted means (Muth 1960, J. Am. Stat. Assoc. 55), weights that lose the
    /// share κ a month belong to steps of κ²/(1 − κ) times the variance of the noise; a least-squares slope over n
    /// months then has 6/5 of the steps' variance over n on top.
    ///
    /// - Parameter halfLife: Of the level's weights, in months.
    /// - Returns: The growth and the variance that is left of it.
    package func shrunk(
        halfLife: Double, totals: [Double], exposure: [Double], months: [CivilMonth], pattern: [Double]
    ) -> (growth: Double, variance: Double) {
        let levels = zip(Self.logs(totals, exposure), months).map {
            $0 - Numerics.log(max(pattern[$1.month - 1], 0.01))
        }
        let steps = zip(levels.dropFirst(), levels).map { $0 - $1 }
        let mean = steps.reduce(0, +) / Double(steps.count)
        let scatter = steps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(steps.count) / 2
        let lost = 1 - Numerics.exp2(-1 / halfLife)
        let ratio = lost * lost / (1 - lost)
        let wandering = ratio * scatter / (1 + ratio / 2)
        let ridge = Self.ridge * Self.ridge
        let uncertain = variance + 1.2 * wandering / Double(months.count)
        return (slope * ridge / (ridge + uncertain), ridge * uncertain / (ridge + uncertain))
    }

    /// The growth's factor in the `count`-th month after the period.
    package static func factor(growth: Double, months count: Int) -> Double {
        var sum = 0.0
        var power = 1.0
        for _ in 0..<count {
            sum += power
            power *= damping
        }
        return Numerics.exp(growth * sum)
    }

    /// Half an incident more keeps months without any finite, and the mean of the logarithms about right.
    private static func logs(_ totals: [Double], _ exposure: [Double]) -> [Double] {
        zip(totals, exposure).map { Numerics.log(($0 + 0.5) / $1) }
    }
}
