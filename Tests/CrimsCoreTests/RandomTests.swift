import CrimsCore
import Glibc
import Testing

@Suite struct RandomTests {
    /// Known answers of the authors' library, Random123 (`kat_vectors`, philox4x32 10).
    @Test(arguments: [
        (
            counter: [0, 0, 0, 0] as [UInt32], key: [0, 0] as [UInt32],
            words: [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8] as [UInt32]
        ),
        (
            [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        ),
    ])
    func `philox gives the published answers`(counter: [UInt32], key: [UInt32], words: [UInt32]) {
        let block = Philox(key0: key[0], key1: key[1]).block(counter[0], counter[1], counter[2], counter[3])
        #expect([block.0, block.1, block.2, block.3] == words)
    }

    @Test func `philox with another number of rounds would not`() {
        // The control: one bit of the counter changes every word.
        let plain = Philox(key0: 0, key1: 0).block(0, 0, 0, 0)
        let other = Philox(key0: 0, key1: 0).block(1, 0, 0, 0)
        #expect(plain.0 != other.0 && plain.1 != other.1 && plain.2 != other.2 && plain.3 != other.3)
    }

    @Test func `exponential and logarithm are within two units in the last place of libm`() {
        var x = -700.0
        while x < 700 {
            #expect(abs(Numerics.exp(x) - Glibc.exp(x)) <= 2 * Glibc.exp(x).ulp, "exp(\(x))")
            #expect(abs(Numerics.exp2(x) - Glibc.exp2(x)) <= 2 * Glibc.exp2(x).ulp, "exp2(\(x))")
            let y = Glibc.exp(x)
            #expect(abs(Numerics.log(y) - Glibc.log(y)) <= 2 * max(Glibc.log(y).magnitude.ulp, 1e-17), "log(\(y))")
            x += 0.737
        }
        #expect(Numerics.exp2(-10) == 0x1p-10 && Numerics.exp2(3) == 8 && Numerics.exp(0) == 1)
    }

    @Test(arguments: [1e-6, 0.01, 0.7, 1, 3.5, 19.2, 150, 700.25, 5_000])
    func `the poisson table is within 1e-13 of the exact law`(mean: Double) {
        let table = PoissonTable(mean: mean)
        // Cumulative probabilities of the exact law, from log-weights of libm.
        var exact = 0.0
        var worst = 0.0
        let last = Int(mean + 12 * mean.squareRoot() + 30)
        for count in 0...last {
            exact += Glibc.exp(Double(count) * Glibc.log(mean) - mean - lgamma(Double(count) + 1))
            // The smallest uniform number that gives more than `count`.
            var (low, high) = (0.0, 1.0)
            guard table.quantile(1.nextDown) > count else { continue }
            for _ in 0..<60 {
                let middle = (low + high) / 2
                if table.quantile(middle) > count { high = middle } else { low = middle }
            }
            worst = max(worst, abs(high - exact))
        }
        // libm's own log-weights are good to about mean · 10⁻¹⁶.
        #expect(worst < 1e-13 + mean * 1e-15)
    }

    @Test func `a mean of nothing gives nothing`() {
        #expect(PoissonTable(mean: 0).quantile(0) == 0)
        #expect(PoissonTable(mean: 0).quantile(1.nextDown) == 0)
    }
}

@Suite struct CivilTimeTests {
    @Test func `every day from 1970 to 2209 is the day that libc says`() {
        var expectedWeekday = 3  // a Thursday, Monday first
        for day in 0..<87_660 {
            let date = CivilMinute.date(days: day)
            var broken = tm()
            broken.tm_year = Int32(date.year - 1900)
            broken.tm_mon = Int32(date.month - 1)
            broken.tm_mday = Int32(date.day)
            #expect(timegm(&broken) == day * 86_400)
            #expect(CivilMinute.days(year: date.year, month: date.month, day: date.day) == day)
            #expect(CivilMinute(minutes: day * 1_440).hourOfWeek == expectedWeekday * 24)
            expectedWeekday = (expectedWeekday + 1) % 7
        }
    }

    @Test(arguments: [(2019, 2, 28), (2020, 2, 29), (2100, 2, 28), (2000, 2, 29), (2021, 4, 30), (2021, 12, 31)])
    func `months have their true days`(year: Int, month: Int, days: Int) {
        #expect(CivilMonth(year: year, month: month).days == days)
    }

    @Test func `steps of months keep their day and time`() {
        let start = CivilMinute(year: 2019, month: 11, day: 28, hour: 6, minute: 30)
        let step = StepLength.months(1)
        #expect(step.advance(start, by: 3) == CivilMinute(year: 2020, month: 2, day: 28, hour: 6, minute: 30))
        #expect(step.count(from: start, to: step.advance(start, by: 14)) == 14)
        #expect(step.count(from: start, to: step.advance(start, by: 14) + 1) == nil)
        #expect(StepLength.minutes(15).count(from: start, to: start + 45) == 3)
    }
}
