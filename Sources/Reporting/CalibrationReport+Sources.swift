import Calibration
import CrimsCore
import Models

extension CalibrationReport {
    func settings(_ markup: inout Markup) {
        markup.paragraph(
            (facts.isRecencyChosen
                ? "All settings are chosen from the records."
                : "The half-lives were set by hand, also in the test; all other settings are chosen from the records.")
                + " A month that lies one half-life before the last weighs half as much. The level is the force's; the "
                + "areas' shares of it change more slowly.")
        markup.block("dl", ["class": "terms"]) { markup in
            for (term, text) in [
                ("Method", facts.information.method),
                ("Half-life of the level", ReportText.months(facts.recency.level)),
                ("Half-life of the areas' shares", ReportText.months(facts.recency.areas)),
            ] {
                markup.element("dt", [:], term)
                markup.block("dd", [:], text)
            }
        }
        var table = ReportTable(
            "Settings by category",
            [
                "Category", "Growth a month", "Area shape", "Own weight of an area", "Weight of the season",
                "Suspect strength",
            ])
        for (name, category) in zip(names, facts.categories) {
            table.rows.append([
                .init(ReportText.heading(name)), .init(ReportText.change(category.growth.monthly, 2)),
                .init(ReportText.number(category.areas.shape)),
                .init(areas.count > 1 ? ReportText.percent(category.areas.ownWeight, 0) : ReportText.none),
                .init(ReportText.percent(category.season.weight, 0)),
                .init(category.suspects.hasOutcomes ? ReportText.number(category.suspects.strength) : ReportText.none),
            ])
        }
        table.write(&markup)
        markup.note(
            "Growth is that of the first month after the period and fades. The shape is the gamma shape by which areas "
                + "differ: large where they hardly do. The strength is how many incidents with the force's mean an area's "
                + "own outcomes are weighed against.")
    }

    func sources(_ markup: inout Markup) {
        var table = ReportTable(
            "What the model is made from", text: ["Licence", "Used for"], ["Source", "Licence", "Used for"])
        for source in facts.information.sources {
            table.rows.append([.init(source.name), .init(source.licence), .init(source.note)])
        }
        table.write(&markup)
        markup.paragraph("Contains public sector information licensed under the Open Government Licence v3.0.")
    }

    func caveats(_ markup: inout Markup) {
        list(
            [
                "Months only. data.police.uk publishes the month of a crime and nothing finer. Any pattern of days and hours "
                    + "comes from the assumed weights above.",
                "Proxy profiles. Those weights are of American cities, whose opening hours, laws and habits differ.",
                "Snapped places. Published places are moved to anonymous map points, so an incident may be counted in the "
                    + "area next door.",
                "Recorded, not occurred. What is not reported, or not recorded, is not here; recording rules and practice "
                    + "change, and with them the figures.",
                "Old residents. Areas and residents are those of the census of 2011.",
                "Immature outcomes. The last months' outcomes go on changing after they are published; what is not known "
                    + "yet is left out, and it is not like what is known.",
                "A trend is an extrapolation. Rates after the period continue a fading growth; nothing foretells a break "
                    + "such as that of March 2020.",
                "No memory. In the model no incident makes another more likely, and months do not depend on each other.",
                "Synthetic, for research. The model draws incidents that never happened. Do not decide by it where "
                    + "officers go, and read nothing about a person into it.",
            ], &markup)
        markup.block("h3", [:], "Notes that the model carries")
        list(facts.information.notes, &markup)
    }
}
