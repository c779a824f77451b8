/// The probability that a suspect is identified, by area, of one category.
///
/// p = suspect / (suspect + none), outcomes unknown being in neither. An area's p is beta about the category's mean in
/// the force with a strength κ (as if κ incidents had been seen before), so an area with n known outcomes has
/// (suspect + κ·mean) / (n + κ). κ is from the moments of the areas' shares (Kleinman 1973, J. Am. Stat. Assoc. 68).
package struct SuspectEstimate: Sendable {
    /// By area.
    package var areas: [Double]
    /// The category's in the force.
    package var mean: Double
    /// κ, in incidents.
    package var strength: Double

    /// κ where the areas cannot tell: fewer than two with outcomes, or a mean of 0 or 1.
    package static let strengthWithoutAreas = 20.0
    package static let strengthRange = 1.0...10_000.0

    /// - Parameters:
    ///   - suspect: Incidents with a suspect, by area.
    ///   - known: Incidents with a suspect or with none, by area.
    ///   - fallback: The mean where no outcome at all is known.
    package init(suspect: [Int], known: [Int], fallback: Double) {
        let all = Double(known.reduce(0, +))
        let mean = all > 0 ? Double(suspect.reduce(0, +)) / all : fallback
        self.mean = mean
        var squares = 0.0
        var spread = 0.0
        var areasWithOutcomes = 0.0
        for (suspect, known) in zip(suspect, known) where known > 0 {
            let n = Double(known)
            let deviation = Double(suspect) / n - mean
            spread += n * deviation * deviation
            squares += n * n
            areasWithOutcomes += 1
        }
        let binomial = areasWithOutcomes - 1
        let room = all > 0 ? all - squares / all - binomial : 0
        if binomial >= 1, room > 0, mean > 0, mean < 1 {
            let correlation = (spread / (mean * (1 - mean)) - binomial) / room
            let raw = correlation > 0 ? 1 / correlation - 1 : Self.strengthRange.upperBound
            strength = min(max(raw, Self.strengthRange.lowerBound), Self.strengthRange.upperBound)
        } else {
            strength = Self.strengthWithoutAreas
        }
        let strength = strength
        areas = zip(suspect, known).map { (Double($0) + strength * mean) / (Double($1) + strength) }
    }
}
