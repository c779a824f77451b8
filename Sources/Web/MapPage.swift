import CrimsCore
import Protocol

/// The page that `/map` answers: where a force's simulated incidents of a month, or of a year, are.
struct MapPage {
    private let question: DataQuestion
    private let model: CrimeModel
    private let counts: [Int]
    private let shapes: AreaShapes
    private let year: Int
    private let force: String

    /// Areas in the table of those with most.
    private static let rows = 10
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// - Parameter counts: of each area of the model.
    init(_ question: DataQuestion, _ model: CrimeModel, counts: [Int], _ shapes: AreaShapes) {
        (self.question, self.model, self.counts, self.shapes) = (question, model, counts, shapes)
        year = question.year(after: model.period)
        let named = ForceName.named(inTitle: model.title)
        force = named.isEmpty ? model.name : named
    }

    var reply: Reply {
        let total = HTML.number(counts.reduce(0, +))
        let title = "Simulated crime in \(force), \(time)"
        let picture = MapPicture(
            shapes, counts: counts, label: "Map of \(force) by incidents in each area", words: words)
        var writer = ByteWriter(capacity: picture.svg.count + 8_192)
        writer.text(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escaped(title))</title>
            <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
            <link rel="stylesheet" href="/static/page.css">
            <link rel="stylesheet" href="/static/map.css">
            </head>
            <body>
            <header>
            <p class="kind">CriMS</p>
            <h1>\(HTML.escaped(title))</h1>
            <p class="lead">\(total) incidents in \(HTML.number(counts.count)) areas, by seed \(question.seed)</p>
            <p class="warning" role="note"><strong>Synthetic data.</strong> Drawn from rates of recorded crime, for
            research. Nothing here happened. Not for deployment decisions.</p>
            </header>
            <main>
            <nav aria-label="Time">\(links)</nav>
            <figure>

            """)
        writer.raw(picture.svg)
        writer.text("\n<figcaption>\(legend(picture.breaks))")
        if shapes.source != .boundaries {
            writer.text(
                "<p class=\"note\">\(shapes.source == .cells ? "Areas" : "Some areas") are drawn as cells around their "
                    + "centroids, so their edges are not those of the real ones.</p>")
        }
        writer.text("</figcaption>\n</figure>\n\(table)\n</main>\n</body>\n</html>\n")
        return Reply(.ok, .html, writer.bytes)
    }

    private var time: String { question.month.map { "\(Self.months[$0 - 1]) \(year)" } ?? "\(year)" }

    private func words(_ area: Int) -> String {
        let place = model.areas[area]
        return "\(place.name) (\(place.code)): \(HTML.number(counts[area])) incidents"
    }

    /// The times before and after, and the incidents themselves.
    private var links: String {
        func address(_ path: String, _ month: CivilMonth, _ more: String = "") -> String {
            let part = question.month == nil ? "" : "&month=\(month.month)"
            return HTML.escaped(
                "\(path)?force=\(HTML.encoded(question.force))\(part)&year=\(month.year)&seed=\(question.seed)\(more)")
        }
        let now = CivilMonth(year: year, month: question.month ?? 1)
        let length = question.month == nil ? 12 : 1
        var links: [String] = []
        for (there, words) in [
            (-length, "rel=\"prev\">The \(unit) before"), (length, "rel=\"next\">The \(unit) after"),
        ] {
            let month = CivilMonth(index: now.index + there)
            guard DataQuestion.years.contains(month.year) else { continue }
            links.append("<a href=\"\(address("/map", month))\" \(words)</a>")
        }
        links.append("<a href=\"\(address("/data", now, "&format=csv"))\">These incidents as CSV</a>")
        links.append("<a href=\"\(address("/data", now))\">as JSON</a>")
        links.append("<a href=\"/\">Runs, live</a>")
        return links.joined(separator: "\n")
    }

    private var unit: String { question.month == nil ? "year" : "month" }

    private func legend(_ breaks: [Int]) -> String {
        let ends = [counts.min() ?? 0] + breaks + [(counts.max() ?? 0) + 1]
        let items = ends.indices.dropLast().map { number in
            let (least, most) = (ends[number], ends[number + 1] - 1)
            return "<li><svg class=\"key\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"s\(number)\" "
                + "fill=\"\(MapPicture.fills[number])\" width=\"1\" height=\"1\"/></svg>"
                + (least < most ? "\(HTML.number(least)) to \(HTML.number(most))" : HTML.number(least)) + "</li>"
        }
        return "<p id=\"legend-words\">Incidents in the \(unit), by area</p>"
            + "<ul class=\"legend\" aria-labelledby=\"legend-words\">\(items.joined())</ul>"
    }

    private var table: String {
        // Where two have as many, the one that comes first in the model.
        let most = counts.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }.prefix(Self.rows)
        let rows = most.map { area -> String in
            let place = model.areas[area]
            let rate =
                place.population > 0
                ? Decimal.fixed(1_000 * Double(counts[area]) / Double(place.population), places: 1) : "–"
            return "<tr><th scope=\"row\">\(HTML.escaped(place.name))</th><td>\(HTML.escaped(place.code))</td>"
                + "<td class=\"number\">\(HTML.number(counts[area]))</td><td class=\"number\">\(rate)</td></tr>"
        }
        return """
            <section aria-labelledby="most"><h2 id="most">Areas with most</h2>
            <table class="most"><thead><tr><th scope="col">Area</th><th scope="col">Code</th>
            <th scope="col" class="number">Incidents</th>
            <th scope="col" class="number">Per 1,000 residents</th></tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></section>
            """
    }
}
