import CrimsCore

/// Tells months that were published in part from months in which less happened.
///
/// A month is held against the median of the months within half a year of it, so that neither a trend nor a force's
/// size matters. Of 309 force-months in England and Wales of 2018 and 2019, one had less than half of its force's
/// median, and it was known to be published in part; lockdown took the City of London's to 0.38. So less than half is
/// said, and less than a quarter is no record of a month: taken as one, it would pull down the rates of all its like.
struct MonthCheck {
    static let windowMonths = 6
    static let thinShare = 0.5
    static let leftOutShare = 0.25
    /// With fewer rows in the months around, chance may do it (4 or fewer where 20 are usual: 2 in 100,000).
    static let usualRowsMin = 20.0

    let first: CivilMonth
    /// Rows used of each month from `first` on.
    let rows: [Int]

    /// The median of the months around that have rows; nil if there are none.
    private func usual(_ slot: Int) -> Double? {
        let near = max(0, slot - Self.windowMonths)...min(rows.count - 1, slot + Self.windowMonths)
        let sorted = near.filter { $0 != slot && rows[$0] > 0 }.map { rows[$0] }.sorted()
        if sorted.isEmpty { return nil }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? Double(sorted[middle]) : Double(sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The months whose rows, and the usual ones, fulfil a condition.
    private func months(_ condition: (_ rows: Int, _ usual: Double) -> Bool) -> [CivilMonth] {
        rows.indices.filter { slot in usual(slot).map { condition(rows[slot], $0) } ?? false }
            .map { CivilMonth(index: first.index + $0) }
    }

    private static func isLeftOut(_ rows: Int, _ usual: Double) -> Bool {
        rows > 0 && usual >= usualRowsMin && Double(rows) < leftOutShare * usual
    }

    /// Months that cannot stand for a month.
    var leftOut: [CivilMonth] { months(Self.isLeftOut) }

    /// Months that are rather short, but may.
    var thin: [CivilMonth] {
        months { $0 > 0 && Double($0) < Self.thinShare * $1 && !Self.isLeftOut($0, $1) }
    }

    /// Months without a row where many are usual.
    var gaps: [CivilMonth] { months { $0 == 0 && $1 >= Self.usualRowsMin } }
}
