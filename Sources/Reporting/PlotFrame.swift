import CrimsCore

/// The `d` of a path.
struct PathData {
    private(set) var text = ""

    mutating func move(_ x: Double, _ y: Double) { text += "M\(coordinate(x)) \(coordinate(y))" }
    mutating func line(_ x: Double, _ y: Double) { text += "L\(coordinate(x)) \(coordinate(y))" }
    mutating func close() { text += "Z" }
    /// A point, which a round line end makes visible: shorter than a circle.
    mutating func dot(_ x: Double, _ y: Double) {
        move(x, y)
        text += "h0"
    }

    mutating func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
        move(x, y)
        text += "h\(coordinate(width))v\(coordinate(height))h\(coordinate(-width))Z"
    }
}

/// The space of a plot within its picture, its axes, and what is drawn by the values on them.
struct PlotFrame {
    let x: Scale
    let y: Scale
    var left: Double { min(x.start, x.end) }
    var right: Double { max(x.start, x.end) }
    var top: Double { min(y.start, y.end) }
    var bottom: Double { max(y.start, y.end) }

    /// Lines across, with their values to the left.
    func yAxis(_ markup: inout Markup, ticks: Int = 4, label: (Double) -> String) {
        let values = y.ticks(ticks)
        var path = PathData()
        for value in values {
            path.move(left, y(value))
            path.line(right, y(value))
        }
        markup.void("path", ["class": "grid", "d": path.text])
        for value in values { Self.label(&markup, left - 5, y(value) + 3.5, label(value), anchor: "end") }
    }

    func yAxis(_ markup: inout Markup, ticks: Int = 4) {
        let places = Scale.places(y.ticks(ticks))
        yAxis(&markup, ticks: ticks) { ReportText.fixed($0, places) }
    }

    /// The line at the bottom.
    func baseline(_ markup: inout Markup) {
        var path = PathData()
        path.move(left, bottom)
        path.line(right, bottom)
        markup.void("path", ["class": "axis", "d": path.text])
    }

    func xLabel(_ markup: inout Markup, _ value: Double, _ text: String, anchor: String = "middle") {
        Self.label(&markup, x(value), bottom + 13, text, anchor: anchor)
    }

    /// A scale of months whose Januaries bear their year.
    func monthAxis(_ markup: inout Markup) {
        baseline(&markup)
        var path = PathData()
        let months = Int((x.lower + 0.5).rounded(.down))...Int((x.upper - 0.5).rounded(.up))
        let januaries = months.filter { CivilMonth(index: $0).month == 1 }
        for month in januaries {
            path.move(x(Double(month) - 0.5), bottom)
            path.line(x(Double(month) - 0.5), bottom + 4)
        }
        markup.void("path", ["class": "axis", "d": path.text])
        // A year has its name in its middle, if enough of it is there for that.
        let step = max(1, (januaries.count + 5) / 6)
        let years = Set(months.map { CivilMonth(index: $0).year }).sorted()
        for year in years where (year - years[0]) % step == 0 {
            let first = max(months.lowerBound, CivilMonth(year: year, month: 1).index)
            let last = min(months.upperBound, CivilMonth(year: year, month: 12).index)
            let middle = Double(first + last) / 2
            if x(Double(last)) - x(Double(first)) >= 22 { xLabel(&markup, middle, String(year)) }
        }
    }

    static func months(_ first: CivilMonth, _ last: CivilMonth, from start: Double, to end: Double) -> Scale {
        Scale(Double(first.index) - 0.5, Double(last.index) + 0.5, from: start, to: end)
    }

    static func label(
        _ markup: inout Markup, _ x: Double, _ y: Double, _ text: String, anchor: String = "start",
        class name: String = "label"
    ) {
        markup.element(
            "text", ["class": name, "x": coordinate(x), "y": coordinate(y), "text-anchor": anchor], text)
    }

    /// A line through points; a gap in `points` is one in the line.
    func line(_ markup: inout Markup, _ points: [(x: Double, y: Double)?], class name: String) {
        var path = PathData()
        var isOpen = false
        for point in points {
            guard let point else {
                isOpen = false
                continue
            }
            isOpen ? path.line(x(point.x), y(point.y)) : path.move(x(point.x), y(point.y))
            isOpen = true
        }
        if !path.text.isEmpty { markup.void("path", ["class": name, "d": path.text]) }
    }

    func dots(_ markup: inout Markup, _ points: [(x: Double, y: Double)], class name: String) {
        var path = PathData()
        for point in points { path.dot(x(point.x), y(point.y)) }
        if !points.isEmpty { markup.void("path", ["class": name, "d": path.text]) }
    }

    /// The space between two lines.
    func band(_ markup: inout Markup, _ points: [(x: Double, low: Double, high: Double)], class name: String) {
        guard let first = points.first else { return }
        var path = PathData()
        path.move(x(first.x), y(first.high))
        for point in points.dropFirst() { path.line(x(point.x), y(point.high)) }
        for point in points.reversed() { path.line(x(point.x), y(point.low)) }
        path.close()
        markup.void("path", ["class": name, "d": path.text])
    }

    /// Bars from the bottom, each as wide as `width` on the scale of x.
    func bars(_ markup: inout Markup, _ points: [(x: Double, y: Double)], width: Double, class name: String) {
        var path = PathData()
        for point in points where point.y > y.lower {
            let start = x(point.x - width / 2)
            path.box(start, y(point.y), x(point.x + width / 2) - start, bottom - y(point.y))
        }
        if !path.text.isEmpty { markup.void("path", ["class": name, "d": path.text]) }
    }
}

/// A plot with a named row for each thing that is compared.
struct RowPlot {
    static let rowHeight = 19.0
    static let width = 400.0
    private static let left = 168.0

    let names: [String]
    let frame: PlotFrame

    init(_ names: [String], upTo most: Double) {
        self.names = names
        let bottom = 6 + Double(names.count) * Self.rowHeight
        frame = PlotFrame(
            x: Scale(upTo: most, from: Self.left, to: Self.width - 10), y: Scale(0, 1, from: bottom, to: 4))
    }

    var height: Double { frame.bottom + 36 }

    /// The middle of a row.
    func y(_ row: Int) -> Double { 6 + (Double(row) + 0.5) * Self.rowHeight }

    func axes(_ markup: inout Markup, title: String, label: (Double) -> String) {
        var path = PathData()
        let ticks = frame.x.ticks(4)
        for value in ticks {
            path.move(frame.x(value), frame.top)
            path.line(frame.x(value), frame.bottom)
        }
        markup.void("path", ["class": "grid", "d": path.text])
        for value in ticks { frame.xLabel(&markup, value, label(value)) }
        PlotFrame.label(&markup, (frame.left + frame.right) / 2, frame.bottom + 29, title, anchor: "middle")
        for (row, name) in names.enumerated() {
            PlotFrame.label(&markup, Self.left - 7, y(row) + 3.5, name, anchor: "end")
        }
    }
}
