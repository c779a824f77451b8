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
    let areaAliases: UnsafeMutablePointer<UInt64>
    /// Alias tables over the crimes, `[hour of week · K + crime]`.
    private let crimeAliases: UnsafeMutablePointer<UInt64>
    /// How many candidates an hour of the week has, `[168]`.
    private var counts: [PoissonTables.Row]
    private let poisson: PoissonTables
    /// Sum of the mean rates in an hour of the week, `[168]`.
    private var baselines: [Double]
    private let builder: AliasBuilder
    /// What a table is built from.
    private let masses: UnsafeMutableBufferPointer<Double>

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
        areaAliases = .allocate(capacity: areas * categories)
        crimeAliases = .allocate(capacity: 168 * prepared.crimeCount)
        masses = .allocate(capacity: max(areas, prepared.crimeCount))
        builder = AliasBuilder(capacity: masses.count)
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
                masses[area] = rates[cell]
            }
            builder.build(
                weights: UnsafeBufferPointer(rebasing: masses[..<areas]), into: areaAliases + category * areas)
        }
        self.rates = rates
        meanRates = mean
        meanRatesOfCategory = meanOfCategory
        ratesOfCategory = ofCategory
        counts = [PoissonTables.Row](repeating: .init(), count: 168)
        baselines = [Double](repeating: 0, count: 168)
        poisson = PoissonTables()
    }

    deinit {
        areaAliases.deallocate()
        crimeAliases.deallocate()
        masses.deallocate()
    }

    /// Makes ready for an hour of the week, before anything is asked about it.
    @inline(__always)
    func prepare(hourOfWeek: Int) {
        if counts[hourOfWeek].size == 0 { build(hourOfWeek: hourOfWeek) }
    }

    private func build(hourOfWeek: Int) {
        let (crimes, categories) = (prepared.crimeCount, prepared.categoryCount)
        var mean = 0.0
        var baseline = 0.0
        for category in 0..<categories {
            let weight = weights.categories[hourOfWeek * categories + category]
            mean += ratesOfCategory[category] * weight
            baseline += meanRatesOfCategory[category] * weight
        }
        for crime in 0..<crimes {
            masses[crime] =
                ratesOfCategory[Int(prepared.categoryOfCrime[crime])] * weights.crimes[hourOfWeek * crimes + crime]
        }
        builder.build(
            weights: UnsafeBufferPointer(rebasing: masses[..<crimes]), into: crimeAliases + hourOfWeek * crimes)
        baselines[hourOfWeek] = baseline
        counts[hourOfWeek] = poisson.append(mean: mean)
    }

    /// The force's number of candidates in an hour of layer 0, for a uniform number.
    func count(hourOfWeek: Int, unit: Double) -> Int { poisson.quantile(counts[hourOfWeek], unit) }

    /// What an hour of the week expects without adjustments.
    func baseline(hourOfWeek: Int) -> Double { baselines[hourOfWeek] }

    /// The alias table over the crimes in an hour of the week.
    func crimeAliases(hourOfWeek: Int) -> UnsafePointer<UInt64> {
        UnsafePointer(crimeAliases + hourOfWeek * prepared.crimeCount)
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
