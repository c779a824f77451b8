import CrimsCore
import Models
import Protocol

/// Calibrates a model of one force from data.police.uk records.
///
/// The same archives and reference give the same model, bit for bit. How each part is estimated is said where it is:
/// `RateEstimate`, `SuspectEstimate`, `DispersionEstimate`; shares of offences are the force's recorded counts.
///
/// - Parameter log: Gets sentences for people: what was read, rejected and found.
/// - Returns: The model (without a digest: that is of the files, once written), what to write into its `model.json`,
///   and what became of each row.
public func calibrate(
    _ options: CalibrationOptions, log: (String) -> Void
) throws(CalibrationError) -> (model: CrimeModel, information: ModelInformation, accounting: Accounting) {
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

    if options.method == .upstream {
        return try upstream(options, reference: reference, counts: counts, accounting, period: period, log: log)
    }
    let fit = ModelFit(counts: counts, reference: reference, leavingOut: accounting.outcomeMonthsLeftOut)
    for line in accounting.summary { log(line) }
    for line in fit.summary(reference.categories) { log(line) }
    let model = CrimeModel(
        name: options.name ?? options.force,
        title: options.title ?? "\(reference.forceName), \(period.from.text) to \(period.to.text)",
        period: period, digest: "", areas: reference.areas, categories: reference.categories,
        crimes: fit.crimes, rates: fit.rates, profiles: reference.profile,
        profileOfCrime: fit.crimes.map(\.category), suspect: fit.suspect, neighbours: reference.neighbours,
        dispersion: fit.dispersion,
        trend: Array(repeating: CrimeModel.Trend(), count: reference.categories.count))
    let information = ModelInformation(
        fit: fit, reference: reference, accounting: accounting, months: counts.months.count)
    return (model, information, accounting)
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
            var sums = Array(repeating: 0, count: OutcomeKind.count)
            var all = 0
            for (index, count) in month.cells.enumerated() {
                all += Int(count)
                if index / OutcomeKind.count % counts.categories != counts.categoryWithoutOutcomes {
                    sums[index % OutcomeKind.count] += Int(count)
                }
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
