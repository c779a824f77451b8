extension Sampler {
    /// Expected counts of the window that the field was prepared for.
    func expectation(hourOfWeek: Int, tables: MonthTables) -> Expectation {
        var result = Expectation()
        let categories = prepared.categoryCount
        let hours = Double(field.window.count) / 60
        for category in 0..<categories {
            result.baseline +=
                tables.meanRatesOfCategory[category] * prepared.categoryWeights[hourOfWeek * categories + category]
        }
        result.baseline *= hours
        guard !field.isNeutral else {
            result.expected = result.baseline
            return result
        }
        result.capped = field.isCapped
        let partition = field.partition
        for crimeClass in 0..<partition.crimeClasses {
            let category = partition.categoryOfCrimeClass[crimeClass]
            var weight = 0.0
            for crime in partition.crimesOfClass[crimeClass] {
                weight += prepared.crimeWeights[hourOfWeek * prepared.crimeCount + crime]
            }
            var sum = 0.0
            for areaClass in 0..<partition.areaClasses {
                sum +=
                    partition.rates[areaClass * categories + category]
                    * field.sum(areaClass: areaClass, crimeClass: crimeClass)
            }
            result.expected += sum * weight
        }
        result.expected /= 60
        return result
    }

    /// Which part of a run a count is of: all areas or some, all categories or some.
    public struct Selection: Equatable, Sendable {
        /// `[A]`, nil for all.
        public var areas: [Bool]?
        /// `[C]`, nil for all.
        public var categories: [Bool]?

        public init(areas: [Bool]? = nil, categories: [Bool]? = nil) {
            self.areas = areas
            self.categories = categories
        }

        public var isEverything: Bool { areas == nil && categories == nil }
    }

    /// Expected counts of a window within one hour for every area and crime in turn.
    ///
    /// - Parameter body: called with area, crime, expected and baseline count, areas outermost.
    /// - Returns: how many adjustments acted, and whether F reached its bound.
    @discardableResult
    public func expectations(
        window: Range<Int>, schedule: [ScheduledAdjustment], selection: Selection = .init(),
        _ body: (_ area: Int, _ crime: Int, _ expected: Double, _ baseline: Double) -> Void
    ) -> (inForce: Int, capped: Bool) {
        let hourOfWeek = CivilMinute(minutes: window.lowerBound).hourOfWeek
        let tables = tables(for: CivilMinute(minutes: window.lowerBound).month)
        let inForce = field.prepare(window: window, schedule: schedule, tables: tables)
        let categories = prepared.categoryCount
        for area in 0..<prepared.areaCount where selection.areas?[area] ?? true {
            for category in 0..<categories where selection.categories?[category] ?? true {
                let rate = tables.meanRates[area * categories + category] / 60
                for crime in prepared.crimesOfCategory[category] {
                    let mean = rate * prepared.crimeWeights[hourOfWeek * prepared.crimeCount + crime]
                    let sum =
                        field.isNeutral
                        ? Double(window.count)
                        : field.sum(
                            areaClass: field.partition.areaClass[area], crimeClass: field.partition.crimeClass[crime])
                    body(area, crime, mean * sum, mean * Double(window.count))
                }
            }
        }
        return (inForce, !field.isNeutral && field.isCapped)
    }
}
