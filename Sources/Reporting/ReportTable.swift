/// A table that scrolls by itself where the page is narrow.
struct ReportTable {
    struct Column {
        var title: String
        /// Figures stand to the right.
        var isText = false
    }

    struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        var text: String
        /// 0…6, how strongly it is coloured; nil for not at all.
        var heat: Int?

        init(stringLiteral value: String) { text = value }
        init(_ text: String, heat: Int? = nil) {
            self.text = text
            self.heat = heat
        }
    }

    var caption: String
    var columns: [Column]
    /// The first cell names the row.
    var rows: [[Cell]]
    /// A row that sums the others.
    var total: [Cell]?
    /// Whether the names of columns are long and the columns many, so that they are written upwards.
    var isUpright = false

    init(_ caption: String, text: [String] = [], _ titles: [String], isUpright: Bool = false) {
        self.caption = caption
        columns = titles.enumerated().map { Column(title: $1, isText: $0 == 0 || text.contains($1)) }
        rows = []
        self.isUpright = isUpright
    }

    func write(_ markup: inout Markup) {
        markup.block("div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption]) { markup in
            markup.element("table", isUpright ? ["class": "upright"] : [:]) { markup in
                markup.block("caption", [:], caption)
                markup.block("thead") { markup in
                    markup.element("tr") { markup in
                        for column in columns {
                            markup.element("th", column.isText ? ["scope": "col", "class": "text"] : ["scope": "col"]) {
                                markup in
                                markup.element("span", [:], column.title)
                            }
                        }
                    }
                }
                markup.block("tbody") { markup in for row in rows { self.row(row, &markup) } }
                if let total { markup.block("tfoot") { self.row(total, &$0) } }
            }
        }
    }

    private func row(_ cells: [Cell], _ markup: inout Markup) {
        markup.block("tr") { markup in
            for (cell, column) in zip(cells.indices, columns) {
                let (text, heat) = (cells[cell].text, cells[cell].heat)
                guard cell > 0 else {
                    let words = text.count > 60 ? "prose" : "text"
                    markup.element("th", ["scope": "row", "class": words], text)
                    continue
                }
                // Long text may break; short text and figures may not.
                let words = column.isText ? (text.count > 30 ? "prose" : "text") : nil
                let classes = [words, heat.map { "heat-\($0)" }].compactMap(\.self)
                markup.element("td", classes.isEmpty ? [:] : ["class": classes.joined(separator: " ")], text)
            }
        }
    }
}
