import Calibration
import CrimsCore
import Protocol

extension CalibrationReport {
    // MARK: - Over the year

    func season(_ markup: inout Markup) {
        markup.paragraph(
            "Each category has one pattern of the year, which all areas share: a factor for each calendar month, 1 being "
                + "the mean. The dots are the months counted, their growth taken out; the line is what is estimated from "
                + "them, drawn towards 1 by as much as the same month of different years differs; the band is its 95 % "
                + "interval. A flat line says that no season could be told from chance.")
        Self.key(
            &markup,
            [("line-accent", "estimated factor"), ("band", "95 % interval"), ("dot", "a month counted")])
        multiples(&markup, "Seasonal curves by category") { markup, category in
            let season = facts.categories[category].season
            markup.svg(
                260, 150, title: "\(ReportText.heading(names[category])) over the year",
                description: description(of: season)
            ) { seasonPlot(&$0, season) }
        }
    }

    private func description(of season: CalibrationFacts.Season) -> String {
        let order = season.pattern.indices.sorted { season.pattern[$0] > season.pattern[$1] }
        guard let high = order.first, let low = order.last, season.pattern[high] > season.pattern[low] + 0.005 else {
            return "Flat: no season could be told from chance."
        }
        return "Highest in month \(high + 1) with \(ReportText.fixed(season.pattern[high], 2)), lowest in month "
            + "\(low + 1) with \(ReportText.fixed(season.pattern[low], 2))."
    }

    private func seasonPlot(_ markup: inout Markup, _ season: CalibrationFacts.Season) {
        let band = (0..<12).map { month in
            let margin = 1.96 * season.error[month]
            return (
                x: Double(month + 1), low: max(0, season.pattern[month] - margin), high: season.pattern[month] + margin
            )
        }
        // So little that a flat year looks flat.
        let low = min(0.75, season.ratios.min() ?? 1, band.map(\.low).min() ?? 1)
        let high = max(1.25, season.ratios.max() ?? 1, band.map(\.high).max() ?? 1)
        let frame = PlotFrame(
            x: Scale(0.5, 12.5, from: 32, to: 254), y: Scale(low - 0.02, high + 0.02, from: 128, to: 6))
        frame.yAxis(&markup, ticks: 5)
        frame.baseline(&markup)
        for month in 1...12 { frame.xLabel(&markup, Double(month), ReportText.monthLetters[month - 1]) }
        frame.band(&markup, band, class: "fill-band")
        frame.line(&markup, [(0.5, 1), (12.5, 1)], class: "line-dash")
        if !season.ratios.isEmpty {
            frame.dots(
                &markup, zip(facts.months, season.ratios).map { (x: Double($0.month), y: $1) }, class: "dots")
        }
        frame.line(&markup, band.indices.map { (x: band[$0].x, y: season.pattern[$0]) }, class: "line-accent")
    }

    // MARK: - Month by month

    func course(_ markup: inout Markup) {
        var text =
            "Dots are the force's monthly totals. On the right, the twelve months after the period: what the model "
            + "expects, and the range that nine of ten of its runs lie in. It takes in how the level wanders in two "
            + "months, so the later a month the more often it will be outside."
        if let backtest = facts.backtest, let first = backtest.months.first {
            text +=
                " The range from \(first.text) on is the test: what was forecast from the months before, at most two months "
                + "ahead."
        }
        text +=
            " The dashed line is the estimated level carried back through the period; recent months weigh most, so it "
            + "need not follow the first ones."
        markup.paragraph(text)
        Self.key(
            &markup,
            [("dot", "counted"), ("line-accent", "forecast")]
                + (facts.backtest == nil ? [] : [("band", "90 % range in the test")])
                + [("ahead", "90 % range ahead"), ("line-dash", "level carried back")])
        multiples(&markup, "Monthly totals and forecasts by category") { markup, category in
            let found = facts.categories[category]
            let next = found.ahead[0]
            markup.svg(
                260, 150, title: "\(ReportText.heading(names[category])) by month",
                description: "Counted \(ReportText.number(found.totals.min() ?? 0)) to "
                    + "\(ReportText.number(found.totals.max() ?? 0)) a month; \(next.month.text) is expected to have "
                    + "\(ReportText.number(next.expected)), from \(ReportText.count(next.interval.low)) to "
                    + "\(ReportText.count(next.interval.high))."
            ) { coursePlot(&$0, found, category) }
        }
    }

    private func coursePlot(_ markup: inout Markup, _ found: CalibrationFacts.Category, _ category: Int) {
        let ahead = found.ahead
        let tested =
            facts.backtest.map { backtest in
                zip(backtest.months, backtest.totals).map { (month: $0, total: $1[category]) }
            } ?? []
        let most =
            (found.totals + found.course + ahead.map { Double($0.interval.high) }
            + tested.map { Double($0.total.interval.high) }).max() ?? 1
        let frame = PlotFrame(
            x: PlotFrame.months(facts.months[0], ahead[ahead.count - 1].month, from: 38, to: 254),
            y: Scale(upTo: most, from: 128, to: 6))
        frame.yAxis(&markup)
        frame.monthAxis(&markup)
        func x(_ month: CivilMonth) -> Double { Double(month.index) }
        for run in Self.runs(tested.map(\.month)) {
            let part = tested[run]
            frame.band(
                &markup,
                part.map { (x($0.month), Double($0.total.interval.low), Double($0.total.interval.high)) },
                class: "fill-band")
            frame.line(&markup, part.map { (x($0.month), $0.total.expected) }, class: "line-accent")
        }
        frame.band(
            &markup, ahead.map { (x($0.month), Double($0.interval.low), Double($0.interval.high)) }, class: "fill-ahead"
        )
        frame.line(&markup, ahead.map { (x($0.month), $0.expected) }, class: "line-accent")
        frame.line(&markup, zip(facts.months, found.course).map { (x($0), $1) }, class: "line-dash")
        let end = x(facts.model.period.to) + 0.5
        frame.line(&markup, [(end, 0), (end, frame.y.upper)], class: "line-thin")
        frame.dots(&markup, zip(facts.months, found.totals).map { (x: x($0), y: $1) }, class: "dots")
    }

    /// Stretches of months without a gap.
    private static func runs(_ months: [CivilMonth]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for slot in months.indices {
            if slot > 0, months[slot].index == months[slot - 1].index + 1 {
                runs[runs.count - 1] = runs[runs.count - 1].lowerBound..<slot + 1
            } else {
                runs.append(slot..<slot + 1)
            }
        }
        return runs
    }

    // MARK: - Hours of the week

    private static let weekClasses = Classes(bounds: [0.4, 0.7, 0.9, 1.1, 1.4, 2])

    func week(_ markup: inout Markup) {
        markup.block("p", ["class": "warning"]) { markup in
            markup.element("strong", [:], "A proxy. ")
            markup.text(
                "data.police.uk publishes no days and no hours. These weights come from American cities that publish "
                    + "times (Chicago, Boston and Atlanta). They are the same in all areas and assumed, not observed.")
        }
        markup.paragraph("A weight of 2 makes an hour twice as busy as the mean hour of the week.")
        Self.legend(&markup, Self.weekClasses, unit: "times the mean hour")
        multiples(&markup, "Weights of the hours of the week by category") { markup, category in
            let row =
                facts.model.crimes.firstIndex { $0.category == category }
                .map { facts.model.profileOfCrime[$0] } ?? category
            let weights = Array(facts.model.profiles[row * 168..<(row + 1) * 168])
            let order = weights.indices.sorted { weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1 }
            markup.svg(
                260, 112, title: "\(ReportText.heading(names[category])) by hour of the week",
                description: "Most on \(hour(order[0], weights)), least on \(hour(order[167], weights))."
            ) { weekPlot(&$0, weights) }
        }
    }

    private func hour(_ hour: Int, _ weights: [Double]) -> String {
        "\(ReportText.days[hour / 24]) from \(hour % 24):00 (\(ReportText.fixed(weights[hour], 2)))"
    }

    private func weekPlot(_ markup: inout Markup, _ weights: [Double]) {
        let (left, top, width, height) = (34.0, 4.0, 9.0, 12.4)
        var paths = Array(repeating: PathData(), count: Classes.most)
        for day in 0..<7 {
            var hour = 0
            while hour < 24 {
                let colour = Self.weekClasses.colour(weights[day * 24 + hour])
                var end = hour + 1
                while end < 24, Self.weekClasses.colour(weights[day * 24 + end]) == colour { end += 1 }
                paths[colour].box(
                    left + Double(hour) * width, top + Double(day) * height, Double(end - hour) * width, height - 0.6)
                hour = end
            }
            PlotFrame.label(
                &markup, left - 5, top + (Double(day) + 0.5) * height + 3, String(ReportText.days[day].prefix(3)),
                anchor: "end")
        }
        for (colour, path) in paths.enumerated() where !path.text.isEmpty {
            markup.void("path", ["class": "box-\(colour)", "d": path.text])
        }
        for hour in stride(from: 0, through: 24, by: 6) {
            PlotFrame.label(&markup, left + Double(hour) * width, top + 7 * height + 12, "\(hour)", anchor: "middle")
        }
    }
}
