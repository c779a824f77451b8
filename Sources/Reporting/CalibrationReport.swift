import Calibration
import CrimsCore
import Protocol

/// A calibration told to somebody who was not there: one HTML page that asks for nothing else.
///
/// The same facts give the same bytes.
public struct CalibrationReport {
    let facts: CalibrationFacts
    /// Of the program that calibrated.
    let version: String

    public init(_ facts: CalibrationFacts, version: String) {
        self.facts = facts
        self.version = version
    }

    var names: [String] { facts.model.categories }
    var areas: [CrimeModel.Area] { facts.model.areas }
    var period: String { "\(facts.model.period.from.text) to \(facts.model.period.to.text)" }
    var residents: Int { areas.reduce(0) { $0 + $1.population } }
    /// Expected incidents in the year of the period's last month.
    var yearly: Double { facts.categories.reduce(0) { $0 + $1.yearly.reduce(0, +) } }

    private struct Section {
        var id: String
        var title: String
        var write: (inout Markup) -> Void
    }

    private var sections: [Section] {
        [
            Section(id: "summary", title: "Summary", write: summary),
            Section(id: "records", title: "What went in", write: records),
            Section(id: "rejected", title: "What was rejected", write: rejected),
            Section(id: "rates", title: "Rates by area and category", write: rates),
            Section(id: "season", title: "Over the year", write: season),
            Section(id: "course", title: "Month by month, and ahead", write: course),
            Section(id: "week", title: "Hours of the week", write: week),
            Section(id: "dispersion", title: "How much months vary", write: dispersion),
            Section(id: "suspects", title: "Suspects", write: suspects),
            Section(id: "offences", title: "Offences within a category", write: offences),
            Section(id: "backtest", title: "How well it forecasts", write: backtest),
            Section(id: "settings", title: "Settings", write: settings),
            Section(id: "sources", title: "Sources", write: sources),
            Section(id: "caveats", title: "What not to read into it", write: caveats),
        ]
    }

    /// UTF-8.
    public var html: [UInt8] {
        var markup = Markup()
        let title = "Calibration report: \(facts.model.title)"
        let sections = sections
        markup.doctype()
        markup.element("html", ["lang": "en"]) { markup in
            markup.block("head") { markup in
                markup.newLine()
                markup.void("meta", ["charset": "utf-8"])
                markup.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                markup.void("meta", ["name": "generator", "content": "crims \(version)"])
                markup.block("title", [:], title)
                markup.style(Self.styleSheet)
                markup.style(rules: AreaMap.rules(categories: names.count + 1))
            }
            markup.element("body") { markup in
                markup.block("header") { markup in
                    markup.block("p", ["class": "kind"], "Calibration report")
                    markup.block("h1", [:], facts.model.title)
                    markup.block(
                        "p", ["class": "lead"],
                        "The model “\(facts.model.name)”: recorded crime of \(facts.forceName), \(period), made by "
                            + "crims \(version).")
                }
                markup.block("nav", ["aria-label": "Contents"]) { markup in
                    markup.element("ol") { markup in
                        for section in sections {
                            markup.element("li") { $0.link(to: section.id, section.title) }
                        }
                    }
                }
                markup.block("main") { markup in
                    markup.newLine()
                    for section in sections {
                        markup.block("section", ["id": section.id, "aria-labelledby": "\(section.id)-title"]) {
                            $0.block("h2", ["id": "\(section.id)-title"], section.title)
                            section.write(&$0)
                        }
                    }
                }
            }
        }
        markup.newLine()
        return markup.bytes
    }

    /// Pictures beside each other, one for each category.
    func multiples(
        _ markup: inout Markup, _ label: String, _ content: (inout Markup, _ category: Int) -> Void
    ) {
        markup.block("div", ["class": "multiples", "role": "group", "aria-label": label]) { markup in
            for (category, name) in names.enumerated() {
                markup.block("figure") { markup in
                    markup.block("figcaption", [:], ReportText.heading(name))
                    content(&markup, category)
                }
            }
        }
    }

    /// What the marks of a plot mean.
    static func key(_ markup: inout Markup, _ entries: [(mark: String, text: String)]) {
        markup.block("ul", ["class": "key"]) { markup in
            for entry in entries {
                markup.element("li") { markup in
                    markup.element("span", ["class": "mark \(entry.mark)", "aria-hidden": "true"], "")
                    markup.text(entry.text)
                }
            }
        }
    }

    /// The colours of classes, in words.
    static func legend(_ markup: inout Markup, _ classes: Classes, unit: String, class name: String = "") {
        markup.block("ul", ["class": "legend \(name)"]) { markup in
            for index in 0..<classes.count {
                let lower = index > 0 ? classes.bounds[index - 1] : nil
                let upper = index < classes.bounds.count ? classes.bounds[index] : nil
                let text =
                    switch (lower, upper) {
                    case (nil, nil): "all areas alike"
                    case (nil, .some(let upper)): "under \(ReportText.short(upper))"
                    case (.some(let lower), nil): "\(ReportText.short(lower)) and more"
                    case (.some(let lower), .some(let upper)):
                        "\(ReportText.short(lower)) to \(ReportText.short(upper))"
                    }
                markup.element("li") { markup in
                    let colour = classes.colour(lower ?? 0)
                    markup.element("span", ["class": "mark box-\(colour)", "aria-hidden": "true"], "")
                    markup.text(text)
                }
            }
            markup.element("li", ["class": "unit"], unit)
        }
    }
}
