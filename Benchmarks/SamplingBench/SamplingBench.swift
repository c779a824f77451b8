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
        let bench = SamplingBench(prepared: prepared, options: options)
        // The checksums' pass is not timed; it also brings the code and the model into the caches.
        var checksum = Checksum()
        var expected = Checksum()
        try bench.draw { columns, expectation in
            checksum.add(columns)
            expected.add(expectation)
        }
        var seconds: [Double] = []
        var incidents = 0
        for _ in 0..<options.rounds {
            incidents = 0
            let start = processorSeconds()
            try bench.draw { columns, _ in incidents += columns.count }
            seconds.append(processorSeconds() - start)
        }
        let median = seconds.sorted()[seconds.count / 2]
        print(
            "{\"incidents\": \(incidents), \"hours\": \(bench.hours.count), \"seconds\": \(median), "
                + "\"checksum\": \"\(checksum.text)\", \"expected\": \"\(expected.text)\"}")
    } catch {
        fail("sampling: \(error)", status: 1)
    }
}

/// What to draw.
private struct SamplingBench {
    let prepared: PreparedModel
    let world: World
    let step: SamplingOptions.Step
    let schedule: [ScheduledAdjustment]
    /// Since 1970.
    let hours: Range<Int>
    /// Room for all months, if tables are kept.
    private let kept: MonthCache?

    init(prepared: PreparedModel, options: SamplingOptions) {
        self.prepared = prepared
        world = World(seed: options.seed, dispersion: options.dispersion, trend: false)
        step = options.step
        let first = CivilMinute(year: 2010, month: 1, day: 1)
        schedule = BenchAdjustments(model: prepared, scope: options.scope).schedule(options.adjustments, from: first)
        let end =
            options.days.map { first + $0 * 24 * 60 } ?? CivilMinute(year: 2010 + options.years, month: 1, day: 1)
        hours = first.hour..<end.hour
        kept = options.tablesKept ? MonthCache(capacity: hours.count / 672 + 2) : nil
    }

    /// Draws all hours and shows the columns of each step, and what the last hour expected, to `body`; tables are built
    /// anew, as when a daemon begins, unless they are kept.
    func draw(_ body: (borrowing IncidentColumns, Expectation) -> Void) throws(SamplingError) {
        let sampler = Sampler(prepared: prepared, world: world, cache: kept ?? MonthCache())
        var columns = IncidentColumns(origin: CivilMinute(minutes: hours.lowerBound * 60))
        var stepEnd = hours.lowerBound
        for hour in hours {
            let minute = CivilMinute(minutes: hour * 60)
            if hour == stepEnd {
                columns.clear(origin: minute)
                stepEnd = step == .hour ? hour + 1 : min(minute.month.next.start.hour, hours.upperBound)
            }
            let expectation = try sampler.draw(window: hour * 60..<hour * 60 + 60, schedule: schedule, into: &columns)
            if hour + 1 == stepEnd { body(columns, expectation) }
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

    /// To the last bit.
    mutating func add(_ expectation: Expectation) {
        add(expectation.expected.bitPattern, bytes: 8)
        add(expectation.baseline.bitPattern, bytes: 8)
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

/// The processor's, which counts the same on a busy machine.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

private func fail(_ message: String, status: Int32) -> Never {
    let line = Array((message + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}
