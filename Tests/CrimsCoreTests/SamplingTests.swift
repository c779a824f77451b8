import CrimsCore
import Testing

/// What the model promises about counts, calendars, and the order in which things are drawn.
@Suite struct SamplingTests {
    /// Chi-square of a decade's counts by month of the year, category and pair of areas against the model's rates.
    private func countsDeviate(drawnFrom model: CrimeModel) throws -> Double {
        let sampler = Fixture.sampler(model)
        let nominal = PreparedModel(Fixture.model())
        var expected = [Double](repeating: 0, count: 12 * 3 * 3)
        var observed = expected
        let windows = Fixture.hours(
            CivilMinute(year: 2010, month: 1, day: 1), CivilMinute(year: 2020, month: 1, day: 1))
        for incident in try sampler.incidents(windows).incidents {
            let month = CivilMinute(minutes: incident.time).month.month - 1
            observed[(month * 3 + nominal.model.crimes[incident.crime].category) * 3 + incident.area / 2] += 1
        }
        let exact = Sampler(prepared: nominal, world: World(dispersion: false), cache: MonthCache())
        for window in windows {
            let month = CivilMinute(minutes: window.lowerBound).month.month - 1
            exact.expectations(window: window, schedule: [], detail: .init(areas: true, crimes: false)) {
                area, crime, mean, _ in
                expected[(month * 3 + nominal.model.crimes[crime].category) * 3 + area / 2] += mean
            }
        }
        var chiSquare = 0.0
        var degrees = 0
        for (count, mean) in zip(observed, expected) where mean > 0 {
            chiSquare += (count - mean) * (count - mean) / mean
            degrees += 1
        }
        return deviate(chiSquare: chiSquare, degrees: degrees)
    }

    @Test func `counts are right by month, category and area`() throws {
        #expect(abs(try countsDeviate(drawnFrom: Fixture.model())) < 4.75)
    }

    @Test func `a month that is eight per cent off would be found`() throws {
        #expect(try countsDeviate(drawnFrom: Fixture.model(tilt: 1.08)) > 4.75)
    }

    @Test func `a month's expected total is rate times weights over its hours`() throws {
        let sampler = Fixture.sampler()
        for (year, month) in [(2019, 2), (2020, 2), (2020, 4), (2020, 12)] {
            let calendar = CivilMonth(year: year, month: month)
            let windows = Fixture.hours(calendar.start, calendar.next.start)
            let model = sampler.prepared.model
            var byHand = 0.0
            for window in windows {
                let hour = CivilMinute(minutes: window.lowerBound).hourOfWeek
                for area in 0..<6 {
                    for (index, crime) in model.crimes.enumerated() {
                        byHand +=
                            model.rate(area: area, category: crime.category, month: month) / 24 * crime.share
                            * model.profiles[model.profileOfCrime[index] * 168 + hour]
                    }
                }
            }
            #expect(abs(try sampler.incidents(windows).expected - byHand) < 1e-9 * byHand)
        }
    }

    /// Mean and variance over replicates of a month's count, of one area and of the force, over their expected mean.
    private func moments(_ dispersion: CrimeModel.Dispersion, replicates: Int) throws -> (
        areaMean: Double, areaVariance: Double, forceMean: Double, forceVariance: Double, mean: (Double, Double)
    ) {
        let prepared = PreparedModel(Fixture.model(scale: 2, dispersion: dispersion))
        let month = CivilMonth(year: 2021, month: 3)
        let windows = Fixture.hours(month.start, month.next.start)
        var area = (sum: 0.0, squares: 0.0)
        var force = (sum: 0.0, squares: 0.0)
        for replicate in 0..<replicates {
            let sampler = Sampler(
                prepared: prepared, world: World(seed: 5, replicate: UInt32(replicate)), cache: MonthCache())
            // One category: its areas share one frailty.
            let drawn = try sampler.incidents(windows).incidents.filter { $0.crime < 2 }
            let inArea = Double(drawn.count { $0.area == 2 })
            area = (area.sum + inArea, area.squares + inArea * inArea)
            let all = Double(drawn.count)
            force = (force.sum + all, force.squares + all * all)
        }
        let n = Double(replicates)
        let exact = Sampler(prepared: prepared, world: World(dispersion: false), cache: MonthCache())
        var mean = (0.0, 0.0)
        for window in windows {
            exact.expectations(window: window, schedule: [], detail: .init(areas: true, crimes: false)) {
                area, crime, expected, _ in
                guard crime == 0 else { return }
                if area == 2 { mean.0 += expected }
                mean.1 += expected
            }
        }
        return (
            area.sum / n, area.squares / n - (area.sum / n) * (area.sum / n), force.sum / n,
            force.squares / n - (force.sum / n) * (force.sum / n), mean
        )
    }

    @Test func `dispersion gives the mean and the variance asked for, by area and by force`() throws {
        let replicates = 1_500
        let dispersion = CrimeModel.Dispersion(shared: 0.04, own: 0.1)
        let result = try moments(dispersion, replicates: replicates)
        let (area, force) = result.mean
        let n = Double(replicates)
        let areaVariance = area + area * area * (1.04 * 1.1 - 1)
        // The own parts of the six areas are independent.
        let model = Fixture.model(scale: 2)
        let rates = (0..<6).map { model.rate(area: $0, category: 0, month: 3) }
        let squares = rates.reduce(0) { $0 + $1 * $1 } / (rates.reduce(0, +) * rates.reduce(0, +))
        let forceVariance = force + force * force * (0.04 + 1.04 * 0.1 * squares)
        #expect(abs(result.areaMean - area) < 4 * (areaVariance / n).squareRoot())
        #expect(abs(result.forceMean - force) < 4 * (forceVariance / n).squareRoot())
        // A sample variance of n values is off by √(2/n) of itself, a little more with a gamma's tail.
        #expect(abs(result.areaVariance / areaVariance - 1) < 5 * (2 / n).squareRoot())
        #expect(abs(result.forceVariance / forceVariance - 1) < 5 * (2 / n).squareRoot())
        // The control: Poisson alone would be far below.
        #expect(result.forceVariance > 2 * force)
    }

    @Test func `without dispersion the variance is the mean`() throws {
        let result = try moments(.init(), replicates: 800)
        #expect(abs(result.forceVariance / result.mean.1 - 1) < 5 * (2.0 / 800).squareRoot())
    }

    @Test(arguments: [
        (CivilMinute(year: 2019, month: 2, day: 1), CivilMinute(year: 2019, month: 3, day: 1)),
        (CivilMinute(year: 2020, month: 2, day: 1), CivilMinute(year: 2020, month: 3, day: 1)),
        (CivilMinute(year: 2020, month: 4, day: 1), CivilMinute(year: 2020, month: 5, day: 1)),
        (CivilMinute(year: 2020, month: 12, day: 15), CivilMinute(year: 2021, month: 1, day: 15)),
    ])
    func `step size changes nothing, over leap days and new year`(from: CivilMinute, to: CivilMinute) throws {
        let sampler = Fixture.sampler(Fixture.model(dispersion: .init(shared: 0.1, own: 0.1)), World(seed: 3))
        let adjustment = sampler.adjustment(1.7, crimes: [0, 3], from: from + 1_235, halfLife: 3_000, displacement: 0)
        let whole = try sampler.incidents(Fixture.hours(from, to), [adjustment])
        for minutes in [1, 15, 30] where minutes > 1 || to - from < 42_000 {
            let windows = stride(from: from.minutes, to: to.minutes, by: minutes).map { $0..<$0 + minutes }
            let parts = try Fixture.sampler(Fixture.model(dispersion: .init(shared: 0.1, own: 0.1)), World(seed: 3))
                .incidents(windows, [adjustment])
            #expect(parts.incidents == whole.incidents)
            #expect(abs(parts.expected - whole.expected) < 1e-9 * whole.expected)
        }
        #expect(whole.incidents.allSatisfy { (from.minutes..<to.minutes).contains($0.time) })
        #expect(zip(whole.incidents, whole.incidents.dropFirst()).allSatisfy { ($0.time, $0.id) < ($1.time, $1.id) })
        // The control: another hour's incidents are others.
        let shifted = try sampler.incidents(Fixture.hours(from + 60, to + 60), [adjustment])
        #expect(shifted.incidents != whole.incidents)
    }

    @Test func `the order of drawing and the number of threads change nothing`() async throws {
        let windows = Fixture.hours(
            CivilMinute(year: 2020, month: 1, day: 20), CivilMinute(year: 2020, month: 3, day: 1))
        let whole = try Fixture.sampler().incidents(windows).incidents
        let backwards = try Fixture.sampler().incidents(windows.reversed()).incidents
        #expect(backwards.sorted { ($0.time, $0.id) < ($1.time, $1.id) } == whole)
        for threads in [1, 2, 4] {
            let parts = try await withThrowingTaskGroup(of: (Int, [Incident]).self) { group in
                let length = (windows.count + threads - 1) / threads
                for thread in 0..<threads {
                    let own = Array(windows[thread * length..<min((thread + 1) * length, windows.count)])
                    group.addTask { (thread, try Fixture.sampler().incidents(own).incidents) }
                }
                var parts = [[Incident]](repeating: [], count: threads)
                for try await (thread, incidents) in group { parts[thread] = incidents }
                return parts
            }
            #expect(parts.flatMap { $0 } == whole)
        }
    }

    @Test func `seed, replicate and dispersion each make another world`() throws {
        let windows = Fixture.hours(
            CivilMinute(year: 2020, month: 1, day: 1), CivilMinute(year: 2020, month: 1, day: 4))
        let model = Fixture.model(dispersion: .init(shared: 0.2, own: 0.2))
        let worlds = [
            World(seed: 1), World(seed: 2), World(seed: 1 << 40), World(seed: 1, replicate: 1),
            World(seed: 1, dispersion: false),
        ]
        let drawn = try worlds.map { try Fixture.sampler(model, $0).incidents(windows).incidents }
        for (index, one) in drawn.enumerated() {
            #expect(try Fixture.sampler(model, worlds[index]).incidents(windows).incidents == one)
            for other in drawn[..<index] { #expect(one != other) }
        }
    }

    @Test func `growth continues after the period and is damped`() {
        let model = Fixture.model(growth: 0.02)
        func factor(_ year: Int, _ month: Int) -> Double {
            model.trendFactor(category: 0, month: CivilMonth(year: year, month: month))
        }
        #expect(factor(2019, 12) == 1)
        #expect(abs(factor(2020, 1) - Numerics.exp(0.02)) < 1e-15)
        #expect(abs(factor(2020, 2) - Numerics.exp(0.02 + 0.018)) < 1e-15)
        #expect(abs(factor(2060, 1) - Numerics.exp(0.2)) < 1e-9)
    }

    @Test func `too many candidates are an error and never a wrap`() {
        let sampler = Fixture.sampler(Fixture.model(scale: 1e6))
        let from = CivilMinute(year: 2020, month: 5, day: 1, hour: 23)
        let adjustment = sampler.adjustment(1_000, from: from)
        #expect(throws: SamplingError.self) {
            _ = try sampler.incidents([from.minutes..<from.minutes + 60], [adjustment])
        }
    }
}
