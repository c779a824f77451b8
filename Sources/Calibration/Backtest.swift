import CrimsCore
import Protocol

/// Which months to learn from and which to forecast.
public struct BacktestPlan: Equatable, Sendable {
    public typealias Period = (from: CivilMonth, to: CivilMonth)

    public let train: Period
    public let test: Period
    /// Months forecast from each origin; nil for one split, all test months from one origin.
    public let horizon: Int?

    /// - Parameter horizon: With one, origins follow each other by as many months, so that each test month is forecast
    ///   once, and each origin learns from all months from the first to the one before the gap.
    public init(train: Period, test: Period, horizon: Int? = nil) {
        self.train = train
        self.test = test
        self.horizon = horizon
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.train == right.train && left.test == right.test && left.horizon == right.horizon
    }

    /// What is learnt from and what is forecast, one after the other.
    package var splits: [(train: Period, test: Period)] {
        let gap = test.from.index - train.to.index
        let step = horizon ?? (test.to.index - test.from.index + 1)
        return stride(from: test.from.index, through: test.to.index, by: step).map { first in
            (
                (train.from, CivilMonth(index: first - gap)),
                (CivilMonth(index: first), CivilMonth(index: min(first + step - 1, test.to.index)))
            )
        }
    }
}

/// How forecasts of a force's months came out, beside baselines that anybody could make.
public struct Backtest: Sendable {
    public struct Split: Sendable {
        public var train: BacktestPlan.Period
        public var test: BacktestPlan.Period
        public var recency: (level: Double, areas: Double)
        public var dispersion: [CrimeModel.Dispersion]
    }

    /// The force's total of a category in a month, forecast by the model and counted.
    package struct Total: Equatable, Sendable {
        package var expected: Double
        package var interval: CountInterval
        package var counted: Int
    }

    public let categories: [String]
    public internal(set) var splits: [Split] = []
    /// The months forecast, ascending.
    public internal(set) var months: [CivilMonth] = []
    /// Test months without records, which are not scored.
    public internal(set) var missing: [CivilMonth] = []
    /// By month, then category.
    package private(set) var totals: [[Total]] = []
    /// By method, then month, then category.
    private var scores: [[[ForecastScore]]] = ForecastMethod.allCases.map { _ in [] }
    /// By method, then month: maps of all categories together.
    private var maps: [[ForecastScore]] = ForecastMethod.allCases.map { _ in [] }

    /// A month in which at least so many of the force's totals lie outside their 90 % intervals is a break.
    public static let breakShare = 0.5

    /// - Parameters:
    ///   - hectares: Of each area.
    ///   - rolling: Forecasts over `counts`, if there are some already.
    package init(
        _ counts: ForceCounts, categories: [String], hectares: [Double], plan: BacktestPlan,
        rolling: RollingForecasts? = nil, recency: Recency? = nil
    ) throws(CalibrationError) {
        self.categories = categories
        let rolling = rolling ?? RollingForecasts(counts)
        for split in plan.splits {
            let first = counts.months.firstIndex { $0 >= plan.train.from } ?? 0
            precondition(first == 0, "counts begin with the training months")
            let months = counts.months.count { $0 <= split.train.to }
            guard months >= Self.trainingMonthsMin else {
                throw .tooFewMonths(
                    from: split.train.from.text, to: split.train.to.text, found: months, least: Self.trainingMonthsMin)
            }
            let estimate = ForceEstimate(counts, rolling: rolling, months: months, recency: recency)
            splits.append(
                Split(
                    train: split.train, test: split.test,
                    recency: (estimate.recency.level, estimate.recency.areas), dispersion: estimate.dispersion))
            for month in split.test.from.index...split.test.to.index {
                guard let slot = counts.months.firstIndex(of: CivilMonth(index: month)) else {
                    missing.append(CivilMonth(index: month))
                    continue
                }
                self.months.append(counts.months[slot])
                score(slot, counts, estimate, months, hectares)
            }
        }
        guard !self.months.isEmpty else {
            throw .nothingToForecast(from: plan.test.from.text, to: plan.test.to.text)
        }
    }

    /// Fewer months would be no sample of a level, let alone of a season.
    static let trainingMonthsMin = 3

    private mutating func score(
        _ slot: Int, _ counts: ForceCounts, _ estimate: ForceEstimate, _ months: Int, _ hectares: [Double]
    ) {
        let month = counts.months[slot]
        var totals: [Total] = []
        for (index, method) in ForecastMethod.allCases.enumerated() {
            var byCategory: [ForecastScore] = []
            var allCounts = Array(repeating: 0, count: counts.areas)
            var allMeans = Array(repeating: 0.0, count: counts.areas)
            for (category, data) in counts.categories.enumerated() {
                let forecast: Forecast
                switch method {
                case .model, .poisson:
                    let rates = estimate.rates[category]
                    let force = rates.expected(in: month, exposure: data.exposure[slot])
                    forecast = Forecast(
                        means: rates.shares.map { max($0 * force, Forecast.modelMin) },
                        dispersion: method == .model ? estimate.dispersion[category] : .init())
                default:
                    forecast = .baseline(method, of: month, category: data, counts: counts, months: months)
                }
                let observed = Array(data.counts[slot * counts.areas..<(slot + 1) * counts.areas])
                var score = ForecastScore()
                for (area, count) in observed.enumerated() { score.add(count: count, law: forecast.law(area: area)) }
                let total = observed.reduce(0, +)
                let law = forecast.lawOfTotal()
                score.add(total: total, law: law)
                if method == .model {
                    totals.append(Total(expected: law.mean, interval: law.interval90, counted: total))
                }
                score.addMap(counts: observed, forecast: forecast.means, hectares: hectares)
                byCategory.append(score)
                for area in 0..<counts.areas {
                    allCounts[area] += observed[area]
                    allMeans[area] += forecast.means[area]
                }
            }
            var map = ForecastScore()
            map.addMap(counts: allCounts, forecast: allMeans, hectares: hectares)
            scores[index].append(byCategory)
            maps[index].append(map)
        }
        self.totals.append(totals)
    }

    /// The scores of one category, or of all; of one month, or of all.
    ///
    /// Accuracy indices of all categories are of the map of all incidents.
    public func score(_ method: ForecastMethod, category: Int? = nil, month: Int? = nil) -> ForecastScore {
        let index = ForecastMethod.allCases.firstIndex(of: method) ?? 0
        var sum = ForecastScore()
        for slot in months.indices where month == nil || month == slot {
            for (found, score) in scores[index][slot].enumerated() where category == nil || category == found {
                sum.add(category == nil ? score.withoutMaps : score)
            }
            if category == nil { sum.add(maps[index][slot]) }
        }
        return sum
    }

    /// Months that the model's intervals miss for at least ``breakShare`` of the categories: something happened that
    /// the training months know nothing of.
    public var breaks: [CivilMonth] {
        months.indices.filter { month in
            1 - score(.model, month: month).totalCoverage >= Self.breakShare
        }.map { months[$0] }
    }
}
