import Calibration
import CrimsCore

/// The deviance of the simple rules as a multiple of the model's, month by month.
struct ErrorPlot {
    var backtest: Backtest

    func write(_ markup: inout Markup) {
        let months = backtest.months
        let model = months.indices.map { backtest.score(.model, month: $0).deviance }
        let ratios: [[Double]] = BacktestJudgement.baselines.map { method in
            months.indices.map { slot in
                model[slot] > 0 ? backtest.score(method, month: slot).deviance / model[slot] : 1
            }
        }
        // A rule that is far worse would flatten what is worth seeing.
        let means = ratios.map { $0.reduce(0, +) / Double($0.count) }
        let shown = means.indices.filter { means[$0] <= max(Self.ratioMax, means.min() ?? 0) }
        let all: [Double] = shown.flatMap { ratios[$0] } + [1]
        markup.svg(
            400, 190, title: "Error of the simple rules beside the model's, by month",
            description: "Deviance as a multiple of the model's: from \(ReportText.fixed(all.min() ?? 1, 2)) to "
                + "\(ReportText.fixed(all.max() ?? 1, 2)); above 1 the model is better."
        ) { markup in
            let frame = PlotFrame(
                x: PlotFrame.months(months[0], months[months.count - 1], from: 46, to: 392),
                y: Scale(min(0.8, all.min() ?? 1), max(1.2, all.max() ?? 1) * 1.03, from: 154, to: 8))
            frame.yAxis(&markup)
            frame.monthAxis(&markup)
            for index in shown {
                frame.line(
                    &markup, zip(months, ratios[index]).map { (x: Double($0.index), y: $1) }, class: "rule-\(index)")
            }
            frame.line(&markup, [(frame.x.lower, 1), (frame.x.upper, 1)], class: "line-accent")
        }
        CalibrationReport.key(
            &markup,
            [("line-accent", "the model")]
                + shown.map { ("rule-\($0)", BacktestJudgement.baselines[$0].rawValue) })
        let left = means.indices.filter { !shown.contains($0) }.map {
            "\(BacktestJudgement.baselines[$0].rawValue) (\(ReportText.fixed(means[$0], 1)) times)"
        }
        if !left.isEmpty { markup.note("Beyond the plot: \(ReportText.list(left)).") }
    }

    private static let ratioMax = 1.5
}

/// Which of the force's totals were above or below their ranges.
struct MissPlot {
    var backtest: Backtest

    func write(_ markup: inout Markup) {
        let months = backtest.months
        let names = backtest.categories
        let outside = backtest.totals.flatMap(\.self).count { !$0.interval.contains($0.counted) }
        let bottom = 8 + Double(names.count) * 16
        markup.svg(
            480, bottom + 24, class: "plot large", title: "Totals outside their 90 % range, by category and month",
            description: "\(outside) of \(backtest.totals.count * names.count) totals are outside."
        ) { markup in
            let frame = PlotFrame(
                x: PlotFrame.months(months[0], months[months.count - 1], from: 172, to: 474),
                y: Scale(0, 1, from: bottom, to: 6))
            var above = PathData()
            var below = PathData()
            var inside = PathData()
            let size = min(
                5, (frame.right - frame.left) / Double(months[months.count - 1].index - months[0].index + 1) / 2)
            for (slot, month) in months.enumerated() {
                let x = frame.x(Double(month.index))
                if backtest.breaks.contains(month) {
                    markup.void(
                        "rect",
                        [
                            "class": "fill-break", "x": coordinate(x - size * 1.2), "y": "4",
                            "width": coordinate(size * 2.4), "height": coordinate(bottom - 4),
                        ])
                }
                for (row, total) in backtest.totals[slot].enumerated() {
                    let y = 6 + (Double(row) + 0.5) * 16
                    if total.counted > total.interval.high {
                        triangle(&above, x, y, size, -size)
                    } else if total.counted < total.interval.low {
                        triangle(&below, x, y, size, size)
                    } else {
                        inside.dot(x, y)
                    }
                }
            }
            for (name, path) in [("dots-faint", inside), ("fill-warm", above), ("fill-accent", below)]
            where !path.text.isEmpty {
                markup.void("path", ["class": name, "d": path.text])
            }
            for (row, name) in names.enumerated() {
                PlotFrame.label(
                    &markup, 165, 6 + (Double(row) + 0.5) * 16 + 3.5, ReportText.heading(name), anchor: "end")
            }
            frame.monthAxis(&markup)
        }
    }

    private func triangle(_ path: inout PathData, _ x: Double, _ y: Double, _ width: Double, _ height: Double) {
        path.move(x, y + height * 0.9)
        path.line(x - width, y - height * 0.7)
        path.line(x + width, y - height * 0.7)
        path.close()
    }
}
