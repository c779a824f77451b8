/// What a month expects without adjustments, as the mean over replicates: in an hour, an area's rate of a category times
/// the hour's weight. Rates and weights stand apart, so that sums over many hours need not go through each cell in each.
public struct BaselineMonth: Sendable {
    public let month: CivilMonth
    /// Incidents per hour at weight 1, `[area · C + category]`.
    public let rates: [Double]
    public var categoryCount: Int { prepared.categoryCount }
    private let weights: HourWeights
    private let prepared: PreparedModel

    /// - Parameter trend: whether the model's trend continues after its period.
    public init(_ prepared: PreparedModel, month: CivilMonth, trend: Bool) {
        (self.prepared, self.month) = (prepared, month)
        weights = prepared.weights(of: month)
        let categories = prepared.categoryCount
        let model = prepared.model
        var rates = [Double](repeating: 0, count: prepared.areaCount * categories)
        for category in 0..<categories {
            let growth = trend ? model.trendFactor(category: category, month: month) : 1
            for area in 0..<prepared.areaCount {
                let cell = area * categories + category
                rates[cell] = model.rates[cell * 12 + month.month - 1] * growth / 24
            }
        }
        self.rates = rates
    }

    /// The weight of a crime, or of all crimes of a category, in an hour of the week.
    public func weight(crime: Int, hourOfWeek: Int) -> Double {
        weights.crimes[hourOfWeek * prepared.crimeCount + crime]
    }

    public func weight(category: Int, hourOfWeek: Int) -> Double {
        weights.categories[hourOfWeek * prepared.categoryCount + category]
    }
}
