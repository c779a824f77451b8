import CrimsCore

/// A map of circles, each at an area's middle and of its size, coloured by rate; the category is chosen by buttons
/// that need no script.
struct AreaMap {
    let areas: [CrimeModel.Area]
    let hectares: [Double]
    /// By category, the first being all of them: a name and incidents per 1,000 residents a year, by area.
    let layers: [(name: String, rates: [Double])]

    private static let width = 420.0
    private static let heightMax = 480.0
    private static let kilometresOfDegree = 111.2
    private static let margin = 10.0
    /// More have thinner outlines and may be smaller.
    private static let manyAreas = 1_000

    /// The rules that colour the circles and show the legend of the chosen category. A circle's classes are a letter
    /// for the category and a digit for the colour.
    static func rules(categories: Int) -> [String] {
        (0..<categories).map { category in
            let colours = (0..<Classes.most).map {
                "#map-\(category):checked~figure .\(letter(category))\($0){fill:var(--s\($0))}"
            }
            return "#map-\(category):checked~figure .legend-\(category){display:flex}" + colours.joined()
        }
    }

    /// a, b … z, aa, ab …
    private static func letter(_ category: Int) -> String {
        let digit = String(UnicodeScalar(UInt8(97 + category % 26)))
        return category < 26 ? digit : letter(category / 26 - 1) + digit
    }

    func write(_ markup: inout Markup) {
        let classes = layers.map { Classes($0.rates) }
        markup.block("fieldset", ["class": "map"]) { markup in
            markup.block("legend", [:], "Incidents per 1,000 residents a year")
            for (index, layer) in layers.enumerated() {
                let id = "map-\(index)"
                if index == 0 {
                    markup.void("input", ["type": "radio", "name": "map", "id": "map-0", "checked": ""])
                } else {
                    markup.void("input", ["type": "radio", "name": "map", "id": id])
                }
                markup.block("label", ["for": id], ReportText.heading(layer.name))
            }
            markup.block("figure") { markup in
                draw(&markup, classes)
                for (index, found) in classes.enumerated() {
                    CalibrationReport.legend(
                        &markup, found, unit: "a year per 1,000 residents", class: "legend-\(index)")
                }
            }
        }
    }

    private func draw(_ markup: inout Markup, _ classes: [Classes]) {
        let middle = areas.reduce(0) { $0 + $1.latitude } / Double(areas.count)
        let squeeze = Self.cosine(middle)
        let places = areas.map { area in
            (x: area.longitude * squeeze * Self.kilometresOfDegree, y: -area.latitude * Self.kilometresOfDegree)
        }
        let radii = hectares.map { ($0 / 100 / 3.141_592_653_59).squareRoot() }
        let left = zip(places, radii).map { $0.x - $1 }.min() ?? 0
        let right = zip(places, radii).map { $0.x + $1 }.max() ?? 1
        let top = zip(places, radii).map { $0.y - $1 }.min() ?? 0
        let bottom = zip(places, radii).map { $0.y + $1 }.max() ?? 1
        let scale = min(
            (Self.width - 2 * Self.margin) / (right - left), (Self.heightMax - 2 * Self.margin) / (bottom - top))
        let height = (bottom - top) * scale + 2 * Self.margin + 22
        let shift = (Self.width - (right - left) * scale) / 2
        func x(_ value: Double) -> Double { shift + (value - left) * scale }
        func y(_ value: Double) -> Double { Self.margin + (value - top) * scale }

        markup.svg(
            Self.width, height, class: areas.count > Self.manyAreas ? "plot circles many" : "plot circles",
            title: "Map of rates by area",
            description:
                "\(areas.count) areas as circles of their size at their middle, north being up; the rates are in "
                + "the tables below."
        ) { markup in
            // Small circles on top of large ones.
            let order = areas.indices.sorted { radii[$0] != radii[$1] ? radii[$0] > radii[$1] : $0 < $1 }
            for area in order {
                let colours = layers.indices.map { layer -> String in
                    let rate = layers[layer].rates[area]
                    return "\(Self.letter(layer))\(classes[layer].colour(rate))"
                }
                markup.element(
                    "circle",
                    [
                        "class": colours.joined(separator: " "), "cx": coordinate(x(places[area].x)),
                        "cy": coordinate(y(places[area].y)),
                        "r": coordinate(max(radii[area] * scale, areas.count > Self.manyAreas ? 0.8 : 2)),
                    ]
                ) { markup in
                    markup.element("title", [:], "\(areas[area].name): \(ReportText.number(layers[0].rates[area]))")
                }
                markup.newLine()
            }
            districts(&markup, places.map { (x($0.x), y($0.y)) })
            bar(&markup, scale: scale, y: height - 8)
        }
    }

    /// The names of districts, which areas are called after, in the middle of their areas.
    private func districts(_ markup: inout Markup, _ places: [(x: Double, y: Double)]) {
        var order: [String] = []
        var sums: [String: (x: Double, y: Double, count: Double)] = [:]
        for (area, place) in zip(areas, places) {
            let words = area.name.split(separator: " ")
            guard words.count > 1, words[words.count - 1].allSatisfy(\.isNumber) else { return }
            let name = words.dropLast().joined(separator: " ")
            if sums[name] == nil { order.append(name) }
            let sum = sums[name, default: (0, 0, 0)]
            sums[name] = (sum.x + place.x, sum.y + place.y, sum.count + 1)
        }
        guard (2...16).contains(order.count) else { return }
        var taken: [(x: Double, y: Double, width: Double)] = []
        for name in order {
            guard let sum = sums[name] else { continue }
            let x = sum.x / sum.count
            let width = Double(name.count) * 9
            // Somewhat higher or lower if another name is there.
            let y = [0.0, -8, 8, -16, 16].map { sum.y / sum.count + $0 }.first { y in
                !taken.contains { abs($0.y - y) < 16 && abs($0.x - x) < ($0.width + width) / 2 }
            }
            guard let y else { continue }
            taken.append((x, y, width))
            PlotFrame.label(&markup, x, y + 4, name, anchor: "middle", class: "place")
        }
    }

    private func bar(_ markup: inout Markup, scale: Double, y: Double) {
        let kilometres = Scale.step(of: 60 / scale, ticks: 1)
        var path = PathData()
        path.move(Self.margin, y - 4)
        path.line(Self.margin, y)
        path.line(Self.margin + kilometres * scale, y)
        path.line(Self.margin + kilometres * scale, y - 4)
        markup.void("path", ["class": "axis", "d": path.text])
        PlotFrame.label(&markup, Self.margin + kilometres * scale + 6, y, "\(ReportText.short(kilometres)) km")
    }

    /// Taylor's series; made of + and ×, so that every machine draws the same.
    static func cosine(_ degrees: Double) -> Double {
        let square = degrees * degrees * (3.141_592_653_589_793 / 180) * (3.141_592_653_589_793 / 180)
        var sum = 1.0
        for term in stride(from: 20.0, to: 0, by: -2) { sum = 1 - sum * square / (term * (term - 1)) }
        return sum
    }
}
