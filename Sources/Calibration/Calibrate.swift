import CrimsCore
import Models
import Protocol

/// Calibrates a model of one force from data.police.uk records.
///
/// The same archives and reference give the same model, bit for bit. How each part is estimated is said where it is:
/// `RateEstimate`, `SuspectEstimate`, `DispersionEstimate`; shares of offences are the force's recorded counts.
///
/// - Parameters:
///   - facts: Gets what a report of the calibration tells; nil if there will be none, which saves a back-test.
///   - log: Gets sentences for people: what was read, rejected and found.
/// - Returns: The model (without a digest: that is of the files, once written), what to write into its `model.json`,
///   and what became of each row.
public func calibrate(
    _ options: CalibrationOptions, facts: ((CalibrationFacts) -> Void)? = nil, log: (String) -> Void
) throws(CalibrationError) -> (model: CrimeModel, information: ModelInformation, accounting: Accounting) {
    let (reference, counts, accounting, period) = try read(options)
    let force = ForceCounts(counts, reference: reference)
    let rolling = RollingForecasts(force)
    let fit = ModelFit(
        counts: counts, force: force, rolling: rolling, reference: reference,
        leavingOut: accounting.outcomeMonthsLeftOut)
    for line in accounting.summary { log(line) }
    for line in fit.summary(reference.categories) { log(line) }
    let model = CrimeModel(
        name: options.name ?? options.force,
        title: options.title ?? "\(reference.forceName), \(period.from.text) to \(period.to.text)",
        period: period, digest: "", areas: reference.areas, categories: reference.categories,
        crimes: fit.crimes, rates: fit.rates, profiles: reference.profile,
        profileOfCrime: fit.crimes.map(\.category), suspect: fit.suspect, neighbours: reference.neighbours,
        dispersion: fit.dispersion, trend: fit.trend)
    let information = ModelInformation(
        fit: fit, reference: reference, accounting: accounting, monthCount: counts.months.count)
    if let facts {
        facts(
            try CalibrationFacts(
                model: model, information: information, accounting: accounting, reference: reference, counts: counts,
                force: force, fit: fit, rolling: rolling))
    }
    return (model, information, accounting)
}

/// Forecasts months of a force that the training months do not know, and scores the forecasts.
///
/// - Parameters:
///   - options: Whose period is not used.
///   - log: Gets sentences for people: what was read and rejected.
public func backtest(
    _ options: CalibrationOptions, plan: BacktestPlan, log: (String) -> Void
) throws(CalibrationError) -> (backtest: Backtest, accounting: Accounting) {
    var options = options
    options.from = plan.train.from
    options.to = plan.test.to
    let (reference, counts, accounting, _) = try read(options)
    for line in accounting.summary { log(line) }
    let backtest = try Backtest(
        ForceCounts(counts, reference: reference), categories: reference.categories, hectares: reference.hectares,
        plan: plan)
    return (backtest, accounting)
}

/// Reads a force's records, and finds what is wrong with its months.
private func read(_ options: CalibrationOptions) throws(CalibrationError) -> (
    reference: Reference, counts: StreetCounts, accounting: Accounting, period: BacktestPlan.Period
) {
    if let from = options.from, let to = options.to, from > to {
        throw .period(from: from.text, to: to.text)
    }
    let reference = try Reference(folder: options.reference, force: options.force)
    var reader = StreetReader(options: options, reference: reference)
    try reader.readAll()
    let counts = reader.counts
    var accounting = reader.accounting
    guard let first = counts.months.first?.month, let last = counts.months.last?.month else {
        throw .nothingUsed(reason: accounting.summary.joined(separator: "; "))
    }
    let period = (from: options.from ?? first, to: options.to ?? last)
    accounting.noteMonths(of: counts, period: period)
    return (reference, counts, accounting, period)
}

extension Accounting {
    /// Finds the months that are missing, thin, or without outcomes.
    mutating func noteMonths(of counts: StreetCounts, period: (from: CivilMonth, to: CivilMonth)) {
        let seen = Set(counts.months.map(\.month))
        missingMonths = (period.from.index...period.to.index).map(CivilMonth.init(index:))
            .filter { !seen.contains($0) }
        var rows: [Int] = []
        var unknown: [Double] = []
        for month in counts.months {
            var sums = [0, 0, 0]
            var all = 0
            for (index, count) in month.cells.enumerated() {
                all += Int(count)
                if index / 3 % counts.categories != counts.categoryWithoutOutcomes { sums[index % 3] += Int(count) }
            }
            rows.append(all)
            let withOutcomes = sums.reduce(0, +)
            unknown.append(withOutcomes > 0 ? Double(sums[OutcomeKind.unknown.rawValue]) / Double(withOutcomes) : 0)
        }
        let medianRows = Double(rows.sorted()[rows.count / 2])
        let medianUnknown = unknown.sorted()[unknown.count / 2]
        thinMonths = zip(counts.months, rows).filter { Double($1) < medianRows / 2 }.map(\.0.month)
        outcomeMonthsLeftOut = zip(counts.months, unknown)
            .filter { $1 > medianUnknown + Self.unknownShareExcessMax }.map(\.0.month)
    }

    /// A month with so much larger a share of unknown outcomes than the median month is no sample of its outcomes.
    static let unknownShareExcessMax = 0.05
}
