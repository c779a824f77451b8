import CrimsCore

/// A bar for each month.
struct MonthBars {
    var months: [CivilMonth]
    var values: [Double]
    /// In another colour.
    var marked: [CivilMonth] = []
    /// With a cross, having no records.
    var missing: [CivilMonth] = []

    func write(_ markup: inout Markup, title: String, description: String, label: (Double) -> String) {
        markup.svg(480, 170, title: title, description: description) { markup in
            let frame = PlotFrame(
                x: PlotFrame.months(months[0], months[months.count - 1], from: 62, to: 474),
                y: Scale(upTo: values.max() ?? 0, from: 148, to: 8))
            frame.yAxis(&markup, label: label)
            let points = zip(months, values).map { (x: Double($0.index), y: $1) }
            frame.bars(&markup, points, width: 0.8, class: "fill-accent")
            frame.bars(
                &markup, zip(months, points).filter { marked.contains($0.0) }.map(\.1), width: 0.8, class: "fill-warm")
            for month in missing {
                PlotFrame.label(&markup, frame.x(Double(month.index)), frame.bottom - 4, "×", anchor: "middle")
            }
            frame.monthAxis(&markup)
        }
    }
}
