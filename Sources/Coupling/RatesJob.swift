import CrimsCore
import Protocol

/// A `rates` request: expected counts summed into rows, in three passes that may each be interrupted: which times there
/// are rows for, the sums, the text.
///
/// Where no adjustment acts, an hour is a rate of its area times a weight of its own: weights are summed hour by hour, and
/// cells are gone through once a month. Hours with adjustments are gone through cell by cell.
final class RatesJob: Reading {
    /// All that is known of it before anything is summed.
    struct Plan: Sendable {
        let request: RatesRequest
        let id: String?
        let served: ServedModel
        let world: World
        let schedule: [ScheduledAdjustment]
        let selection: Sampler.Selection
        let rowsMax: Int
    }

    private let plan: Plan
    private var request: RatesRequest { plan.request }
    private var served: ServedModel { plan.served }
    private let sampler: Sampler
    /// Position of a crime's rows within an area's.
    private let crimeRow: [Int]
    /// The crimes or categories that rows are made for, by an example crime.
    private let crimeOfRow: [Int]
    /// The areas that rows are made for; one that stands for all of them where they are not told apart.
    private let areaOfRow: [Int]
    private let areaRow: [Int]

    private var scan: WindowCursor
    private var seen: Set<TimeKey> = []
    private var sum: WindowCursor
    private var times: [TimeKey] = []
    private var timeRow: [TimeKey: Int] = [:]
    private var sums = BaselineSums()
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

    /// - Parameter sampler: of the run's world, with which hours are summed in which adjustments act.
    init(_ plan: Plan, sampler: Sampler) {
        (self.plan, self.sampler) = (plan, sampler)
        let (request, served) = (plan.request, plan.served)
        let window = request.from.minutes..<request.to.minutes
        scan = WindowCursor(window)
        sum = WindowCursor(window)
        writer = ByteWriter.reply("rates", id: plan.id)
        switch request.subject {
        case .run(let name): writer.run(name)
        case .model(let name):
            writer.raw(",\"model\":")
            writer.quoted(name)
        }
        writer.raw(",\"from\":")
        writer.quoted(request.from)
        writer.raw(",\"to\":")
        writer.quoted(request.to)
        writer.raw(",\"rows\":[")
        let (prepared, crimes) = (served.prepared, served.model.crimes)
        let chosen = prepared.crimesOfCategory.indices.filter {
            plan.selection.categories?[$0] ?? true && !prepared.crimesOfCategory[$0].isEmpty
        }
        var crimeRow = [Int](repeating: 0, count: crimes.count)
        if request.by.contains(.code) {
            crimeOfRow = chosen.flatMap { prepared.crimesOfCategory[$0] }
            for (row, crime) in crimeOfRow.enumerated() { crimeRow[crime] = row }
        } else if request.by.contains(.category) {
            crimeOfRow = chosen.map { prepared.crimesOfCategory[$0][0] }
            for (row, category) in chosen.enumerated() {
                for crime in prepared.crimesOfCategory[category] { crimeRow[crime] = row }
            }
        } else {
            crimeOfRow = [0]
        }
        self.crimeRow = crimeRow
        let areas = (0..<prepared.areaCount).filter { plan.selection.areas?[$0] ?? true }
        let isByArea = request.by.contains(.area)
        areaOfRow = isByArea ? areas : [0]
        var areaRow = [Int](repeating: 0, count: prepared.areaCount)
        if isByArea { for (row, area) in areas.enumerated() { areaRow[area] = row } }
        self.areaRow = areaRow
        // Crimes are added up each by its own weight, or all of a category at once.
        let groups: [BaselineSums.Group] =
            request.by.contains(.code)
            ? crimeOfRow.enumerated().map { .init(category: crimes[$1].category, crime: $1, row: $0) }
            : chosen.map { .init(category: $0, crime: nil, row: crimeRow[prepared.crimesOfCategory[$0][0]]) }
        sums = BaselineSums(
            groups: groups, crimeRows: crimeOfRow.count, areas: isByArea ? areas.map { [$0] } : [areas])
    }

    private var rowCount: Int { areaOfRow.count * crimeOfRow.count * times.count }

    func work(until isOver: () -> Bool) throws(Refusal) -> [[UInt8]]? {
        while !scan.isAtEnd {
            seen.insert(key(of: scan.next().lowerBound))
            guard seen.count * areaOfRow.count * crimeOfRow.count <= plan.rowsMax else {
                throw .limit(
                    "rows_per_reply",
                    "one reply holds at most \(plan.rowsMax) rows: ask for a shorter time or fewer dimensions")
            }
            if scan.isAtEnd { makeRows() }
            if isOver() { return nil }
        }
        while !sum.isAtEnd || !sums.isEmpty {
            if sums.isDue(before: sum.isAtEnd ? nil : CivilMinute(minutes: sum.position).month) {
                sums.settle(into: &expected, &baseline)
            } else {
                gather(sum.next())
            }
            if isOver() { return nil }
        }
        while written < rowCount {
            for row in written..<min(written + 256, rowCount) { write(row) }
            if isOver() { return nil }
        }
        writer.raw("]}")
        return [writer.bytes]
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
        sums.prepare(times: times.count)
    }

    private func gather(_ part: Range<Int>) {
        let time = timeRow[key(of: part.lowerBound)] ?? 0
        let start = CivilMinute(minutes: part.lowerBound)
        if sums.month?.month != start.month {
            sums.begin(BaselineMonth(served.prepared, month: start.month, trend: plan.world.trend))
        }
        let isAdjusted = plan.schedule.contains { $0.acts(in: part) }
        sums.add(time: time, hourOfWeek: start.hourOfWeek, minutes: part.count, isAdjusted: isAdjusted)
        guard isAdjusted else { return }
        sampler.expectations(
            window: part, schedule: plan.schedule, selection: plan.selection,
            detail: .init(areas: request.by.contains(.area), crimes: request.by.contains(.code))
        ) { area, crime, expected, _ in
            self.expected[(areaRow[area] * crimeOfRow.count + crimeRow[crime]) * times.count + time] += expected
        }
    }

    /// Rows go by area, then crime, then time.
    private func write(_ row: Int) {
        let area = areaOfRow[row / times.count / crimeOfRow.count]
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
