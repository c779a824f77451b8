import Calibration
import CrimsCore
import Glibc
import Testing

@Suite struct DispersionEstimateTests {
    /// The mean over replicates of the estimates from 24 months of 100 areas.
    private static func estimates(shared: Double, own: Double, mean: Double, areas: Int) -> (Double, Double, Double) {
        let replicates = 60
        var values: [CrimeModel.Dispersion] = []
        for replicate in 0..<replicates {
            var draws = Draws(seed: UInt64(1_000 + replicate))
            let months = trainingMonths(24)
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
            let force = ForceCounts(areas: areas, months: months, categories: [(counts, exposure, 2)])
            let fit = RateEstimate(force.categories[0], areas: areas, months: months, recency: .even)
            let expected = zip(months, exposure).flatMap { month, exposure in
                let force = fit.expected(in: month, exposure: exposure)
                return fit.shares.map { force * $0 }
            }
            values.append(
                DispersionEstimate.moments(
                    counts: counts, expected: expected, areas: areas, patternParameters: fit.season.parameters))
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
