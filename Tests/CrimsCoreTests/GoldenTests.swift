import CrimsCore
import Testing

/// Incidents and expected counts under adjustments of all kinds, to the last bit: what a run drew it draws again, in a
/// later release too. Those of incidents change only together with ``Sampler/version``; those of expected counts, which
/// are sums, do with the order of summing.
@Suite struct GoldenTests {
    struct Golden: Sendable {
        let name: String
        /// FNV-1a over ids, times, areas, crimes and suspects.
        let incidents: UInt64
        /// The same over expected and baseline.
        let expected: UInt64
    }

    @Test(arguments: [
        Golden(name: "decays", incidents: 0xE94B_6860_EE4D_B9A2, expected: 0x6F3C_4D9E_65BA_AD14),
        Golden(name: "lasting", incidents: 0x3081_ADEB_1CD1_8B4F, expected: 0x911F_54B0_1401_37B4),
        Golden(name: "sets", incidents: 0x3A49_8218_B392_E829, expected: 0x166E_6E44_AC94_EDF4),
        Golden(name: "displacing", incidents: 0x4C73_FA1D_D549_3783, expected: 0x8E8C_7C51_6C90_46F2),
        Golden(name: "raising", incidents: 0x4DF2_0B2E_67D1_FC4B, expected: 0x3DDC_A340_FCF6_81FF),
        Golden(name: "apart", incidents: 0x8D42_08FA_FBB2_EFFA, expected: 0x2D17_F731_A603_3FD7),
        Golden(name: "all", incidents: 0xAF7E_0B63_7A05_230E, expected: 0x365E_ED66_C616_BFBE),
    ])
    func `adjusted hours are what they have always been`(golden: Golden) throws {
        var run = GoldenRun(golden.name)
        let drawn = try run.draw()
        #expect(drawn.incidents == golden.incidents)
        #expect(drawn.expected == golden.expected)
    }
}

/// Hours under adjustments that come and go.
struct GoldenRun {
    private let kind: String
    private let sampler = Fixture.sampler(Fixture.model(scale: 4), World(seed: 11))
    private var dice: Dice

    init(_ kind: String) {
        self.kind = kind
        dice = Dice(counter: UInt32(kind.utf8.reduce(0) { $0 * 31 % 65_536 + Int($1) }) << 12)
    }

    mutating func draw() throws -> (incidents: UInt64, expected: UInt64) {
        var (incidents, expected) = (Fingerprint(), Fingerprint())
        for _ in 0..<12 {
            let hour = CivilMinute(year: 2020, month: 3, day: 1).hour + dice.below(3_000)
            let count = 1 + dice.below(kind == "apart" ? 12 : 40)
            let schedule = (0..<count).map { _ in ScheduledAdjustment(adjustment(around: hour)) }
            // The same schedule for hours on end, then parts of hours, then back.
            let windows =
                (hour..<hour + 8).map { $0 * 60..<$0 * 60 + 60 } + [(hour + 8) * 60..<(hour + 8) * 60 + 13]
                + [(hour + 8) * 60 + 13..<(hour + 9) * 60, (hour + 2) * 60..<(hour + 3) * 60]
            var columns = IncidentColumns(origin: CivilMinute(minutes: hour * 60))
            for window in windows {
                let drawn = try sampler.draw(window: window, schedule: schedule, into: &columns)
                expected.add(drawn.expected.bitPattern)
                expected.add(drawn.baseline.bitPattern)
                expected.add(UInt64(drawn.inForce) << 1 | (drawn.capped ? 1 : 0))
            }
            for incident in Incident.all(columns) {
                incidents.add(UInt64(bitPattern: incident.id))
                incidents.add(UInt64(incident.time))
                incidents.add(UInt64(incident.area) << 32 | UInt64(incident.crime) << 1 | UInt64(incident.suspect))
            }
        }
        return (incidents.value, expected.value)
    }

    private mutating func adjustment(around hour: Int) -> Adjustment {
        let from = CivilMinute(minutes: (hour - 3) * 60 + dice.below(300))
        let until = dice.unit() < 0.3 ? from + 1 + dice.below(400) : nil
        // Few scopes, so that some are the same.
        let scope = dice.below(6)
        let areas: [Int]? = [nil, [0], [1], [2, 3], [0, 1, 2], [4, 5]][scope]
        let crimes: [Int]? = [nil, [0, 1], [2], [3, 4], [0], [4]][dice.below(6)]
        let target: Adjustment.Target = dice.unit() < 0.2 ? .suspect : .incidence
        let kinds = ["decays", "lasting", "sets", "displacing", "raising"]
        let other = dice.unit() < 0.5 ? "decays" : "lasting"
        if kind == "apart" {
            // Cells on which one adjustment acts, or two, and no other.
            return sampler.adjustment(
                3 * dice.unit(), areas: [dice.below(6)], crimes: [[0, 1], [2], [3, 4]][dice.below(3)],
                from: CivilMinute(minutes: (hour - 3) * 60 + dice.below(180)), halfLife: 60 + dice.below(3_000))
        }
        switch kind == "all" ? kinds[dice.below(5)] : dice.unit() < 0.7 ? kind : other {
        case "sets":
            return sampler.adjustment(
                3 * dice.unit(), mode: .set, target: target, areas: areas, crimes: crimes, from: from, until: until)
        case "displacing":
            return sampler.adjustment(
                dice.unit(), areas: areas, crimes: crimes, from: from, until: until,
                halfLife: dice.unit() < 0.5 ? 1 + dice.below(500) : nil, displacement: dice.unit())
        case "raising":
            return sampler.adjustment(
                30 * dice.unit(), target: target, areas: areas, crimes: crimes, from: from, until: until,
                halfLife: dice.unit() < 0.5 ? 1 + dice.below(50) : nil)
        case "lasting":
            return sampler.adjustment(
                2 * dice.unit(), target: target, areas: areas, crimes: crimes, from: from, until: until)
        default:
            return sampler.adjustment(
                4 * dice.unit(), target: target, areas: areas, crimes: crimes, from: from, until: until,
                halfLife: 1 + dice.below(300))
        }
    }
}

/// FNV-1a over numbers of 8 bytes, little-endian.
private struct Fingerprint {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ number: UInt64) {
        for byte in 0..<8 {
            value ^= number >> (8 * UInt64(byte)) & 0xFF
            value &*= 0x100_0000_01B3
        }
    }
}
