import Calibration
import CrimsCore
import Protocol

extension CalibrationReport {
    // MARK: - Dispersion

    func dispersion(_ markup: inout Markup) {
        markup.paragraph(
            "Counts vary more from month to month than chance alone would make them (a Poisson process has a standard "
                + "deviation of the root of its mean). The rest has two parts, given here as standard deviations: what "
                + "all areas of the force share in a month, and what each area has for itself. A run draws both anew for "
                + "each month. A shared part of 10 % says that in about two of three months all rates of that category "
                + "are within 10 % of what is expected, beyond chance.")
        let dispersion = facts.model.dispersion.map { (shared: $0.shared.squareRoot(), own: $0.own.squareRoot()) }
        let plot = RowPlot(
            names.map(ReportText.heading), upTo: max(0.05, dispersion.map { max($0.shared, $0.own) }.max() ?? 0))
        markup.block("div", ["class": "beside"]) { markup in
            markup.block("figure") { markup in
                markup.block("figcaption", [:], "Variation beyond chance")
                markup.svg(
                    RowPlot.width, plot.height, title: "Variation beyond chance, by category",
                    description: "Standard deviations of the part that all areas share and of each area's own; the "
                        + "figures are in the table."
                ) { markup in
                    plot.axes(&markup, title: "standard deviation of a month's rate") { ReportText.percent($0, 0) }
                    var lines = PathData()
                    for (row, found) in dispersion.enumerated() {
                        lines.move(plot.frame.x(found.shared), plot.y(row))
                        lines.line(plot.frame.x(found.own), plot.y(row))
                    }
                    markup.void("path", ["class": "line-thin", "d": lines.text])
                    var shared = PathData()
                    var own = PathData()
                    for (row, found) in dispersion.enumerated() {
                        shared.dot(plot.frame.x(found.shared), plot.y(row))
                        own.box(plot.frame.x(found.own) - 3.5, plot.y(row) - 3.5, 7, 7)
                    }
                    markup.void("path", ["class": "dots-large", "d": shared.text])
                    if areas.count > 1 { markup.void("path", ["class": "box-open", "d": own.text]) }
                }
                Self.key(
                    &markup,
                    [("dot-large", "shared by all areas")] + (areas.count > 1 ? [("box-open", "an area's own")] : []))
            }
            dispersionTable(dispersion).write(&markup)
        }
        if areas.count == 1 { markup.note("With one area the two parts are one: all of it is called shared.") }
    }

    private func dispersionTable(_ dispersion: [(shared: Double, own: Double)]) -> ReportTable {
        var table = ReportTable(
            "Standard deviations, and what they make of the force's total in "
                + (facts.categories.first?.ahead[0].month.text ?? ""),
            ["Category", "Shared", "Own", "Expected", "90 % range", "By chance alone"])
        for ((name, category), found) in zip(zip(names, facts.categories), dispersion) {
            let next = category.ahead[0]
            let chance = 1.645 * next.expected.squareRoot()
            table.rows.append([
                .init(ReportText.heading(name)), .init(ReportText.percent(found.shared)),
                .init(areas.count > 1 ? ReportText.percent(found.own) : ReportText.none),
                .init(ReportText.number(next.expected)),
                .init("\(ReportText.count(next.interval.low)) to \(ReportText.count(next.interval.high))"),
                .init(
                    "\(ReportText.fixed(max(0, next.expected - chance), 0)) to "
                        + ReportText.fixed(next.expected + chance, 0)),
            ])
        }
        return table
    }

    // MARK: - Suspects

    func suspects(_ markup: inout Markup) {
        markup.paragraph(
            "The probability that a suspect is identified is the share of incidents with a suspect among those whose "
                + "outcome is known; a suspect counts also where nobody could be prosecuted. Outcomes that are not known, or not "
                + "yet, are in neither. The bars show how far that could be wrong: the lower end counts all of them as no "
                + "suspect, the upper end all as one.")
        let rows = names.indices.filter { facts.categories[$0].suspects.hasOutcomes }
        guard rows.contains(where: { facts.categories[$0].suspects.known > 0 }) else {
            markup.paragraph("No outcome is known in these records, so all probabilities are 0.")
            return
        }
        let plot = RowPlot(rows.map { ReportText.heading(names[$0]) }, upTo: 1)
        markup.block("div", ["class": "beside"]) { markup in
            markup.block("figure") { markup in
                markup.block("figcaption", [:], "Incidents with a suspect")
                markup.svg(
                    RowPlot.width, plot.height, title: "Share of incidents with a suspect, by category",
                    description: "Estimates with their bounds; the figures are in the table."
                ) { markup in
                    plot.axes(&markup, title: "with a suspect") { ReportText.percent($0, 0) }
                    var bounds = PathData()
                    var dots = PathData()
                    for (row, category) in rows.enumerated() {
                        let found = facts.categories[category].suspects
                        if let least = found.least, let most = found.most {
                            let start = plot.frame.x(least)
                            bounds.box(start, plot.y(row) - 4, max(1, plot.frame.x(most) - start), 8)
                        }
                        dots.dot(plot.frame.x(found.mean), plot.y(row))
                    }
                    markup.void("path", ["class": "fill-ahead", "d": bounds.text])
                    markup.void("path", ["class": "dots-large", "d": dots.text])
                }
                Self.key(&markup, [("dot-large", "estimate"), ("ahead", "between the bounds")])
            }
            suspectTable(rows).write(&markup)
        }
        if let without = names.indices.first(where: { !facts.categories[$0].suspects.hasOutcomes }) {
            markup.note("\(ReportText.heading(names[without])) has no outcomes: its probability is 0.")
        }
        unknownOutcomes(&markup)
    }

    private func suspectTable(_ rows: [Int]) -> ReportTable {
        var table = ReportTable(
            "Outcomes and the probability of a suspect",
            ["Category", "With a suspect", "With none", "Not known", "Estimate", "If none", "If all"])
        for category in rows {
            let found = facts.categories[category].suspects
            table.rows.append([
                .init(ReportText.heading(names[category])), .init(ReportText.count(found.identified)),
                .init(ReportText.count(found.none)), .init(ReportText.count(found.unknown)),
                .init(ReportText.percent(found.mean)),
                .init(found.least.map { ReportText.percent($0) } ?? ReportText.none),
                .init(found.most.map { ReportText.percent($0) } ?? ReportText.none),
            ])
        }
        return table
    }

    private func unknownOutcomes(_ markup: inout Markup) {
        let leftOut = facts.accounting.outcomeMonthsLeftOut
        if leftOut.isEmpty {
            markup.paragraph("No month had unusually many outcomes that are not known; all are used.")
        } else {
            markup.paragraph(
                "Left out of these figures, having unusually many outcomes that are not known: "
                    + "\(ReportText.list(leftOut)). Such a month is no sample: what is known of it is not like the rest."
            )
        }
        markup.block("figure", ["class": "wide"]) { markup in
            markup.block("figcaption", [:], "Outcomes not known, by month")
            MonthBars(months: facts.months, values: facts.unknownOutcomes, marked: leftOut).write(
                &markup, title: "Outcomes not known, by month",
                description: "Bars from \(ReportText.percent(facts.unknownOutcomes.min() ?? 0)) to "
                    + "\(ReportText.percent(facts.unknownOutcomes.max() ?? 0)).",
                label: { ReportText.percent($0, (facts.unknownOutcomes.max() ?? 0) < 0.04 ? 1 : 0) })
            if !leftOut.isEmpty { Self.key(&markup, [("box-accent", "used"), ("box-warm", "left out")]) }
        }
    }

    // MARK: - Offences

    private static let offencesShown = 3

    func offences(_ markup: inout Markup) {
        markup.paragraph(
            "Within a category the model draws offence codes with the shares that the force recorded in 2017/18 (ONS). "
                + "They are the same in all areas and months.")
        var table = ReportTable(
            "The most frequent offences of each category", text: ["Most frequent", "Shares from"],
            ["Category", "Offences", "Most frequent", "Shares from"])
        for (category, name) in names.enumerated() {
            let crimes = facts.model.crimes.filter { $0.category == category }
            let order = crimes.indices.sorted { left, right in
                crimes[left].share != crimes[right].share ? crimes[left].share > crimes[right].share : left < right
            }
            let shown = order.prefix(Self.offencesShown).map {
                "\(crimes[$0].description) (\(ReportText.percent(crimes[$0].share, 0)))"
            }
            let source =
                crimes.count == 1
                ? "one offence" : facts.categories[category].hasOwnOffences ? "the force" : "all forces"
            table.rows.append([
                .init(ReportText.heading(name)), .init(ReportText.count(crimes.count)),
                .init(shown.joined(separator: "; ")), .init(source),
            ])
        }
        table.write(&markup)
    }
}

extension CalibrationFacts.Suspects {
    var known: Int { identified + none }
    private var all: Double { Double(known + unknown) }
    /// The share with a suspect if nobody was identified where it is not known; nil without incidents.
    var least: Double? { all > 0 ? Double(identified) / all : nil }
    /// The same if somebody was.
    var most: Double? { all > 0 ? Double(identified + unknown) / all : nil }
}
