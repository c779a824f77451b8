/// Exponential and logarithm made of IEEE + − × ÷ in a fixed order.
///
/// A platform's libm may round the last bit either way; who happens in a run may not depend on it.
public enum Numerics {
    static let ln2High = 0x1.62e42feep-1
    static let ln2Low = 0x1.a39ef35793c76p-33
    static let ln2 = 0x1.62e42fefa39efp-1

    /// e to the power of `x`; within 2 units in the last place. 0 below −745, infinite above 709.8.
    public static func exp(_ x: Double) -> Double {
        if x > 709.8 { return .infinity }
        if x < -745.2 { return 0 }
        let n = (x / ln2).rounded(.toNearestOrEven)
        let r = (x - n * ln2High) - n * ln2Low
        return scale(expNearZero(r), byPowerOfTwo: Int(n))
    }

    /// 2 to the power of `x`; exact for whole numbers.
    public static func exp2(_ x: Double) -> Double {
        if x > 1_024 { return .infinity }
        if x < -1_080 { return 0 }
        let n = x.rounded(.toNearestOrEven)
        return scale(expNearZero((x - n) * ln2), byPowerOfTwo: Int(n))
    }

    /// 2 to the power of each of four numbers between −1,000 and 1,000, with the bits of ``exp2(_:)-(Double)``: its
    /// fourteen divisions wait for one another, those of four numbers do not.
    static func exp2(_ x: SIMD4<Double>) -> SIMD4<Double> {
        // Adding and taking away 3 · 2⁵¹ rounds to the nearest whole number, which it leaves in the low bits.
        let magic = SIMD4<Double>(repeating: 0x1.8p52)
        let shifted = x + magic
        let r = (x - (shifted - magic)) * ln2
        var sum = SIMD4<Double>(repeating: 1)
        var k = 14.0
        while k >= 1 {
            sum = 1 + sum * r / k
            k -= 1
        }
        let n =
            SIMD4<Int64>(truncatingIfNeeded: unsafeBitCast(shifted, to: SIMD4<UInt64>.self)) &- 0x4338_0000_0000_0000
        return sum * unsafeBitCast((n &+ 1_023) &<< 52, to: SIMD4<Double>.self)
    }

    /// Natural logarithm of a positive normal number.
    public static func log(_ x: Double) -> Double {
        var exponent = x.exponent
        var significand = x.significand
        if significand > 0x1.6a09e667f3bcdp0 {
            significand *= 0.5
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        let z = s * s
        // The series of 2·artanh(s); |s| ≤ 0.1716, so the first term left out is below 10⁻¹⁸.
        var sum = 0.0
        var odd = 23.0
        while odd >= 3 {
            sum = (sum + 1 / odd) * z
            odd -= 2
        }
        let e = Double(exponent)
        return e * ln2High + (2 * s * (1 + sum) + e * ln2Low)
    }

    /// The nearest whole number, the even one of two, of 0 ≤ x < 2⁵¹: adding 2⁵² leaves it in the low bits, where a
    /// call of libm's `rint` would be.
    @inline(__always)
    static func roundedToEven(_ x: Double) -> UInt64 { (x + 0x1p52).bitPattern & 0xF_FFFF_FFFF_FFFF }

    /// Taylor's series on |r| ≤ 0.35; the first term left out is below 10⁻¹⁷.
    private static func expNearZero(_ r: Double) -> Double {
        var sum = 1.0
        var k = 14.0
        while k >= 1 {
            sum = 1 + sum * r / k
            k -= 1
        }
        return sum
    }

    private static func scale(_ value: Double, byPowerOfTwo n: Int) -> Double {
        // Two factors, since 2^n alone may be out of the range of normal numbers.
        let half = n / 2
        return value * Double(sign: .plus, exponent: half, significand: 1)
            * Double(sign: .plus, exponent: n - half, significand: 1)
    }
}
