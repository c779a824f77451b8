import Calibration
import CrimsCore
import Models
import Protocol
import Reporting
import Testing

@Suite struct CalibrationFactsTests {
    /// `2018-01` and the following months.
    private static func months(_ count: Int) -> [String] {
        (0..<count).map { CivilMonth(index: CivilMonth(year: 2018, month: 1).index + $0).text }
    }

    private func facts(_ fixture: Fixture, _ months: [String]) throws -> CalibrationFacts {
        var found: CalibrationFacts?
        _ = try calibrate(fixture.options([try fixture.zip(months)]), facts: { found = $0 }, log: { _ in })
        return try #require(found)
    }

    @Test func `facts add up to the account and to the model`() throws {
        let facts = try facts(try Fixture(), Self.months(12))
        #expect(facts.categories.reduce(0) { $0 + $1.totals.reduce(0, +) } == Double(facts.accounting.used))
        #expect(facts.categories.reduce(0) { $0 + $1.areaCounts.reduce(0, +) } == facts.accounting.used)
        let yearly = facts.categories.reduce(0) { $0 + $1.yearly.reduce(0, +) }
        #expect(abs(yearly - PreparedModel(facts.model).expectedPerYear()) < 1e-9)
        #expect(facts.hectares == [10, 20] && facts.forceName == "Here")
        #expect(facts.months.map(\.text) == Self.months(12))
    }

    @Test func `outcomes are counted by what is known of a suspect`() throws {
        let suspects = try facts(try Fixture(), Self.months(12)).categories.map(\.suspects)
        // Burglary: 4 of 6 a month; robbery: nothing is known; weapons: none; anti-social behaviour has no outcomes.
        #expect(suspects.map(\.identified) == [0, 48, 0, 0])
        #expect(suspects.map(\.none) == [0, 24, 0, 0])
        #expect(suspects.map(\.unknown) == [24, 0, 0, 48])
        #expect(suspects.map(\.hasOutcomes) == [false, true, true, true])
        #expect(abs(suspects[1].mean - 2.0 / 3) < 1e-12)
    }

    @Test func `an area's estimate lies between its count and the mean area`() throws {
        let facts = try facts(try Fixture(), Self.months(12))
        for category in [0, 1, 3] {
            let areas = facts.categories[category].areas
            #expect(abs(areas.counted.reduce(0, +) - 2) < 1e-9 && abs(areas.estimated.reduce(0, +) - 2) < 1e-9)
            #expect(areas.ownWeight > 0 && areas.ownWeight < 1)
            for (counted, estimated) in zip(areas.counted, areas.estimated) {
                #expect(abs(estimated - 1 - areas.ownWeight * (counted - 1)) < 1e-9)
            }
        }
        // Burglary: 4 of 6 are in the first area.
        #expect(abs(facts.categories[1].areas.counted[0] - 8.0 / 6) < 1e-9)
        #expect(facts.categories[2].areas.ownWeight == 0)
    }

    @Test func `a test takes fourteen months`() throws {
        let fixture = try Fixture()
        #expect(try facts(fixture, Self.months(13)).backtest == nil)
        let backtest = try #require(try facts(fixture, Self.months(15)).backtest)
        #expect(backtest.months.map(\.text) == ["2019-01", "2019-02", "2019-03"])
        #expect(backtest.splits.map(\.train.to.text) == ["2018-12", "2019-02"])
        #expect(backtest.totals.map { $0.map(\.counted) } == Array(repeating: [2, 6, 0, 4], count: 3))
        for (month, totals) in backtest.totals.enumerated() {
            let covered = totals.count { $0.interval.contains($0.counted) }
            #expect(backtest.score(.model, month: month).totalsCovered == covered)
        }
    }

    @Test func `a month without records is no training month of the test`() throws {
        let months = Self.months(16).filter { $0 != "2018-05" && $0 != "2019-02" }
        let backtest = try #require(try facts(try Fixture(), months).backtest)
        #expect(backtest.splits[0].train.to.text == "2019-01")
        #expect(backtest.missing.map(\.text) == ["2019-02"] && backtest.months.map(\.text) == ["2019-03", "2019-04"])
    }

    @Test func `nobody waits for facts that nobody wants`() throws {
        let fixture = try Fixture()
        let archive = try fixture.zip(Self.months(12))
        let plain = try calibrate(fixture.options([archive]), log: { _ in })
        let told = try calibrate(fixture.options([archive]), facts: { _ in }, log: { _ in })
        #expect(plain.model.rates == told.model.rates && plain.information == told.information)
    }

    @Test func `the same archives give the same page`() throws {
        let fixture = try Fixture()
        let pages = try (0..<2).map { _ in
            CalibrationReport(try facts(fixture, Self.months(16)), version: "1").html
        }
        let isSame = pages[0] == pages[1]
        #expect(isSame)
        let text = String(decoding: pages[0], as: UTF8.self)
        #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">") && text.hasSuffix("</html>\n"))
    }
}
