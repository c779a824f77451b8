import CrimsCore
import Protocol

/// The records of one force: read, counted and checked.
struct StreetRecords {
    /// Of the months that count.
    let counts: StreetCounts
    let accounting: Accounting
    /// The months asked for, or else from the first to the last that count.
    let period: (from: CivilMonth, to: CivilMonth)

    /// - Throws: ``CalibrationError/period(from:to:)``, what ``StreetReader/readAll()`` does, or
    ///   ``CalibrationError/nothingUsed(reason:)``.
    init(_ options: CalibrationOptions, _ reference: Reference) throws(CalibrationError) {
        if let from = options.from, let to = options.to, from > to {
            throw .period(from: from.text, to: to.text)
        }
        var reader = StreetReader(options: options, reference: reference)
        try reader.readAll()
        var accounting = Accounting(of: reader)
        accounting.checkMonths(options, named: reader.monthsNamed, categories: reference.categories)
        var counts = reader.rows.counts
        counts.finish(keeping: Set(accounting.entries.filter { $0.used > 0 }.compactMap(\.month)))
        guard let first = counts.months.first?.month, let last = counts.months.last?.month else {
            throw .nothingUsed(reason: accounting.whyNothing)
        }
        accounting.noteOutcomeMonths(of: counts)
        period = (options.from ?? first, options.to ?? last)
        (accounting.from, accounting.to) = (period.from, period.to)
        self.counts = counts
        self.accounting = accounting
    }
}

extension Accounting {
    fileprivate init(of reader: StreetReader) {
        entries = reader.rows.tally.entries
        files = reader.files.count
        emptyFiles = reader.emptyFiles
        repeatedFiles = reader.repeatedFiles
        unrecognisedOutcomes = reader.rows.unrecognisedOutcomes
        repeatedCrimeIDs = reader.rows.repeatedIDs
        placedByName = reader.rows.placedByName
        ofOtherMonths = reader.rows.ofOtherMonths
        firstRejected = reader.rows.firstRejected.map { $0.map { "\($0.name), line \($0.line)" } }
    }

    /// Finds months that are missing, cannot count, or look odd.
    ///
    /// - Parameter named: Months that the archives have files of, the force's own or another's.
    fileprivate mutating func checkMonths(
        _ options: CalibrationOptions, named: Set<CivilMonth>, categories: [String]
    ) {
        let seen = entries.filter { $0.used > 0 }.compactMap(\.month)
        guard let first = options.from ?? named.union(seen).min(), let last = options.to ?? named.union(seen).max(),
            !seen.isEmpty, first <= last
        else { return }
        func rows(_ isOf: (Entry) -> Bool) -> MonthCheck {
            var rows = Array(repeating: 0, count: last.index - first.index + 1)
            for entry in entries where entry.used > 0 && isOf(entry) {
                if let month = entry.month { rows[month.index - first.index] += entry.used }
            }
            return MonthCheck(first: first, rows: rows)
        }
        let all = rows { _ in true }
        missingMonths = all.rows.indices.filter { all.rows[$0] == 0 }.map { CivilMonth(index: first.index + $0) }
        thinMonths = all.thin
        leaveOut(all.leftOut)
        let notThere = Set(missingMonths + monthsLeftOut)
        for category in categories {
            for month in rows({ $0.category == category }).gaps where !notThere.contains(month) {
                gaps.append(Gap(month: month, category: category))
            }
        }
        gaps.sort { $0.month < $1.month }
    }

    /// Says why no row could be used, and what a person may have done.
    fileprivate var whyNothing: String {
        let withoutPlace = rejected(.noLSOA) + rejected(.unknownLSOA)
        var lines = summary
        if rows > 0, 2 * withoutPlace > rows {
            lines.append("are these records of another country? LSOAs of England and Wales are like E01012391")
        } else if rows > 0, 2 * rejected(.outsideForce) > rows {
            lines.append("are these records of another force?")
        }
        return lines.joined(separator: "; ")
    }
}

/// Reads and counts the records as ``calibrate(_:log:)`` does, and goes no further.
///
/// - Returns: What became of each row.
public func accountForRecords(
    _ options: CalibrationOptions, log: (String) -> Void
) throws(CalibrationError) -> Accounting {
    let reference = try Reference(folder: options.reference, force: options.force)
    let accounting = try StreetRecords(options, reference).accounting
    for line in accounting.summary { log(line) }
    try accounting.refuseFaults(options)
    return accounting
}
