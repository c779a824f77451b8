/// What layer 0 of one month of one world is drawn from. Hours of the week are prepared when first asked for.
///
/// Used by one thread at a time.
public final class MonthTables {
    let month: CivilMonth
    let prepared: PreparedModel
    let weights: HourWeights
    /// Incidents per hour at profile weight 1, frailty included, `[area · C + category]`.
    let rates: [Double]
    /// The same without frailty: the mean over replicates.
    let meanRates: [Double]
    /// Sum of ``meanRates`` over the areas, `[C]`.
    let meanRatesOfCategory: [Double]
    /// Sum of ``rates`` over the areas, `[C]`.
    private let ratesOfCategory: [Double]

    /// Alias tables over the areas, `[category · A + area]`.
    let areaAliases: [UInt64]
    /// Alias tables over the crimes, `[hour of week · K + crime]`.
    private var crimeAliases: [UInt64]
    private var counts: [PoissonTable?]
    private var builder = AliasBuilder()
    /// What the table over the crimes is built from.
    private var crimeMasses: [Double]

    init(prepared: PreparedModel, world: World, month: CivilMonth) {
        self.prepared = prepared
        self.month = month
        weights = prepared.weights(of: month)
        let (areas, categories) = (prepared.areaCount, prepared.categoryCount)
        let model = prepared.model
        var mean = [Double](repeating: 0, count: areas * categories)
        var rates = mean
        var meanOfCategory = [Double](repeating: 0, count: categories)
        var ofCategory = meanOfCategory
        let frailty = Frailty(world: world)
        for category in 0..<categories {
            let trend = world.trend ? model.trendFactor(category: category, month: month) : 1
            let variance = world.dispersion ? model.dispersion[category] : .init()
            let shared = frailty.shared(category: category, month: month, variance: variance.shared)
            for area in 0..<areas {
                let cell = area * categories + category
                let own = frailty.own(area: area, category: category, month: month, variance: variance.own)
                mean[cell] = model.rates[cell * 12 + month.month - 1] * trend / 24
                rates[cell] = mean[cell] * shared * own
                meanOfCategory[category] += mean[cell]
                ofCategory[category] += rates[cell]
            }
        }
        var aliases = [UInt64](repeating: 0, count: areas * categories)
        var builder = AliasBuilder()
        aliases.withUnsafeMutableBufferPointer { entries in
            for category in 0..<categories {
                let weights = (0..<areas).map { rates[$0 * categories + category] }
                builder.build(weights: weights, into: entries.baseAddress! + category * areas)
            }
        }
        self.rates = rates
        meanRates = mean
        meanRatesOfCategory = meanOfCategory
        ratesOfCategory = ofCategory
        areaAliases = aliases
        crimeAliases = [UInt64](repeating: 0, count: 168 * prepared.crimeCount)
        crimeMasses = [Double](repeating: 0, count: prepared.crimeCount)
        counts = [PoissonTable?](repeating: nil, count: 168)
    }

    /// The force's number of candidates in an hour of layer 0, for a uniform number.
    func count(hourOfWeek: Int, unit: Double) -> Int {
        if counts[hourOfWeek] == nil { prepare(hourOfWeek: hourOfWeek) }
        return counts[hourOfWeek]!.quantile(unit)
    }

    private func prepare(hourOfWeek: Int) {
        let crimes = prepared.crimeCount
        var mean = 0.0
        for category in 0..<prepared.categoryCount {
            mean += ratesOfCategory[category] * weights.categories[hourOfWeek * prepared.categoryCount + category]
        }
        let table = PoissonTable(mean: mean)
        let weights = weights.crimes
        let categoryOf = prepared.categoryOfCrime
        let ofCategory = ratesOfCategory
        for crime in 0..<crimes {
            crimeMasses[crime] = ofCategory[Int(categoryOf[crime])] * weights[hourOfWeek * crimes + crime]
        }
        crimeAliases.withUnsafeMutableBufferPointer { entries in
            builder.build(weights: crimeMasses, into: entries.baseAddress! + hourOfWeek * crimes)
        }
        counts[hourOfWeek] = table
    }

    /// Candidates per hour of an area in layer 0.
    func rate(area: Int, hourOfWeek: Int) -> Double {
        var rate = 0.0
        let categories = prepared.categoryCount
        for category in 0..<categories {
            rate += rates[area * categories + category] * weights.categories[hourOfWeek * categories + category]
        }
        return rate
    }

    /// Calls `body` with the alias table over the crimes in an hour of the week that ``count(hourOfWeek:)`` prepared.
    func withCrimeAliases<R>(hourOfWeek: Int, _ body: (UnsafePointer<UInt64>) -> R) -> R {
        crimeAliases.withUnsafeBufferPointer { body($0.baseAddress! + hourOfWeek * prepared.crimeCount) }
    }
}

/// The months last drawn from, shared by all runs of a process: forks of one run share their tables, and memory does
/// not grow with the number of runs.
public final class MonthCache {
    private struct Key: Hashable {
        let model: ObjectIdentifier
        let world: World
        let month: CivilMonth
    }

    private var tables: [Key: (tables: MonthTables, used: Int)] = [:]
    private var clock = 0
    private let capacity: Int

    public init(capacity: Int = 16) { self.capacity = capacity }

    func tables(prepared: PreparedModel, world: World, month: CivilMonth) -> MonthTables {
        let key = Key(model: ObjectIdentifier(prepared), world: world, month: month)
        clock += 1
        if let found = tables[key]?.tables {
            tables[key]?.used = clock
            return found
        }
        let made = MonthTables(prepared: prepared, world: world, month: month)
        if tables.count >= capacity, let oldest = tables.min(by: { $0.value.used < $1.value.used })?.key {
            tables[oldest] = nil
        }
        tables[key] = (made, clock)
        return made
    }
}
