import Calibration
import CrimsCore
import Glibc
import Testing

/// On data drawn from known parameters, calibration gives them back.
@Suite struct RecoveryTests {
    private struct Truth {
        var areas = 60
        var months = 36
        /// Incidents a day in the whole force.
        var daily: Double
        var shape = 2.0
        var shared = 0.0
        var own = 0.0
        var growth = 0.0
        var season = (0..<12).map { 1 + 0.2 * sin(Double($0) / 6 * .pi) }

        /// Counts of the months, and each area's true share.
        func draw(seed: UInt64) -> (force: ForceCounts, shares: [Double]) {
            var draws = Draws(seed: seed)
            let weights = (0..<areas).map { _ in draws.gamma(shape: shape) }
            let shares = weights.map { $0 / weights.reduce(0, +) }
            let first = CivilMonth(year: 2015, month: 1)
            let months = (0..<months).map { CivilMonth(index: first.index + $0) }
            var counts: [Int] = []
            for (slot, month) in months.enumerated() {
                let level = daily * season[month.month - 1] * exp(growth * Double(slot - months.count + 1))
                let together = shared > 0 ? draws.gamma(shape: 1 / shared) : 1
                for area in 0..<areas {
                    let alone = own > 0 ? draws.gamma(shape: 1 / own) : 1
                    counts.append(draws.poisson(level * shares[area] * Double(month.days) * together * alone))
                }
            }
            let exposure = months.map { Double($0.days) }
            return (ForceCounts(areas: areas, months: months, categories: [(counts, exposure, 1)]), shares)
        }
    }

    private static func fits(_ truth: Truth, replicates: Int) -> [ForceEstimate] {
        (0..<replicates).map { replicate in
            let force = truth.draw(seed: UInt64(100 + replicate)).force
            return ForceEstimate(force, rolling: RollingForecasts(force), months: truth.months)
        }
    }

    /// Mean and standard deviation.
    private static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, sqrt(square / Double(values.count - 1)))
    }

    @Test(arguments: [(daily: 5.0, shared: 0.0095, own: 0.2), (30, 0.02, 0.1), (80, 0.003, 0.02), (30, 0, 0)])
    func `dispersion comes back, with what a forecast is uncertain of besides`(
        daily: Double, shared: Double, own: Double
    ) {
        let fits = Self.fits(Truth(daily: daily, shared: shared, own: own), replicates: 40)
        let found = Self.moments(fits.map { $0.dispersion[0].shared })
        // A forecast from three years of noisy months knows the season to about half a month's variance.
        let ofMonth = shared + 1 / (daily * 30.4)
        #expect(found.mean > shared && found.mean < shared + ofMonth)
        #expect(fits.allSatisfy { abs($0.dispersion[0].shared - shared) < 4 * found.deviation + ofMonth / 2 })
        let foundOwn = Self.moments(fits.map { $0.dispersion[0].own })
        #expect(abs(foundOwn.mean - own) < 4 * foundOwn.deviation / sqrt(40) + 0.003)
    }

    @Test(arguments: [0.01, 0.003, 0, -0.006])
    func `growth comes back, a little shrunk`(growth: Double) {
        let fits = Self.fits(Truth(daily: 30, shared: 0.004, own: 0.05, growth: growth), replicates: 40)
        let found = Self.moments(fits.map { $0.rates[0].growth })
        #expect(found.deviation < 0.003)
        #expect(abs(found.mean - growth) < 0.001 + 0.3 * abs(growth))
        #expect(fits.allSatisfy { abs($0.rates[0].growth - growth) < 4 * found.deviation })
    }

    @Test(arguments: [0, 0.01])
    func `the force's rates of all months come back`(growth: Double) {
        let truth = Truth(daily: 30, shared: 0.004, own: 0.05, growth: growth)
        let fits = Self.fits(truth, replicates: 40)
        for month in 1...12 {
            let found = fits.map { fit in
                (0..<truth.areas).reduce(0) { $0 + fit.rates[0].rate(area: $1, month: month) }
            }
            let rate = Self.moments(found)
            let expected = truth.daily * truth.season[month - 1]
            // Shrinkage of growth and season leaves a little behind.
            #expect(abs(rate.mean - expected) < 4 * rate.deviation / sqrt(40) + 0.03 * expected)
            #expect(found.allSatisfy { abs($0 - expected) < 4 * rate.deviation })
        }
    }

    @Test func `a level that wanders is followed, and one that does not is not`() {
        var steady = 0.0
        var wandering = 0.0
        for seed in 0..<10 {
            var draws = Draws(seed: UInt64(seed))
            var level = 0.0
            let months = trainingMonths(60)
            func force(step: Double) -> ForceCounts {
                level = 0
                let counts = months.flatMap { month in
                    level += step * (draws.gamma(shape: 4) - 1) * 2
                    return (0..<20).map { _ in draws.poisson(exp(level) * Double(month.days)) }
                }
                return ForceCounts(
                    areas: 20, months: months, categories: [(counts, months.map { Double($0.days) }, 1)])
            }
            steady += min(RollingForecasts(force(step: 0)).recency(months: 60).level, 96) / 10
            wandering += min(RollingForecasts(force(step: 0.05)).recency(months: 60).level, 96) / 10
        }
        #expect(steady > 5 && wandering < 3, "\(steady) and \(wandering) months")
    }

    @Test func `a fit of fewer months does not know the later ones`() {
        let force = Truth(daily: 30, shared: 0.004, own: 0.05).draw(seed: 9).force
        let all = RollingForecasts(force)
        _ = all.recency(months: 36)
        let early = ForceEstimate(force, rolling: all, months: 24)
        let first = force.first(24)
        let alone = ForceEstimate(first, rolling: RollingForecasts(first), months: 24)
        #expect(early.recency == alone.recency && early.dispersion == alone.dispersion)
        #expect(early.rates[0].level == alone.rates[0].level && early.rates[0].shares == alone.rates[0].shares)
    }
}
