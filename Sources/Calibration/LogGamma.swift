import CrimsCore

/// The logarithm of the gamma function, the same on every machine.
///
/// Stirling's series above 10; below, Γ(x) = Γ(x + n) / (x (x + 1) … (x + n − 1)). The first term left out is below
/// 10⁻¹³.
///
/// - Precondition: `x` > 0.
package func logGamma(_ x: Double) -> Double {
    precondition(x > 0, "logGamma: x must be above 0")
    var x = x
    var product = 1.0
    while x < 10 {
        product *= x
        x += 1
    }
    let z = 1 / (x * x)
    let series = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1_260 - z * (1.0 / 1_680 - z / 1_188)))) / x
    let halfLogTwoPi = 0.918_938_533_204_672_8
    return (x - 0.5) * Numerics.log(x) - x + halfLogTwoPi + series - Numerics.log(product)
}
