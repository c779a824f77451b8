import CrimsCore

/// The counts that a force's rates are estimated from, by category, month and area.
package struct ForceCounts: Sendable {
    /// One category.
    package struct Category: Sendable {
        /// Incidents, `[slot · areas + area]`, slot being the month's place among ``ForceCounts/months``.
        package var counts: [Int]
        /// Incidents of all areas, by slot.
        package var totals: [Double]
        /// Days' worth of each month, by slot; see ``Exposure``.
        package var exposure: [Double]
        /// The gamma shape that the areas get where they are too few to tell.
        package var fallbackShape: Double
        /// What the months are shrunk towards, `[12]`.
        package var season = SeasonEstimate.flat
    }

    package let areas: Int
    /// Ascending; months without records are left out.
    package let months: [CivilMonth]
    package private(set) var categories: [Category]

    package init(areas: Int, months: [CivilMonth], categories: [(counts: [Int], exposure: [Double], shape: Double)]) {
        precondition(areas > 0 && zip(months, months.dropFirst()).allSatisfy(<), "areas, and months in order")
        self.areas = areas
        self.months = months
        self.categories = categories.map { counts, exposure, shape in
            precondition(counts.count == areas * months.count && exposure.count == months.count, "one count a cell")
            let totals = months.indices.map { slot in
                Double(counts[slot * areas..<(slot + 1) * areas].reduce(0, +))
            }
            return Category(counts: counts, totals: totals, exposure: exposure, fallbackShape: shape)
        }
    }

    /// The first `count` months.
    package func first(_ count: Int) -> ForceCounts {
        ForceCounts(
            areas: areas, months: Array(months.prefix(count)),
            categories: categories.map {
                (Array($0.counts.prefix(count * areas)), Array($0.exposure.prefix(count)), $0.fallbackShape)
            }
        ).leaning(on: categories.map(\.season))
    }

    /// The same counts, the months of each category shrunk towards a pattern that is known from elsewhere.
    package func leaning(on seasons: [[Double]]) -> ForceCounts {
        var counts = self
        for (category, season) in seasons.enumerated() { counts.categories[category].season = season }
        return counts
    }
}

extension ForceCounts {
    init(_ counts: StreetCounts, reference: Reference) {
        let months = counts.months.map(\.month)
        self.init(
            areas: counts.areas, months: months,
            categories: reference.categories.indices.map { category in
                let weights = reference.profile[category * 168..<(category + 1) * 168]
                return (
                    counts.incidents(category: category), months.map { Exposure.days(of: $0, weights: weights) },
                    EnglandAndWales.shape(reference.categories[category])
                )
            })
    }
}
