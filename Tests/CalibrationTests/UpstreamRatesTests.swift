import Calibration
import Testing

/// The predecessor's formula against what its libraries give: pandas 3.1 and 1.5, scipy 1.17 and 1.9, numpy 2.4 and
/// 1.23 agree on every digit.
@Suite struct UpstreamRatesTests {
    struct Cell: Sendable, CustomTestStringConvertible {
        var years: Int
        var counts: [Int]
        /// Annual rates, in the shortest form that reads back the same double.
        var rates: [Double]
        var testDescription: String { "\(years) years, \(counts)" }
    }

    static let cells = [
        Cell(years: 1, counts: Array(repeating: 0, count: 12), rates: Array(repeating: 0, count: 12)),
        Cell(
            years: 1, counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            rates: [
                1.3687002652519893, 0.8912466843501325, 0.9867374005305041, 0.9549071618037135, 0.9867374005305041,
                0.9549071618037135, 0.9867374005305041, 0.9867374005305041, 0.9549071618037135, 0.9867374005305041,
                0.9549071618037135, 0.9867374005305041,
            ]),
        Cell(
            years: 2, counts: [3, 0, 1, 4, 2, 0, 5, 1, 0, 2, 7, 6],
            rates: [
                16.540834845735027, 9.451905626134302, 12.490018148820328, 18.228675136116152, 14.515426497277678,
                10.127041742286751, 20.59165154264973, 12.490018148820328, 10.127041742286751, 14.515426497277678,
                24.3049001814882, 22.61705989110708,
            ]),
        Cell(
            years: 3, counts: [31, 40, 28, 35, 29, 33, 47, 52, 38, 30, 27, 44],
            rates: [
                128.0723465016659, 155.33936220847215, 118.15706806282724, 140.4664445502142, 121.46216087577344,
                133.85625892432176, 180.95383150880534, 197.4792955735364, 150.38172298905283, 124.76725368871966,
                114.02570204664445, 171.03855306996667,
            ]),
        // 12/5 and 12/7 are no doubles: the order of summation shows in every one of these digits.
        Cell(
            years: 5, counts: [20, 14, 10, 13, 17, 22, 3, 18, 23, 29, 14, 19],
            rates: [
                45.06848670275359, 35.14200988467875, 31.376794539891744, 34.91381501529772, 40.96097905389504,
                47.23633796187338, 21.79261002588845, 42.33014827018122, 48.60550717815957, 57.391009649329256,
                36.2829842315839, 43.69931748646741,
            ]),
        Cell(
            years: 7, counts: [4, 36, 23, 20, 32, 34, 33, 24, 13, 36, 9, 8],
            rates: [
                21.23487098912429, 50.322637664792666, 39.504873198635, 36.05921488719219, 48.15908477156113,
                49.52132177841061, 49.12066383521959, 40.46645226229346, 29.328161441582985, 52.00540102619497,
                25.48184518694915, 25.081187243758126,
            ]),
    ]

    @Test(arguments: cells)
    func `annual rates are the predecessor's to the last bit`(cell: Cell) {
        #expect(UpstreamRates.annual(counts: cell.counts, years: cell.years) == cell.rates)
        let daily = UpstreamRates.daily(counts: cell.counts, years: cell.years)
        #expect(daily == cell.rates.map { $0 / 365.2475 })
    }

    /// How many of a cell's rates another way of computing them changes.
    private func changed(_ cell: Cell, _ rates: (_ r: [Double], _ alpha: [Double]) -> [Double]) -> Int {
        let alpha: [Double] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let r = cell.counts.map { Double($0) * 12 / Double(cell.years) }
        return zip(rates(r, alpha), cell.rates).count { $0 != $1 }
    }

    @Test func `other ways to compute the same are told apart`() {
        // The closed form, in three years: equal but for rounding.
        let closed = changed(Self.cells[3]) { r, alpha in
            let total = r.reduce(0, +)
            return zip(r, alpha).map { total * ($0 + $1) / (total + 365) }
        }
        #expect(closed == 3)
        // The sums from first to last, in five and seven years.
        for cell in Self.cells[4...] {
            let inOrder = changed(cell) { r, alpha in
                let posterior = zip(r, alpha).map { $0 + $1 }
                return posterior.map { $0 / posterior.reduce(0, +) * r.reduce(0, +) }
            }
            #expect(inOrder > 0)
        }
    }

    @Test func `the closed form is within 5 units in the last place`() {
        for cell in Self.cells {
            let r = cell.counts.map { Double($0) * 12 / Double(cell.years) }
            let total = r.reduce(0, +)
            for (month, days) in [31.0, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                let closed = total * (r[month] + days) / (total + 365)
                #expect(abs(closed - cell.rates[month]) <= 5 * cell.rates[month].ulp)
            }
        }
    }
}
