/// A change of rates that a client asked for, with its scope resolved to indices of the model: immutable.
public final class Adjustment: Sendable {
    public enum Mode: String, Sendable { case scale, set }
    public enum Target: String, Sendable { case incidence, suspect }

    /// 0…1000.
    public let factor: Double
    public let mode: Mode
    public let target: Target
    /// Ascending indices of the areas in scope; nil for all.
    public let areas: [Int]?
    /// Ascending indices of the crimes in scope; nil for all.
    public let crimes: [Int]?
    /// The first minute that it acts on.
    public let from: CivilMinute
    /// Minutes in which the effect halves; nil for a lasting one.
    public let halfLife: Int?
    /// Share of what it removes that goes to the neighbouring areas.
    public let displacement: Double
    /// The first minute that it no longer acts on: `until`, or when the decayed effect is below 1/1024.
    public let end: Int

    let areaMask: [Bool]?
    let crimeMask: [Bool]?
    /// Of areas and crimes: adjustments of the same scope have the same.
    let scopeHash: UInt64

    /// An effect below this is over.
    static let negligible = 0x1p-10
    /// F is never more than this.
    public static let factorMax = 1_000.0
    public static let forever = Int.max

    public init(
        factor: Double, mode: Mode = .scale, target: Target = .incidence, areas: [Int]? = nil, crimes: [Int]? = nil,
        from: CivilMinute, until: CivilMinute? = nil, halfLife: Int? = nil, displacement: Double = 0,
        model: PreparedModel
    ) {
        precondition(factor >= 0 && factor <= Self.factorMax, "a factor is between 0 and 1000")
        precondition(displacement >= 0 && displacement <= 1, "displacement is a share")
        self.factor = factor
        self.mode = mode
        self.target = target
        self.areas = areas
        self.crimes = crimes
        self.from = from
        self.halfLife = halfLife
        self.displacement = displacement
        areaMask = areas.map { Self.mask($0, count: model.areaCount) }
        crimeMask = crimes.map { Self.mask($0, count: model.crimeCount) }
        scopeHash = Self.hash(areas, Self.hash(crimes, 0))
        let given = until?.minutes ?? Self.forever
        end = halfLife.map { min(given, Self.decayEnd(factor: factor, halfLife: $0, from: from.minutes)) } ?? given
    }

    private static func mask(_ indices: [Int], count: Int) -> [Bool] {
        var mask = [Bool](repeating: false, count: count)
        for index in indices { mask[index] = true }
        return mask
    }

    /// The first minute at which |factor − 1|·2^(−age/half-life) is below 1/1024.
    private static func decayEnd(factor: Double, halfLife: Int, from: Int) -> Int {
        let effect = abs(factor - 1)
        func over(_ age: Int) -> Bool { effect * Numerics.exp2(-Double(age) / Double(halfLife)) < negligible }
        if over(0) { return from }
        // |factor − 1| is below 2¹⁰, so twenty half-lives are enough.
        var (low, high) = (0, 20 * halfLife + 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if over(middle) { high = middle } else { low = middle }
        }
        return from + high
    }

    private static func hash(_ indices: [Int]?, _ seed: UInt64) -> UInt64 {
        guard let indices else { return seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
        var hash = seed ^ UInt64(indices.count)
        for index in indices { hash = (hash ^ UInt64(index)) &* 0xD6E8_FEB8_6659_FD93 }
        return hash ^ hash >> 32
    }

    /// Whether both act on the same areas and crimes.
    func hasScope(of other: Adjustment) -> Bool {
        areas == other.areas && crimes == other.crimes
    }

    /// Expected incidents per day, at the month's baseline rates, that it displaces but that no neighbour can take
    /// over: none of an area's neighbours outside the scope has any of the crime. They are lost.
    public func displacementLostPerDay(model: PreparedModel) -> Double {
        guard displacement > 0 else { return 0 }
        let month = from.month.month
        var shares = [Double](repeating: 0, count: model.categoryCount)
        for (index, crime) in model.model.crimes.enumerated() where crimeMask?[index] ?? true {
            shares[crime.category] += crime.share
        }
        var lost = 0.0
        for area in areas ?? Array(0..<model.areaCount) {
            for category in 0..<model.categoryCount where shares[category] > 0 {
                let takers = model.model.neighbours[area].contains {
                    !(areaMask?[$0] ?? true) && model.model.rate(area: $0, category: category, month: month) > 0
                }
                guard !takers else { continue }
                lost += model.model.rate(area: area, category: category, month: month) * shares[category]
            }
        }
        return lost * displacement * (1 - factor)
    }
}

/// An adjustment as a run has it: it may have been ended early by being retracted.
public struct ScheduledAdjustment: Sendable {
    public let adjustment: Adjustment
    /// As the adjustment has them, where they can be had without keeping it alive by counting.
    let target: Adjustment.Target
    /// The first minute that it acts on, since 1970.
    public let from: Int
    /// The first minute that it no longer acts on; may lie before its beginning, and then it never acts.
    public var end: Int

    public init(_ adjustment: Adjustment) {
        self.adjustment = adjustment
        target = adjustment.target
        from = adjustment.from.minutes
        end = adjustment.end
    }

    @inline(__always)
    public func acts(in window: Range<Int>) -> Bool {
        from < window.upperBound && end > window.lowerBound && end > from
    }
}
