import CrimsCore

/// What is compared in a back-test.
public enum ForecastMethod: String, CaseIterable, Sendable {
    /// The calibrated model.
    case model
    /// Its means alone, as if counts were Poisson.
    case poisson
    /// The cell's mean in the same calendar month.
    case raw
    /// The cell's mean times the force's ratio of that calendar month.
    case seasonal
    /// The cell's count a year before.
    case lastYear = "last year"
    /// The cell's mean over the last twelve months.
    case lastTwelve = "last twelve"

    public var description: String {
        switch self {
        case .model: "the calibrated model"
        case .poisson: "the model's means, without dispersion"
        case .raw: "the cell's mean in the same calendar month"
        case .seasonal: "the cell's mean times the force's season"
        case .lastYear: "the cell's count a year before"
        case .lastTwelve: "the cell's mean of the last twelve months"
        }
    }
}

/// Expected counts of one month and category, by area, and what they vary by.
package struct Forecast {
    package var means: [Double]
    package var dispersion = CrimeModel.Dispersion()

    /// A baseline that predicts nothing would be infinitely wrong at the first incident.
    static let baselineMin = 0.1
    /// The model's zeros, of categories that the training months do not have, likewise.
    static let modelMin = 0.001

    package func law(area: Int) -> CountLaw {
        let (shared, own) = (dispersion.shared, dispersion.own)
        return CountLaw(mean: means[area], variance: shared + own + shared * own)
    }

    /// Of the force's total: its variance is that of the frailties' sum, its law taken as negative binomial.
    package func lawOfTotal() -> CountLaw {
        let total = means.reduce(0, +)
        let squares = means.reduce(0) { $0 + $1 * $1 }
        return CountLaw(
            mean: total,
            variance: dispersion.shared + (1 + dispersion.shared) * dispersion.own * squares / (total * total))
    }

    /// A baseline's forecast of `month` from the first `months` months.
    package static func baseline(
        _ method: ForecastMethod, of month: CivilMonth, category: ForceCounts.Category, counts: ForceCounts, months: Int
    ) -> Forecast {
        let slots = Array(0..<months)
        func mean(_ slots: [Int]) -> [Double] {
            (0..<counts.areas).map { area in
                let sum = slots.reduce(0) { $0 + category.counts[$1 * counts.areas + area] }
                return Double(sum) / Double(slots.count)
            }
        }
        let same = slots.filter { counts.months[$0].month == month.month }
        let all = mean(slots)
        var means: [Double]
        switch method {
        case .model, .poisson: preconditionFailure("not a baseline")
        case .raw: means = same.isEmpty ? all : mean(same)
        case .seasonal:
            let total = category.totals[..<months].reduce(0, +) / Double(months)
            let inMonth = same.reduce(0) { $0 + category.totals[$1] } / Double(max(same.count, 1))
            means = same.isEmpty || total == 0 ? all : all.map { $0 * inMonth / total }
        case .lastYear: means = same.last.map { mean([$0]) } ?? all
        case .lastTwelve: means = mean(slots.suffix(12))
        }
        for area in means.indices { means[area] = max(means[area], baselineMin) }
        return Forecast(means: means)
    }
}
