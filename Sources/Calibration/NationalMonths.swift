import CrimsCore

/// Which months of which forces can be counted on.
struct NationalMonths {
    /// A force's month, and its count as a part of what was to be expected.
    struct Odd {
        var force: Int
        var slot: Int
        var ratio: Double
    }

    /// `[force][slot]`; a force that has no month is to be imputed.
    private(set) var isUsed: [[Bool]]
    /// The same, without the months in which a category is out of all proportion: `[category][force][slot]`.
    private(set) var isSteady: [[[Bool]]]
    /// Months without records of forces that have others.
    private(set) var missing: [(force: Int, slot: Int)] = []
    /// Months with so few records that some must be missing; they are left out.
    private(set) var partial: [Odd] = []
    /// Months with few records, used all the same.
    private(set) var thin: [Odd] = []
    /// Categories out of all proportion in a force's month; used as they are counted.
    private(set) var breaks: [(category: Int, cell: Odd)] = []
    /// Forces with too few months.
    private(set) var imputed: [Int] = []

    /// A month below that part of what is expected is left out.
    ///
    /// In the counts of 2018 and 2019, Kent's 2018-12 has 0.50 and is known to be half. Next comes Kent's 2018-11 with
    /// 0.77, then 0.85 (City of London); forces do vary so much. The bound lies between.
    static let partialBelow = 0.65
    static let thinBelow = 0.8
    /// A category that much above or below, where at least so many incidents are expected, was counted differently.
    static let breakFactor = 3.0
    static let breakExpectedMin = 100.0
    /// Fewer months would be no sample of a force's level.
    static let monthsMin = 3

    /// - Parameters:
    ///   - totals: `[category][force][slot]`.
    ///   - months: Ascending.
    init(totals: [[[Double]]], months: [CivilMonth]) {
        let days = months.map { Double($0.days) }
        let forces = totals[0].indices
        let sums = forces.map { force in
            months.indices.map { slot in totals.reduce(0) { $0 + $1[force][slot] } }
        }
        isUsed = sums.map { $0.map { $0 > 0 } }
        let ratios = MonthRatios(totals: sums, days: days, isThere: isUsed).ratios
        for force in forces {
            for (slot, ratio) in ratios[force].enumerated() {
                guard let ratio, ratio < Self.thinBelow else { continue }
                let odd = Odd(force: force, slot: slot, ratio: ratio)
                if ratio < Self.partialBelow {
                    partial.append(odd)
                    isUsed[force][slot] = false
                } else {
                    thin.append(odd)
                }
            }
            if isUsed[force].count(where: \.self) < Self.monthsMin {
                imputed.append(force)
                isUsed[force] = isUsed[force].map { _ in false }
            } else {
                missing += months.indices.filter { sums[force][$0] == 0 }.map { (force, $0) }
            }
        }
        let imputed = imputed
        partial.removeAll { imputed.contains($0.force) }
        thin.removeAll { imputed.contains($0.force) }
        isSteady = Array(repeating: isUsed, count: totals.count)
        for category in totals.indices { findBreaks(category, totals[category], days) }
    }

    private mutating func findBreaks(_ category: Int, _ totals: [[Double]], _ days: [Double]) {
        let found = MonthRatios(totals: totals, days: days, isThere: isUsed)
        for (force, ratios) in found.ratios.enumerated() {
            for (slot, ratio) in ratios.enumerated() {
                guard let ratio, let expected = found.expected[force][slot],
                    expected >= Self.breakExpectedMin, max(ratio, 1 / ratio) > Self.breakFactor
                else { continue }
                breaks.append((category, Odd(force: force, slot: slot, ratio: ratio)))
                isSteady[category][force][slot] = false
            }
        }
    }

    /// The months to use of a force.
    func slots(of force: Int) -> [Int] { isUsed[force].indices.filter { isUsed[force][$0] } }
}
