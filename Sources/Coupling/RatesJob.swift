import CrimsCore
import Protocol

/// A `rates` request: expected counts summed hour by hour into rows, in three passes that may each be interrupted: which
/// times there are rows for, the sums, the text.
final class RatesJob: ReadingJob {
    private let request: RatesRequest
    let peer: Peer
    private let id: String?
    private let served: ServedModel
    private let sampler: Sampler
    private let schedule: [ScheduledAdjustment]
    private let window: Range<Int>
    /// Position of a crime's rows within an area's.
    private let crimeRow: [Int]
    /// The crimes or categories that rows are made for, by an example crime.
    private let crimeOfRow: [Int]
    private let areaRows: Int

    private var scan: WindowCursor
    private var seen: Set<TimeKey> = []
    private var sum: WindowCursor
    private var times: [TimeKey] = []
    private var timeRow: [TimeKey: Int] = [:]
    private var expected: [Double] = []
    private var baseline: [Double] = []
    private var writer: ByteWriter
    private var written = 0

    /// What the time dimensions asked for say of an hour, in the order in which they were asked for.
    private struct TimeKey: Hashable {
        var values = SIMD4<Int>(repeating: -1)

        func precedes(_ other: TimeKey) -> Bool {
            for index in 0..<4 where values[index] != other.values[index] { return values[index] < other.values[index] }
            return false
        }
    }

    init(_ request: RatesRequest, served: ServedModel, run: Run?, hub: Hub, peer: Peer, id: String?) {
        self.request = request
        self.peer = peer
        self.id = id
        self.served = served
        window = request.from.minutes..<request.to.minutes
        scan = WindowCursor(window)
        sum = WindowCursor(window)
        writer = hub.begin("rates", id: id)
        if let run {
            sampler = run.sampler
            schedule = run.schedule(in: window)
            writer.run(run.name)
        } else {
            sampler = Sampler(prepared: served.prepared, world: World(dispersion: false), cache: hub.cache)
            schedule = []
            writer.raw(",\"model\":")
            writer.quoted(served.model.name)
        }
        writer.raw(",\"from\":")
        writer.quoted(request.from)
        writer.raw(",\"to\":")
        writer.quoted(request.to)
        writer.raw(",\"rows\":[")
        let crimes = served.model.crimes
        if request.by.contains(.code) {
            crimeOfRow = served.prepared.crimesOfCategory.flatMap { $0 }
            var rows = [Int](repeating: 0, count: crimes.count)
            for (row, crime) in crimeOfRow.enumerated() { rows[crime] = row }
            crimeRow = rows
        } else if request.by.contains(.category) {
            crimeOfRow = served.prepared.crimesOfCategory.map { $0[0] }
            crimeRow = crimes.map(\.category)
        } else {
            crimeOfRow = [0]
            crimeRow = [Int](repeating: 0, count: crimes.count)
        }
        areaRows = request.by.contains(.area) ? served.prepared.areaCount : 1
    }

    private var rowCount: Int { areaRows * crimeOfRow.count * times.count }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        while !scan.isAtEnd {
            seen.insert(key(of: scan.next().lowerBound))
            guard seen.count * areaRows * crimeOfRow.count <= hub.limits.rowsPerReply else {
                hub.refuse(
                    .limit(
                        "rows_per_reply",
                        "one reply holds at most \(hub.limits.rowsPerReply) rows: ask for a shorter time or fewer "
                            + "dimensions"), id: id.map { .string($0) }, op: "rates", to: peer)
                return true
            }
            if scan.isAtEnd { makeRows() }
            if isOver() { return false }
        }
        while !sum.isAtEnd {
            gather(sum.next())
            if isOver() { return false }
        }
        while written < rowCount {
            for row in written..<min(written + 256, rowCount) { write(row) }
            if isOver() { return false }
        }
        writer.raw("]")
        hub.reply(writer, [], to: peer)
        return true
    }

    private func key(of minute: Int) -> TimeKey {
        var key = TimeKey()
        var index = 0
        for dimension in request.by {
            switch dimension {
            case .hour: key.values[index] = minute / 60 % 24
            case .hourOfWeek: key.values[index] = CivilMinute(minutes: minute).hourOfWeek
            case .day: key.values[index] = minute / 1_440
            case .month: key.values[index] = CivilMinute(minutes: minute).month.index
            case .area, .category, .code: continue
            }
            index += 1
        }
        return key
    }

    private func makeRows() {
        times = seen.sorted { $0.precedes($1) }
        timeRow = Dictionary(uniqueKeysWithValues: times.enumerated().map { ($1, $0) })
        expected = [Double](repeating: 0, count: rowCount)
        baseline = expected
    }

    private func gather(_ part: Range<Int>) {
        let time = timeRow[key(of: part.lowerBound)] ?? 0
        let crimeRows = crimeOfRow.count
        sampler.expectations(
            window: part, schedule: schedule,
            detail: .init(areas: request.by.contains(.area), crimes: request.by.contains(.code))
        ) { area, crime, expected, baseline in
            let row = ((areaRows > 1 ? area : 0) * crimeRows + crimeRow[crime]) * times.count + time
            self.expected[row] += expected
            self.baseline[row] += baseline
        }
    }

    /// Rows go by area, then crime, then time.
    private func write(_ row: Int) {
        let area = row / times.count / crimeOfRow.count
        let crime = crimeOfRow[row / times.count % crimeOfRow.count]
        let time = times[row % times.count]
        if row > 0 { writer.raw(",") }
        writer.raw("{")
        var index = 0
        for dimension in request.by {
            writer.quoted(dimension.rawValue)
            writer.raw(":")
            let value = time.values[min(index, 3)]
            switch dimension {
            case .area: writer.quoted(served.model.areas[area].code)
            case .category: writer.quoted(served.model.categories[served.model.crimes[crime].category])
            case .code: writer.quoted(served.model.crimes[crime].code)
            case .hour, .hourOfWeek: writer.integer(value)
            case .day: writer.quoted(TimeText.format(CivilMinute(minutes: value * 1_440)).prefix(10))
            case .month: writer.quoted(CivilMonth(index: value).text)
            }
            if ![.area, .category, .code].contains(dimension) { index += 1 }
            writer.raw(",")
        }
        writer.raw("\"expected\":")
        writer.real(expected[row])
        writer.raw(",\"baseline\":")
        writer.real(baseline[row])
        writer.raw("}")
        written = row + 1
    }
}
