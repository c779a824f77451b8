/// The predecessor's estimate of one cell's rates, to the last bit of a double.
///
/// With r_m the annualised count of calendar month m (its count × 12 / years), R = Σ r_m and α_m the month's days,
/// the annual rate in that month is the mean of a Dirichlet law times R: (r_m + α_m) / Σ (r + α) · R, which is
/// R·(r_m + α_m) / (R + 365). It is computed here in the order in which the predecessor's libraries do (scipy on numpy),
/// so that every bit is theirs; the closed form on the right is off by 1 unit in the last place in three of ten rates, and
/// by up to 5 where 12 / years is no double.
package enum UpstreamRates {
    /// α: as if each day had seen one incident.
    private static let prior: [Double] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// Days of the year by which the predecessor turns annual rates into times.
    package static let daysInYear = 365.2475

    /// Annual rates of a cell by calendar month, `[12]`; all 0 for a cell without incidents.
    ///
    /// - Parameters:
    ///   - counts: Incidents by calendar month, summed over the years, `[12]`.
    ///   - years: Above 0.
    package static func annual(counts: [Int], years: Int) -> [Double] {
        precondition(counts.count == 12 && years > 0, "twelve counts of at least one year")
        let annualised = counts.map { Double($0) * 12 / Double(years) }
        let posterior = zip(annualised, prior).map { $0 + $1 }
        let total = sum(annualised)
        let strength = sum(posterior)
        return posterior.map { $0 / strength * total }
    }

    /// Incidents per day of a cell by calendar month, `[12]`: what the predecessor's clock makes of annual rates.
    package static func daily(counts: [Int], years: Int) -> [Double] {
        annual(counts: counts, years: years).map { $0 / daysInYear }
    }

    /// The sum of twelve numbers in numpy's order: eight in pairs, the others one by one.
    private static func sum(_ x: [Double]) -> Double {
        let eight = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))
        return eight + x[8] + x[9] + x[10] + x[11]
    }
}
