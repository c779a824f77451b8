import CrimsCore

/// How forces' months compare with what their other months, and the same months of other forces, make one expect.
///
/// Logarithms of daily counts are taken apart into a part of the force, one of the month and a rest, by medians
/// (Tukey 1977, Exploratory Data Analysis, ch. 11): one odd month moves neither its force nor the others' month.
package struct MonthRatios {
    /// Count over expectation, `[force][slot]`; nil where there are no records.
    package let ratios: [[Double?]]
    /// Expected counts, likewise.
    package let expected: [[Double?]]

    /// Rounds of medians; each takes out what the one before has left.
    private static let rounds = 10

    /// - Parameters:
    ///   - totals: Counts, `[force][slot]`.
    ///   - days: Of each month.
    ///   - isThere: Whether there are records, `[force][slot]`.
    package init(totals: [[Double]], days: [Double], isThere: [[Bool]]) {
        var rest = zip(totals, isThere).map { totals, isThere -> [Double?] in
            days.indices.map { slot in
                // Half an incident more keeps months without any finite.
                isThere[slot] ? Numerics.log((totals[slot] + 0.5) / days[slot]) : nil
            }
        }
        for _ in 0..<Self.rounds {
            for force in rest.indices {
                let middle = Self.median(rest[force].compactMap(\.self))
                for slot in days.indices { rest[force][slot]? -= middle }
            }
            for slot in days.indices {
                let middle = Self.median(rest.compactMap { $0[slot] })
                for force in rest.indices { rest[force][slot]? -= middle }
            }
        }
        let ratios = rest.map { $0.map { $0.map { Numerics.exp($0) } } }
        self.ratios = ratios
        expected = totals.indices.map { force in
            days.indices.map { slot in ratios[force][slot].map { (totals[force][slot] + 0.5) / $0 } }
        }
    }

    /// The mean of the middle two, of an even number; 0 of none.
    package static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
