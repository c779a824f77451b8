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
    let reference = try Reference(folder: options.reference, force: options.force)
    let records = try StreetRecords(options, reference)
    let (counts, accounting, period) = (records.counts, records.accounting, records.period)
    if options.method == .upstream {
        return try upstream(options, reference: reference, counts: counts, accounting, period: period, log: log)
    }
    for line in accounting.summary { log(line) }
    try accounting.refuseFaults(options)
    let force = ForceCounts(counts, reference: reference)
    let rolling = RollingForecasts(force)
    let fit = ModelFit(
        counts: counts, force: force, rolling: rolling, reference: reference,
        leavingOut: accounting.outcomeMonthsLeftOut, recency: options.recency)
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
                force: force, fit: fit, rolling: rolling, recency: options.recency))
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
    let reference = try Reference(folder: options.reference, force: options.force)
    let records = try StreetRecords(options, reference)
    for line in records.accounting.summary { log(line) }
    let backtest = try Backtest(
        ForceCounts(records.counts, reference: reference), categories: reference.categories,
        hectares: reference.hectares,
        plan: plan, recency: options.recency)
    return (backtest, records.accounting)
}

extension Accounting {
    /// Finds the months whose outcomes cannot be used.
    mutating func noteOutcomeMonths(of counts: StreetCounts) {
        let unknown = counts.months.map { month -> Double in
            var sums = Array(repeating: 0, count: OutcomeKind.count)
            for (index, count) in month.cells.enumerated()
            where index / OutcomeKind.count % counts.categories != counts.categoryWithoutOutcomes {
                sums[index % OutcomeKind.count] += Int(count)
            }
            let all = sums.reduce(0, +)
            return all > 0 ? Double(sums[OutcomeKind.unknown.rawValue]) / Double(all) : 0
        }
        guard !unknown.isEmpty else { return }
        let median = unknown.sorted()[unknown.count / 2]
        outcomeMonthsLeftOut = zip(counts.months, unknown)
            .filter { $1 > median + Self.unknownShareExcessMax }.map(\.0.month)
    }

    /// A month with so much larger a share of unknown outcomes than the median month is no sample of its outcomes.
    static let unknownShareExcessMax = 0.05
}
