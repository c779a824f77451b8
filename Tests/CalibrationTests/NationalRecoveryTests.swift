import Calibration
import CrimsCore
import Glibc
import Testing

/// What is put into simulated counts comes out again.
@Suite struct NationalRecoveryTests {
    private static let forces = 20
    private static let areas = 20
    private static let perResident = 0.004

    /// Twenty forces, of which the last has no records.
    private static func simulated(replicate: Int, shared: Double, own: Double) throws -> NationalFixture.Result {
        var draws = Draws(seed: UInt64(500 + replicate))
        let country = (0..<forces).map { force in
            (force: "force-\(force)", areas: (0..<areas).map { ("A\(force)-\($0)", 5 + force % 3) })
        }
        let together = NationalFixture.months.map { _ in shared > 0 ? draws.gamma(shape: 1 / shared) : 1 }
        var rows: [NationalFixture.Row] = []
        for force in country.dropLast() {
            let level = 0.5 + draws.gamma(shape: 8) / 2
            for area in force.areas {
                let rate = level * (0.5 + draws.gamma(shape: 4) / 2) * perResident * Double(area.1) * 1_000 / 30
                for (slot, month) in NationalFixture.months.enumerated() {
                    let alone = own > 0 ? draws.gamma(shape: 1 / own) : 1
                    let mean = rate * Double(NationalFixture.days(month)) * together[slot] * alone
                    rows.append((force.force, area.0, month, "Burglary", draws.poisson(mean), 0))
                }
            }
        }
        return try NationalFixture(forces: country).calibrated(rows)
    }

    @Test(arguments: [(0.001, 0.1), (0.0005, 0.05), (0, 0)])
    func `the dispersion of areas is recovered, and the shared one in its order`(shared: Double, own: Double) throws {
        let replicates = 30
        var found: [CrimeModel.Dispersion] = []
        for replicate in 0..<replicates {
            found.append(try Self.simulated(replicate: replicate, shared: shared, own: own).model.dispersion[1])
        }
        let n = Double(replicates)
        let ownMean = found.reduce(0) { $0 + $1.own } / n
        let ownError = sqrt(found.reduce(0) { $0 + pow($1.own - ownMean, 2) } / (n - 1) / n)
        #expect(abs(ownMean - own) < 4 * ownError + 0.05 * own + 0.002, "\(ownMean) ± \(ownError)")
        // Eight months, each of another name, do not tell shared chance from season; some of it is taken for that.
        let sharedMean = found.reduce(0) { $0 + $1.shared } / n
        #expect(sharedMean < 1.5 * shared + 0.0002 && sharedMean > 0.4 * shared, "\(sharedMean)")
    }

    @Test func `the rate of a resident is recovered`() throws {
        var ratios: [Double] = []
        for replicate in 0..<10 {
            let model = try Self.simulated(replicate: replicate, shared: 0, own: 0.05).model
            #expect(model.areas.count(where: \.isImputed) == Self.areas)
            let imputed = model.areas.indices.filter { model.areas[$0].isImputed }
            let residents = imputed.reduce(0) { $0 + model.areas[$1].population }
            let expected = imputed.reduce(0) { $0 + model.rate(area: $1, category: 1, month: 1) }
            ratios.append(expected * 30 / Double(residents) / Self.perResident)
        }
        let mean = ratios.reduce(0, +) / 10
        let error = sqrt(ratios.reduce(0) { $0 + pow($1 - mean, 2) } / 90)
        // Forces' levels and areas' rates have mean 1 each.
        #expect(abs(mean - 1) < 4 * error && error < 0.05, "\(mean) ± \(error)")
    }
}
