import Fetching
import Testing

@Suite struct ProgressLineTests {
    @Test func `it says how far, how fast and how long`() {
        var line = ProgressLine()
        #expect(
            line.text(name: "a.zip", bytes: 0, size: 2_000_000_000, at: 10, width: 200)
                == "a.zip [..............................]  0 %  0 B of 2.00 GB")
        #expect(
            line.text(name: "a.zip", bytes: 500_000_000, size: 2_000_000_000, at: 15, width: 200)
                == "a.zip [#######.......................]  25 %  500 MB of 2.00 GB  100 MB/s  15 s left")
        // The rate is that of the last seconds.
        for second in 16...25 {
            _ = line.text(
                name: "a.zip", bytes: 500_000_000 + (second - 15) * 10_000_000, size: 2_000_000_000,
                at: Double(second), width: 200)
        }
        let text = line.text(name: "a.zip", bytes: 610_000_000, size: 2_000_000_000, at: 26, width: 200)
        #expect(text.hasSuffix("30 %  610 MB of 2.00 GB  10.0 MB/s  2 min 19 s left"))
    }

    @Test func `it fits`() {
        for width in 1...120 {
            var line = ProgressLine()
            _ = line.text(name: "2021-12.zip", bytes: 0, size: 1_730_000_000, at: 0, width: width)
            let text = line.text(name: "2021-12.zip", bytes: 1_500_000_000, size: 1_730_000_000, at: 9, width: width)
            #expect(text.count <= width && !text.isEmpty)
        }
    }

    @Test func `without a size there is no bar, and beginning anew is no rate`() {
        var line = ProgressLine()
        _ = line.text(name: "a.zip", bytes: 1_000, size: nil, at: 0, width: 80)
        #expect(line.text(name: "a.zip", bytes: 3_000, size: nil, at: 1, width: 80) == "a.zip  3.00 kB  2.00 kB/s")
        #expect(line.text(name: "a.zip", bytes: 10, size: nil, at: 2, width: 80) == "a.zip  10 B")
        let text = line.text(name: "a.zip", bytes: 10, size: 5, at: 2, width: 80)
        #expect(text.contains("100 %"))
    }

    @Test func `amounts have three digits`() {
        let sizes = [0, 999, 1_000, 9_994, 9_996, 99_940, 99_960, 999_400, 999_600, 1_733_868_300, 999_600_000_000]
        #expect(
            sizes.map(Amount.bytes) == [
                "0 B", "999 B", "1.00 kB", "9.99 kB", "10.0 kB", "99.9 kB", "100 kB", "999 kB", "1.00 MB", "1.73 GB",
                "1.00 TB",
            ])
        let times = [0, 0.25, 1, 9.96, 59.4, 60, 185, 3_600, 7_800]
        #expect(
            times.map(Amount.time) == [
                "0 s", "0.2 s", "1 s", "10 s", "59 s", "1 min", "3 min 5 s", "1 h", "2 h 10 min",
            ])
    }
}
