import CrimsCore
import Models
import Protocol

/// What is said of a model of England and Wales: to people while it is made, and in its `model.json`.
struct NationalReport {
    let fit: NationalFit
    let reference: Reference
    let account: CountsAccount
    let period: BacktestPlan.Period

    /// A force whose share of suspects is less than that part of the others' is named.
    private static let fewSuspects = 0.5

    private var counted: Int { reference.forces.count - fit.usable.imputed.count }
    private var imputedAreas: Int { reference.forceOfArea.count(where: fit.usable.imputed.contains) }
    private var missingMonths: [CivilMonth] {
        (period.from.index...period.to.index).map(CivilMonth.init(index:)).filter { !fit.months.contains($0) }
    }
    /// Calendar months that no force has, as `rates.csv` names them.
    private var unseen: [String] { fit.seasons[0].unseen.map { ModelFile.months[$0 - 1] } }

    private func name(_ force: Int) -> String { reference.forces[force].name }

    /// What is out of the ordinary and how it was dealt with, in sentences.
    var findings: [String] {
        var lines: [String] = []
        let usable = fit.usable
        if !usable.imputed.isEmpty {
            lines.append(
                "Records of fewer than \(NationalMonths.monthsMin) months, or none, of "
                    + "\(usable.imputed.map(name).joined(separator: ", ")): their \(imputedAreas) areas are imputed. Each resident there has the rates of a resident of the \(counted) other forces, "
                    + "and suspects are as frequent; where in these forces crime is dense, the model does not know.")
        }
        if !missingMonths.isEmpty { lines.append("No records of \(listed(missingMonths)): left out of the exposure.") }
        if !unseen.isEmpty {
            lines.append(
                "No records of any \(unseen.joined(separator: ", ")): their rates are imputed, from a yearly wave "
                    + "through the months that there are, held back towards flat.")
        }
        for (force, slot) in usable.missing {
            lines.append("\(name(force)) has no records of \(fit.months[slot].text): the month is that of all forces.")
        }
        for odd in usable.partial {
            lines.append(
                "\(name(odd.force)) \(fit.months[odd.slot].text) has \(percent(odd.ratio)) of the records to be expected: "
                    + "left out.")
        }
        for odd in usable.thin {
            lines.append(
                "\(name(odd.force)) \(fit.months[odd.slot].text) has \(percent(odd.ratio)) of the records to be expected: "
                    + "used all the same.")
        }
        lines += breaks + suspectFindings
        return lines
    }

    /// One sentence for a force and category.
    private var breaks: [String] {
        var lines: [String] = []
        var rest = fit.usable.breaks[...]
        while let first = rest.first {
            let same = rest.prefix { $0.category == first.category && $0.cell.force == first.cell.force }
            rest = rest.dropFirst(same.count)
            let months = listed(same.map { fit.months[$0.cell.slot] })
            let shares = same.map { percent($0.cell.ratio) }.joined(separator: ", ")
            lines.append(
                "\(name(first.cell.force)) counts \(shares) of the usual \(reference.categories[first.category]) in "
                    + "\(months): used for the force as it is, not for the rates and months of England and Wales.")
        }
        return lines
    }

    private var suspectFindings: [String] {
        var lines = ["Suspects are counted in \(listed(fit.suspectMonths))."]
        let late = fit.months.filter { month in fit.suspectMonths.last.map { month > $0 } ?? false }
        if !late.isEmpty {
            lines[0] += " Later crimes (\(listed(late))) were still under investigation."
        }
        let all = fit.suspectSums.reduce((suspect: 0, all: 0)) { ($0.suspect + $1.suspect, $0.all + $1.all) }
        for (force, sums) in fit.suspectSums.enumerated() where sums.all > 0 {
            let share = Double(sums.suspect) / Double(sums.all)
            guard share * Double(all.all) < Self.fewSuspects * Double(all.suspect) else { continue }
            lines.append(
                "\(name(force)) has a suspect in \(percent(share)) of its incidents, all forces in "
                    + "\(percent(Double(all.suspect) / Double(all.all))): its outcomes are hardly published.")
        }
        return lines
    }

    /// The fit by category, in lines for people.
    var summary: [String] {
        reference.categories.indices.map { category in
            let season = fit.seasons[category]
            let extremes = (season.pattern.min() ?? 1, season.pattern.max() ?? 1)
            let dispersion = fit.dispersion[category]
            return "\(reference.categories[category]): \(text(fit.observed[category], 9)) counted, "
                + "\(text(fit.residentRates[category] * 365_000, 3)) a year for 1,000 residents; "
                + "months \(text(extremes.0, 3)) to \(text(extremes.1, 3)) (weight \(text(season.weight, 2))), "
                + "dispersion \(text(dispersion.shared, 3)) shared, \(text(dispersion.own, 3)) own; "
                + "suspect \(text(fit.suspectShares[category], 3))"
        }
    }

    /// What `model.json` says.
    var information: ModelInformation {
        ModelInformation(
            sources: ModelInformation.openData, method: "shrunk", settings: settings,
            notes: Self.notes + findings)
    }

    private var settings: [JSON.Member] {
        func byCategory(_ values: [Double]) -> JSON {
            .object(zip(reference.categories, values).map { .init($0, .number(ModelInformation.rounded($1))) })
        }
        // JSON has no infinity: null is a half-life that never ends.
        func months(_ halfLife: Double) -> JSON { halfLife.isFinite ? .number(halfLife) : .null }
        func list(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
        func sum(_ sum: CountsAccount.Sum) -> JSON {
            .object([
                .init("records", .number(Double(sum.records))), .init("incidents", .number(Double(sum.incidents))),
            ])
        }
        func cell(_ force: Int, _ slot: Int) -> [JSON.Member] {
            [
                .init("force", .string(reference.forces[force].force)),
                .init("month", .string(fit.months[slot].text)),
            ]
        }
        return [
            .init("months", .number(Double(fit.months.count))),
            .init("monthsMissing", list(missingMonths.map(\.text))),
            .init("forcesEstimated", .number(Double(counted))),
            .init("imputedForces", list(fit.usable.imputed.map { reference.forces[$0].force })),
            .init("imputedAreas", .number(Double(imputedAreas))),
            .init("imputedMonths", list(unseen)),
            .init("forceMonthsMissing", .array(fit.usable.missing.map { .object(cell($0.force, $0.slot)) })),
            .init(
                "forceMonthsLeftOut",
                .array(
                    fit.usable.partial.map {
                        .object(
                            cell($0.force, $0.slot)
                                + [.init("ofExpected", .number(ModelInformation.rounded($0.ratio)))])
                    })),
            .init("suspectMonths", list(fit.suspectMonths.map(\.text))),
            .init("records", sum(account.all)),
            .init("recordsUsed", sum(account.used)),
            .init(
                "recordsRejected",
                .object(CountsAccount.Reason.allCases.map { .init($0.text, sum(account.rejected($0))) })),
            .init("incidents", byCategory(fit.observed)),
            .init("halfLifeOfLevel", months(fit.recency.level)),
            .init("halfLifeOfAreas", months(fit.recency.areas)),
            .init("ratePerResidentAndDay", byCategory(fit.residentRates)),
            .init("monthWeight", byCategory(fit.seasons.map(\.weight))),
            .init("suspectShare", byCategory(fit.suspectShares)),
        ]
    }

    private static let notes = [
        "police.uk publishes the month of a crime and nothing finer. The weights of the hours of the week are a proxy "
            + "from cities that publish times (Chicago, Boston, Atlanta): they are assumed here, not observed.",
        "Rates are of crimes recorded by the police, not of crimes that occurred.",
        "police.uk moves locations to anonymous map points, so an incident can lie in the area beside its own.",
        "A suspect counts as identified with any known outcome but \"Investigation complete; no suspect identified\". "
            + "The counts do not part no suspect from not known: the probability is suspects over all incidents, lower "
            + "than in a model of one force. Anti-social behaviour has no outcomes; its probability is 0.",
        "Areas are MSOAs of 2011 with the residents of the census of 2011.",
        "Shares of offences are those of all forces together, the same everywhere.",
        "Rates are of the level at the period's end: recent months weigh more. There is no trend: a year cannot tell "
            + "growth from season.",
        "The shared part of the dispersion moves all of England and Wales at once. What moves the areas of one force "
            + "together has no part of its own and is in each area's: for the spread of one force's totals, use a model "
            + "of that force.",
    ]

    private func listed(_ months: [CivilMonth]) -> String { months.map(\.text).joined(separator: ", ") }
    private func text(_ value: Double, _ digits: Int) -> String { Decimal.format(value, significantDigits: digits) }
    private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
