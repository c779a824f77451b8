import CrimsCore
import Models

/// Makes a model of a force's counts by the predecessor's formulas.
///
/// - Throws: ``CalibrationError/notWholeYears(from:to:)``, ``CalibrationError/monthsWithoutRecords(_:)``.
func upstream(
    _ options: CalibrationOptions, reference: Reference, counts: StreetCounts, _ accounting: Accounting,
    period: (from: CivilMonth, to: CivilMonth), log: (String) -> Void
) throws(CalibrationError) -> (model: CrimeModel, information: ModelInformation, accounting: Accounting) {
    var accounting = accounting
    // The predecessor leaves no month out.
    accounting.outcomeMonthsLeftOut = []
    for line in accounting.summary { log(line) }
    try accounting.refuseFaults(options)
    let fit = try UpstreamFit(counts: counts, reference: reference, period: period)
    for line in fit.summary(reference.categories) { log(line) }
    let information = ModelInformation(fit: fit, reference: reference, accounting: accounting)
    return (fit.model(options, reference: reference, period: period), information, accounting)
}
