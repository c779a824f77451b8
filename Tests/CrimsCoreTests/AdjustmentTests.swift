import CrimsCore
import Testing

/// What feedback does to a run, and what it leaves alone.
@Suite struct AdjustmentTests {
    let start = CivilMinute(year: 2020, month: 5, day: 1)
    var end: CivilMinute { start + 30 * 1_440 }
    var windows: [Range<Int>] { Fixture.hours(start, end) }

    private func ids(_ sampler: Sampler, _ adjustments: [Adjustment]) throws -> Set<Incident> {
        Set(try sampler.incidents(windows, adjustments).incidents)
    }

    @Test func `a lower rate gives a subset and a higher one a superset`() throws {
        let sampler = Fixture.sampler(Fixture.model(dispersion: .init(shared: 0.1, own: 0.1)), World(seed: 11))
        let factors = [0, 0.3, 0.9, 1, 1.1, 1.9, 2, 2.1, 7.5, 300, 1_000]
        var smaller: Set<Incident> = []
        for factor in factors {
            let drawn = try ids(sampler, [sampler.adjustment(factor, areas: [1, 4], from: start)])
            #expect(smaller.isSubset(of: drawn), "factor \(factor)")
            smaller = drawn
        }
        // The control: another seed's incidents are no superset.
        let other = Fixture.sampler(Fixture.model(), World(seed: 12))
        #expect(!(try ids(other, []).isSubset(of: smaller)))
    }

    @Test func `an adjustment to one crime leaves every other incident identical`() throws {
        let sampler = Fixture.sampler()
        let plain = try ids(sampler, [])
        for factor in [0, 0.5, 6] {
            let drawn = try ids(sampler, [sampler.adjustment(factor, areas: [2, 3], crimes: [3], from: start)])
            #expect(drawn.symmetricDifference(plain).allSatisfy { $0.crime == 3 && [2, 3].contains($0.area) })
            #expect(drawn != plain)
        }
    }

    @Test func `a factor of nothing leaves nothing, and expects nothing`() throws {
        let sampler = Fixture.sampler()
        let result = try sampler.incidents(windows, [sampler.adjustment(0, from: start)])
        #expect(result.incidents.isEmpty && result.expected == 0 && result.baseline > 0)
    }

    @Test(arguments: [0.4, 0.9, 1.6, 3.3])
    func `the effect is exact`(factor: Double) throws {
        let sampler = Fixture.sampler(Fixture.model(scale: 20))
        let adjustment = sampler.adjustment(factor, crimes: [0], from: start)
        let plain = try ids(sampler, []).filter { $0.crime == 0 }
        let result = try sampler.incidents(windows, [adjustment])
        let drawn = Set(result.incidents).filter { $0.crime == 0 }
        let n = Double(plain.count)
        if factor < 1 {
            // Each is kept with probability `factor`, independently.
            let kept = Double(drawn.count)
            #expect(abs(kept - n * factor) < 4.5 * (n * factor * (1 - factor)).squareRoot())
            // The control: a factor that is 0.05 off would be found.
            #expect(abs(kept - n * (factor - 0.05)) > 4.5 * (n * factor * (1 - factor)).squareRoot())
        } else {
            let added = Double(drawn.subtracting(plain).count)
            var expected = 0.0
            for window in windows {
                sampler.expectations(window: window, schedule: [], detail: .init(areas: false, crimes: true)) {
                    _, crime, mean, _ in
                    if crime == 0 { expected += mean * (factor - 1) }
                }
            }
            #expect(abs(added - expected) < 4.5 * expected.squareRoot())
        }
    }

    @Test func `a thousandfold rate of one crime in one area is drawn in ten layers`() throws {
        let sampler = Fixture.sampler()
        let result = try sampler.incidents(windows, [sampler.adjustment(1_000, areas: [5], crimes: [4], from: start)])
        let mean = result.expected - result.baseline
        let hit = Double(result.incidents.count { $0.area == 5 && $0.crime == 4 })
        #expect(abs(hit - mean * 1_000 / 999) < 4.5 * mean.squareRoot())
        #expect(Set(result.incidents.map(\.id)).count == result.incidents.count)
        #expect(Set(result.incidents.map { $0.id >> 28 & 15 }) == Set(0...10))
        // F is at its bound, which `capped` says.
        #expect(result.capped)
    }

    @Test func `expected follows a half-life minute by minute until it is over`() throws {
        let sampler = Fixture.sampler()
        let from = start + 125
        let halfLife = 300
        let adjustment = sampler.adjustment(1.8, from: from, halfLife: halfLife)
        #expect(Numerics.exp2(-Double(adjustment.end - from.minutes) / 300) * 0.8 < 1.0 / 1_024)
        #expect(Numerics.exp2(-Double(adjustment.end - 1 - from.minutes) / 300) * 0.8 >= 1.0 / 1_024)
        var byHand = 0.0
        for window in windows {
            var effect = 0.0
            for minute in window where minute >= from.minutes && minute < adjustment.end {
                effect +=
                    0.8 * Numerics.exp(-Double(minute - from.minutes) / Double(halfLife) * 0.693_147_180_559_945_3)
            }
            byHand += try sampler.incidents([window]).baseline / 60 * (60 + effect)
        }
        let result = try sampler.incidents(windows, [adjustment])
        #expect(abs(result.expected - byHand) < 1e-9 * byHand)
        // The control: without decay it would be more.
        let lasting = try sampler.incidents(windows, [sampler.adjustment(1.8, from: from)])
        #expect(lasting.expected > result.expected * 1.2)
    }

    @Test func `an effect that is too small to act never does`() throws {
        let sampler = Fixture.sampler()
        for factor in [1, 1.0009] {
            let adjustment = sampler.adjustment(factor, from: start, halfLife: 60)
            #expect(!ScheduledAdjustment(adjustment).acts(in: windows[0]))
        }
    }

    @Test func `minutes inside a step count`() throws {
        let sampler = Fixture.sampler()
        let day = Fixture.hours(start, start + 1_440)
        let adjustment = sampler.adjustment(0, from: start + 14 * 60 + 30, until: start + 16 * 60 + 15)
        let result = try sampler.incidents(day, [adjustment])
        let plain = try sampler.incidents(day)
        let off = start.minutes + 870..<start.minutes + 975
        #expect(result.incidents == plain.incidents.filter { !off.contains($0.time) })
        #expect(plain.incidents.contains { off.contains($0.time) })
        var byHand = 0.0
        for window in day {
            let lit = window.count { !off.contains($0) }
            byHand += try sampler.incidents([window]).baseline * Double(lit) / 60
        }
        #expect(abs(result.expected - byHand) < 1e-9 * byHand)
    }

    @Test func `set assigns, and what it hid comes back`() throws {
        let sampler = Fixture.sampler()
        let scale = sampler.adjustment(3, crimes: [0, 1], from: start)
        let set = sampler.adjustment(0.5, mode: .set, crimes: [1, 2], from: start, until: start + 1_440)
        let after = sampler.adjustment(2, crimes: [1], from: start)
        func sums(_ window: Range<Int>, _ list: [Adjustment]) -> [Double] {
            var sums = [Double](repeating: 0, count: 5)
            var bases = sums
            sampler.expectations(
                window: window, schedule: list.map { ScheduledAdjustment($0) },
                detail: .init(areas: false, crimes: true)
            ) {
                sums[$1] += $2
                bases[$1] += $3
            }
            return zip(sums, bases).map { ($0 / $1 * 1e9).rounded() / 1e9 }
        }
        #expect(sums(windows[0], [scale, set, after]) == [3, 1, 0.5, 1, 1])
        #expect(sums(windows[24], [scale, set, after]) == [3, 6, 1, 1, 1])
        #expect(sums(windows[0], [set, scale]) == [3, 1.5, 0.5, 1, 1])
    }

    @Test func `displacement moves what it removes to the neighbours and conserves the total`() throws {
        let sampler = Fixture.sampler()
        let adjustment = sampler.adjustment(0.4, areas: [1, 2], crimes: [0], from: start, displacement: 1)
        let result = try sampler.incidents(windows, [adjustment])
        #expect(abs(result.expected - result.baseline) < 1e-9 * result.baseline)
        var change = [Double](repeating: 0, count: 6)
        for window in windows {
            sampler.expectations(
                window: window, schedule: [ScheduledAdjustment(adjustment)], detail: .init(areas: true, crimes: true)
            ) { change[$0] += $2 - $3 }
        }
        // Area 1 borders on 0 and area 2 on 3: the rest is outside.
        #expect(change[1] < 0 && change[2] < 0 && change[0] > 0 && change[3] > 0)
        #expect(abs(change[0] + change[1]) < 1e-9 && abs(change[2] + change[3]) < 1e-9)
        #expect(abs(change[4]) < 1e-12 && abs(change[5]) < 1e-12)
        // The control: half of it displaced conserves only half.
        let half = try sampler.incidents(
            windows, [sampler.adjustment(0.4, areas: [1, 2], crimes: [0], from: start, displacement: 0.5)])
        #expect(abs(result.baseline - half.expected + (change[1] + change[2]) / 2) < 1e-9 * half.baseline)
        // A neighbour's own factor of 0 stays 0.
        let closed = try sampler.incidents(
            windows, [sampler.adjustment(0, areas: [0], from: start), adjustment])
        #expect(closed.incidents.allSatisfy { $0.area != 0 })
        // What stays, stays the same.
        let plain = Set(try sampler.incidents(windows).incidents)
        #expect(
            Set(result.incidents).subtracting(plain).allSatisfy { [0, 3].contains($0.area) && $0.crime == 0 })
    }

    @Test func `what no neighbour can take is lost and told`() throws {
        let sampler = Fixture.sampler()
        // Areas 4 and 5 have no drugs; 3 and 0 are in scope.
        let adjustment = sampler.adjustment(0.5, areas: [3, 0, 1, 2], crimes: [2], from: start, displacement: 1)
        let removed = (0..<4).reduce(0.0) { $0 + sampler.prepared.model.rate(area: $1, category: 1, month: 5) } / 2
        #expect(abs(adjustment.displacementLostPerDay(model: sampler.prepared) - removed) < 1e-12)
        let result = try sampler.incidents(windows, [adjustment])
        #expect(result.expected < result.baseline)
        #expect(result.incidents.allSatisfy { $0.crime != 2 || $0.area < 4 })
        let taken = sampler.adjustment(0.5, areas: [1], crimes: [2], from: start, displacement: 1)
        #expect(taken.displacementLostPerDay(model: sampler.prepared) == 0)
    }

    @Test func `the odds of a suspect change, the incidents do not`() throws {
        let sampler = Fixture.sampler(Fixture.model(scale: 10))
        let plain = try sampler.incidents(windows).incidents
        for factor in [0, 0.25, 4] {
            let drawn = try sampler.incidents(
                windows, [sampler.adjustment(factor, target: .suspect, areas: [3], from: start)])
            #expect(drawn.expected == drawn.baseline)
            #expect(drawn.incidents.map(\.id) == plain.map(\.id))
            #expect(zip(drawn.incidents, plain).allSatisfy { $0 == $1 || $0.area == 3 })
            let burglaries = drawn.incidents.filter { $0.area == 3 && $0.crime < 2 }
            let p = sampler.prepared.model.suspect[3 * 3]
            let changed = factor == 0 ? 0 : p * factor / (1 - p + p * factor)
            let n = Double(burglaries.count)
            let identified = Double(burglaries.count { $0.suspect == 1 })
            #expect(abs(identified - n * changed) <= 4.5 * (n * changed * (1 - changed)).squareRoot())
        }
    }

    @Test func `the field is a function of the window alone`() throws {
        // Asked for in another order, with other windows between, expected is the same to the last bit.
        let sampler = Fixture.sampler()
        let list = [
            sampler.adjustment(1.3, areas: [0, 1], from: start, halfLife: 500),
            sampler.adjustment(0.7, crimes: [0], from: start + 600, displacement: 0),
            sampler.adjustment(0.5, areas: [2], from: start + 90, until: start + 5_000, displacement: 0.6),
        ]
        let forward = try windows.map { try sampler.incidents([$0], list).expected }
        let backward = try windows.reversed().map { try sampler.incidents([$0], list).expected }
        #expect(forward == backward.reversed())
        let fresh = try windows.map { try Fixture.sampler().incidents([$0], list).expected }
        #expect(forward == fresh)
    }
}
