/// Why an hour cannot be drawn.
public enum SamplingError: Error, Equatable {
    /// An hour has more candidates than an incident id can number; the id never wraps.
    case tooManyCandidates(hour: Int)
}

/// Expected counts of part of a run.
public struct Expectation: Equatable, Sendable {
    /// Under the adjustments in force; the mean over replicates.
    public var expected = 0.0
    /// Without them.
    public var baseline = 0.0
    /// Whether F reached its bound somewhere.
    public var capped = false
    /// How many adjustments acted.
    public var inForce = 0

    public init() {}
}

/// Draws the incidents of one world, hour by hour, in any order.
///
/// Candidates come at the rate without feedback, each with a mark; one with mark u happens iff u < F. Layer 0 holds
/// the marks below 1 of the whole force; layer j ≥ 1 those in [2^(j−1), 2^j) of one area, and is drawn only where some
/// F exceeds 2^(j−1). So a rate that changes adds or removes incidents and moves no other.
///
/// Used by one thread at a time.
public final class Sampler {
    /// Counts up when the same model, seed and adjustments come to give other incidents.
    public static let version = 1
    public let prepared: PreparedModel
    public let world: World
    let cache: MonthCache
    /// What adjustments make of the rates, and of the odds that a suspect is identified.
    let field: FeedbackField
    let suspects: FeedbackField
    private var tables: MonthTables?
    /// The minutes of the tables' month.
    private var tablesWindow = 0..<0
    private let candidates = CandidateBlocks()
    var entries: UnsafeMutableBufferPointer<IncidentColumns.Entry>
    var entryCount = 0
    /// Entries of each minute of the hour, `[60]`.
    let minuteCounts: UnsafeMutablePointer<UInt32>
    /// Number of candidates of one area and layer at a time.
    let poisson = PoissonTables()
    /// Areas in which some F is above 1, and how many candidates they have an hour.
    let raised = GrowingBuffer<(area: Int, rate: Double)>()
    let counts: Philox
    let incidents: Philox

    public init(prepared: PreparedModel, world: World, cache: MonthCache) {
        self.prepared = prepared
        self.world = world
        self.cache = cache
        field = FeedbackField(prepared: prepared, target: .incidence)
        suspects = FeedbackField(prepared: prepared, target: .suspect)
        counts = Philox(seed: world.seed, purpose: .count)
        incidents = Philox(seed: world.seed, purpose: .incident)
        entries = .allocate(capacity: 256)
        minuteCounts = .allocate(capacity: 60)
    }

    deinit {
        entries.deallocate()
        minuteCounts.deallocate()
    }

    func tables(at minute: Int) -> MonthTables {
        if let tables, tablesWindow.contains(minute) { return tables }
        let month = CivilMinute(minutes: minute).month
        let found = cache.tables(prepared: prepared, world: world, month: month)
        tables = found
        tablesWindow = month.start.minutes..<month.next.start.minutes
        return found
    }

    /// Draws the incidents of a window and says how many were expected.
    ///
    /// - Parameters:
    ///   - window: minutes since 1970, within one hour and before ``CivilMinute/limit``.
    ///   - schedule: the run's adjustments in their order of acceptance.
    ///   - columns: what happens is appended, in order of time, then id.
    public func draw(
        window: Range<Int>, schedule: [ScheduledAdjustment], into columns: inout IncidentColumns
    ) throws(SamplingError) -> Expectation {
        let hour = window.lowerBound / 60
        let hourOfWeek = CivilMinute.hourOfWeek(hour: hour)
        let tables = tables(at: window.lowerBound)
        tables.prepare(hourOfWeek: hourOfWeek)
        var inForce = field.prepare(window: window, schedule: schedule, tables: tables)
        inForce += suspects.prepare(window: window, schedule: schedule, tables: tables)
        minuteCounts.update(repeating: 0, count: 60)
        let number = tables.count(hourOfWeek: hourOfWeek, unit: unit(layerAndArea: 0, hour: hour))
        guard number < 1 << 28 else { throw .tooManyCandidates(hour: hour) }
        candidates.draw(number, hour: hour, of: self)
        if window.count == 60, field.isNeutral, suspects.isNeutral {
            appendAll(number, hour: hour, hourOfWeek: hourOfWeek, tables: tables, to: &columns)
        } else {
            entryCount = 0
            reserve(number)
            keep(number, hour: hour, hourOfWeek: hourOfWeek, tables: tables)
            if !field.isNeutral { try drawAreas(hour: hour, hourOfWeek: hourOfWeek, tables: tables) }
            let entries = UnsafePointer(entries.baseAddress!)
            columns.append(hour: hour, count: entryCount, minuteCounts: minuteCounts) { entries[$0] }
        }
        var result = expectation(hourOfWeek: hourOfWeek, tables: tables)
        result.inForce = inForce
        result.capped = result.capped || suspects.isCapped
        return result
    }

    /// The uniform number that decides how many candidates an hour's layer has.
    func unit(layerAndArea: UInt32, hour: Int) -> Double {
        let words = counts.block(0, layerAndArea, UInt32(hour), world.replicate)
        return Philox.unit53(words.0, words.1)
    }

    func reserve(_ needed: Int) {
        guard needed > entries.count else { return }
        let larger = UnsafeMutableBufferPointer<IncidentColumns.Entry>.allocate(
            capacity: max(needed, 2 * entries.count))
        _ = larger.update(fromContentsOf: entries[..<entryCount])
        entries.deallocate()
        entries = larger
    }

    // MARK: - Layer 0

    /// What a candidate is if it happens.
    private struct Picker {
        let crimeAliases: UnsafePointer<UInt64>
        let areaAliases: UnsafePointer<UInt64>
        let categoryOf: UnsafePointer<UInt16>
        let suspectThresholds: UnsafePointer<UInt64>
        let areas: Int
        let candidates: CandidateBlocks.Words

        @inline(__always)
        func entry(_ ordinal: Int) -> IncidentColumns.Entry {
            let crime = AliasBuilder.pick(crimeAliases, candidates.crime[ordinal])
            let first = Int(categoryOf[crime]) &* areas
            let area = AliasBuilder.pick(areaAliases + first, candidates.area[ordinal])
            let minuteAndRest = candidates.minute[ordinal]
            let suspect = minuteAndRest & 0xFFFF_FFFF < suspectThresholds[first &+ area]
            return .init(
                low: UInt32(truncatingIfNeeded: ordinal), area: UInt16(truncatingIfNeeded: area),
                crime: UInt16(truncatingIfNeeded: crime), minute: UInt8(truncatingIfNeeded: minuteAndRest >> 32),
                suspect: suspect ? 1 : 0)
        }
    }

    private func picker(hourOfWeek: Int, tables: MonthTables) -> Picker {
        Picker(
            crimeAliases: tables.crimeAliases(hourOfWeek: hourOfWeek), areaAliases: UnsafePointer(tables.areaAliases),
            categoryOf: prepared.categoryOfCrime, suspectThresholds: prepared.suspectThresholds,
            areas: prepared.areaCount, candidates: candidates.words)
    }

    /// A whole hour in which no adjustment acts: all candidates happen.
    private func appendAll(
        _ number: Int, hour: Int, hourOfWeek: Int, tables: MonthTables, to columns: inout IncidentColumns
    ) {
        let picker = picker(hourOfWeek: hourOfWeek, tables: tables)
        let counts = minuteCounts
        for ordinal in 0..<number { counts[Int(truncatingIfNeeded: picker.candidates.minute[ordinal] >> 32)] &+= 1 }
        columns.append(hour: hour, count: number, minuteCounts: counts) { picker.entry($0) }
    }

    /// Makes entries of the candidates that happen.
    private func keep(_ number: Int, hour: Int, hourOfWeek: Int, tables: MonthTables) {
        let picker = picker(hourOfWeek: hourOfWeek, tables: tables)
        let out = entries.baseAddress!
        var kept = 0
        for ordinal in 0..<number {
            var entry = picker.entry(ordinal)
            let time = hour * 60 + Int(entry.minute)
            let mark = Double(picker.candidates.mark[ordinal]) * 0x1p-32
            guard happens(entry, time: time, mark: mark) else { continue }
            identify(&entry, time: time, rest: picker.candidates.minute[ordinal] & 0xFFFF_FFFF)
            out[kept] = entry
            minuteCounts[Int(entry.minute)] &+= 1
            kept &+= 1
        }
        entryCount = kept
    }

    @inline(__always)
    func happens(_ entry: IncidentColumns.Entry, time: Int, mark: Double) -> Bool {
        guard field.window.contains(time) else { return false }
        return field.isNeutral || mark < field.factor(area: Int(entry.area), crime: Int(entry.crime), minute: time)
    }

    /// Decides about the suspect again where an adjustment has changed the odds.
    @inline(__always)
    func identify(_ entry: inout IncidentColumns.Entry, time: Int, rest: UInt64) {
        guard !suspects.isNeutral else { return }
        let (area, crime) = (Int(entry.area), Int(entry.crime))
        let odds = suspects.factor(area: area, crime: crime, minute: time)
        guard odds != 1 else { return }
        let p = prepared.model.suspect[area * prepared.categoryCount + Int(prepared.categoryOfCrime[crime])]
        let changed = odds == 0 ? 0 : p * odds / (1 - p + p * odds)
        entry.suspect = rest < PreparedModel.threshold(changed) ? 1 : 0
    }
}
