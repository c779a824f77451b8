/// A calibrated crime model of a police force, or of all of them: what a run draws from.
///
/// Arrays are flat and indexed as their comments say, with `A` areas, `C` categories and `K` crimes.
public struct CrimeModel: Sendable {
    /// An MSOA.
    public struct Area: Equatable, Sendable {
        public var code: String
        public var name: String
        /// WGS84, degrees.
        public var longitude: Double
        public var latitude: Double
        /// Residents.
        public var population: Int
        /// Whether its rates are not from records of its own, there being none, but from those of other forces.
        public var isImputed: Bool

        public init(
            code: String, name: String, longitude: Double, latitude: Double, population: Int, isImputed: Bool = false
        ) {
            self.code = code
            self.name = name
            self.longitude = longitude
            self.latitude = latitude
            self.population = population
            self.isImputed = isImputed
        }
    }

    /// An offence code within a category.
    public struct Crime: Equatable, Sendable {
        public var code: String
        public var description: String
        /// Index into ``CrimeModel/categories``.
        public var category: Int
        /// ONS crime severity weight.
        public var severity: Double
        /// Share of the category's incidents; the shares of a category sum to 1.
        public var share: Double

        public init(code: String, description: String, category: Int, severity: Double, share: Double) {
            self.code = code
            self.description = description
            self.category = category
            self.severity = severity
            self.share = share
        }
    }

    /// Variances of the two gamma frailties of mean 1 that a category's monthly rates are multiplied by.
    public struct Dispersion: Equatable, Sendable {
        /// Variance of the part that all areas of the force share in a month; 0 for none.
        public var shared: Double
        /// Variance of each area's own part; 0 for none.
        public var own: Double

        public init(shared: Double = 0, own: Double = 0) {
            self.shared = shared
            self.own = own
        }
    }

    /// Damped log-linear growth of a category after the model's period.
    public struct Trend: Equatable, Sendable {
        /// Growth of the logarithm of the rate in the first month after the period.
        public var growth: Double
        /// 0…1: each later month's growth is this times the one before.
        public var damping: Double

        public init(growth: Double = 0, damping: Double = 0) {
            self.growth = growth
            self.damping = damping
        }
    }

    /// Over what the weights of a profile have mean 1.
    public enum ProfileMean: String, CaseIterable, Sendable {
        /// Over a week: a month with five Saturdays expects more of what happens on Saturdays.
        case week
        /// Over each month anew: a month expects its rate times its days, whatever weekdays it has.
        case month
    }

    /// The folder's name, by which clients ask for it.
    public var name: String
    public var title: String
    /// First and last month of the records that it was calibrated on.
    public var period: (from: CivilMonth, to: CivilMonth)
    /// Hexadecimal digest of the model's files; runs are tied to it.
    public var digest: String
    public var areas: [Area]
    /// police.uk categories, lower case.
    public var categories: [String]
    public var crimes: [Crime]
    /// Incidents per day, `[(area · C + category) · 12 + month − 1]`.
    public var rates: [Double]
    /// Rows of 168 weights of mean 1, Monday 00:00 first.
    public var profiles: [Double]
    /// Row of ``profiles`` for each crime, `[K]`.
    public var profileOfCrime: [Int]
    public var profileMean: ProfileMean
    /// Probability that a suspect is identified, `[area · C + category]`.
    public var suspect: [Double]
    /// For each area the areas that border on it, ascending.
    public var neighbours: [[Int]]
    /// `[C]`.
    public var dispersion: [Dispersion]
    /// `[C]`.
    public var trend: [Trend]

    public init(
        name: String, title: String, period: (from: CivilMonth, to: CivilMonth), digest: String, areas: [Area],
        categories: [String], crimes: [Crime], rates: [Double], profiles: [Double], profileOfCrime: [Int],
        suspect: [Double], neighbours: [[Int]], dispersion: [Dispersion], trend: [Trend],
        profileMean: ProfileMean = .week
    ) {
        precondition(!areas.isEmpty && areas.count <= Self.areasMax, "a model has 1 to \(Self.areasMax) areas")
        precondition(!crimes.isEmpty && crimes.count <= Self.crimesMax, "a model has 1 to \(Self.crimesMax) crimes")
        precondition(rates.count == areas.count * categories.count * 12, "rates: areas × categories × 12")
        precondition(suspect.count == areas.count * categories.count, "suspect: areas × categories")
        precondition(profiles.count % 168 == 0 && profileOfCrime.count == crimes.count, "profiles: rows of 168")
        precondition(neighbours.count == areas.count, "neighbours: one list an area")
        precondition(dispersion.count == categories.count && trend.count == categories.count, "one a category")
        self.name = name
        self.title = title
        self.period = period
        self.digest = digest
        self.areas = areas
        self.categories = categories
        self.crimes = crimes
        self.rates = rates
        self.profiles = profiles
        self.profileOfCrime = profileOfCrime
        self.profileMean = profileMean
        self.suspect = suspect
        self.neighbours = neighbours
        self.dispersion = dispersion
        self.trend = trend
    }

    /// Incident ids keep the area in 13 bits.
    public static let areasMax = 1 << 13
    /// The wire keeps the crime in an unsigned 16-bit column.
    public static let crimesMax = 1 << 16

    /// Incidents per day of a category in an area in a calendar month (1…12), before profile, trend and feedback.
    public func rate(area: Int, category: Int, month: Int) -> Double {
        rates[(area * categories.count + category) * 12 + month - 1]
    }

    /// By how much a category has grown in `month` since the end of the model's period; 1 within it.
    public func trendFactor(category: Int, month: CivilMonth) -> Double {
        let trend = trend[category]
        let after = month.index - period.to.index
        guard after > 0, trend.growth != 0 else { return 1 }
        var exponent = 0.0
        var growth = trend.growth
        // A damped series settles; 1,200 months are a hundred years.
        for _ in 0..<min(after, 1_200) {
            exponent += growth
            growth *= trend.damping
        }
        return Numerics.exp(exponent)
    }
}
