import CrimsCore

/// A force's offences and their shares of their categories, from the crimes that it has recorded.
///
/// Where it has none of a category, those of all forces; where these have none either (anti-social behaviour is not
/// counted), equal shares.
struct OffenceShares {
    /// Of the force's offences, those that it has recorded; shares sum to 1 by category.
    private(set) var crimes: [CrimeModel.Crime] = []
    /// Categories whose offences the force has not counted.
    private(set) var categoriesWithoutCounts: [Int] = []

    init(_ reference: Reference) {
        for category in reference.categories.indices {
            let offences = reference.offences.filter { $0.category == category }
            var weights = offences.map(\.count.force)
            if weights.reduce(0, +) == 0 {
                if offences.count > 1 { categoriesWithoutCounts.append(category) }
                weights = offences.map(\.count.all)
            }
            if weights.reduce(0, +) == 0 { weights = offences.map { _ in 1 } }
            let sum = weights.reduce(0, +)
            for (offence, weight) in zip(offences, weights) where weight > 0 {
                crimes.append(
                    .init(
                        code: offence.code, description: offence.description, category: category,
                        severity: offence.severity, share: weight / sum))
            }
        }
    }
}
