import CrimsCore

/// Rows by month, category and what became of them, counted in one array: there are a million of them.
struct RowTally {
    /// Nil for rows without a month that can be read; always the first.
    private var months: [CivilMonth?] = [nil]
    /// Names in lower case: first those that have an area of counters in ``StreetCounts``, then nil for rows that have no
    /// category, then others as they come.
    private var categories: [String?]
    /// `[(month · categoriesMax + category) · verdicts + verdict]`.
    private var rows: [Int]
    private let categoriesMax: Int

    /// Unknown categories that are told apart, so that the account of a strange file stays small.
    private static let unknownMax = 64
    private static let verdicts = OutcomeStanding.allCases.count + Accounting.Reason.allCases.count

    init(categories: [String]) {
        self.categories = categories + [nil]
        categoriesMax = categories.count + 2 + Self.unknownMax
        rows = Array(repeating: 0, count: categoriesMax * Self.verdicts)
        withoutCategory = categories.count
    }

    static let withoutMonth = 0
    let withoutCategory: Int

    mutating func month(_ month: CivilMonth) -> Int {
        if let known = months.firstIndex(of: month) { return known }
        months.append(month)
        rows.append(contentsOf: repeatElement(0, count: categoriesMax * Self.verdicts))
        return months.count - 1
    }

    /// - Parameter name: In lower case.
    mutating func category(_ name: String) -> Int {
        if let known = categories.firstIndex(of: name) { return known }
        if categories.count == categoriesMax { return categoriesMax - 1 }
        categories.append(categories.count == categoriesMax - 1 ? "(others)" : name)
        return categories.count - 1
    }

    mutating func use(_ month: Int, _ category: Int, _ standing: OutcomeStanding) {
        rows[(month * categoriesMax + category) * Self.verdicts + standing.rawValue] += 1
    }

    mutating func reject(_ month: Int, _ category: Int, _ reason: Accounting.Reason) {
        let verdict = OutcomeStanding.allCases.count + reason.rawValue
        rows[(month * categoriesMax + category) * Self.verdicts + verdict] += 1
    }

    /// Adds what another has counted of the same known categories.
    mutating func add(_ other: RowTally) {
        let categories = other.categories.map { $0.map { category($0) } ?? withoutCategory }
        for (otherMonth, month) in other.months.enumerated() {
            let month = month.map { self.month($0) } ?? Self.withoutMonth
            for (otherCategory, category) in categories.enumerated() {
                let from = (otherMonth * categoriesMax + otherCategory) * Self.verdicts
                let to = (month * categoriesMax + category) * Self.verdicts
                for verdict in 0..<Self.verdicts { rows[to + verdict] += other.rows[from + verdict] }
            }
        }
    }

    /// What there is, by month, then category; rows without a month last.
    var entries: [Accounting.Entry] {
        var entries: [Accounting.Entry] = []
        for (slot, month) in months.enumerated() {
            for (category, name) in categories.enumerated() {
                let first = (slot * categoriesMax + category) * Self.verdicts
                let counters = rows[first..<first + Self.verdicts]
                guard counters.contains(where: { $0 > 0 }) else { continue }
                entries.append(
                    .init(
                        month: month, category: name, outcomes: Array(counters.prefix(OutcomeStanding.allCases.count)),
                        rejected: Array(counters.suffix(Accounting.Reason.allCases.count))))
            }
        }
        return entries.sorted { left, right in
            let months = (left.month?.index ?? .max, right.month?.index ?? .max)
            if months.0 != months.1 { return months.0 < months.1 }
            return (left.category ?? "").utf8.lexicographicallyPrecedes((right.category ?? "").utf8)
        }
    }
}
