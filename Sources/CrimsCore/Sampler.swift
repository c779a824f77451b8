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
    private var entries: UnsafeMutableBufferPointer<IncidentColumns.Entry>
    private var entryCount = 0
    /// Entries of each minute of the hour, `[60]`.
    private let minuteCounts: UnsafeMutablePointer<UInt32>
    private let counts: Philox
    private let incidents: Philox

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

    func tables(for month: CivilMonth) -> MonthTables {
        if let tables, tables.month == month { return tables }
        let found = cache.tables(prepared: prepared, world: world, month: month)
        tables = found
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
        let tables = tables(for: CivilMinute(minutes: window.lowerBound).month)
        var inForce = field.prepare(window: window, schedule: schedule, tables: tables)
        inForce += suspects.prepare(window: window, schedule: schedule, tables: tables)
        entryCount = 0
        minuteCounts.update(repeating: 0, count: 60)
        try drawForce(hour: hour, hourOfWeek: hourOfWeek, tables: tables)
        if !field.isNeutral { try drawAreas(hour: hour, hourOfWeek: hourOfWeek, tables: tables) }
        columns.append(
            hour: hour, entries: UnsafeBufferPointer(rebasing: entries[..<entryCount]), minuteCounts: minuteCounts)
        var result = expectation(hourOfWeek: hourOfWeek, tables: tables)
        result.inForce = inForce
        result.capped = result.capped || suspects.isCapped
        return result
    }

    /// The uniform number that decides how many candidates an hour's layer has.
    private func unit(layerAndArea: UInt32, hour: Int) -> Double {
        let words = counts.block(0, layerAndArea, UInt32(hour), world.replicate)
        return Philox.unit53(words.0, words.1)
    }

    private func reserve(_ needed: Int) {
        guard needed > entries.count else { return }
        let larger = UnsafeMutableBufferPointer<IncidentColumns.Entry>.allocate(
            capacity: max(needed, 2 * entries.count))
        _ = larger.update(fromContentsOf: entries[..<entryCount])
        entries.deallocate()
        entries = larger
    }

    // MARK: - Layer 0

    private func drawForce(hour: Int, hourOfWeek: Int, tables: MonthTables) throws(SamplingError) {
        let number = tables.count(hourOfWeek: hourOfWeek, unit: unit(layerAndArea: 0, hour: hour))
        guard number < 1 << 28 else { throw .tooManyCandidates(hour: hour) }
        reserve(entryCount + number)
        let whole = field.window.count == 60 && field.isNeutral && suspects.isNeutral
        let areas = prepared.areaCount
        let categories = prepared.categoryCount
        let crimes = prepared.crimeCount
        let philox = incidents
        let replicate = world.replicate
        let hourWord = UInt32(hour)
        let out = entries.baseAddress!
        let counts = minuteCounts
        var kept = entryCount
        tables.withCrimeAliases(hourOfWeek: hourOfWeek) { crimeAliases in
            tables.areaAliases.withUnsafeBufferPointer { areaAliases in
                prepared.suspectThresholds.withUnsafeBufferPointer { thresholds in
                    prepared.categoryOfCrime.withUnsafeBufferPointer { categoryOf in
                        for ordinal in 0..<UInt32(truncatingIfNeeded: number) {
                            let words = philox.block(ordinal, 0, hourWord, replicate)
                            let crime = AliasBuilder.pick(crimeAliases, crimes, words.0)
                            let category = Int(categoryOf[crime])
                            let area = AliasBuilder.pick(areaAliases.baseAddress! + category * areas, areas, words.1)
                            let minuteAndRest = UInt64(words.2) &* 60
                            let minute = Int(truncatingIfNeeded: minuteAndRest >> 32)
                            let rest = minuteAndRest & 0xFFFF_FFFF
                            var suspect = rest < thresholds[area &* categories &+ category]
                            if !whole {
                                let time = hour * 60 + minute
                                guard happens(area: area, crime: crime, time: time, mark: Double(words.3) * 0x1p-32)
                                else { continue }
                                suspect = identified(area: area, crime: crime, time: time, rest: rest, else: suspect)
                            }
                            out[kept] = .init(
                                low: ordinal, area: UInt16(truncatingIfNeeded: area),
                                crime: UInt16(truncatingIfNeeded: crime), minute: UInt8(truncatingIfNeeded: minute),
                                suspect: suspect ? 1 : 0)
                            counts[minute] &+= 1
                            kept &+= 1
                        }
                    }
                }
            }
        }
        entryCount = kept
    }

    @inline(__always)
    private func happens(area: Int, crime: Int, time: Int, mark: Double) -> Bool {
        guard field.window.contains(time) else { return false }
        return field.isNeutral || mark < field.factor(area: area, crime: crime, minute: time)
    }

    @inline(__always)
    private func identified(area: Int, crime: Int, time: Int, rest: UInt64, else plain: Bool) -> Bool {
        guard !suspects.isNeutral else { return plain }
        let odds = suspects.factor(area: area, crime: crime, minute: time)
        guard odds != 1 else { return plain }
        let p = prepared.model.suspect[area * prepared.categoryCount + Int(prepared.categoryOfCrime[crime])]
        return rest < PreparedModel.threshold(odds == 0 ? 0 : p * odds / (1 - p + p * odds))
    }

    // MARK: - Layers above

    private func drawAreas(hour: Int, hourOfWeek: Int, tables: MonthTables) throws(SamplingError) {
        var rates: [Double] = []
        for layer in 1...10 {
            let bottom = Double(1 << (layer - 1))
            var any = false
            for area in 0..<prepared.areaCount where field.largestFactor(area: area) > bottom {
                if rates.isEmpty { rates = [Double](repeating: -1, count: prepared.areaCount) }
                if rates[area] < 0 { rates[area] = tables.rate(area: area, hourOfWeek: hourOfWeek) }
                any = true
                try drawArea(area, layer: layer, rate: rates[area], hour: hour, hourOfWeek: hourOfWeek, tables: tables)
            }
            if !any { return }
        }
    }

    private func drawArea(
        _ area: Int, layer: Int, rate: Double, hour: Int, hourOfWeek: Int, tables: MonthTables
    ) throws(SamplingError) {
        let bottom = Double(1 << (layer - 1))
        let place = UInt32(layer << 13 | area)
        let number = PoissonTable(mean: bottom * rate).quantile(unit(layerAndArea: place, hour: hour))
        guard number < 1 << 15 else { throw .tooManyCandidates(hour: hour) }
        guard number > 0 else { return }
        reserve(entryCount + number)
        for ordinal in 0..<UInt32(number) {
            let words = incidents.block(ordinal, place, UInt32(hour), world.replicate)
            let minuteAndRest = UInt64(words.2) &* 60
            let minute = Int(minuteAndRest >> 32)
            let mark = bottom * (1 + Double(words.3) * 0x1p-32)
            let crime = pickCrime(area: area, rate: rate, hourOfWeek: hourOfWeek, words.0, words.1, tables)
            let time = hour * 60 + minute
            guard happens(area: area, crime: crime, time: time, mark: mark) else { continue }
            let rest = minuteAndRest & 0xFFFF_FFFF
            let category = Int(prepared.categoryOfCrime[crime])
            let plain = rest < prepared.suspectThresholds[area * prepared.categoryCount + category]
            entries[entryCount] = .init(
                low: UInt32(layer) << 28 | UInt32(area) << 15 | ordinal, area: UInt16(area), crime: UInt16(crime),
                minute: UInt8(minute),
                suspect: identified(area: area, crime: crime, time: time, rest: rest, else: plain) ? 1 : 0)
            minuteCounts[minute] += 1
            entryCount += 1
        }
    }

    /// A crime of one area, by walking through its categories and then the crimes of one.
    private func pickCrime(
        area: Int, rate: Double, hourOfWeek: Int, _ categoryWord: UInt32, _ crimeWord: UInt32, _ tables: MonthTables
    ) -> Int {
        let categories = prepared.categoryCount
        var left = Double(categoryWord) * 0x1p-32 * rate
        var chosen = -1
        for category in 0..<categories {
            let weight =
                tables.rates[area * categories + category]
                * tables.weights.categories[hourOfWeek * categories + category]
            // The last that can happen also takes what rounding leaves over.
            if weight > 0 { chosen = category }
            if left < weight { break }
            left -= weight
        }
        left = Double(crimeWord) * 0x1p-32 * tables.weights.categories[hourOfWeek * categories + chosen]
        var crime = -1
        for candidate in prepared.crimesOfCategory[chosen] {
            let weight = tables.weights.crimes[hourOfWeek * prepared.crimeCount + candidate]
            if weight > 0 { crime = candidate }
            if left < weight { break }
            left -= weight
        }
        return crime
    }
}
