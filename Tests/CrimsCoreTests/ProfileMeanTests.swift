import CrimsCore
import Testing

/// Models whose weights have mean 1 over each month instead of over the week.
@Suite struct ProfileMeanTests {
    /// A model in which Saturdays or Mondays stand out, and crimes of one category have different rows.
    private static func model(_ mean: CrimeModel.ProfileMean, scale: Double = 1) -> CrimeModel {
        var model = Fixture.model(scale: scale)
        var profiles: [Double] = []
        for (day, peak) in [(5, 6.0), (0, 3.0), (2, 1.0)] {
            let weights = (0..<168).map { hour in (hour / 24 == day ? peak : 1) * (hour % 24 < 8 ? 0.5 : 1.25) }
            let mean = weights.reduce(0, +) / 168
            profiles += weights.map { $0 / mean }
        }
        model.profiles = profiles
        model.profileOfCrime = [0, 1, 1, 2, 0]
        model.profileMean = mean
        return model
    }

    private static let months = (0..<36).map { CivilMonth(index: CivilMonth(year: 2018, month: 1).index + $0) }

    /// The furthest that a month's expected total of some area and crime is from rate × share × days, as a ratio.
    private func furthest(_ mean: CrimeModel.ProfileMean) -> Double {
        let sampler = Fixture.sampler(Self.model(mean))
        let model = sampler.prepared.model
        var furthest = 0.0
        for month in Self.months {
            var totals = [Double](repeating: 0, count: model.areas.count * model.crimes.count)
            for window in Fixture.hours(month.start, month.next.start) {
                sampler.expectations(window: window, schedule: [], detail: .init(areas: true, crimes: true)) {
                    area, crime, expected, _ in
                    totals[area * model.crimes.count + crime] += expected
                }
            }
            for area in model.areas.indices {
                for (index, crime) in model.crimes.enumerated() {
                    let rate = model.rate(area: area, category: crime.category, month: month.month) * crime.share
                    guard rate > 0 else { continue }
                    let ratio = totals[area * model.crimes.count + index] / (rate * Double(month.days))
                    furthest = max(furthest, abs(ratio - 1))
                }
            }
        }
        return furthest
    }

    @Test func `every month expects its rate times its days, crime by crime`() {
        #expect(furthest(.month) < 1e-12)
        // The control: over the week, five Saturdays make a difference.
        #expect(furthest(.week) > 0.05)
    }

    @Test func `a year expects its rates times its days`() {
        let model = Self.model(.month)
        var byHand = 0.0
        for month in 1...12 {
            let days = Double(CivilMonth(year: model.period.to.year, month: month).days)
            for area in model.areas.indices {
                for category in model.categories.indices {
                    byHand += model.rate(area: area, category: category, month: month) * days
                }
            }
        }
        #expect(abs(PreparedModel(model).expectedPerYear() / byHand - 1) < 1e-12)
        #expect(abs(PreparedModel(Self.model(.week)).expectedPerYear() / byHand - 1) > 1e-5)
    }

    /// Chi-square of counts by month's Saturdays, crime and Saturday or not, drawn from one model under a factor,
    /// against weights by hand of mean 1 over the month.
    private func deviate(drawnFrom mean: CrimeModel.ProfileMean, factor: Double, scale: Double) throws -> Double {
        let sampler = Fixture.sampler(Self.model(mean, scale: scale))
        let model = sampler.prepared.model
        // One area has layers of its own to draw from, the others have layer 0.
        let adjustment = sampler.adjustment(factor, areas: [2], from: Self.months[0].start)
        var expected = [Double](repeating: 0, count: 3 * 5 * 2 * 2)
        var observed = expected
        for month in Self.months {
            let hours = Fixture.hours(month.start, month.next.start)
            let days = hours.map { CivilMinute(minutes: $0.lowerBound).hourOfWeek / 24 }
            let kind = days.count { $0 == 5 } > 4 * 24 ? 0 : days.count { $0 == 0 } > 4 * 24 ? 1 : 2
            for (index, crime) in model.crimes.enumerated() {
                let row = model.profileOfCrime[index] * 168
                let weights = hours.map { model.profiles[row + CivilMinute(minutes: $0.lowerBound).hourOfWeek] }
                let sum = weights.reduce(0, +)
                for area in model.areas.indices {
                    let rate = model.rate(area: area, category: crime.category, month: month.month) * crime.share
                    let total = rate * Double(month.days) * (area == 2 ? factor : 1) / sum
                    for (weight, day) in zip(weights, days) {
                        expected[((kind * 5 + index) * 2 + (day == 5 ? 1 : 0)) * 2 + (area == 2 ? 1 : 0)] +=
                            total * weight
                    }
                }
            }
            for incident in try sampler.incidents(hours, [adjustment]).incidents {
                let isSaturday = CivilMinute(minutes: incident.time).hourOfWeek / 24 == 5
                let place = ((kind * 5 + incident.crime) * 2 + (isSaturday ? 1 : 0)) * 2
                observed[place + (incident.area == 2 ? 1 : 0)] += 1
            }
        }
        let cells = zip(observed, expected).filter { $1 > 0 }
        let chiSquare = cells.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / $1.1 }
        return CrimsCoreTests.deviate(chiSquare: chiSquare, degrees: cells.count)
    }

    @Test func `incidents are drawn with the month's weights, in all layers`() throws {
        #expect(abs(try deviate(drawnFrom: .month, factor: 9, scale: 8)) < 4.75)
        #expect(try deviate(drawnFrom: .week, factor: 9, scale: 8) > 4.75)
    }

    @Test func `expected and drawn agree whatever the step, under feedback and across a month's end`() throws {
        let sampler = Fixture.sampler(Self.model(.month))
        let from = CivilMinute(year: 2020, month: 2, day: 28)
        let to = CivilMinute(year: 2020, month: 3, day: 3)
        let adjustments = [
            sampler.adjustment(0.3, areas: [1], from: from, displacement: 0.8),
            sampler.adjustment(2.5, crimes: [0, 3], from: from + 95, halfLife: 700),
        ]
        let whole = try sampler.incidents(Fixture.hours(from, to), adjustments)
        for minutes in [1, 15] {
            let windows = stride(from: from.minutes, to: to.minutes, by: minutes).map { $0..<$0 + minutes }
            let parts = try Fixture.sampler(Self.model(.month)).incidents(windows, adjustments)
            #expect(parts.incidents == whole.incidents)
            #expect(abs(parts.expected - whole.expected) < 1e-9 * whole.expected)
        }
        // By cell and hour, each with its own month's weights, the parts make the sum of the reply.
        var sum = (expected: 0.0, baseline: 0.0)
        for window in Fixture.hours(from, to) {
            let schedule = adjustments.map { ScheduledAdjustment($0) }
            sampler.expectations(window: window, schedule: schedule, detail: .init(areas: true, crimes: true)) {
                _, _, expected, baseline in
                sum.expected += expected
                sum.baseline += baseline
            }
        }
        #expect(abs(sum.expected - whole.expected) < 1e-9 * whole.expected)
        #expect(abs(sum.baseline - whole.baseline) < 1e-9 * whole.baseline)
    }

    @Test func `both means draw the same in a February of four weeks, and not in March`() throws {
        // Every weekday four times: the mean over the month is that over the week.
        let hours = Fixture.hours(
            CivilMinute(year: 2019, month: 2, day: 1), CivilMinute(year: 2019, month: 3, day: 1))
        let (month, week) = (Fixture.sampler(Self.model(.month)), Fixture.sampler(Self.model(.week)))
        #expect(try month.incidents(hours).incidents == week.incidents(hours).incidents)
        let march = Fixture.hours(
            CivilMinute(year: 2019, month: 3, day: 1), CivilMinute(year: 2019, month: 4, day: 1))
        #expect(try month.incidents(march).incidents != week.incidents(march).incidents)
    }
}
