import CrimsCore

/// What became of every row of the archives: rows = used + rejected, by reason.
public struct Accounting: Equatable, Sendable {
    /// Why a row is not used. A row with several has the first.
    public enum Reason: Int, CaseIterable, Sendable {
        case malformedRow
        case badMonth
        case outsidePeriod
        case unknownCategory
        case noLSOA
        case unknownLSOA
        case otherLSOA
        case outsideForce
        case monthLeftOut
    }

    /// Rows of a month and category.
    public struct Entry: Equatable, Sendable {
        /// Nil if the row has none.
        public var month: CivilMonth?
        /// As the file has it, in lower case; nil for a malformed row.
        public var category: String?
        /// Rows used, by ``OutcomeStanding``'s raw value.
        public var outcomes: [Int]
        /// By ``Reason``'s raw value.
        public var rejected: [Int]

        public var used: Int { outcomes.reduce(0, +) }
    }

    /// An outcome and how many rows have it.
    public struct Outcome: Equatable, Sendable {
        public var outcome: String
        public var rows: Int
    }

    /// A category that a month has no row of.
    public struct Gap: Equatable, Sendable {
        public var month: CivilMonth
        public var category: String
    }

    /// The model's period.
    public internal(set) var from: CivilMonth?
    public internal(set) var to: CivilMonth?
    /// By month, then category.
    public internal(set) var entries: [Entry] = []
    /// Street files read.
    public internal(set) var files = 0
    /// Street files without a row.
    public internal(set) var emptyFiles: [String] = []
    /// Street files left out because an earlier archive has the same.
    public internal(set) var repeatedFiles: [String] = []
    /// Months without any row used, which count for nothing: of the period, and of those that the archives have of other
    /// forces.
    public internal(set) var missingMonths: [CivilMonth] = []
    /// Months with so few rows that they count for nothing; see ``MonthCheck``.
    public internal(set) var monthsLeftOut: [CivilMonth] = []
    /// Months with few rows, used all the same.
    public internal(set) var thinMonths: [CivilMonth] = []
    /// Categories that have no row in one month and many in those around it.
    public internal(set) var gaps: [Gap] = []
    /// Months left out of the suspect shares, having unusually many unknown outcomes.
    public internal(set) var outcomeMonthsLeftOut: [CivilMonth] = []
    /// Outcomes that data.police.uk does not document, sorted.
    public internal(set) var unrecognisedOutcomes: [Outcome] = []
    /// Rows whose Crime ID an earlier row of their file has; used like all others.
    public internal(set) var repeatedCrimeIDs = 0
    /// Rows used that the MSOA in their LSOA's name has placed, the code being none of 2011.
    public internal(set) var placedByName = 0
    /// Rows of another month than their file's name says.
    public internal(set) var ofOtherMonths = 0
    /// Where the first row of each ``Reason`` is, by its raw value.
    var firstRejected = [String?](repeating: nil, count: Reason.allCases.count)

    public var rows: Int { used + Reason.allCases.reduce(0) { $0 + rejected($1) } }
    public var used: Int { entries.reduce(0) { $0 + $1.used } }
    public func rejected(_ reason: Reason) -> Int { entries.reduce(0) { $0 + $1.rejected[reason.rawValue] } }

    /// Turns the rows used of some months into rejected ones.
    mutating func leaveOut(_ months: [CivilMonth]) {
        monthsLeftOut = months
        for index in entries.indices where entries[index].month.map(months.contains) ?? false {
            entries[index].rejected[Reason.monthLeftOut.rawValue] += entries[index].used
            entries[index].outcomes = entries[index].outcomes.map { _ in 0 }
        }
    }
}

extension Accounting.Reason {
    public var text: String {
        switch self {
        case .malformedRow: "malformed row"
        case .badMonth: "month is not YYYY-MM"
        case .outsidePeriod: "outside the period"
        case .unknownCategory: "unknown category"
        case .noLSOA: "no LSOA"
        case .unknownLSOA: "LSOA is not one of 2011 in England and Wales"
        case .otherLSOA: "LSOA of another census, whose name holds no area of 2011"
        case .outsideForce: "outside the force's areas"
        case .monthLeftOut: "month left out, having too few rows"
        }
    }

    /// Whether it takes something unusual to have such rows; a model that has none does not mention them.
    var isUnusual: Bool { self == .otherLSOA || self == .monthLeftOut }

    /// As JSON has it.
    public var code: String {
        switch self {
        case .malformedRow: "malformed_row"
        case .badMonth: "bad_month"
        case .outsidePeriod: "outside_period"
        case .unknownCategory: "unknown_category"
        case .noLSOA: "no_lsoa"
        case .unknownLSOA: "unknown_lsoa"
        case .otherLSOA: "other_lsoa"
        case .outsideForce: "outside_force"
        case .monthLeftOut: "month_left_out"
        }
    }
}
