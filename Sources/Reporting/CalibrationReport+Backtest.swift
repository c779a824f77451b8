import Calibration
import CrimsCore
import Protocol

extension CalibrationReport {
    func backtest(_ markup: inout Markup) {
        guard let backtest = facts.backtest else {
            markup.paragraph(
                "There is no test: it takes at least 14 months with records, 12 to learn from and 2 to forecast, and there "
                    + "are \(facts.months.count). How well this model forecasts is not known.")
            return
        }
        let judgement = BacktestJudgement(backtest)
        markup.paragraph(
            "The test forecasts months that the model has not seen, and looks at what came. It learns from the first 12 months, "
                + "forecasts the next two, learns from 14, forecasts the next two, and so on; each forecast is of a cell, that "
                + "is an area, category and month. \(ReportText.heading(judgement.comparison)) \(judgement.calibration)"
        )
        methodTable(backtest).write(&markup)
        measures(&markup)
        markup.block("div", ["class": "pair"]) { markup in
            markup.block("figure") { markup in
                markup.block("figcaption", [:], "Error of the simple rules beside the model's, by month")
                ErrorPlot(backtest: backtest).write(&markup)
            }
            markup.block("figure") { markup in
                markup.block("figcaption", [:], "Where counts lay in their forecasts")
                tenths(&markup, backtest)
                markup.note(
                    "Each forecast is parted into ten ranges of equal probability. If forecasts are right, each range gets a "
                        + "tenth of the counts. High ends say that forecasts are too sure, a slope that they are too low or too "
                        + "high.")
            }
        }
        markup.block("figure") { markup in
            markup.block("figcaption", [:], "The force's totals outside their 90 % range")
            MissPlot(backtest: backtest).write(&markup)
            Self.key(
                &markup,
                [("above", "above the range"), ("below", "below it"), ("inside", "inside it")])
        }
        breaks(&markup, backtest)
        categoryTable(backtest).write(&markup)
        markup.block("details") { markup in
            markup.block("summary", [:], "By month, and the settings chosen at each step")
            monthTable(backtest).write(&markup)
            splitTable(backtest).write(&markup)
        }
    }

    private func methodTable(_ backtest: Backtest) -> ReportTable {
        var table = ReportTable(
            "Forecasts of \(ReportText.count(backtest.score(.model).cells)) cells in "
                + "\(ReportText.plural(backtest.months.count, "month")), by method",
            [
                "Method", "Deviance", "Beside the model", "Mean error", "CRPS", "Log score", "PIT 90\u{A0}%",
                "PIT 50\u{A0}%",
                "Totals inside", "PAI 5\u{A0}%", "PAI 10\u{A0}%",
            ])
        let model = backtest.score(.model).deviance
        for method in ForecastMethod.allCases {
            let score = backtest.score(method)
            table.rows.append(
                [
                    .init(
                        ReportText.heading(method.rule)
                            + (BacktestJudgement.baselines.contains(method) ? " (\(method.rawValue))" : "")),
                    .init(ReportText.fixed(score.deviance, 0)),
                    .init(model > 0 ? ReportText.change(score.deviance / model - 1) : ReportText.none),
                    .init(ReportText.fixed(score.meanAbsoluteError, 3)),
                    .init(ReportText.fixed(score.meanRankedScore, 3)),
                    .init(ReportText.fixed(score.meanLogScore, 3)), .init(ReportText.percent(score.pit90)),
                    .init(ReportText.percent(score.pit50)), .init(ReportText.percent(score.totalCoverage)),
                ]
                    + [0, 1].map { index in
                        .init(areas.count > 1 ? ReportText.fixed(score.accuracyIndex(index), 2) : ReportText.none)
                    })
        }
        return table
    }

    private func measures(_ markup: inout Markup) {
        markup.block("details") { markup in
            markup.block("summary", [:], "What the measures are")
            markup.block("dl", ["class": "terms"]) { markup in
                for (term, text) in [
                    (
                        "Deviance",
                        "Poisson deviance, summed over cells: how far counts are from what was forecast. Less is "
                            + "better."
                    ),
                    ("Mean error", "Mean absolute error of a cell, in incidents. Less is better."),
                    (
                        "CRPS and log score",
                        "How good a forecast's whole distribution is, in incidents and as −log of the probability that it "
                            + "gave to what came. Less is better."
                    ),
                    (
                        "PIT 90 % and 50 %",
                        "The part of the counts that lay in the central 90 % and 50 % of their forecast: 90 % and 50 % if "
                            + "it is right. Simple rules forecast no distribution; their counts are taken as Poisson."
                    ),
                    (
                        "Totals inside",
                        "The part of the force's totals, by category and month, inside their 90 % range."
                    ),
                    (
                        "PAI",
                        "Prediction accuracy index: how much denser incidents were in the 5 % and 10 % of the force's area "
                            + "that were forecast densest. 1 is no better than chance."
                    ),
                ] {
                    markup.element("dt", [:], term)
                    markup.block("dd", [:], text)
                }
            }
        }
    }

    private func tenths(_ markup: inout Markup, _ backtest: Backtest) {
        let score = backtest.score(.model)
        let shares = score.pitTenths.map { score.cells > 0 ? $0 / Double(score.cells) : 0 }
        markup.svg(
            400, 190, title: "Where counts lay in their forecasts",
            description: "Of the counts " + shares.map { ReportText.percent($0) }.joined(separator: ", ")
                + " lay in the ten tenths of their forecast, from the lowest to the highest."
        ) { markup in
            let frame = PlotFrame(
                x: Scale(0, 10, from: 46, to: 392), y: Scale(upTo: max(0.15, shares.max() ?? 0), from: 154, to: 8))
            frame.yAxis(&markup) { ReportText.percent($0, 0) }
            frame.bars(
                &markup, shares.enumerated().map { (x: Double($0) + 0.5, y: $1) }, width: 0.9, class: "fill-accent")
            frame.line(&markup, [(0, 0.1), (10, 0.1)], class: "line-dash")
            frame.baseline(&markup)
            frame.xLabel(&markup, 0, "lowest tenth", anchor: "start")
            frame.xLabel(&markup, 10, "highest tenth", anchor: "end")
        }
    }

    private func breaks(_ markup: inout Markup, _ backtest: Backtest) {
        if backtest.breaks.isEmpty {
            markup.paragraph("There is no break: in no month half or more of the totals are outside.")
        } else {
            markup.block("p", ["class": "warning"]) { markup in
                markup.element("strong", [:], "A break. ")
                markup.text(
                    "In \(ReportText.list(backtest.breaks)) half or more of the force's totals are outside their ranges: "
                        + "something happened that the months before knew nothing of. "
                        + (backtest.breaks.contains { Self.pandemic.contains($0.index) }
                            ? "From March 2020 on that was the pandemic. " : "")
                        + "These months weigh in the model like others; end the period before a break, or begin after it, if "
                        + "they should not.")
            }
        }
        if !backtest.missing.isEmpty {
            markup.paragraph("Not scored, having no records: \(ReportText.list(backtest.missing)).")
        }
    }

    private static let pandemic =
        CivilMonth(year: 2020, month: 3).index...CivilMonth(year: 2021, month: 7).index

    private static var devianceTitles: [String] {
        ["Model"] + BacktestJudgement.baselines.map { ReportText.heading($0.rawValue) } + [
            "PIT 90\u{A0}%", "Totals inside",
        ]
    }

    private func devianceRow(_ backtest: Backtest, _ name: String, category: Int?, month: Int?) -> [ReportTable.Cell] {
        let model = backtest.score(.model, category: category, month: month)
        let deviances =
            [model.deviance]
            + BacktestJudgement.baselines.map {
                backtest.score($0, category: category, month: month).deviance
            }
        return [.init(name)] + deviances.map { .init(ReportText.fixed($0, 0)) } + [
            .init(ReportText.percent(model.pit90)), .init("\(model.totalsCovered) of \(model.totals)"),
        ]
    }

    private func categoryTable(_ backtest: Backtest) -> ReportTable {
        var table = ReportTable("Deviance by category", ["Category"] + Self.devianceTitles)
        table.rows = names.enumerated().map {
            devianceRow(backtest, ReportText.heading($1), category: $0, month: nil)
        }
        table.total = devianceRow(backtest, "All", category: nil, month: nil)
        return table
    }

    private func monthTable(_ backtest: Backtest) -> ReportTable {
        var table = ReportTable("Deviance by month", ["Month"] + Self.devianceTitles)
        table.rows = backtest.months.enumerated().map { devianceRow(backtest, $1.text, category: nil, month: $0) }
        return table
    }

    private func splitTable(_ backtest: Backtest) -> ReportTable {
        var table = ReportTable(
            "Steps of the test, and the half-lives chosen within the months learnt from",
            text: ["Forecast", "Of the level", "Of the areas' shares"],
            ["Learnt from", "Forecast", "Of the level", "Of the areas' shares"])
        table.rows = backtest.splits.map { split in
            [
                .init("\(split.train.from.text) to \(split.train.to.text)"),
                .init("\(split.test.from.text) to \(split.test.to.text)"),
                .init(ReportText.months(split.recency.level)), .init(ReportText.months(split.recency.areas)),
            ]
        }
        return table
    }
}
