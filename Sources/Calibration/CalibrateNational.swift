import CrimsCore
import Models
import Protocol

/// Calibrates a model of all of England and Wales from tables of counts by force, area, month and category.
///
/// - Parameters:
///   - options: Whose force is ``EnglandAndWales/name``, and whose archives are the tables.
///   - suspects: The months to count suspects in; nil for those in which outcomes have settled.
///   - log: Gets sentences for people: what was read, rejected and found.
/// - Returns: The model (without a digest: that is of the files, once written), what to write into its `model.json`,
///   and what became of each record.
public func calibrateEnglandAndWales(
    _ options: CalibrationOptions, suspects: (from: CivilMonth, to: CivilMonth)? = nil, log: (String) -> Void
) throws(CalibrationError) -> (model: CrimeModel, information: ModelInformation, account: CountsAccount) {
    if let from = options.from, let to = options.to, from > to { throw .period(from: from.text, to: to.text) }
    precondition(options.force == EnglandAndWales.name, "one force is calibrated by calibrate(_:log:)")
    let reference = try Reference(folder: options.reference, force: options.force)
    var reader = CountsReader(options: options, reference: reference)
    try reader.readAll()
    let (counts, account) = (reader.counts, reader.account)
    for line in account.summary { log(line) }
    guard let first = counts.months.first?.month, let last = counts.months.last?.month else {
        throw .nothingUsed(reason: account.summary.joined(separator: "; "))
    }
    let period = (from: options.from ?? first, to: options.to ?? last)
    let fit = try NationalFit(
        counts: counts, reference: reference, recency: options.recency, suspects: suspects)
    guard fit.usable.imputed.count < reference.forces.count else {
        throw .nothingUsed(reason: "no force has \(NationalMonths.monthsMin) months of records")
    }
    let report = NationalReport(fit: fit, reference: reference, account: account, period: period)
    for line in report.findings + report.summary { log(line) }

    var areas = reference.areas
    for force in fit.usable.imputed {
        for area in counts.areasOfForce[force] { areas[area].isImputed = true }
    }
    let offences = OffenceShares(reference)
    let model = CrimeModel(
        name: options.name ?? options.force,
        title: options.title ?? "\(reference.forceName), \(period.from.text) to \(period.to.text)",
        period: period, digest: "", areas: areas, categories: reference.categories, crimes: offences.crimes,
        rates: fit.rates, profiles: reference.profile, profileOfCrime: offences.crimes.map(\.category),
        suspect: fit.suspect, neighbours: reference.neighbours, dispersion: fit.dispersion,
        trend: reference.categories.map { _ in .init() })
    return (model, report.information, account)
}
