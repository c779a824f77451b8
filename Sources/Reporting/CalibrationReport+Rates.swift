import Calibration
import CrimsCore

extension CalibrationReport {
    /// More areas than anybody looks through one by one.
    private static let listedAreasMax = 400
    private static let extremes = 10

    /// Expected incidents a year by area: of one category, or of all.
    private func yearly(_ category: Int?) -> [Double] {
        if let category { return facts.categories[category].yearly }
        return areas.indices.map { area in facts.categories.reduce(0) { $0 + $1.yearly[area] } }
    }

    /// Per 1,000 residents; nothing where nobody lives.
    private func perResident(_ incidents: Double, _ residents: Int) -> String {
        residents > 0 ? ReportText.number(incidents * 1_000 / Double(residents)) : ReportText.none
    }

    /// A year's incidents per 1,000 residents, by area; 0 where nobody lives.
    private func rates(_ category: Int?) -> [Double] {
        zip(yearly(category), areas).map { $1.population > 0 ? $0 * 1_000 / Double($1.population) : 0 }
    }

    /// The length of the months with records, in years.
    private var years: Double { Double(facts.months.reduce(0) { $0 + $1.days }) / 365 }

    func rates(_ markup: inout Markup) {
        markup.paragraph(
            "A rate is what the model expects in an area in the year \(facts.model.period.to.year), at the level of "
                + "the period's end, for each 1,000 residents of the census of 2011. A centre where many work, shop or go "
                + "out and few live has a high rate; that is no resident's risk.")
        categoryTable.write(&markup)
        if areas.count > 1 {
            AreaMap(
                areas: areas, hectares: facts.hectares,
                layers: [("all categories", rates(nil))] + names.indices.map { (names[$0], rates($0)) }
            ).write(&markup)
            markup.note(
                "Each area is a circle of its size at its middle: boundaries are not drawn. Classes hold about equal "
                    + "numbers of areas. Point at a circle for its name and the rate of all categories.")
        }
        extremes(&markup)
        shrinkage(&markup)
        if areas.count > 2 * Self.extremes, areas.count <= Self.listedAreasMax {
            markup.block("details") { markup in
                markup.block("summary", [:], "All areas: incidents per 1,000 residents a year, by category")
                areaTable.write(&markup)
            }
        }
    }

    private var categoryTable: ReportTable {
        var table = ReportTable(
            "Level by category",
            [
                "Category", "Counted", "Counted a year", "Expected a year", "Per 1,000 residents",
                "Trend in the next year",
            ])
        for (name, category) in zip(names, facts.categories) {
            let counted = category.totals.reduce(0, +)
            let expected = category.yearly.reduce(0, +)
            table.rows.append([
                .init(ReportText.heading(name)), .init(ReportText.fixed(counted, 0)),
                .init(ReportText.number(counted / years)), .init(ReportText.number(expected)),
                .init(perResident(expected, residents)),
                .init(ReportText.change(category.growth.afterYear - 1)),
            ])
        }
        table.total = [
            "All", .init(ReportText.count(facts.accounting.used)),
            .init(ReportText.number(Double(facts.accounting.used) / years)), .init(ReportText.number(yearly)),
            .init(perResident(yearly, residents)), "",
        ]
        return table
    }

    private func extremes(_ markup: inout Markup) {
        let rates = rates(nil)
        let order = areas.indices.sorted { rates[$0] != rates[$1] ? rates[$0] > rates[$1] : $0 < $1 }
        let isWhole = order.count <= 2 * Self.extremes
        let parts =
            isWhole
            ? [(order.count == 1 ? "The area" : "All areas, by rate", order)]
            : [
                ("The \(Self.extremes) areas with the highest rates", Array(order.prefix(Self.extremes))),
                ("The \(Self.extremes) areas with the lowest rates", Array(order.suffix(Self.extremes))),
            ]
        let yearly = yearly(nil)
        for (caption, areasShown) in parts {
            var table = ReportTable(
                caption + "; “as counted” is the plain mean of all months", text: ["Code"],
                ["Area", "Code", "Residents", "Counted", "Expected a year", "Per 1,000 residents", "As counted"])
            for area in areasShown {
                let counted = facts.categories.reduce(0) { $0 + $1.areaCounts[area] }
                table.rows.append([
                    .init(areas[area].name), .init(areas[area].code), .init(ReportText.count(areas[area].population)),
                    .init(ReportText.count(counted)), .init(ReportText.number(yearly[area])),
                    .init(perResident(yearly[area], areas[area].population)),
                    .init(perResident(Double(counted) / years, areas[area].population)),
                ])
            }
            table.write(&markup)
        }
    }

    private var areaTable: ReportTable {
        let columns = [rates(nil)] + names.indices.map { rates($0) }
        var table = ReportTable(
            "Incidents per 1,000 residents a year", ["Area", "All"] + names.map(ReportText.heading), isUpright: true)
        let classes = columns.map { Classes($0) }
        for area in areas.indices {
            var cells = [ReportTable.Cell(areas[area].name)]
            for (column, found) in zip(columns, classes) {
                cells.append(.init(ReportText.number(column[area]), heat: found.colour(column[area])))
            }
            table.rows.append(cells)
        }
        return table
    }

    // MARK: - Shrinkage

    private func shrinkage(_ markup: inout Markup) {
        guard areas.count > 1 else { return }
        markup.block("h3", [:], "How far an area's own record is believed")
        markup.paragraph(
            "Few incidents are weak evidence: an area with none so far is not free of crime. So each area's share "
                + "of the force's incidents is drawn towards the mean area's, the more so the fewer incidents a category "
                + "has and the less the areas differ in it. The bars show how much of its own record a mean area keeps."
        )
        let rows = names.indices.sorted { left, right in
            let weights = (facts.categories[left].areas.ownWeight, facts.categories[right].areas.ownWeight)
            return weights.0 != weights.1 ? weights.0 > weights.1 : left < right
        }
        let plot = RowPlot(rows.map { ReportText.heading(names[$0]) }, upTo: 1)
        markup.block("div", ["class": "pair"]) { markup in
            markup.block("figure") { markup in
                markup.block("figcaption", [:], "Weight of an area's own record")
                markup.svg(
                    RowPlot.width, plot.height, title: "Weight of an area's own record, by category",
                    description: "From \(weight(rows[rows.count - 1])) to \(weight(rows[0]))."
                ) { markup in
                    plot.axes(&markup, title: "kept of its departure from the mean area") { ReportText.percent($0, 0) }
                    var path = PathData()
                    for (row, category) in rows.enumerated() {
                        let end = plot.frame.x(facts.categories[category].areas.ownWeight)
                        path.box(plot.frame.left, plot.y(row) - 6, end - plot.frame.left, 12)
                    }
                    markup.void("path", ["class": "fill-accent", "d": path.text])
                }
            }
            let shown = rows.last { facts.categories[$0].areas.ownWeight > 0 }
            if let shown { shrinkagePlot(&markup, shown) }
        }
    }

    private func weight(_ category: Int) -> String {
        "\(ReportText.percent(facts.categories[category].areas.ownWeight, 0)) (\(names[category]))"
    }

    private func shrinkagePlot(_ markup: inout Markup, _ category: Int) {
        let areas = facts.categories[category].areas
        // The few far out would leave no room for the many.
        let sorted = areas.counted.sorted()
        let most = max(2, sorted[(sorted.count - 1) * 19 / 20])
        let shown = areas.counted.indices.filter { areas.counted[$0] <= most && areas.estimated[$0] <= most }
        markup.block("figure") { markup in
            markup.block("figcaption", [:], "\(ReportText.heading(names[category])): each dot an area")
            markup.svg(
                400, 300, title: "Areas as counted and as estimated, \(names[category])",
                description: "Areas from \(ReportText.number(areas.counted.min() ?? 0)) to "
                    + "\(ReportText.number(areas.counted.max() ?? 0)) times the mean area as counted are estimated at "
                    + "\(ReportText.number(areas.estimated.min() ?? 0)) to "
                    + "\(ReportText.number(areas.estimated.max() ?? 0)) times."
            ) { markup in
                let frame = PlotFrame(
                    x: Scale(upTo: most, from: 46, to: 388), y: Scale(upTo: most, from: 258, to: 18))
                frame.yAxis(&markup)
                frame.baseline(&markup)
                let places = Scale.places(frame.x.ticks())
                for value in frame.x.ticks() { frame.xLabel(&markup, value, ReportText.fixed(value, places)) }
                PlotFrame.label(&markup, 4, 10, "estimated, mean area = 1")
                PlotFrame.label(&markup, 388, 290, "as counted, mean area = 1", anchor: "end")
                frame.line(&markup, [(0, 0), (frame.x.upper, frame.y.upper)], class: "line-dash")
                frame.dots(
                    &markup, shown.map { (x: areas.counted[$0], y: areas.estimated[$0]) }, class: "dots")
                PlotFrame.label(&markup, frame.x(most * 0.8) - 6, frame.y(most * 0.8) - 4, "as counted", anchor: "end")
            }
            if shown.count < areas.counted.count {
                markup.note("\(ReportText.plural(areas.counted.count - shown.count, "area")) beyond the plot.")
            }
        }
    }
}
