import Calibration
import CrimsCore
import Protocol

extension CalibrationReport {
    /// Rows of the months asked for, and those of them that could not be used.
    var rowsInPeriod: Int { facts.accounting.rows - facts.accounting.rejected(.outsidePeriod) }
    var rejectedInPeriod: Int { rowsInPeriod - facts.accounting.used }
    var rejectedShare: Double { rowsInPeriod > 0 ? Double(rejectedInPeriod) / Double(rowsInPeriod) : 0 }

    func summary(_ markup: inout Markup) {
        let months = facts.model.period.to.index - facts.model.period.from.index + 1
        markup.paragraph(
            "The model expects \(ReportText.number(yearly)) recorded incidents a year in "
                + "\(ReportText.plural(areas.count, "area (an MSOA of 2011)", "areas (MSOAs of 2011)")) of "
                + "\(facts.forceName) with "
                + "\(ReportText.count(residents)) residents, at the level of \(facts.model.period.to.text). It was "
                + "estimated from \(ReportText.count(facts.accounting.used)) incidents of "
                + "\(ReportText.plural(names.count, "category", "categories")) in "
                + "\(ReportText.plural(facts.months.count, "month")), \(period).")
        markup.paragraph(quality)
        markup.block("ul", ["class": "tiles"]) { markup in
            tile(&markup, "Incidents used", ReportText.count(facts.accounting.used))
            tile(&markup, "Areas", ReportText.count(areas.count))
            tile(&markup, "Expected a year", ReportText.number(yearly))
            tile(&markup, "Months with records", "\(facts.months.count) of \(months)")
            tile(&markup, "Rows rejected", ReportText.percent(rejectedShare, rejectedShare < 0.01 ? 2 : 1))
            if let found = facts.backtest.map(BacktestJudgement.init) {
                tile(&markup, "Error beside the best simple rule", ReportText.change(found.excess))
                tile(&markup, "Counts in their 90 % interval", ReportText.percent(found.score.pit90))
                tile(&markup, "Totals in their 90 % interval", ReportText.percent(found.score.totalCoverage))
            }
        }
        markup.block("h3", [:], "What is wrong with the records")
        let concerns = concerns
        if concerns.isEmpty {
            markup.paragraph("Nothing was found: no month is missing or thin, and there is no break in the test.")
        } else {
            list(concerns, &markup)
        }
        markup.block("h3", [:], "Before you use a number")
        list(
            [
                "Only the month of a crime is known. Days and hours in the model are assumed.",
                "Places are moved a little before they are published, so an incident may lie in the area next door.",
                "These are crimes that the police recorded, not crimes that happened.",
                "It is synthetic data for research. Nothing here says where officers should go.",
            ], &markup)
        markup.block("p") { markup in
            markup.text("More of this is under ")
            markup.link(to: "caveats", "What not to read into it")
            markup.text(".")
        }
    }

    func list(_ items: [String], _ markup: inout Markup) {
        markup.block("ul") { markup in for item in items { markup.block("li", [:], item) } }
    }

    private func tile(_ markup: inout Markup, _ name: String, _ value: String) {
        markup.element("li") { markup in
            markup.element("strong", [:], value)
            markup.text(" ")
            markup.element("span", [:], name)
        }
    }

    /// How good the model is, in sentences.
    private var quality: String {
        guard let backtest = facts.backtest else {
            return "How well it forecasts is not known: that takes at least 14 months with records, 12 to learn from "
                + "and 2 to forecast, and there are \(facts.months.count)."
        }
        let found = BacktestJudgement(backtest)
        return "In a test on \(ReportText.plural(backtest.months.count, "month")) that it had not seen, each forecast "
            + "at most two months ahead, \(found.comparison) \(found.calibration)"
    }

    private var concerns: [String] {
        let accounting = facts.accounting
        var concerns: [String] = []
        if !accounting.missingMonths.isEmpty {
            concerns.append(
                "There are no records of \(ReportText.list(accounting.missingMonths)): they count for nothing.")
        }
        if !accounting.monthsLeftOut.isEmpty {
            concerns.append(
                "Less than a quarter of the usual rows, and left out: \(ReportText.list(accounting.monthsLeftOut)).")
        }
        if !accounting.gaps.isEmpty {
            concerns.append(
                "No row of a category that the months around have many of, counted as 0: "
                    + "\(ReportText.list(accounting.gaps.map { "\($0.category) in \($0.month.text)" })).")
        }
        if !accounting.thinMonths.isEmpty {
            concerns.append(
                "Less than half the usual rows, and used all the same: \(ReportText.list(accounting.thinMonths)).")
        }
        if rejectedShare >= 0.01 {
            concerns.append(
                "\(ReportText.percent(rejectedShare)) of the period's rows could not be used, so rates may be too "
                    + "low by as much.")
        }
        if let breaks = facts.backtest?.breaks, !breaks.isEmpty {
            concerns.append(
                "A break: in \(ReportText.list(breaks)) half or more of the totals were outside what the months before "
                    + "let expect. A model that has learnt from both sides of a break describes neither well.")
        }
        if !accounting.outcomeMonthsLeftOut.isEmpty {
            concerns.append(
                "Many outcomes are not known in \(ReportText.list(accounting.outcomeMonthsLeftOut)): left out of the "
                    + "suspect probabilities.")
        }
        if !accounting.unrecognisedOutcomes.isEmpty {
            concerns.append("Some outcomes are none that data.police.uk documents; they count as not known.")
        }
        return concerns
    }
}

/// What a back-test comes to, in words.
struct BacktestJudgement {
    let score: ForecastScore
    /// Of the methods that anybody could use, the one with the least deviance.
    let baseline: ForecastMethod
    /// The model's deviance beyond the baseline's, as a part of that; below 0 if the model is better.
    let excess: Double

    static let baselines = ForecastMethod.allCases.filter { $0 != .model && $0 != .poisson }

    init(_ backtest: Backtest) {
        score = backtest.score(.model)
        var best = (method: Self.baselines[0], deviance: Double.infinity)
        for method in Self.baselines {
            let deviance = backtest.score(method).deviance
            if deviance < best.deviance { best = (method, deviance) }
        }
        baseline = best.method
        excess = best.deviance > 0 ? score.deviance / best.deviance - 1 : 0
    }

    var comparison: String {
        let rule = "the best of \(Self.baselines.count) simple rules (\(baseline.rule))"
        return excess < -0.005
            ? "its error was \(ReportText.percent(-excess)) smaller than that of \(rule)."
            : excess <= 0.005
                ? "it was as good as \(rule)."
                : "its error was \(ReportText.percent(excess)) larger than that of \(rule): something in these records "
                    + "does not suit the model."
    }

    var calibration: String {
        let counts = ReportText.percent(score.pit90)
        let totals = ReportText.percent(score.totalCoverage)
        let judgement =
            score.pit90 < 0.87
            ? "so its intervals are too narrow"
            : score.pit90 > 0.93 ? "so its intervals are too wide" : "as it should be"
        return "Of the counts by area, \(counts) were within the range that 90 % should be in, \(judgement); of the "
            + "force's monthly totals, \(totals)."
    }
}

extension ForecastMethod {
    /// A baseline in words that need no explanation.
    var rule: String {
        switch self {
        case .raw: "an area's mean in the same calendar month"
        case .seasonal: "an area's mean times the force's season"
        case .lastYear: "an area's count a year before"
        case .lastTwelve: "an area's mean of the last twelve months"
        case .model, .poisson: description
        }
    }
}
