import CrimsCore
import Testing

/// The field of feedback against the protocol's words, carried out area by area, crime by crime, minute by minute.
@Suite struct FeedbackOracleTests {
    private func randomAdjustments(_ dice: inout Dice, _ sampler: Sampler, around hour: Int) -> [Adjustment] {
        (0..<1 + dice.below(7)).map { _ in
            let from = CivilMinute(minutes: (hour - 3) * 60 + dice.below(300))
            let until = dice.unit() < 0.4 ? from + 1 + dice.below(240) : nil
            let areas = dice.subset(6)
            let crimes = dice.subset(5)
            switch dice.below(4) {
            case 0:
                return sampler.adjustment(
                    3 * dice.unit(), mode: .set, areas: areas, crimes: crimes, from: from, until: until)
            case 1:
                return sampler.adjustment(
                    dice.unit(), areas: areas, crimes: crimes, from: from, until: until,
                    halfLife: dice.unit() < 0.5 ? 1 + dice.below(500) : nil, displacement: dice.unit())
            case 2:
                return sampler.adjustment(
                    4 * dice.unit(), areas: areas, crimes: crimes, from: from, until: until,
                    halfLife: 1 + dice.below(300))
            default:
                return sampler.adjustment(
                    dice.unit() < 0.1 ? 900 : 2 * dice.unit(), areas: areas, crimes: crimes, from: from, until: until)
            }
        }
    }

    /// F of every area and crime at a minute.
    private func fold(_ adjustments: [Adjustment], at minute: Int, _ model: CrimeModel) -> [[Double]] {
        let month = CivilMinute(minutes: minute).month.month
        var own = [[Double]](repeating: [Double](repeating: 1, count: 5), count: 6)
        var received = [[Double]](repeating: [Double](repeating: 0, count: 5), count: 6)
        for adjustment in adjustments where adjustment.from.minutes <= minute && minute < adjustment.end {
            let age = Double(minute - adjustment.from.minutes)
            let value = adjustment.halfLife.map { 1 + (adjustment.factor - 1) * Numerics.exp2(-age / Double($0)) }
            let factor = value ?? adjustment.factor
            let scope = adjustment.areas ?? Array(0..<6)
            var gifts: [(area: Int, crime: Int, amount: Double)] = []
            for area in scope {
                for crime in adjustment.crimes ?? Array(0..<5) {
                    func base(_ area: Int) -> Double {
                        model.rate(area: area, category: model.crimes[crime].category, month: month)
                    }
                    let takers = model.neighbours[area].filter { !scope.contains($0) && base($0) > 0 }
                    let total = takers.reduce(0) { $0 + base($1) }
                    let removed = base(area) * own[area][crime] * (1 + received[area][crime]) * (1 - factor)
                    for taker in takers {
                        gifts.append((taker, crime, adjustment.displacement * removed / total))
                    }
                    if adjustment.mode == .set {
                        own[area][crime] = factor
                        received[area][crime] = 0
                    } else {
                        own[area][crime] *= factor
                    }
                }
            }
            for gift in gifts { received[gift.area][gift.crime] += gift.amount }
        }
        return (0..<6).map { area in
            (0..<5).map { min(1_000, own[area][$0] * (1 + received[area][$0])) }
        }
    }

    @Test func `expected and incidents follow the fold, minute by minute`() throws {
        var dice = Dice()
        let sampler = Fixture.sampler(Fixture.model(scale: 4))
        let model = sampler.prepared.model
        var acted = 0
        for _ in 0..<150 {
            let hour = CivilMinute(year: 2020, month: 3, day: 1).hour + dice.below(3_000)
            let adjustments = randomAdjustments(&dice, sampler, around: hour)
            let first = hour * 60 + dice.below(30)
            let window = first..<first + 1 + dice.below(30)
            var sums = [[Double]](repeating: [Double](repeating: 0, count: 5), count: 6)
            var byMinute: [[[Double]]] = []
            for minute in window {
                let factors = fold(adjustments, at: minute, model)
                byMinute.append(factors)
                for area in 0..<6 { for crime in 0..<5 { sums[area][crime] += factors[area][crime] } }
            }
            let schedule = adjustments.map { ScheduledAdjustment($0) }
            var total = 0.0
            sampler.expectations(window: window, schedule: schedule, detail: .init(areas: true, crimes: true)) {
                area, crime, expected, baseline in
                let byHand = baseline / Double(window.count) * sums[area][crime]
                total += byHand
                #expect(abs(expected - byHand) <= 1e-11 * max(1, byHand))
            }
            let drawn = try sampler.incidents([window], adjustments)
            #expect(abs(drawn.expected - total) <= 1e-10 * max(1, total))
            // Incidents where F is at most 1: those of the run without feedback whose marks are below F. Where F is 0
            // there are none; where it is 1 all of them stay.
            let plain = try sampler.incidents([window]).incidents
            for incident in drawn.incidents {
                #expect(byMinute[incident.time - window.lowerBound][incident.area][incident.crime] > 0)
            }
            for incident in plain {
                let factor = byMinute[incident.time - window.lowerBound][incident.area][incident.crime]
                if factor >= 1 { #expect(drawn.incidents.contains(incident)) }
            }
            if schedule.contains(where: { $0.acts(in: window) }) { acted += 1 }
        }
        #expect(acted > 100)
    }
}
