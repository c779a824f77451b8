import Calibration
import CrimsCore
import Glibc
import Protocol
import Testing

@Suite struct NationalSeasonTests {
    private static let months = NationalFixture.months.map { CivilMonth(text: $0.utf8)! }
    private static let days = months.map { Double($0.days) }

    private static func season(
        _ pattern: (Int) -> Double, there: (Int, Int) -> Bool = { _, _ in true }
    ) -> NationalSeason {
        // Forces of very different sizes, so that a missing one tells.
        let levels = [1_000.0, 100, 50, 20]
        return NationalSeason(
            totals: levels.map { level in zip(months, days).map { level * $1 * pattern($0.month) } }, exposure: days,
            months: months, isThere: levels.indices.map { force in months.indices.map { there(force, $0) } })
    }

    @Test func `what is missing of a force moves nothing`() {
        let pattern = { (month: Int) in month > 6 ? 1.2 : 0.8 }
        let whole = Self.season(pattern)
        let gaps = Self.season(pattern) { force, slot in !(force == 0 && slot < 3) && !(force == 2 && slot == 6) }
        #expect(zip(whole.pattern, gaps.pattern).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(whole.weight > 0.9)
    }

    @Test func `months never seen follow half of a wave through the others`() {
        let wave = { (month: Int) in exp(0.3 * cos(2 * Double.pi * (Double(month) - 0.5) / 12)) }
        let pattern = Self.season(wave).pattern
        for month in 3...6 {
            let departure = log(pattern[month - 1] / pattern[0]) / log(wave(month) / wave(1))
            #expect((0.35...0.85).contains(departure), "\(month): \(departure)")
        }
    }

    @Test func `with no season and no wave all months are alike`() {
        let flat = Self.season { _ in 1 }
        #expect(flat.pattern.allSatisfy { abs($0 - 1) < 1e-12 } && flat.unseen == [3, 4, 5, 6])
    }

    @Test func `a force's pattern leans on that of all, and has it where it has no months`() {
        let towards = (1...12).map { 1 + 0.3 * sin(Double($0) / 6 * .pi) }
        let totals = zip(Self.months, Self.days).map { 500 * $1 * towards[$0.month - 1] }
        let leaning = SeasonEstimate(
            totals: totals, exposure: Self.days, months: Self.months, growth: nil, towards: towards)
        let ratios = zip(leaning.pattern, towards).map { $0 / $1 }
        #expect(ratios.allSatisfy { abs($0 / ratios[0] - 1) < 1e-12 })
        #expect(leaning.weight < 1e-9)
        // Towards flat the same counts keep most of their season and have none in the months that are not there.
        let alone = SeasonEstimate(totals: totals, exposure: Self.days, months: Self.months, growth: nil)
        #expect(alone.weight > 0.5 && Set(alone.pattern[2...5]).count == 1)
    }

    @Test func `months are compared by medians`() {
        let totals = [[100.0, 100, 100, 50], [200, 200, 200, 200], [400, 400, 400, 400]]
        var there = [[true, true, true, true], [true, true, true, true], [true, false, true, true]]
        let found = MonthRatios(totals: totals, days: [31, 31, 31, 31], isThere: there)
        #expect(abs((found.ratios[0][3] ?? 0) - 0.5) < 0.01 && found.ratios[2][1] == nil)
        #expect(found.ratios[1].allSatisfy { abs(($0 ?? 0) - 1) < 0.01 })
        there[1] = [false, false, false, false]
        #expect(MonthRatios(totals: totals, days: [31, 31, 31, 31], isThere: there).ratios[1] == [nil, nil, nil, nil])
    }

    @Test(arguments: [
        ([49, 48, 49, 50, 50, 40, 33, 21], 5), ([49, 48, 30, 50, 50, 49, 48, 47], 8), ([50, 50, 50, 30], 3),
        ([50, 20, 10, 5], 1), ([50], 1), ([50, 46, 46], 3),
    ])
    func `suspects of the last months are left out from where they fall and stay low`(percent: [Double], kept: Int) {
        let incidents = percent.map { _ in 1_000.0 }
        #expect(SuspectMonths.settled(suspects: percent.map { $0 * 10 }, incidents: incidents) == kept)
    }
}
