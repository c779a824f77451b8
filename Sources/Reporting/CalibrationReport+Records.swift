import Calibration
import CrimsCore
import Protocol

extension CalibrationReport {
    private var periodMonths: [CivilMonth] {
        (facts.model.period.from.index...facts.model.period.to.index).map(CivilMonth.init(index:))
    }

    /// Months of the period that have no records, or too few.
    private var monthsWithout: [CivilMonth] { periodMonths.filter { !facts.months.contains($0) } }

    // MARK: - What went in

    func records(_ markup: inout Markup) {
        let accounting = facts.accounting
        var text =
            "\(ReportText.count(accounting.rows)) rows in \(ReportText.plural(accounting.files, "street file")) of "
            + "data.police.uk were read and \(ReportText.count(accounting.used)) used, each as one incident."
        if !accounting.repeatedFiles.isEmpty {
            text += " Left out, as an earlier archive has the same: \(ReportText.list(accounting.repeatedFiles))."
        }
        markup.paragraph(text)
        let used = periodMonths.map { month in
            facts.months.firstIndex(of: month).map { slot in
                facts.categories.reduce(0) { $0 + $1.totals[slot] }
            } ?? 0
        }
        markup.block("figure", ["class": "wide"]) { markup in
            markup.block("figcaption", [:], "Incidents used, by month")
            MonthBars(
                months: periodMonths, values: used, marked: accounting.thinMonths, missing: monthsWithout
            ).write(
                &markup, title: "Incidents used, by month",
                description: "Bars from \(ReportText.fixed(used.min() ?? 0, 0)) to "
                    + "\(ReportText.fixed(used.max() ?? 0, 0)) incidents a month.",
                label: { ReportText.short($0) })
            if !monthsWithout.isEmpty || !accounting.thinMonths.isEmpty {
                Self.key(
                    &markup,
                    [
                        ("box-accent", "incidents"), ("box-warm", "a thin month"),
                        ("gap", "a month that counts for nothing"),
                    ])
            }
        }
        // Two or three years fit a page.
        markup.block("details", periodMonths.count <= 36 ? ["open": ""] : [:]) { markup in
            markup.block("summary", [:], "Counts by month and category")
            countTable.write(&markup)
        }
    }

    /// Coloured by category, as categories differ more than months.
    private var countTable: ReportTable {
        var table = ReportTable(
            "Incidents used, by month and category; the stronger the colour, the more beside the same category's other "
                + "months",
            ["Month"] + names.map(ReportText.heading) + ["All"], isUpright: true)
        let ranges = facts.categories.map { ($0.totals.min() ?? 0, $0.totals.max() ?? 0) }
        for (slot, month) in facts.months.enumerated() {
            var cells = [ReportTable.Cell(month.text)]
            for (category, range) in zip(facts.categories, ranges) {
                let value = category.totals[slot]
                let share = range.1 > range.0 ? (value - range.0) / (range.1 - range.0) : 0
                cells.append(.init(ReportText.fixed(value, 0), heat: Int((share * 6).rounded())))
            }
            cells.append(.init(ReportText.fixed(facts.categories.reduce(0) { $0 + $1.totals[slot] }, 0)))
            table.rows.append(cells)
        }
        let sums = facts.categories.map { $0.totals.reduce(0, +) }
        table.total = (["All"] + (sums + [sums.reduce(0, +)]).map { ReportText.fixed($0, 0) }).map { .init($0) }
        return table
    }

    // MARK: - What was rejected

    func rejected(_ markup: inout Markup) {
        let accounting = facts.accounting
        let outside = accounting.rejected(.outsidePeriod)
        var text =
            "Of \(ReportText.count(rowsInPeriod)) rows in the period \(ReportText.count(rejectedInPeriod)) "
            + "(\(ReportText.percent(rejectedShare, 2))) could not be used."
        if outside > 0 { text += " Another \(ReportText.count(outside)) are of other months than those asked for." }
        markup.paragraph(text)
        let reasons = Accounting.Reason.allCases.filter { accounting.rejected($0) > 0 }
        if !reasons.isEmpty {
            var table = ReportTable(
                "Rows rejected, by the first reason that applies", text: ["What it means"],
                ["Reason", "Rows", "Of all rows", "What it means"])
            for reason in reasons {
                let rows = accounting.rejected(reason)
                table.rows.append([
                    .init(ReportText.heading(reason.text)), .init(ReportText.count(rows)),
                    .init(ReportText.percent(Double(rows) / Double(accounting.rows), 2)), .init(explanation(reason)),
                ])
            }
            table.write(&markup)
        }
        rejectedByMonth(&markup, reasons.filter { $0 != .outsidePeriod })
        let remarks = remarks
        if !remarks.isEmpty {
            markup.block("h3", [:], "What else was found")
            list(remarks, &markup)
        }
    }

    private func rejectedByMonth(_ markup: inout Markup, _ reasons: [Accounting.Reason]) {
        var months: [(month: CivilMonth, used: Int, rejected: [Int])] = periodMonths.map {
            ($0, 0, Array(repeating: 0, count: reasons.count))
        }
        var dateless = Array(repeating: 0, count: reasons.count)
        for entry in facts.accounting.entries {
            let slot = entry.month.map { $0.index - periodMonths[0].index }
            for (index, reason) in reasons.enumerated() {
                let rows = entry.rejected[reason.rawValue]
                if let slot, months.indices.contains(slot) {
                    months[slot].rejected[index] += rows
                } else {
                    dateless[index] += rows
                }
            }
            if let slot, months.indices.contains(slot) { months[slot].used += entry.used }
        }
        let shares = months.map { month -> Double in
            let rejected = month.rejected.reduce(0, +)
            return rejected > 0 ? Double(rejected) / Double(rejected + month.used) : 0
        }
        guard shares.contains(where: { $0 > 0 }) else { return }
        markup.block("figure", ["class": "wide"]) { markup in
            markup.block("figcaption", [:], "Rows rejected, as a part of each month's")
            MonthBars(months: periodMonths, values: shares, missing: monthsWithout).write(
                &markup, title: "Part of each month's rows that was rejected",
                description: "Bars from \(ReportText.percent(shares.min() ?? 0, 2)) to "
                    + "\(ReportText.percent(shares.max() ?? 0, 2)).",
                label: { ReportText.percent($0, (shares.max() ?? 0) < 0.01 ? 2 : (shares.max() ?? 0) < 0.04 ? 1 : 0) })
        }
        markup.block("details") { markup in
            markup.block("summary", [:], "Rejected rows by month and reason")
            var table = ReportTable(
                "Rows used and rejected, by month and reason",
                ["Month", "Used"] + reasons.map { ReportText.heading($0.text) })
            for month in months {
                table.rows.append(
                    ([month.month.text, ReportText.count(month.used)] + month.rejected.map { ReportText.count($0) })
                        .map { .init($0) })
            }
            if dateless.contains(where: { $0 > 0 }) {
                table.rows.append((["none or another", "0"] + dateless.map { ReportText.count($0) }).map { .init($0) })
            }
            table.write(&markup)
        }
    }

    private func explanation(_ reason: Accounting.Reason) -> String {
        switch reason {
        case .outsidePeriod: return "Of months that were not asked for; nothing is wrong with them."
        case .unknownCategory:
            let found = facts.accounting.entries.filter { $0.rejected[reason.rawValue] > 0 }.compactMap(\.category)
            return "Not one of the model's categories: \(ReportText.list(Set(found).sorted(), most: 5))."
        case .noLSOA: return "Published without a place."
        case .otherLSOA: return "The place's code is of another census, and its name does not tell the area."
        case .monthLeftOut: return "The month has less than a quarter of the usual rows, so it is no record of a month."
        case .unknownLSOA: return "The place's code is of another census, or of another country."
        case .outsideForce: return "The place lies in another force's area."
        case .malformedRow: return "Not as many fields as the file's first line, or a quotation mark too many."
        default: return ""
        }
    }

    /// What the account has to say that is not about reasons.
    private var remarks: [String] {
        facts.accounting.summary.dropFirst().filter { line in
            !Accounting.Reason.allCases.contains { line.contains("rejected: \($0.text)") }
        }.map { line in
            let text = line.drop { $0 == " " }
            return ReportText.heading(String(text)) + (text.hasSuffix(".") ? "" : ".")
        }
    }
}
