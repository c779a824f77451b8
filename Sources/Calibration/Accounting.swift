import CrimsCore
import Models
import Protocol

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
        case outsideForce

        public var text: String {
            switch self {
            case .malformedRow: "malformed row"
            case .badMonth: "month is not YYYY-MM"
            case .outsidePeriod: "outside the period"
            case .unknownCategory: "unknown category"
            case .noLSOA: "no LSOA"
            case .unknownLSOA: "LSOA is not one of 2011 in England and Wales"
            case .outsideForce: "outside the force's areas"
            }
        }
    }

    /// Rows of a month and category.
    public struct Entry: Equatable, Sendable {
        /// Nil if the row has none.
        public var month: CivilMonth?
        /// As the file has it, in lower case; nil for a malformed row.
        public var category: String?
        public var used = 0
        /// By ``Reason``'s raw value.
        public var rejected = [Int](repeating: 0, count: Reason.allCases.count)
    }

    /// An outcome and how many rows have it.
    public struct Outcome: Equatable, Sendable {
        public var outcome: String
        public var rows: Int
    }

    /// By month, then category.
    public internal(set) var entries: [Entry] = []
    /// Street files read.
    public internal(set) var files = 0
    /// Street files left out because an earlier archive has the same.
    public internal(set) var repeatedFiles: [String] = []
    /// Months of the period without any row, which count for nothing.
    public internal(set) var missingMonths: [CivilMonth] = []
    /// Months with fewer than half the rows of the median month.
    public internal(set) var thinMonths: [CivilMonth] = []
    /// Months left out of the suspect shares, having unusually many unknown outcomes.
    public internal(set) var outcomeMonthsLeftOut: [CivilMonth] = []
    /// Outcomes that data.police.uk does not document, sorted.
    public internal(set) var unrecognisedOutcomes: [Outcome] = []

    public var rows: Int { used + Reason.allCases.reduce(0) { $0 + rejected($1) } }
    public var used: Int { entries.reduce(0) { $0 + $1.used } }
    public func rejected(_ reason: Reason) -> Int { entries.reduce(0) { $0 + $1.rejected[reason.rawValue] } }

    /// The account in sentences, for people.
    public var summary: [String] {
        var lines = ["\(rows) rows in \(files) files: \(used) used, \(rows - used) rejected"]
        for reason in Reason.allCases where rejected(reason) > 0 {
            lines.append("  \(rejected(reason)) rejected: \(reason.text)\(examples(reason))")
        }
        if !repeatedFiles.isEmpty {
            lines.append("left out, as an earlier archive has the same: \(repeatedFiles.joined(separator: ", "))")
        }
        if !missingMonths.isEmpty {
            lines.append("months without a row, which count for nothing: \(Self.listed(missingMonths))")
        }
        if !thinMonths.isEmpty {
            lines.append("months with less than half the usual rows, used all the same: \(Self.listed(thinMonths))")
        }
        if !outcomeMonthsLeftOut.isEmpty {
            lines.append(
                "left out of the suspect shares, many outcomes being unknown: \(Self.listed(outcomeMonthsLeftOut))")
        }
        for entry in unrecognisedOutcomes {
            lines.append(
                "\(entry.rows) rows with the outcome \"\(entry.outcome)\", which is not documented: taken as unknown")
        }
        return lines
    }

    /// Names of unknown categories, which a person can act on.
    private func examples(_ reason: Reason) -> String {
        guard reason == .unknownCategory else { return "" }
        let categories = Set(entries.filter { $0.rejected[reason.rawValue] > 0 }.compactMap(\.category)).sorted()
        return " (" + categories.prefix(5).joined(separator: ", ") + (categories.count > 5 ? ", …)" : ")")
    }

    private static func listed(_ months: [CivilMonth]) -> String { months.map(\.text).joined(separator: ", ") }
}
