import CrimsCore
import Protocol

/// Draws a window of a run and gathers what replies need, in the formats asked for.
struct WindowDraw {
    let run: Run
    private let formats: [Format]
    let selection: Sampler.Selection
    let window: Range<Int>
    /// The adjustments that act in the window.
    let schedule: [ScheduledAdjustment]
    private var cursor: WindowCursor
    /// Minutes: incidents from then on have a digest of their own.
    private let lastStep: Int
    private var chosen: IncidentColumns
    private(set) var columns: IncidentColumns
    private(set) var count = 0
    private(set) var digest = IncidentDigest()
    private(set) var lastDigest = IncidentDigest()
    private(set) var byCategory: [Int]
    private(set) var expectation = Expectation()
    private var records: ByteWriter
    private var csv: ByteWriter
    /// Where the time went, for `status`.
    private(set) var nanoseconds: (sampling: UInt64, encoding: UInt64) = (0, 0)

    init(
        run: Run, window: Range<Int>, schedule: [ScheduledAdjustment], formats: [Format],
        selection: Sampler.Selection = .init(), lastStep: Int = .max
    ) {
        self.run = run
        self.lastStep = lastStep
        self.window = window
        self.schedule = schedule
        self.formats = Format.allCases.filter { formats.contains($0) }
        self.selection = selection
        cursor = WindowCursor(window)
        let origin = CivilMinute(minutes: window.lowerBound)
        columns = IncidentColumns(origin: origin)
        chosen = IncidentColumns(origin: origin)
        byCategory = [Int](repeating: 0, count: run.served.prepared.categoryCount)
        records = ByteWriter(capacity: formats.contains(.records) ? 4_096 : 0)
        csv = ByteWriter(capacity: formats.contains(.csv) ? 4_096 : 0)
        expectation.inForce = schedule.count
        if formats.contains(.csv) { csv.raw(IncidentFragments.csvHeader) }
    }

    var isAtEnd: Bool { cursor.isAtEnd }

    /// Draws the next part.
    mutating func advance(limits: Limits, now: () -> UInt64) throws(Refusal) {
        let part = cursor.next()
        let began = now()
        let before: Int
        // Columns are sent whole at the end; any other form is written part by part and the columns used again.
        if !formats.contains(.columns) { columns.clear(origin: columns.origin) }
        before = columns.count
        do throws(SamplingError) {
            try draw(part)
        } catch {
            throw .limit(
                "incidents_per_hour",
                "an hour from \(TimeText.format(CivilMinute(minutes: part.lowerBound))) has more candidates than ids can number"
            )
        }
        let drawn = columns.count - before
        let first = count == 0
        count += drawn
        for index in before..<columns.count {
            byCategory[run.served.model.crimes[Int(columns.crime[index])].category] += 1
        }
        digest.add(columns, before..<columns.count)
        if part.upperBound > lastStep {
            var first = before
            while first < columns.count, columns.origin.minutes + Int(columns.time[first]) < lastStep { first += 1 }
            lastDigest.add(columns, first..<columns.count)
        }
        guard count <= limits.incidentsPerReply || !formats.contains(where: \.carriesIncidents) else {
            throw .limit(
                "incidents_per_reply",
                "one reply holds at most \(limits.incidentsPerReply) incidents: ask for fewer steps, or for format "
                    + "'counts' or 'none'")
        }
        let sampled = now()
        if formats.contains(.records) {
            run.served.fragments.writeJSON(columns, before..<columns.count, first: first, to: &records)
        }
        if formats.contains(.csv) { run.served.fragments.writeCSV(columns, before..<columns.count, to: &csv) }
        nanoseconds.sampling += sampled - began
        nanoseconds.encoding += now() - sampled
    }

    private mutating func draw(_ part: Range<Int>) throws(SamplingError) {
        guard !selection.isEverything else {
            let drawn = try run.sampler.draw(window: part, schedule: schedule, into: &columns)
            expectation.expected += drawn.expected
            expectation.baseline += drawn.baseline
            expectation.capped = expectation.capped || drawn.capped
            return
        }
        chosen.clear(origin: columns.origin)
        _ = try run.sampler.draw(window: part, schedule: schedule, into: &chosen)
        let crimes = run.served.model.crimes
        for index in 0..<chosen.count
        where selection.areas?[Int(chosen.area[index])] ?? true
            && selection.categories?[crimes[Int(chosen.crime[index])].category] ?? true
        {
            columns.append(chosen, at: index)
        }
        var expected = 0.0
        var baseline = 0.0
        let capped = run.sampler.expectations(
            window: part, schedule: schedule, selection: selection, detail: .init(areas: false, crimes: false)
        ) {
            expected += $2
            baseline += $3
        }
        expectation.expected += expected
        expectation.baseline += baseline
        expectation.capped = expectation.capped || capped
    }

    /// Writes the members from `seq` on, in one of the formats that it was drawn for; the frames after the first.
    func write(
        seq: Int, steps: Int, adjusted: [String], format: Format, to writer: inout ByteWriter
    ) -> [[UInt8]] {
        writer.stepHead(
            seq: seq, steps: steps, window: window, count: count, expectation: expectation, adjusted: adjusted,
            isLast: run.arguments.end?.minutes == window.upperBound)
        switch format {
        case .records:
            writer.raw(",\"incidents\":[")
            writer.raw(records.bytes)
            writer.raw("]")
        case .counts:
            writer.raw(",\"by_category\":")
            writer.counts(
                byCategory, of: run.served.model.categories,
                where: { selection.categories?[$0] ?? true })
        case .csv: return [csv.bytes]
        case .columns:
            writer.raw(IncidentColumns.legend)
            return columns.packed
        case .none: break
        }
        return []
    }
}

extension ByteWriter {
    /// An object of counts by category.
    mutating func counts(_ counts: [Int], of categories: [String], where included: (Int) -> Bool = { _ in true }) {
        raw("{")
        var first = true
        for (index, category) in categories.enumerated() where included(index) {
            if !first { raw(",") }
            first = false
            quoted(category)
            raw(":")
            integer(counts[index])
        }
        raw("}")
    }
}

extension IncidentColumns {
    /// One frame a column, little-endian.
    var packed: [[UInt8]] {
        [
            Self.pack(id, count), Self.pack(time, count), Self.pack(area, count), Self.pack(crime, count),
            Self.pack(suspect, count),
        ]
    }

    private static func pack<Value: FixedWidthInteger>(_ values: [Value], _ count: Int) -> [UInt8] {
        #if _endian(little)
            return values[..<count].withUnsafeBytes { Array($0) }
        #else
            return values[..<count].map(\.littleEndian).withUnsafeBytes { Array($0) }
        #endif
    }
}
