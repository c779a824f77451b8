/// Which of all possible worlds is drawn: the arguments that random numbers and rates depend on.
public struct World: Hashable, Sendable {
    /// Below 2⁵³.
    public var seed: UInt64
    public var replicate: UInt32
    /// Whether monthly rates vary by the model's gamma frailties.
    public var dispersion: Bool
    /// Whether the model's trend continues after its period.
    public var trend: Bool

    public init(seed: UInt64 = 0, replicate: UInt32 = 0, dispersion: Bool = true, trend: Bool = true) {
        self.seed = seed
        self.replicate = replicate
        self.dispersion = dispersion
        self.trend = trend
    }
}

/// Gamma-distributed multipliers of mean 1, constant within a month and drawn anew for each replicate.
struct Frailty {
    private let shared: Philox
    private let own: Philox
    private let replicate: UInt32

    init(world: World) {
        shared = Philox(seed: world.seed, purpose: .sharedFrailty)
        own = Philox(seed: world.seed, purpose: .ownFrailty)
        replicate = world.replicate
    }

    /// The part that all areas of the force share.
    func shared(category: Int, month: CivilMonth, variance: Double) -> Double {
        guard variance > 0 else { return 1 }
        return gamma(variance: variance) { attempt in
            shared.block(attempt, UInt32(category), UInt32(month.index), replicate)
        }
    }

    /// One area's own part.
    func own(area: Int, category: Int, month: CivilMonth, variance: Double) -> Double {
        guard variance > 0 else { return 1 }
        return gamma(variance: variance) { attempt in
            own.block(attempt | UInt32(category) << 16, UInt32(area), UInt32(month.index), replicate)
        }
    }

    /// Marsaglia & Tsang (2000), with Marsaglia's polar method for the normal deviate: one block an attempt.
    private func gamma(variance: Double, block: (UInt32) -> (UInt32, UInt32, UInt32, UInt32)) -> Double {
        let shape = 1 / variance
        // Below shape 1 the method draws at shape + 1 and multiplies by U^(1/shape).
        let boosted = shape < 1
        let d = (boosted ? shape + 1 : shape) - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        var attempt: UInt32 = 0
        while true {
            let words = block(attempt)
            attempt += 1
            let a = 2 * Philox.open(words.0) - 1
            let b = 2 * Philox.open(words.1) - 1
            let s = a * a + b * b
            guard s < 1, s > 0 else { continue }
            let x = a * (-2 * Numerics.log(s) / s).squareRoot()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            guard Numerics.log(Philox.open(words.2)) < 0.5 * x * x + d - d * v + d * Numerics.log(v) else { continue }
            let boost = boosted ? Numerics.exp(Numerics.log(Philox.open(words.3)) / shape) : 1
            return d * v * boost / shape
        }
    }
}
