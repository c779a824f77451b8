import Calibration
import Glibc
import Testing

@Suite struct CountLawTests {
    private static let laws: [(mean: Double, variance: Double)] = [
        (0.001, 0), (0.3, 0), (7.5, 0), (4_000, 0), (0.2, 0.3), (5, 0.05), (5, 3), (800, 0.02), (6_000, 0.1),
    ]

    /// Straight from the definition, in logarithms.
    private static func probability(_ count: Int, _ mean: Double, _ variance: Double) -> Double {
        let k = Double(count)
        if variance == 0 { return exp(k * log(mean) - mean - lgamma(k + 1)) }
        let r = 1 / variance
        let ways = lgamma(k + r) - lgamma(r) - lgamma(k + 1)
        let odds = log(variance * mean / (1 + variance * mean))
        return exp(ways - r * log1p(variance * mean) + k * odds)
    }

    @Test(arguments: laws) func `the law is the negative binomial`(mean: Double, variance: Double) {
        let law = CountLaw(mean: mean, variance: variance)
        let deviation = sqrt(mean + variance * mean * mean)
        var sum = 0.0
        for count in 0...Int(mean + 6 * deviation + 10) {
            let probability = Self.probability(count, mean, variance)
            sum += probability
            #expect(abs(law.cumulative(count) - sum) < 1e-9)
            if probability > 1e-200 { #expect(abs(law.logScore(count) + log(probability)) < 1e-6) }
        }
        #expect(law.cumulative(-1) == 0 && law.cumulative(10_000_000) == 1)
        let upper = law.quantile(0.95)
        #expect(law.cumulative(upper) >= 0.95 && law.cumulative(upper - 1) < 0.95)
    }

    @Test(arguments: laws) func `the ranked score is its sum`(mean: Double, variance: Double) {
        let law = CountLaw(mean: mean, variance: variance)
        let top = Int(mean * 4 + 60 * (1 + variance * mean))
        for count in [0, Int(mean), Int(mean) + 1, Int(mean * 3) + 2] {
            var sum = 0.0
            for k in 0...top {
                let difference = law.cumulative(k) - (count <= k ? 1 : 0)
                sum += difference * difference
            }
            #expect(abs(law.rankedScore(count) - sum) < 1e-9 * (1 + sum))
        }
    }

    @Test func `counts of the law fall into its central shares as often as they should, few or many`() {
        var draws = Draws(seed: 17)
        for (mean, variance) in [(0.5, 2.0), (2.0, 0.5), (40, 0.05)] {
            let law = CountLaw(mean: mean, variance: variance)
            let poisson = CountLaw(mean: mean, variance: 0)
            var shares = (right: 0.0, inner: 0.0, narrow: 0.0)
            let n = 20_000
            for _ in 0..<n {
                let count = draws.poisson(mean * draws.gamma(shape: 1 / variance))
                shares.right += law.share(of: count, inside: 0.05, 0.95) / Double(n)
                shares.inner += law.share(of: count, inside: 0.25, 0.75) / Double(n)
                shares.narrow += poisson.share(of: count, inside: 0.05, 0.95) / Double(n)
            }
            #expect(abs(shares.right - 0.9) < 0.01 && abs(shares.inner - 0.5) < 0.015)
            // The control: the law without dispersion is too narrow.
            #expect(shares.narrow < shares.right - 0.008)
        }
    }

    @Test(arguments: [(0.3, 0.0), (4.0, 0.2), (250, 0.01)])
    func `a count is spread over tenths as its interval lies`(mean: Double, variance: Double) {
        let law = CountLaw(mean: mean, variance: variance)
        for count in [0, 1, 4, 230, 250, 900] {
            var tenths = Array(repeating: 0.0, count: 10)
            law.spread(count, over: &tenths)
            #expect(abs(tenths.reduce(0, +) - 1) < 1e-12)
            for part in 0..<10 {
                let share = law.share(of: count, inside: Double(part) / 10, Double(part + 1) / 10)
                #expect(abs(tenths[part] - share) < 1e-9 || tenths.contains(1), "\(count): \(tenths)")
            }
        }
        #expect(law.interval90.low == law.quantile(0.05) && law.interval90.contains(law.quantile(0.95)))
        #expect(!law.interval90.contains(law.interval90.high + 1) && !law.interval90.contains(law.interval90.low - 1))
    }
}
