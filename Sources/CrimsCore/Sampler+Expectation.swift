extension Sampler {
    /// Expected counts of the window that the field was prepared for.
    func expectation(hourOfWeek: Int, tables: MonthTables) -> Expectation {
        var result = Expectation()
        let hours = Double(field.window.count) / 60
        result.baseline = tables.baseline(hourOfWeek: hourOfWeek) * hours
        guard !field.isNeutral else {
            result.expected = result.baseline
            return result
        }
        result.capped = field.isCapped
        result.expected = field.expected(hourOfWeek: hourOfWeek, weights: tables.weights.crimes)
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

    /// How finely expected counts are told apart: the coarser, the cheaper.
    public struct Detail: Sendable {
        /// By area, or summed over areas that the adjustments in force do not tell apart.
        public var areas: Bool
        /// By crime, or summed over such crimes of one category.
        public var crimes: Bool

        public init(areas: Bool, crimes: Bool) {
            self.areas = areas
            self.crimes = crimes
        }
    }

    /// Expected counts of a window within one hour, part by part.
    ///
    /// - Parameter body: called with an area and a crime, each of which may stand for others as `detail` allows, and
    ///   with what is expected and the baseline of all that they stand for.
    /// - Returns: whether F reached its bound.
    @discardableResult
    public func expectations(
        window: Range<Int>, schedule: [ScheduledAdjustment], selection: Selection = .init(), detail: Detail,
        _ body: (_ area: Int, _ crime: Int, _ expected: Double, _ baseline: Double) -> Void
    ) -> Bool {
        let hourOfWeek = CivilMinute(minutes: window.lowerBound).hourOfWeek
        let tables = tables(at: window.lowerBound)
        field.prepare(window: window, schedule: schedule, tables: tables)
        suspects.prepare(window: window, schedule: schedule, tables: tables)
        let minutes = Double(window.count)
        for group in crimeGroups(hourOfWeek: hourOfWeek, tables: tables, eachCrime: detail.crimes) {
            let category = Int(prepared.categoryOfCrime[group.crime])
            guard selection.categories?[category] ?? true else { continue }
            let weight = group.weight / 60
            if detail.areas || selection.areas != nil {
                for area in 0..<prepared.areaCount where selection.areas?[area] ?? true {
                    let mean = tables.meanRates[area * prepared.categoryCount + category] * weight
                    body(area, group.crime, mean * sum(area: area, crime: group.crime), mean * minutes)
                }
            } else if field.isNeutral {
                let mean = tables.meanRatesOfCategory[category] * weight
                body(0, group.crime, mean * minutes, mean * minutes)
            } else {
                let partition = field.plan.partition
                for areaClass in 0..<partition.areaClasses {
                    let area = Int(partition.firstArea.start[areaClass])
                    let mean = partition.rates.start[areaClass * prepared.categoryCount + category] * weight
                    body(area, group.crime, mean * sum(area: area, crime: group.crime), mean * minutes)
                }
            }
        }
        return field.isCapped || suspects.isCapped
    }

    /// Sum of F over the prepared window's minutes.
    private func sum(area: Int, crime: Int) -> Double {
        guard !field.isNeutral else { return Double(field.window.count) }
        return field.sum(
            areaClass: Int(field.plan.partition.areaClass.start[area]),
            crimeClass: Int(field.plan.partition.crimeClass.start[crime]))
    }

    /// Crimes that are counted together, by the first of them, and the sum of their weights in an hour of the week.
    private func crimeGroups(
        hourOfWeek: Int, tables: MonthTables, eachCrime: Bool
    ) -> [(crime: Int, weight: Double)] {
        func weight(_ crime: Int) -> Double { tables.weights.crimes[hourOfWeek * prepared.crimeCount + crime] }
        if eachCrime { return (0..<prepared.crimeCount).map { ($0, weight($0)) } }
        let classes = field.isNeutral ? prepared.categoryCount : field.plan.partition.crimeClasses
        var groups = [(crime: Int, weight: Double)](repeating: (-1, 0), count: classes)
        for crime in 0..<prepared.crimeCount {
            let number =
                field.isNeutral
                ? Int(prepared.categoryOfCrime[crime]) : Int(field.plan.partition.crimeClass.start[crime])
            if groups[number].crime < 0 { groups[number].crime = crime }
            groups[number].weight += weight(crime)
        }
        return groups.filter { $0.crime >= 0 }
    }
}
