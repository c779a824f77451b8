import CrimsCore
import Protocol

extension Accounting {
    /// The whole account, by month and category, for programs.
    public var json: JSON {
        .object([
            .init("from", from.map { .string($0.text) } ?? .null), .init("to", to.map { .string($0.text) } ?? .null),
            .init("files", Self.number(files)), .init("rows", Self.number(rows)), .init("used", Self.number(used)),
            .init("rejected", Self.reasons(Reason.allCases.map(rejected))),
            .init("placed_by_name", Self.number(placedByName)),
            .init("repeated_crime_ids", Self.number(repeatedCrimeIDs)),
            .init("of_other_months", Self.number(ofOtherMonths)),
            .init("empty_files", Self.strings(emptyFiles)), .init("repeated_files", Self.strings(repeatedFiles)),
            .init("missing_months", Self.strings(missingMonths.map(\.text))),
            .init("months_left_out", Self.strings(monthsLeftOut.map(\.text))),
            .init("thin_months", Self.strings(thinMonths.map(\.text))),
            .init(
                "gaps",
                .array(
                    gaps.map {
                        .object([.init("month", .string($0.month.text)), .init("category", .string($0.category))])
                    })),
            .init("outcome_months_left_out", Self.strings(outcomeMonthsLeftOut.map(\.text))),
            .init(
                "undocumented_outcomes",
                .array(
                    unrecognisedOutcomes.map {
                        .object([.init("outcome", .string($0.outcome)), .init("rows", Self.number($0.rows))])
                    })),
            .init("suspects", .array(suspects.map(\.json))),
            .init("entries", .array(entries.map(\.json))),
            .init("faults", Self.strings(faults)),
        ])
    }

    /// What a model's settings say of the rows that are not used.
    var rejectedByText: JSON {
        .object(
            Reason.allCases.filter { !$0.isUnusual || rejected($0) > 0 }
                .map { .init($0.text, Self.number(rejected($0))) })
    }

    /// What a model's settings say where there is something of it.
    var unusual: [JSON.Member] {
        var members: [JSON.Member] = []
        func add(_ name: String, _ rows: Int) { if rows > 0 { members.append(.init(name, Self.number(rows))) } }
        func add(_ name: String, _ texts: [String]) {
            if !texts.isEmpty { members.append(.init(name, Self.strings(texts))) }
        }
        add("monthsLeftOut", monthsLeftOut.map(\.text))
        add("monthsThin", thinMonths.map(\.text))
        add("categoriesMissing", gaps.map { "\($0.month.text) \($0.category)" })
        add("filesEmpty", emptyFiles)
        add("filesRepeated", repeatedFiles)
        add("rowsPlacedByName", placedByName)
        add("rowsOfOtherMonths", ofOtherMonths)
        add("rowsRepeatingACrimeID", repeatedCrimeIDs)
        add("outcomesUndocumented", unrecognisedOutcomes.map { "\($0.outcome): \($0.rows)" })
        return members
    }

    fileprivate static func number(_ value: Int) -> JSON { .number(Double(value)) }
    private static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }

    /// - Parameter rows: By ``Reason``'s raw value.
    fileprivate static func reasons(_ rows: [Int]) -> JSON {
        .object(Reason.allCases.map { .init($0.code, number(rows[$0.rawValue])) })
    }

    /// - Parameter rows: By ``OutcomeStanding``'s raw value.
    fileprivate static func outcomes(_ rows: [Int]) -> JSON {
        .object(OutcomeStanding.allCases.map { .init($0.code, number(rows[$0.rawValue])) })
    }
}

extension Accounting.Entry {
    fileprivate var json: JSON {
        .object([
            .init("month", month.map { .string($0.text) } ?? .null),
            .init("category", category.map { .string($0) } ?? .null), .init("used", Accounting.number(used)),
            .init("outcomes", Accounting.outcomes(outcomes)), .init("rejected", Accounting.reasons(rejected)),
        ])
    }
}

extension SuspectBounds {
    fileprivate var json: JSON {
        func share(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
        return .object([
            .init("category", .string(category)), .init("suspect", Accounting.number(suspect)),
            .init("none", Accounting.number(none)), .init("unknown", Accounting.number(unknown)),
            .init("share", share(self.share)), .init("share_min", share(shareMin)), .init("share_max", share(shareMax)),
        ])
    }
}
