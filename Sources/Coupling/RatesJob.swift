import CrimsCore
import Protocol

/// A `rates` request: expected counts summed hour by hour into rows.
final class RatesJob: Job {
    private let request: RatesRequest
    private let peer: Peer
    private let id: String?
    private let served: ServedModel
    private let sampler: Sampler
    private let schedule: [ScheduledAdjustment]
    private let subject: (field: StaticString, name: String)
    private var cursor: WindowCursor
    /// Position of a crime's rows within an area's.
    private let crimeRow: [Int]
    /// The crimes or categories that rows are made for, by an example crime.
    private let crimeOfRow: [Int]
    private let areaRows: Int
    private let times: [TimeKey]
    private let timeRow: [TimeKey: Int]
    private var expected: [Double]
    private var baseline: [Double]

    /// What the time dimensions asked for say of an hour; −1 where one was not asked for.
    private struct TimeKey: Hashable {
        var values: [Int]
    }

    init(
        _ request: RatesRequest, served: ServedModel, run: Run?, cache: MonthCache, limits: Limits, peer: Peer,
        id: String?
    ) throws(Refusal) {
        self.request = request
        self.peer = peer
        self.id = id
        self.served = served
        let window = request.from.minutes..<request.to.minutes
        if let run {
            sampler = run.sampler
            schedule = run.schedule(in: window)
            subject = (",\"run\":", run.name)
        } else {
            sampler = Sampler(prepared: served.prepared, world: World(dispersion: false), cache: cache)
            schedule = []
            subject = (",\"model\":", served.model.name)
        }
        cursor = WindowCursor(window)
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
        let perTime = areaRows * crimeOfRow.count
        var seen: Set<TimeKey> = []
        var hours = WindowCursor(window)
        while !hours.isAtEnd {
            seen.insert(Self.key(of: hours.next().lowerBound, by: request.by))
            guard seen.count * perTime <= limits.rowsPerReply else {
                throw .limit(
                    "rows_per_reply",
                    "one reply holds at most \(limits.rowsPerReply) rows: ask for a shorter time or fewer dimensions")
            }
        }
        times = seen.sorted { $0.values.lexicographicallyPrecedes($1.values) }
        timeRow = Dictionary(uniqueKeysWithValues: times.enumerated().map { ($1, $0) })
        expected = [Double](repeating: 0, count: perTime * times.count)
        baseline = expected
    }

    private static func key(of minute: Int, by dimensions: [RatesRequest.Dimension]) -> TimeKey {
        TimeKey(
            values: dimensions.compactMap { dimension in
                switch dimension {
                case .hour: minute / 60 % 24
                case .hourOfWeek: CivilMinute(minutes: minute).hourOfWeek
                case .day: minute / 1_440
                case .month: CivilMinute(minutes: minute).month.index
                case .area, .category, .code: nil
                }
            })
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        repeat { gather(cursor.next()) } while !cursor.isAtEnd && !isOver()
        guard cursor.isAtEnd else { return false }
        hub.reply(reply(hub), [], to: peer)
        return true
    }

    private func gather(_ part: Range<Int>) {
        let time = timeRow[Self.key(of: part.lowerBound, by: request.by)] ?? 0
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

    private func reply(_ hub: Hub) -> ByteWriter {
        var writer = hub.begin("rates", id: id)
        writer.raw(subject.field)
        writer.quoted(subject.name)
        writer.raw(",\"from\":")
        writer.quoted(request.from)
        writer.raw(",\"to\":")
        writer.quoted(request.to)
        writer.raw(",\"rows\":[")
        var row = 0
        for area in 0..<areaRows {
            for crime in crimeOfRow {
                for time in times {
                    if row > 0 { writer.raw(",") }
                    write(area: area, crime: crime, time: time, row: row, to: &writer)
                    row += 1
                }
            }
        }
        writer.raw("]")
        return writer
    }

    private func write(area: Int, crime: Int, time: TimeKey, row: Int, to writer: inout ByteWriter) {
        writer.raw("{")
        var values = time.values[...]
        for dimension in request.by {
            writer.quoted(dimension.rawValue)
            writer.raw(":")
            switch dimension {
            case .area: writer.quoted(served.model.areas[area].code)
            case .category: writer.quoted(served.model.categories[served.model.crimes[crime].category])
            case .code: writer.quoted(served.model.crimes[crime].code)
            case .hour, .hourOfWeek: writer.integer(values.removeFirst())
            case .day:
                writer.quoted(TimeText.format(CivilMinute(minutes: values.removeFirst() * 1_440)).prefix(10))
            case .month: writer.quoted(TimeText.format(CivilMonth(index: values.removeFirst())))
            }
            writer.raw(",")
        }
        writer.raw("\"expected\":")
        writer.real(expected[row])
        writer.raw(",\"baseline\":")
        writer.real(baseline[row])
        writer.raw("}")
    }
}
