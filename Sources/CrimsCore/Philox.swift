/// The counter-based random number generator Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011).
///
/// Sixteen bytes are a function of a key and a counter, and of nothing else: there is no state to save, and any
/// hour can be drawn on any machine in any order.
public struct Philox: Sendable {
    /// What a block of random bits is for; blocks of different purposes never meet.
    enum Purpose: UInt32 {
        case count = 0
        case incident = 1
        case sharedFrailty = 2
        case ownFrailty = 3
    }

    @usableFromInline let key0: UInt32
    @usableFromInline let key1: UInt32

    public init(key0: UInt32, key1: UInt32) {
        self.key0 = key0
        self.key1 = key1
    }

    /// The key of a seed (53 bits) and a purpose.
    init(seed: UInt64, purpose: Purpose) {
        precondition(seed < 1 << 53, "a seed has 53 bits")
        self.init(key0: UInt32(truncatingIfNeeded: seed), key1: UInt32(seed >> 32) | purpose.rawValue << 21)
    }

    /// The block of a counter: four uniform 32-bit words.
    @inlinable @inline(__always)
    public func block(_ c0: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) -> (UInt32, UInt32, UInt32, UInt32) {
        var (x0, x1, x2, x3) = (c0, c1, c2, c3)
        var (k0, k1) = (key0, key1)
        for _ in 0..<10 {
            let product0 = UInt64(x0) &* 0xD251_1F53
            let product1 = UInt64(x2) &* 0xCD9E_8D57
            let high0 = UInt32(truncatingIfNeeded: product0 >> 32)
            let high1 = UInt32(truncatingIfNeeded: product1 >> 32)
            (x0, x1, x2, x3) = (
                high1 ^ x1 ^ k0, UInt32(truncatingIfNeeded: product1), high0 ^ x3 ^ k1,
                UInt32(truncatingIfNeeded: product0)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (x0, x1, x2, x3)
    }

    /// Four words of two counters at once, one counter in each lane, in vector registers.
    typealias Lanes = (SIMD2<UInt64>, SIMD2<UInt64>, SIMD2<UInt64>, SIMD2<UInt64>)

    /// The blocks of two counters. Only the lower 32 bits of a lane mean anything, going in and coming out.
    @inline(__always)
    func blocks(_ counters: Lanes) -> Lanes {
        let low = SIMD2<UInt64>(repeating: 0xFFFF_FFFF)
        var (x0, x1, x2, x3) = counters
        // Keys in both halves: of lanes known to be below 2³² the compiler makes narrow ones and back in every round.
        var k0 = SIMD2<UInt64>(repeating: UInt64(key0) &* 0x1_0000_0001)
        var k1 = SIMD2<UInt64>(repeating: UInt64(key1) &* 0x1_0000_0001)
        for _ in 0..<10 {
            // One instruction, as the upper halves are 0.
            let product0 = (x0 & low) &* SIMD2(repeating: 0xD251_1F53)
            let product1 = (x2 & low) &* SIMD2(repeating: 0xCD9E_8D57)
            x0 = product1 &>> 32 ^ x1 ^ k0
            x2 = product0 &>> 32 ^ x3 ^ k1
            x1 = product1
            x3 = product0
            k0 &+= SIMD2(repeating: 0x9E37_79B9)
            k1 &+= SIMD2(repeating: 0xBB67_AE85)
        }
        return (x0, x1, x2, x3)
    }

    /// A uniform multiple of 2⁻⁵³ in [0, 1) from two words.
    static func unit53(_ high: UInt32, _ low: UInt32) -> Double {
        Double((UInt64(high) << 32 | UInt64(low)) >> 11) * 0x1p-53
    }

    /// A uniform number strictly inside (0, 1) from one word.
    static func open(_ word: UInt32) -> Double { (Double(word) + 0.5) * 0x1p-32 }
}
