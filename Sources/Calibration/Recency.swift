import CrimsCore

/// How fast months lose weight as they recede: a month that many half-lives before the last counts 2⁻ⁿ.
///
/// A force's level wanders sooner than the shares that its areas have of it, so each has a half-life.
public struct Recency: Equatable, Sendable {
    /// Months; infinite where all months weigh the same. Of the force's level.
    public var level: Double
    /// The same, of the areas' shares.
    public var areas: Double

    public init(level: Double, areas: Double) {
        self.level = level
        self.areas = areas
    }

    /// All months weigh the same.
    package static let even = Recency(level: .infinity, areas: .infinity)
    /// Where the months are too few to choose by.
    package static let usual = Recency(level: 6, areas: 12)

    /// What is tried; less than two months would be the last month alone.
    package static let levels: [Double] = [2, 3, 4, 6, 9, 12, 18, 24, 36, .infinity]
    package static let shares: [Double] = [6, 9, 12, 18, 24, 36, .infinity]

    /// By how much a half-life must improve the deviance for each octave's square that it is away from the usual one:
    /// a prior of one octave's deviation, for counts that vary twice as much as Poisson counts.
    private static let octavePenalty = 2.0

    package static func penalty(_ halfLife: Double, usual: Double) -> Double {
        // All months alike is as far away as eight years.
        let octaves = Numerics.log(min(halfLife, 96) / usual) / Numerics.log(2)
        return octavePenalty * octaves * octaves
    }

    /// The weight of each month.
    static func weights(_ months: [CivilMonth], halfLife: Double) -> [Double] {
        guard let last = months.last else { return [] }
        return months.map { Numerics.exp2(-Double(last.index - $0.index) / halfLife) }
    }

    /// The variance of a mean with these weights, as a part of one value's.
    static func noise(_ weights: [Double]) -> Double {
        let sum = weights.reduce(0, +)
        return weights.reduce(0) { $0 + $1 * $1 } / (sum * sum)
    }
}
