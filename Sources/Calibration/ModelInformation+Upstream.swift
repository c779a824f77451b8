import Models
import Protocol

extension ModelInformation {
    /// What `model.json` says of a model by the predecessor's formulas.
    init(fit: UpstreamFit, reference: Reference, accounting: Accounting) {
        let incidents = zip(reference.categories, fit.incidents).map { JSON.Member($0, .number(Double($1))) }
        let settings: [JSON.Member] = [
            .init("years", .number(Double(fit.years))),
            .init("months", .number(Double(fit.years * 12))),
            .init("daysInYear", .number(UpstreamRates.daysInYear)),
            .init("rows", .number(Double(accounting.rows))),
            .init("rowsUsed", .number(Double(accounting.used))),
            .init("rowsRejected", accounting.rejectedByText),
            .init("incidents", .object(incidents)),
        ]
        let uncounted = OffenceShares(reference).categoriesWithoutCounts.map { category in
            "The force counts no offence of \"\(reference.categories[category])\": shares of England and Wales."
        }
        self.init(
            sources: Self.openData, method: CalibrationOptions.Method.upstream.rawValue,
            settings: settings + accounting.unusual,
            notes: Self.upstreamNotes + uncounted)
    }

    private static let upstreamNotes = [
        "Made to be compared with what the predecessor published, not to be the better model: rates and suspect shares "
            + "follow its formulas to the last bit, defects included.",
        "A cell's annual rate in a month is R(r + days) / (R + 365), with r its annualised count of that month and R the "
            + "sum of its twelve r. Rates in this folder are that divided by \(UpstreamRates.daysInYear), the "
            + "predecessor's days in a year.",
        "Kept: r is the month's count times 12 although months differ in length, so the length counts twice and a month "
            + "of 28 days comes out 8 % short; a cell's months lean towards flat with the weight of one incident a day; "
            + "cells without incidents never have one; no dispersion and no trend.",
        "Kept: a suspect counts as identified by the predecessor's list of outcomes. Blank and pending outcomes, local "
            + "resolutions, cases dropped in the public interest and cases given to another organisation count as no "
            + "suspect. Nothing is shrunk, and no month is left out.",
        "Kept: 21 periods of 8 hours, of mean weight 1 over each month anew. Their weights are not the predecessor's, "
            + "which it published encrypted: they are this project's proxy from Chicago, Boston and Atlanta, averaged "
            + "over each period.",
        "Not kept: records of areas outside the force, which the predecessor simulates along with it; it also drops "
            + "records without a known LSOA without a word. Here both are rejected and counted.",
        "Not kept: \"Suspect charged\" and outcomes that nobody documents end the predecessor with an error. Here the "
            + "first counts as a suspect, the others as none.",
        "Not kept: an hour lost or misplaced where clocks change, and times rounded up out of their month.",
        "Shares of offences are those of the method shrunk: recorded crime of 2017/18 by force, where the predecessor "
            + "takes 2019/20.",
        "Rates are of crimes recorded by the police, not of crimes that occurred. police.uk moves locations to anonymous "
            + "map points. Areas are MSOAs of 2011.",
    ]
}
