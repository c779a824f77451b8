import Calibration
import CrimsCore
import Glibc
import Testing

private func months(_ count: Int, from first: CivilMonth = .init(year: 2016, month: 1)) -> [CivilMonth] {
    (0..<count).map { CivilMonth(index: first.index + $0) }
}

@Suite struct ExposureTests {
    @Test func `flat weights give the days of a month`() {
        for month in months(48) {
            let days = Exposure.days(of: month, weights: Array(repeating: 1, count: 168))
            #expect(abs(days - Double(month.days)) < 1e-12)
        }
    }

    @Test func `exposure is the sum that a run multiplies by`() {
        let weights = (0..<168).map { 0.25 + Double($0 % 24) / 12 }
        for month in months(24) {
            var sum = 0.0
            for hour in month.start.hour..<month.next.start.hour { sum += weights[CivilMinute.hourOfWeek(hour: hour)] }
            #expect(abs(Exposure.days(of: month, weights: weights) - sum / 24) < 1e-9)
        }
    }

    @Test func `a month with five Saturdays has more of what happens on Saturdays`() {
        let weights = (0..<168).map { $0 / 24 == 5 ? 7.0 : 0 }
        #expect(Exposure.days(of: CivilMonth(year: 2019, month: 6), weights: weights) == 35)
        #expect(Exposure.days(of: CivilMonth(year: 2019, month: 7), weights: weights) == 28)
    }
}

@Suite struct LogGammaTests {
    @Test(arguments: [
        (0.01, 4.599_479_878_042_022), (0.5, 0.572_364_942_924_700_1), (1, 0), (2, 0), (3.25, 0.935_801_931_108_724_9),
        (10, 12.801_827_480_081_469), (100.5, 361.435_540_467_777_6), (1e6, 12_815_504.569_147_611),
    ])
    func `values are those of tables`(x: Double, expected: Double) {
        #expect(abs(logGamma(x) - expected) <= 1e-12 * max(1, abs(expected)))
    }

    @Test func `it agrees with the C library`() {
        for step in 1...2_000 {
            let x = Double(step) * 0.173
            #expect(abs(logGamma(x) - lgamma(x)) <= 2e-13 * max(1, abs(lgamma(x))))
        }
    }
}

@Suite struct RateEstimateTests {
    /// Counts of areas that differ by a gamma of the given shape, with the given pattern of the year.
    private static func simulated(
        seed: UInt64, areas: Int, months: [CivilMonth], daily: Double, shape: Double, pattern: [Double],
        monthlyGrowth: Double = 0
    ) -> (counts: [Int], exposure: [Double], rates: [Double]) {
        var draws = Draws(seed: seed)
        let rates = (0..<areas).map { _ in daily * draws.gamma(shape: shape) }
        let exposure = months.map { Double($0.days) }
        var counts: [Int] = []
        for (slot, month) in months.enumerated() {
            let growth = 1 + monthlyGrowth * (Double(slot) - Double(months.count - 1) / 2)
            for area in 0..<areas {
                counts.append(draws.poisson(rates[area] * pattern[month.month - 1] * exposure[slot] * growth))
            }
        }
        return (counts, exposure, rates)
    }

    private static let flat = Array(repeating: 1.0, count: 12)
    private static let summer = (0..<12).map { 1 + 0.3 * sin(Double($0 - 3) / 6 * .pi) }

    @Test(arguments: [(1, 24), (3, 24), (40, 24), (40, 7), (40, 30), (12, 1)])
    func `expected totals over the training months are the observed ones`(areas: Int, count: Int) {
        let months = months(count, from: CivilMonth(year: 2018, month: 5))
        let (counts, exposure, _) = Self.simulated(
            seed: 1, areas: areas, months: months, daily: 0.4, shape: 1.5, pattern: Self.summer)
        let estimate = RateEstimate(
            counts: counts, areas: areas, months: months, exposure: exposure, fallbackShape: 2)
        var expected = 0.0
        for area in 0..<areas {
            for (slot, month) in months.enumerated() {
                expected += estimate.rate(area: area, month: month.month) * exposure[slot]
            }
        }
        let observed = Double(counts.reduce(0, +))
        #expect(abs(expected - observed) < 1e-9 * observed)
    }

    @Test func `the shape and the rates behind simulated counts are recovered`() {
        let months = months(24)
        let (counts, exposure, rates) = Self.simulated(
            seed: 7, areas: 400, months: months, daily: 0.02, shape: 2, pattern: Self.flat)
        let estimate = RateEstimate(
            counts: counts, areas: 400, months: months, exposure: exposure, fallbackShape: 1)
        // 400 gamma draws tell log α to about 0.1 (counts of 15 a cell add little); 4 standard errors.
        #expect(abs(log(estimate.shape / 2)) < 0.4)

        let days = exposure.reduce(0, +)
        var raw = 0.0
        var shrunk = 0.0
        var beyond = 0
        for area in 0..<400 {
            let total = Double(months.indices.reduce(0) { $0 + counts[$1 * 400 + area] })
            raw += pow(total / days - rates[area], 2)
            shrunk += pow(estimate.areas[area] - rates[area], 2)
            let deviation = sqrt(total + estimate.shape) / (days + estimate.shape / 0.02)
            if abs(estimate.areas[area] - rates[area]) > 2 * deviation { beyond += 1 }
        }
        #expect(shrunk < raw)
        #expect((12...28).contains(beyond), "\(beyond) of 400 beyond two posterior deviations")
    }

    @Test func `areas that do not differ get the force's rate`() {
        let months = months(24)
        var draws = Draws(seed: 3)
        let counts = (0..<24 * 100).map { _ in draws.poisson(3) }
        let estimate = RateEstimate(
            counts: counts, areas: 100, months: months, exposure: months.map { Double($0.days) }, fallbackShape: 1)
        #expect(estimate.shape > 100)
        let mean = estimate.areas.reduce(0, +) / 100
        #expect(estimate.areas.allSatisfy { abs($0 / mean - 1) < 0.15 })
    }

    @Test(arguments: [0, 0.02])
    func `a season is kept, also under growth`(growth: Double) {
        let months = months(36)
        let (counts, exposure, _) = Self.simulated(
            seed: 11, areas: 50, months: months, daily: 2, shape: 2, pattern: Self.summer, monthlyGrowth: growth)
        let estimate = RateEstimate(counts: counts, areas: 50, months: months, exposure: exposure, fallbackShape: 1)
        #expect(estimate.monthWeight > 0.9)
        // 9,000 incidents in a calendar month: 1 %, and the growth's share in the scale.
        #expect(zip(estimate.pattern, Self.summer).allSatisfy { abs($0 - $1) < 0.05 })
    }

    @Test func `chance is not taken for a season`() {
        var weights = 0.0
        for seed in 0..<20 {
            let months = months(24)
            let (counts, exposure, _) = Self.simulated(
                seed: UInt64(seed), areas: 20, months: months, daily: 0.05, shape: 2, pattern: Self.flat)
            weights +=
                RateEstimate(
                    counts: counts, areas: 20, months: months, exposure: exposure, fallbackShape: 1
                ).monthWeight / 20
        }
        #expect(weights < 0.35)
    }

    @Test func `calendar months never seen are flat, and a category never seen has no rate`() {
        let months = months(6)
        let exposure = months.map { Double($0.days) }
        var draws = Draws(seed: 5)
        let counts = (0..<6 * 12).map { _ in draws.poisson(20) }
        let seen = RateEstimate(counts: counts, areas: 12, months: months, exposure: exposure, fallbackShape: 1)
        #expect(Set(seen.pattern[6...]).count == 1)
        let never = RateEstimate(
            counts: Array(repeating: 0, count: 72), areas: 12, months: months, exposure: exposure, fallbackShape: 1)
        #expect(never.areas.allSatisfy { $0 == 0 } && never.pattern == Self.flat)
    }

    @Test func `with few areas the given shape is taken`() {
        let months = months(12)
        let estimate = RateEstimate(
            counts: (0..<12 * 9).map { $0 % 9 }, areas: 9, months: months, exposure: months.map { Double($0.days) },
            fallbackShape: 1.25)
        #expect(estimate.shape == 1.25)
    }
}

@Suite struct DispersionEstimateTests {
    /// The mean over replicates of the estimates from 24 months of 100 areas.
    private static func estimates(shared: Double, own: Double, mean: Double, areas: Int) -> (Double, Double, Double) {
        let replicates = 60
        var values: [CrimeModel.Dispersion] = []
        for replicate in 0..<replicates {
            var draws = Draws(seed: UInt64(1_000 + replicate))
            let months = months(24)
            let rates = (0..<areas).map { _ in mean * draws.gamma(shape: 2) / 30 }
            var counts: [Int] = []
            let exposure = months.map { Double($0.days) }
            for slot in months.indices {
                let together = shared > 0 ? draws.gamma(shape: 1 / shared) : 1
                for area in 0..<areas {
                    let alone = own > 0 ? draws.gamma(shape: 1 / own) : 1
                    counts.append(draws.poisson(rates[area] * exposure[slot] * together * alone))
                }
            }
            let fit = RateEstimate(counts: counts, areas: areas, months: months, exposure: exposure, fallbackShape: 2)
            var expected: [Double] = []
            for (slot, month) in months.enumerated() {
                for area in 0..<areas { expected.append(fit.rate(area: area, month: month.month) * exposure[slot]) }
            }
            values.append(
                DispersionEstimate.moments(
                    counts: counts, expected: expected, areas: areas, patternParameters: fit.patternParameters))
        }
        let n = Double(replicates)
        let sharedMean = values.reduce(0) { $0 + $1.shared } / n
        let ownMean = values.reduce(0) { $0 + $1.own } / n
        let variance = values.reduce(0) { $0 + pow($1.shared - sharedMean, 2) } / (n - 1)
        return (sharedMean, ownMean, sqrt(variance / n))
    }

    @Test(arguments: [(0.02, 0.1, 10.0), (0.04, 0, 10), (0.01, 0.05, 40)])
    func `both variances are recovered`(shared: Double, own: Double, mean: Double) {
        let (foundShared, foundOwn, error) = Self.estimates(shared: shared, own: own, mean: mean, areas: 100)
        // Besides chance, a season fitted to noise takes a little of the shared part.
        #expect(abs(foundShared - shared) < 4 * error + 0.15 * shared)
        #expect(abs(foundOwn - own) < 0.01)
    }

    @Test func `Poisson counts have next to none, and never less`() {
        let (shared, own, _) = Self.estimates(shared: 0, own: 0, mean: 20, areas: 100)
        #expect((0..<0.001).contains(shared))
        #expect((0..<0.004).contains(own))
    }

    @Test func `in one area all of it is shared`() {
        let counts = [10, 30, 20, 40, 15, 25, 5, 35, 20, 20]
        let found = DispersionEstimate.moments(
            counts: counts, expected: Array(repeating: 22, count: 10), areas: 1, patternParameters: 1)
        #expect(found.shared > 0.1 && found.own == 0)
    }

    @Test func `too few months tell nothing`() {
        let found = DispersionEstimate.moments(
            counts: [1, 50], expected: [25, 25], areas: 2, patternParameters: 1)
        #expect(found == .init())
    }
}

@Suite struct SuspectEstimateTests {
    @Test func `areas lean on the force as far as their outcomes are few`() {
        var draws = Draws(seed: 9)
        var suspect: [Int] = []
        var known: [Int] = []
        var truth: [Double] = []
        for area in 0..<300 {
            let n = 2 + area % 60
            // Beta(6, 14) from two gammas: mean 0.3, strength 20.
            let a = draws.gamma(shape: 6) * 6
            let b = draws.gamma(shape: 14) * 14
            truth.append(a / (a + b))
            suspect.append((0..<n).count { _ in draws.uniform() < a / (a + b) })
            known.append(n)
        }
        let estimate = SuspectEstimate(suspect: suspect, known: known, fallback: 0)
        #expect(abs(estimate.mean - 0.3) < 0.03)
        #expect((12...35).contains(estimate.strength))
        var raw = 0.0
        var shrunk = 0.0
        for area in 0..<300 {
            raw += pow(Double(suspect[area]) / Double(known[area]) - truth[area], 2)
            shrunk += pow(estimate.areas[area] - truth[area], 2)
        }
        #expect(shrunk < 0.7 * raw)
    }

    @Test func `areas without outcomes have the force's share, and no outcomes at all the fallback`() {
        let some = SuspectEstimate(suspect: [3, 0, 30], known: [10, 0, 90], fallback: 0.9)
        #expect(some.areas[1] == 0.33)
        #expect(SuspectEstimate(suspect: [0, 0], known: [0, 0], fallback: 0.25).areas == [0.25, 0.25])
        #expect(SuspectEstimate(suspect: [0, 0], known: [5, 9], fallback: 0.25).areas == [0, 0])
        #expect(SuspectEstimate(suspect: [5, 9], known: [5, 9], fallback: 0.25).areas == [1, 1])
    }
}
