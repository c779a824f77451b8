import CrimsCore
import Models
import Protocol

extension ModelInformation {
    /// What a calibrated model's `model.json` says.
    init(fit: ModelFit, reference: Reference, accounting: Accounting, monthCount: Int) {
        let categories = reference.categories
        func byCategory(_ values: [Double]) -> JSON {
            .object(zip(categories, values).map { .init($0, .number(Self.rounded($1))) })
        }
        // JSON has no infinity: null is a half-life that never ends.
        func months(_ halfLife: Double) -> JSON { halfLife.isFinite ? .number(halfLife) : .null }
        func list(_ months: [CivilMonth]) -> JSON { .array(months.map { .string($0.text) }) }
        let settings: [JSON.Member] = [
            .init("months", .number(Double(monthCount))),
            .init("monthsMissing", list(accounting.missingMonths)),
            .init("outcomeMonthsLeftOut", list(accounting.outcomeMonthsLeftOut)),
            .init("rows", .number(Double(accounting.rows))),
            .init("rowsUsed", .number(Double(accounting.used))),
            .init("rowsRejected", accounting.rejectedByText),
            .init("incidents", byCategory(fit.observed)),
            .init("halfLifeOfLevel", months(fit.estimate.recency.level)),
            .init("halfLifeOfAreas", months(fit.estimate.recency.areas)),
            .init("areaShape", byCategory(fit.estimate.rates.map(\.shape))),
            .init("monthWeight", byCategory(fit.estimate.rates.map(\.season.weight))),
            .init("suspectStrength", byCategory(fit.suspectEstimates.map(\.strength))),
        ]
        self.init(
            sources: Self.openData, method: "shrunk", settings: settings + accounting.unusual,
            notes: Self.notes(fit: fit, reference: reference, accounting: accounting))
    }

    /// To the 6 digits that the model's tables have.
    static func rounded(_ value: Double) -> Double {
        Decimal.parse(Decimal.format(value, significantDigits: 6).utf8) ?? value
    }

    static let openData: [Source] = [
        .init(
            name: "data.police.uk, street-level crime and outcomes", licence: "Open Government Licence v3.0",
            note: "rates by area and month, suspects, dispersion"),
        .init(
            name: "Office for National Statistics and Home Office, recorded crime by police force area 2017/18",
            licence: "Open Government Licence v3.0", note: "shares of offences"),
        .init(
            name: "Office for National Statistics, Crime Severity Score weights",
            licence: "Open Government Licence v3.0", note: "severity"),
        .init(
            name: "Office for National Statistics, MSOA boundaries December 2011, lookups and census 2011",
            licence: "Open Government Licence v3.0",
            note: "areas, neighbours, population. Contains National Statistics data and Ordnance Survey data "
                + "© Crown copyright and database right 2011 to 2021"),
        .init(
            name: "City of Chicago, crimes 2022", licence: "City of Chicago open-data terms",
            note: "weights of the hours of the week"),
        .init(
            name: "Boston Police Department, crime incident reports 2016 to 2017",
            licence: "Public Domain Dedication and License (PDDL)", note: "weights of the hours of the week"),
        .init(
            name: "Atlanta Police Department, crime data 2019 to 2020", licence: "City of Atlanta open-data terms",
            note: "weights of the hours of the week"),
    ]

    private static func notes(fit: ModelFit, reference: Reference, accounting: Accounting) -> [String] {
        var notes = [
            "police.uk publishes the month of a crime and nothing finer. The weights of the hours of the week are a "
                + "proxy from cities that publish times (Chicago, Boston, Atlanta): they are assumed here, not observed.",
            "Rates are of crimes recorded by the police, not of crimes that occurred.",
            "police.uk moves locations to anonymous map points, so an incident can lie in the area beside its own.",
            "A suspect counts as identified with any known outcome but \"Investigation complete; no suspect "
                + "identified\", also where nobody could be prosecuted. Outcomes unknown or pending count neither way. "
                + "Anti-social behaviour has no outcomes; its probability is 0.",
            "Areas are MSOAs of 2011 with the residents of the census of 2011.",
            "Rates are of the level at the period's end: recent months weigh more. Runs after the period go on with "
                + "a damped trend.",
            "Dispersion is what monthly counts vary beyond Poisson about forecasts from the months before them.",
        ]
        if reference.areas.count < RateEstimate.areasMin {
            notes.append("With fewer than \(RateEstimate.areasMin) areas, the shapes of England and Wales are used.")
        }
        for category in fit.categoriesWithoutCounts {
            notes.append(
                "The force counts no offence of \"\(reference.categories[category])\": shares of England and Wales.")
        }
        for month in accounting.missingMonths { notes.append("No records of \(month.text): left out of the exposure.") }
        for month in accounting.monthsLeftOut {
            notes.append("Less than a quarter of the usual records of \(month.text): left out of counts and exposure.")
        }
        if accounting.placedByName > 0 {
            notes.append(
                "\(accounting.placedByName) incidents have an LSOA of another census and were placed by the MSOA in its "
                    + "name.")
        }
        for month in accounting.outcomeMonthsLeftOut {
            notes.append("Many unknown outcomes in \(month.text): left out of the suspect shares.")
        }
        return notes
    }
}

extension ModelFit {
    /// The fit by category in lines for people.
    func summary(_ categories: [String]) -> [String] {
        func text(_ value: Double, _ digits: Int) -> String { Decimal.format(value, significantDigits: digits) }
        func months(_ halfLife: Double) -> String { halfLife.isFinite ? "\(text(halfLife, 3)) months" : "none" }
        var lines = [
            "half-life of the level: \(months(estimate.recency.level)); of the areas' shares: "
                + months(estimate.recency.areas)
        ]
        for (index, category) in categories.enumerated() {
            let rates = estimate.rates[index]
            lines.append(
                "\(category): \(text(observed[index], 9)) counted, \(text(expectedByYear[index], 6)) a year at the end; "
                    + "growth \(text(rates.growth * 100, 2)) % a month, area shape \(text(rates.shape, 3)), "
                    + "month weight \(text(rates.season.weight, 2)), "
                    + "dispersion \(text(dispersion[index].shared, 3)) shared, \(text(dispersion[index].own, 3)) own; "
                    + "suspect \(text(suspectEstimates[index].mean, 3)) (strength "
                    + "\(text(suspectEstimates[index].strength, 3)))")
        }
        return lines
    }
}
