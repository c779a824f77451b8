import Calibration
import CrimsCore
import Glibc
import Testing

@Suite struct BacktestTests {
    private static func month(_ index: Int) -> CivilMonth {
        CivilMonth(index: CivilMonth(year: 2018, month: 1).index + index)
    }

    /// Counts of two areas and one category, `[month][area]`.
    private static func force(_ counts: [[Int]]) -> ForceCounts {
        let months = counts.indices.map(month)
        return ForceCounts(
            areas: counts[0].count, months: months,
            categories: [(counts.flatMap { $0 }, months.map { Double($0.days) }, 2)])
    }

    private static func plan(_ train: Int, _ test: ClosedRange<Int>, horizon: Int? = nil) -> BacktestPlan {
        BacktestPlan(
            train: (month(0), month(train - 1)), test: (month(test.lowerBound), month(test.upperBound)),
            horizon: horizon)
    }

    @Test func `origins follow each other by the horizon, and learn from all before them`() {
        func text(_ plan: BacktestPlan) -> [[Int]] {
            plan.splits.map { split in
                [split.train.from, split.train.to, split.test.from, split.test.to].map {
                    $0.index - Self.month(0).index
                }
            }
        }
        #expect(text(Self.plan(12, 12...25)) == [[0, 11, 12, 25]])
        #expect(text(Self.plan(12, 12...16, horizon: 2)) == [[0, 11, 12, 13], [0, 13, 14, 15], [0, 15, 16, 16]])
        // A gap between the months learnt from and those forecast stays.
        #expect(text(Self.plan(12, 14...17, horizon: 2)) == [[0, 11, 14, 15], [0, 13, 16, 17]])
    }

    @Test func `baselines are what they are called`() {
        let counts = (0..<15).map { [$0, $0 == 2 ? 7 : 0] }
        let force = Self.force(counts)
        func means(_ method: ForecastMethod, _ index: Int, months: Int) -> [Double] {
            Forecast.baseline(
                method, of: Self.month(index), category: force.categories[0], counts: force, months: months
            ).means
        }
        // March 2019 from 14 months: March 2018 is the only one.
        #expect(means(.raw, 14, months: 14) == [2, 7])
        #expect(means(.lastYear, 14, months: 14) == [2, 7])
        #expect(means(.lastTwelve, 14, months: 14) == [7.5, 7.0 / 12])
        // Mean 6.5 and 0.5 a month, of which March had 9 of 7.
        let seasonal = means(.seasonal, 14, months: 14)
        #expect(abs(seasonal[0] - 6.5 * 9 / 7) < 1e-12 && abs(seasonal[1] - 0.5 * 9 / 7) < 1e-12)
        // Nobody may predict nothing.
        #expect(means(.raw, 15, months: 14) == [3, 0.1])
        // A month never seen: the mean of all.
        #expect(means(.raw, 5, months: 3)[0] == 1)
    }

    @Test func `scores are those of their definitions`() {
        var score = ForecastScore()
        let law = CountLaw(mean: 2, variance: 0)
        for count in [0, 3] { score.add(count: count, law: law) }
        #expect(score.cells == 2 && score.incidents == 3)
        // 2 Σ (y log(y/μ) − (y − μ))
        let devianceOfThree = 3 * log(1.5) - 1.0
        let deviance = 4 + 2 * devianceOfThree
        #expect(abs(score.deviance - deviance) < 1e-12)
        #expect(score.meanAbsoluteError == 1.5)
        let scoreOfThree = 2 - 3 * log(2.0) + log(6.0)
        let logScore = (2 + scoreOfThree) / 2
        #expect(abs(score.meanLogScore - logScore) < 1e-9)
        // P(X ≤ 0) = 0.135 > 0.05, so of the count 0's interval [0, 0.135] the part above 0.05 is inside.
        let zero = (exp(-2) - 0.05) / exp(-2)
        #expect(abs(score.pit90 - (zero + 1) / 2) < 1e-9)
        // The 5 % and 95 % quantiles are 0 and 5.
        #expect(score.cellCoverage == 1)
    }

    @Test func `the accuracy index gives all methods the same area`() {
        var score = ForecastScore()
        // The densest forecast is the second area's; 5 % of 100 hectares are half of its 10, 10 % the whole.
        score.addMap(counts: [2, 8, 0], forecast: [9, 5, 1], hectares: [30, 10, 60])
        #expect(abs(score.accuracyIndex(0) - 0.4 / 0.05) < 1e-12)
        #expect(abs(score.accuracyIndex(1) - 0.8 / 0.1) < 1e-12)
        // A month without incidents says nothing.
        score.addMap(counts: [0, 0, 0], forecast: [9, 5, 1], hectares: [30, 10, 60])
        #expect(abs(score.accuracyIndex(1) - 8) < 1e-12)
        var worst = ForecastScore()
        worst.addMap(counts: [2, 8, 0], forecast: [0, 0, 1], hectares: [30, 10, 60])
        #expect(worst.accuracyIndex(0) == 0)
    }

    @Test func `what is forecast is not learnt from`() throws {
        var draws = Draws(seed: 4)
        let past = (0..<24).map { _ in (0..<12).map { draws.poisson(Double(3 + $0)) } }
        func deviance(_ future: [[Int]]) throws -> (ForecastScore, [CrimeModel.Dispersion]) {
            let backtest = try Backtest(
                Self.force(past + future), categories: ["robbery"], hectares: Array(repeating: 1, count: 12),
                plan: Self.plan(24, 24...25))
            return (backtest.score(.model), backtest.splits[0].dispersion)
        }
        let usual = Array(repeating: (0..<12).map { 3 + $0 }, count: 2)
        let (near, settings) = try deviance(usual)
        let (far, otherSettings) = try deviance(usual.map { $0.map { $0 * 5 } })
        #expect(settings == otherSettings)
        #expect(far.deviance > 10 * near.deviance)
    }

    @Test func `intervals hold nine in ten, and a break is told`() throws {
        let areas = 20
        let categories = 8
        var months: [[Int]] = Array(repeating: [], count: categories)
        var draws = Draws(seed: 21)
        let broken = 42
        for month in 0..<48 {
            for category in 0..<categories {
                let together = draws.gamma(shape: 100)
                for area in 0..<areas {
                    let mean = Double(2 + area) * together * (month == broken ? 0.4 : 1)
                    months[category].append(draws.poisson(mean * draws.gamma(shape: 20)))
                }
            }
        }
        let all = (0..<48).map(Self.month)
        let force = ForceCounts(
            areas: areas, months: all, categories: months.map { ($0, all.map { Double($0.days) }, 2) })
        let backtest = try Backtest(
            force, categories: (0..<categories).map(String.init), hectares: Array(repeating: 1, count: areas),
            plan: Self.plan(24, 24...broken, horizon: 2))
        #expect(backtest.breaks == [Self.month(broken)])
        var quiet = ForecastScore()
        var poisson = ForecastScore()
        for slot in 0..<broken - 24 {
            for category in 0..<categories {
                quiet.add(backtest.score(.model, category: category, month: slot))
                poisson.add(backtest.score(.poisson, category: category, month: slot))
            }
        }
        #expect(abs(quiet.pit90 - 0.9) < 0.02 && abs(quiet.pit50 - 0.5) < 0.03)
        #expect((0.84...0.97).contains(quiet.totalCoverage))
        // The control: without dispersion the intervals are too narrow.
        #expect(poisson.totalCoverage < 0.7 && poisson.pit90 < quiet.pit90 - 0.02)
        #expect(backtest.score(.model).deviance < backtest.score(.raw).deviance)
    }

    @Test func `too few months are refused`() throws {
        let error = #expect(throws: CalibrationError.self) {
            try Backtest(
                Self.force([[1, 2], [3, 4], [5, 6]]), categories: ["robbery"], hectares: [1, 1],
                plan: Self.plan(2, 2...2))
        }
        #expect("\(try #require(error))".contains("2 months with records from 2018-01 to 2018-02"))
    }
}

/// What is claimed of forecasts, on the records of a whole force, where they are to be had.
@Suite struct RealForecastTests {
    private static let records: String = {
        (getenv("CRIMS_DATA").map { String(cString: $0) } ?? "../shared/data") + "/police-uk/"
    }()
    private static let merseyside = records + "merseyside-2018-01-to-2020-12.zip"
    private static let city = records + "city-of-london-2016-01-to-2020-12.zip"
    private static let isThere = access(merseyside, R_OK) == 0 && access(city, R_OK) == 0

    private static func run(
        _ archive: String, _ force: String, from year: Int, test: ClosedRange<CivilMonth>, horizon: Int?
    ) throws -> Backtest {
        let options = CalibrationOptions(archives: [archive], force: force, reference: "reference")
        let first = CivilMonth(year: year, month: 1)
        let plan = BacktestPlan(
            train: (first, CivilMonth(index: test.lowerBound.index - 1)), test: (test.lowerBound, test.upperBound),
            horizon: horizon)
        return try backtest(options, plan: plan, log: { _ in }).backtest
    }

    private static let baselines: [ForecastMethod] = [.raw, .seasonal, .lastYear, .lastTwelve]
    private static let february = CivilMonth(year: 2020, month: 2)

    @Test(.enabled(if: isThere, "needs the records in CRIMS_DATA or ../shared/data"))
    func `Merseyside's next two months, over rolling origins`() throws {
        let found = try Self.run(
            Self.merseyside, "merseyside", from: 2018, test: CivilMonth(year: 2019, month: 1)...Self.february,
            horizon: 2)
        let model = found.score(.model)
        for baseline in Self.baselines { #expect(model.deviance < found.score(baseline).deviance) }
        #expect((0.87...0.93).contains(model.pit90) && (0.45...0.55).contains(model.pit50))
        #expect((0.85...0.95).contains(model.totalCoverage))
        #expect(found.score(.poisson).pit90 < 0.87)
        #expect(found.breaks.isEmpty)
    }

    @Test(.enabled(if: isThere, "needs the records in CRIMS_DATA or ../shared/data"))
    func `Merseyside's January and February 2020`() throws {
        let found = try Self.run(
            Self.merseyside, "merseyside", from: 2018, test: CivilMonth(year: 2020, month: 1)...Self.february,
            horizon: nil)
        for baseline in Self.baselines { #expect(found.score(.model).deviance < found.score(baseline).deviance) }
        #expect(found.score(.model).deviance < 7_517)
        #expect((0.87...0.93).contains(found.score(.model).pit90) && found.score(.poisson).pit90 < 0.87)
    }

    @Test(.enabled(if: isThere, "needs the records in CRIMS_DATA or ../shared/data"))
    func `the lockdown is a break, and the City's months are forecast too`() throws {
        let lockdown = try Self.run(
            Self.merseyside, "merseyside", from: 2018,
            test: CivilMonth(year: 2020, month: 3)...CivilMonth(year: 2020, month: 5), horizon: 1)
        #expect(lockdown.breaks.contains(CivilMonth(year: 2020, month: 4)))
        let city = try Self.run(
            Self.city, "city-of-london", from: 2016, test: CivilMonth(year: 2017, month: 1)...Self.february, horizon: 2)
        for baseline in Self.baselines { #expect(city.score(.model).deviance < city.score(baseline).deviance) }
        #expect(
            (0.87...0.93).contains(city.score(.model).pit90) && (0.85...0.95).contains(city.score(.model).totalCoverage)
        )
    }
}
