import Calibration
import Glibc
import Testing

@Suite struct LogGammaTests {
    @Test(arguments: [
        (0.01, 4.599_479_878_042_022), (0.5, 0.572_364_942_924_700_1), (1, 0), (2, 0), (3.25, 0.935_801_931_108_724_9),
        (10, 12.801_827_480_081_469), (100.5, 361.435_540_467_777_6), (1e6, 12_815_504.569_147_611),
    ])
    func `values are those of tables`(x: Double, expected: Double) {
        #expect(abs(logGamma(x) - expected) <= 1e-12 * max(1, abs(expected)))
    }

    @Test func `it agrees with the C library`() {
        for step in 1...2_000 {
            let x = Double(step) * 0.173
            #expect(abs(logGamma(x) - lgamma(x)) <= 2e-13 * max(1, abs(lgamma(x))))
        }
    }
}
