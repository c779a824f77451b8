import CrimsCore
import Models

extension CalibrationFacts {
    /// Months learnt from before the first is forecast, so that each calendar month has been seen.
    static let trainingMonths = 12
    /// Months forecast from each origin.
    static let horizon = 2

    /// - Parameters:
    ///   - force: `counts`, prepared for estimation.
    ///   - rolling: Forecasts over `force`.
    ///   - asked: Half-lives that somebody has set; nil where they were chosen from the records.
    init(
        model: CrimeModel, information: ModelInformation, accounting: Accounting, reference: Reference,
        counts: StreetCounts, force: ForceCounts, fit: ModelFit, rolling: RollingForecasts,
        recency asked: Recency?
    ) throws(CalibrationError) {
        self.model = model
        self.information = information
        self.accounting = accounting
        forceName = reference.forceName
        hectares = reference.hectares
        months = force.months
        recency = fit.estimate.recency
        isRecencyChosen = asked == nil
        unknownOutcomes = counts.months.indices.map(counts.unknownShare)
        categories = force.categories.indices.map { category in
            Category(
                category, model: model, counts: counts, force: force, fit: fit,
                leavingOut: accounting.outcomeMonthsLeftOut)
        }
        backtest = nil
        guard months.count >= Self.trainingMonths + Self.horizon else { return }
        let last = months[Self.trainingMonths - 1]
        backtest = try Backtest(
            force, categories: model.categories, hectares: hectares,
            plan: BacktestPlan(
                train: (months[0], last), test: (last.next, months[months.count - 1]), horizon: Self.horizon),
            rolling: rolling, recency: asked)
    }
}

extension CalibrationFacts.Category {
    fileprivate init(
        _ category: Int, model: CrimeModel, counts: StreetCounts, force: ForceCounts, fit: ModelFit,
        leavingOut: [CivilMonth]
    ) {
        let data = force.categories[category]
        let rates = fit.estimate.rates[category]
        let weights = model.profiles[category * 168..<(category + 1) * 168]
        totals = data.totals
        areaCounts = (0..<force.areas).map { area in
            force.months.indices.reduce(0) { $0 + data.counts[$1 * force.areas + area] }
        }
        yearly = Array(repeating: 0, count: force.areas)
        for month in 1...12 {
            let days = Exposure.days(of: CivilMonth(year: model.period.to.year, month: month), weights: weights)
            for area in 0..<force.areas {
                yearly[area] += model.rate(area: area, category: category, month: month) * days
            }
        }
        areas = .init(rates)
        season = .init(
            pattern: rates.season.pattern, error: rates.season.error, ratios: rates.season.ratios,
            weight: rates.season.weight)
        growth = (rates.growth, GrowthEstimate.factor(growth: rates.growth, months: 12))
        course = zip(force.months, data.exposure).map { rates.expected(in: $0, exposure: $1) }
        ahead = (1...12).map { step in
            let month = CivilMonth(index: model.period.to.index + step)
            let rate = (0..<force.areas).reduce(0) { $0 + model.rate(area: $1, category: category, month: month.month) }
            let total =
                rate * Exposure.days(of: month, weights: weights) * model.trendFactor(category: category, month: month)
            guard total > 0 else { return .init(month: month, expected: 0, interval: .init(low: 0, high: 0)) }
            let forecast = Forecast(means: rates.shares.map { $0 * total }, dispersion: fit.dispersion[category])
            return .init(month: month, expected: total, interval: forecast.lawOfTotal().interval90)
        }
        suspects = .init(
            category, counts, estimate: fit.suspectEstimates[category], leavingOut: leavingOut)
        hasOwnOffences = !fit.categoriesWithoutCounts.contains(category)
    }
}

extension CalibrationFacts.Areas {
    fileprivate init(_ rates: RateEstimate) {
        shape = rates.shape
        estimated = rates.shares.map { $0 * Double(rates.shares.count) }
        // A category never seen has no shares.
        guard rates.level > 0 else {
            counted = estimated
            ownWeight = 0
            return
        }
        // The posterior variance of a share is 1 / (α + N); N is what was counted, by recency.
        let counts = rates.shareVariances.map { max(0, 1 / $0 - rates.shape) }
        let mean = counts.reduce(0, +) / Double(counts.count)
        counted = counts.map { $0 / mean }
        ownWeight = mean / (rates.shape + mean)
    }
}

extension CalibrationFacts.Suspects {
    fileprivate init(_ category: Int, _ counts: StreetCounts, estimate: SuspectEstimate, leavingOut: [CivilMonth]) {
        identified = 0
        none = 0
        unknown = 0
        for slot in counts.months.indices where !leavingOut.contains(counts.months[slot].month) {
            for area in 0..<counts.areas {
                let missing = counts.outcomes(slot, area: area, category: category, .unknown)
                let without = counts.outcomes(slot, area: area, category: category, .none)
                identified += counts.incidents(slot, area: area, category: category) - missing - without
                none += without
                unknown += missing
            }
        }
        mean = estimate.mean
        strength = estimate.strength
        hasOutcomes = category != counts.categoryWithoutOutcomes
    }
}

extension StreetCounts {
    /// The share of a month's outcomes that are not known.
    fileprivate func unknownShare(_ slot: Int) -> Double {
        var all = 0
        var unknown = 0
        for category in 0..<categories where category != categoryWithoutOutcomes {
            for area in 0..<areas {
                all += incidents(slot, area: area, category: category)
                unknown += outcomes(slot, area: area, category: category, .unknown)
            }
        }
        return all > 0 ? Double(unknown) / Double(all) : 0
    }
}
