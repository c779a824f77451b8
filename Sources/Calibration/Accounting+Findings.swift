import CrimsCore
import Protocol

extension Accounting {
    /// A sentence of the account.
    public struct Finding: Equatable, Sendable {
        public var text: String
        /// Whether `--strict` makes an error of it: something is not as a whole and faultless record would be.
        public var isFault: Bool
    }

    /// The account in sentences, for people. The first is the sum of it.
    public var summary: [String] {
        ["\(rows) rows in \(files) files: \(used) used, \(rows - used) rejected"] + findings.map { "  \($0.text)" }
    }

    /// What there is to say beyond the sum.
    ///
    /// All are faults but these: rows outside a period that somebody chose, and repeated Crime IDs, which are
    /// data.police.uk's way of publishing.
    public var findings: [Finding] {
        var findings: [Finding] = []
        for reason in Reason.allCases where rejected(reason) > 0 {
            let text = "\(rejected(reason)) rejected: \(reason.text)\(example(reason))"
            findings.append(Finding(text: text, isFault: reason != .outsidePeriod))
        }
        func fault(_ items: [String], _ text: String) {
            if !items.isEmpty { findings.append(Finding(text: "\(text): \(Self.listed(items))", isFault: true)) }
        }
        fault(repeatedFiles, "left out, as an earlier archive has the same")
        fault(emptyFiles, "files without a row")
        fault(missingMonths.map(\.text), "months without a row used, which count for nothing")
        fault(monthsLeftOut.map(\.text), "months with less than a quarter of the usual rows, which count for nothing")
        fault(thinMonths.map(\.text), "months with less than half the usual rows, used all the same")
        fault(
            gaps.map { "\($0.month.text) \($0.category)" },
            "no row of a category that the months around have many of, counted as 0")
        fault(outcomeMonthsLeftOut.map(\.text), "left out of the suspect shares, many outcomes being unknown")
        for entry in unrecognisedOutcomes {
            let text =
                "\(entry.rows) rows with the outcome \"\(Self.shortened(entry.outcome))\", which is not documented: "
                + "taken as unknown"
            findings.append(Finding(text: text, isFault: true))
        }
        if placedByName > 0 {
            let text =
                "\(placedByName) rows used with an LSOA of another census, placed by the MSOA in the LSOA's name"
            findings.append(Finding(text: text, isFault: true))
        }
        if ofOtherMonths > 0 {
            let text = "\(ofOtherMonths) rows of another month than their file's name says, taken as they are"
            findings.append(Finding(text: text, isFault: true))
        }
        if repeatedCrimeIDs > 0 {
            let text = "\(repeatedCrimeIDs) rows repeat the Crime ID of an earlier row; each counts as an incident"
            findings.append(Finding(text: text, isFault: false))
        }
        return findings
    }

    /// What `--strict` does not let pass.
    public var faults: [String] { findings.filter(\.isFault).map(\.text) }

    /// - Throws: ``CalibrationError/faults(_:)`` if somebody wants none and there are some.
    func refuseFaults(_ options: CalibrationOptions) throws(CalibrationError) {
        if options.isStrict, !faults.isEmpty { throw .faults(self) }
    }

    /// What helps a person to find the rows.
    private func example(_ reason: Reason) -> String {
        switch reason {
        case .outsidePeriod, .outsideForce, .noLSOA, .monthLeftOut: return ""
        case .malformedRow, .badMonth, .unknownLSOA, .otherLSOA:
            return firstRejected[reason.rawValue].map { " (first in \($0))" } ?? ""
        case .unknownCategory:
            let categories = Set(entries.filter { $0.rejected[reason.rawValue] > 0 }.compactMap(\.category)).sorted()
            return " (\(Self.listed(categories.map(Self.shortened), max: 5)))"
        }
    }

    private static func listed(_ items: [String], max: Int = 60) -> String {
        items.prefix(max).joined(separator: ", ") + (items.count > max ? ", … (\(items.count) in all)" : "")
    }

    private static func shortened(_ text: String) -> String { text.count > 60 ? text.prefix(60) + "…" : text }
}
