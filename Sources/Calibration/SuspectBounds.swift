/// How many incidents of a category have a suspect, and how many might: what is not known counts as none or as all.
public struct SuspectBounds: Equatable, Sendable {
    public var category: String
    public var suspect: Int
    public var none: Int
    public var unknown: Int

    /// Among known outcomes; nil if none is known.
    public var share: Double? { Self.ratio(suspect, suspect + none) }
    /// If nobody was identified where it is not known; nil without incidents.
    public var shareMin: Double? { Self.ratio(suspect, suspect + none + unknown) }
    /// If somebody was.
    public var shareMax: Double? { Self.ratio(suspect + unknown, suspect + none + unknown) }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }
}

extension Accounting {
    /// By category, sorted; of the rows used. Anti-social behaviour, having no outcomes, is not among them.
    public var suspects: [SuspectBounds] {
        var bounds: [SuspectBounds] = []
        let used = entries.filter { $0.used > 0 }
        let categories = Set(used.compactMap(\.category)).subtracting([Self.categoryWithoutOutcomes])
        for category in categories.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            var rows = Array(repeating: 0, count: OutcomeKind.count)
            for entry in used where entry.category == category {
                for standing in OutcomeStanding.allCases {
                    rows[standing.kind.rawValue] += entry.outcomes[standing.rawValue]
                }
            }
            func count(_ kind: OutcomeKind) -> Int { rows[kind.rawValue] }
            bounds.append(
                .init(
                    category: category, suspect: count(.suspect) + count(.notPursued), none: count(.none),
                    unknown: count(.unknown)))
        }
        return bounds
    }

    /// The category that police.uk publishes no outcomes of.
    static let categoryWithoutOutcomes = "anti-social behaviour"
}
