import Calibration
import CrimsCore
import Glibc
import Testing

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
            let growth = exp(monthlyGrowth * (Double(slot) - Double(months.count - 1) / 2))
            for area in 0..<areas {
                counts.append(draws.poisson(rates[area] * pattern[month.month - 1] * exposure[slot] * growth))
            }
        }
        return (counts, exposure, rates)
    }

    private static func estimate(
        counts: [Int], areas: Int, months: [CivilMonth], exposure: [Double], fallbackShape: Double,
        recency: Recency = .even
    ) -> RateEstimate {
        let force = ForceCounts(areas: areas, months: months, categories: [(counts, exposure, fallbackShape)])
        return RateEstimate(force.categories[0], areas: areas, months: months, recency: recency)
    }

    private static let flat = Array(repeating: 1.0, count: 12)
    private static let summer = (0..<12).map { 1 + 0.3 * sin(Double($0 - 3) / 6 * .pi) }

    @Test(arguments: [(1, 24), (3, 24), (40, 24), (40, 7), (40, 30), (12, 1)])
    func `expected totals over the training months are the observed ones`(areas: Int, count: Int) {
        let months = trainingMonths(count, from: CivilMonth(year: 2018, month: 5))
        let (counts, exposure, _) = Self.simulated(
            seed: 1, areas: areas, months: months, daily: 0.4, shape: 1.5, pattern: Self.summer)
        let estimate = Self.estimate(counts: counts, areas: areas, months: months, exposure: exposure, fallbackShape: 2)
        let expected = zip(months, exposure).reduce(0) { $0 + estimate.expected(in: $1.0, exposure: $1.1) }
        let observed = Double(counts.reduce(0, +))
        #expect(abs(expected - observed) < 1e-9 * observed)
    }

    @Test func `the shape and the rates behind simulated counts are recovered`() {
        let months = trainingMonths(24)
        let (counts, exposure, rates) = Self.simulated(
            seed: 7, areas: 400, months: months, daily: 0.02, shape: 2, pattern: Self.flat)
        let estimate = Self.estimate(counts: counts, areas: 400, months: months, exposure: exposure, fallbackShape: 1)
        // 400 gamma draws tell log α to about 0.1 (counts of 15 a cell add little); 4 standard errors.
        #expect(abs(log(estimate.shape / 2)) < 0.4)

        let days = exposure.reduce(0, +)
        var raw = 0.0
        var shrunk = 0.0
        var beyond = 0
        for area in 0..<400 {
            let total = Double(months.indices.reduce(0) { $0 + counts[$1 * 400 + area] })
            raw += pow(total / days - rates[area], 2)
            shrunk += pow(estimate.level * estimate.shares[area] - rates[area], 2)
            let deviation = sqrt(total + estimate.shape) / (days + estimate.shape / 0.02)
            if abs(estimate.level * estimate.shares[area] - rates[area]) > 2 * deviation { beyond += 1 }
        }
        #expect(shrunk < raw)
        #expect((12...28).contains(beyond), "\(beyond) of 400 beyond two posterior deviations")
    }

    @Test func `areas that do not differ get the force's rate`() {
        let months = trainingMonths(24)
        var draws = Draws(seed: 3)
        let counts = (0..<24 * 100).map { _ in draws.poisson(3) }
        let estimate = Self.estimate(
            counts: counts, areas: 100, months: months, exposure: months.map { Double($0.days) }, fallbackShape: 1)
        #expect(estimate.shape > 100)
        #expect(estimate.shares.allSatisfy { abs($0 * 100 - 1) < 0.15 })
    }

    @Test(arguments: [0, 0.02])
    func `a season is kept, also under growth`(growth: Double) {
        let months = trainingMonths(36)
        let (counts, exposure, _) = Self.simulated(
            seed: 11, areas: 50, months: months, daily: 2, shape: 2, pattern: Self.summer, monthlyGrowth: growth)
        let estimate = Self.estimate(counts: counts, areas: 50, months: months, exposure: exposure, fallbackShape: 1)
        #expect(estimate.season.weight > 0.9)
        // 9,000 incidents in a calendar month: 1 %, and the growth's share in the scale.
        #expect(zip(estimate.season.pattern, Self.summer).allSatisfy { abs($0 - $1) < 0.05 })
    }

    @Test func `chance is not taken for a season`() {
        var weights = 0.0
        for seed in 0..<20 {
            let months = trainingMonths(24)
            let (counts, exposure, _) = Self.simulated(
                seed: UInt64(seed), areas: 20, months: months, daily: 0.05, shape: 2, pattern: Self.flat)
            weights +=
                Self.estimate(
                    counts: counts, areas: 20, months: months, exposure: exposure, fallbackShape: 1
                ).season.weight / 20
        }
        #expect(weights < 0.35)
    }

    @Test func `calendar months never seen are flat, and a category never seen has no rate`() {
        let months = trainingMonths(6)
        let exposure = months.map { Double($0.days) }
        var draws = Draws(seed: 5)
        let counts = (0..<6 * 12).map { _ in draws.poisson(20) }
        let seen = Self.estimate(counts: counts, areas: 12, months: months, exposure: exposure, fallbackShape: 1)
        #expect(Set(seen.season.pattern[6...]).count == 1)
        let never = Self.estimate(
            counts: Array(repeating: 0, count: 72), areas: 12, months: months, exposure: exposure, fallbackShape: 1)
        #expect(never.shares.allSatisfy { $0 == 0 } && never.season.pattern == Self.flat)
    }

    @Test func `with few areas the given shape is taken`() {
        let months = trainingMonths(12)
        let estimate = Self.estimate(
            counts: (0..<12 * 9).map { $0 % 9 }, areas: 9, months: months, exposure: months.map { Double($0.days) },
            fallbackShape: 1.25)
        #expect(estimate.shape == 1.25)
    }
}
