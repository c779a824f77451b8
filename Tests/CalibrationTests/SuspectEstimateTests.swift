import Calibration
import Glibc
import Testing

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
