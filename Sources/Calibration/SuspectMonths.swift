import CrimsCore

/// Which months' outcomes can be counted: crimes of the last months are still under investigation.
package enum SuspectMonths {
    /// A month whose share of suspects is lower than that of the months before by this part of it is not yet what it
    /// will be.
    ///
    /// In the counts of 2018 and 2019 the shares of months that have settled differ by 4 %; the first of the last three
    /// is lower by 18 %, the last by 57 %.
    package static let dropMin = 0.1

    /// How many months, from the first, have outcomes that have settled.
    ///
    /// The months from which on each has a share lower by ``dropMin`` than all months before the first of them are
    /// left out. A single low month in the middle is no sign of that, and stays.
    package static func settled(suspects: [Double], incidents: [Double]) -> Int {
        let shares = zip(suspects, incidents).map { $1 > 0 ? $0 / $1 : 0 }
        for first in shares.indices.dropFirst() {
            let before = suspects[..<first].reduce(0, +) / max(incidents[..<first].reduce(0, +), 1)
            if shares[first...].allSatisfy({ $0 < (1 - dropMin) * before }) { return first }
        }
        return shares.count
    }
}
