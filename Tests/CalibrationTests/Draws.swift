import Glibc

/// Random draws that are the same every time; for tests only.
struct Draws {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Uniform in (0, 1), by SplitMix64.
    mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return (Double(z >> 11) + 0.5) / 0x1p53
    }

    private mutating func normal() -> Double { sqrt(-2 * log(uniform())) * cos(2 * .pi * uniform()) }

    /// Mean 1, variance 1/shape (Marsaglia & Tsang 2000).
    mutating func gamma(shape: Double) -> Double {
        if shape < 1 { return gamma(shape: shape + 1) * (shape + 1) / shape * pow(uniform(), 1 / shape) }
        let d = shape - 1.0 / 3
        while true {
            let x = normal()
            let v = pow(1 + x / sqrt(9 * d), 3)
            if v > 0, log(uniform()) < x * x / 2 + d - d * v + d * log(v) { return d * v / shape }
        }
    }

    /// Products of uniforms, in parts so that none underflows (Knuth).
    mutating func poisson(_ mean: Double) -> Int {
        var rest = mean
        var count = 0
        while rest > 0 {
            let part = min(rest, 200)
            var product = uniform()
            while product > exp(-part) {
                count += 1
                product *= uniform()
            }
            rest -= part
        }
        return count
    }
}
