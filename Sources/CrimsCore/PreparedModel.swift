/// A model with what every run of it looks up, computed once: immutable and shared by all runs.
public final class PreparedModel: Sendable {
    public let model: CrimeModel
    public let areaIndex: [String: Int]
    public let categoryIndex: [String: Int]
    public let crimesOfCategory: [[Int]]
    /// Category of each crime, `[K]`.
    ///
    // Safety: written in `init` alone. Memory of its own, that the inner loops need not keep alive by counting.
    nonisolated(unsafe) let categoryOfCrime: UnsafePointer<UInt16>
    private let weekWeights: HourWeights
    /// Probability that a suspect is identified in units of 2⁻³², `[category · A + area]`, as areas are drawn.
    ///
    // Safety: as above.
    nonisolated(unsafe) let suspectThresholds: UnsafePointer<UInt64>

    public var areaCount: Int { model.areas.count }
    public var categoryCount: Int { model.categories.count }
    public var crimeCount: Int { model.crimes.count }

    public init(_ model: CrimeModel) {
        self.model = model
        areaIndex = Dictionary(model.areas.enumerated().map { ($1.code, $0) }, uniquingKeysWith: { first, _ in first })
        categoryIndex = Dictionary(
            model.categories.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var crimesOfCategory = [[Int]](repeating: [], count: model.categories.count)
        for (index, crime) in model.crimes.enumerated() { crimesOfCategory[crime.category].append(index) }
        self.crimesOfCategory = crimesOfCategory
        weekWeights = HourWeights(model)
        let categoryOfCrime = UnsafeMutablePointer<UInt16>.allocate(capacity: model.crimes.count)
        for (index, crime) in model.crimes.enumerated() { categoryOfCrime[index] = UInt16(crime.category) }
        self.categoryOfCrime = UnsafePointer(categoryOfCrime)
        let (areas, categories) = (model.areas.count, model.categories.count)
        let thresholds = UnsafeMutablePointer<UInt64>.allocate(capacity: areas * categories)
        for area in 0..<areas {
            for category in 0..<categories {
                thresholds[category * areas + area] = Self.threshold(model.suspect[area * categories + category])
            }
        }
        suspectThresholds = UnsafePointer(thresholds)
    }

    deinit {
        categoryOfCrime.deallocate()
        suspectThresholds.deallocate()
    }

    /// What the hours of a month are drawn with.
    func weights(of month: CivilMonth) -> HourWeights {
        switch model.profileMean {
        case .week: weekWeights
        case .month: HourWeights(model, month: month)
        }
    }

    /// A probability in units of 2⁻³².
    @inline(__always)
    static func threshold(_ probability: Double) -> UInt64 { Numerics.roundedToEven(probability * 0x1p32) }

    /// Hours of the week in the order of the clock from an hour since 1970, for sums over a period.
    public func expectedPerYear() -> Double {
        // A year of 365 days from the period's last January, which is what people compare with published totals.
        var total = 0.0
        let year = model.period.to.year
        for month in 1...12 {
            let calendar = CivilMonth(year: year, month: month)
            let first = calendar.start.hour
            let weights = weights(of: calendar).categories
            for category in 0..<categoryCount {
                var daily = 0.0
                for area in 0..<areaCount { daily += model.rate(area: area, category: category, month: month) }
                var exposure = 0.0
                for hour in first..<calendar.next.start.hour {
                    exposure += weights[CivilMinute.hourOfWeek(hour: hour) * categoryCount + category]
                }
                total += daily * exposure / 24
            }
        }
        return total
    }
}
