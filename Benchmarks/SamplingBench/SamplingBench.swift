import CrimsCore
import Glibc
import Models

/// Draws years of incidents hour by hour, as a run does, and prints how long that took: the counterpart of `kernel.c`.
func samplingBench(arguments: [String]) {
    guard let options = SamplingOptions(arguments) else {
        fail(SamplingOptions.usage, status: 2)
    }
    do {
        let prepared = PreparedModel(try ModelFolder.read(options.model))
        let world = World(seed: options.seed, dispersion: options.dispersion, trend: false)
        let bench = SamplingBench(prepared: prepared, world: world, years: options.years)
        // The checksum's pass is not timed; it also brings the code and the model into the caches.
        var checksum = Checksum()
        try bench.draw { checksum.add($0) }
        var seconds: [Double] = []
        var incidents = 0
        for _ in 0..<options.rounds {
            incidents = 0
            let start = monotonicSeconds()
            try bench.draw { incidents += $0.count }
            seconds.append(monotonicSeconds() - start)
        }
        let median = seconds.sorted()[seconds.count / 2]
        print("{\"incidents\": \(incidents), \"seconds\": \(median), \"checksum\": \"\(checksum.text)\"}")
    } catch {
        fail("sampling: \(error)", status: 1)
    }
}

/// What to draw.
private struct SamplingBench {
    let prepared: PreparedModel
    let world: World
    let years: Int

    /// Draws all hours and shows the columns of each to `body`; tables are built anew, as when a daemon begins.
    func draw(_ body: (borrowing IncidentColumns) -> Void) throws(SamplingError) {
        let sampler = Sampler(prepared: prepared, world: world, cache: MonthCache())
        let first = CivilMinute(year: 2010, month: 1, day: 1).hour
        let end = CivilMinute(year: 2010 + years, month: 1, day: 1).hour
        var columns = IncidentColumns(origin: CivilMinute(minutes: first * 60))
        for hour in first..<end {
            columns.clear(origin: CivilMinute(minutes: hour * 60))
            _ = try sampler.draw(window: hour * 60..<hour * 60 + 60, schedule: [], into: &columns)
            body(columns)
        }
    }
}

/// FNV-1a over the incidents in their order: id (8 bytes), minutes since 1970 (4), area (2), crime (2) and suspect (1),
/// little-endian.
private struct Checksum {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ columns: borrowing IncidentColumns) {
        for index in 0..<columns.count {
            add(UInt64(bitPattern: columns.id[index]), bytes: 8)
            add(UInt64(columns.origin.minutes + Int(columns.time[index])), bytes: 4)
            add(UInt64(columns.area[index]), bytes: 2)
            add(UInt64(columns.crime[index]), bytes: 2)
            add(UInt64(columns.suspect[index]), bytes: 1)
        }
    }

    private mutating func add(_ value: UInt64, bytes: UInt64) {
        for byte in 0..<bytes {
            hash ^= value >> (8 * byte) & 0xFF
            hash &*= 0x100_0000_01B3
        }
    }

    /// 16 hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

private func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

private func fail(_ message: String, status: Int32) -> Never {
    let line = Array((message + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}
