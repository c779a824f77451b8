import CrimsCore

/// Sums of what is expected without adjustments, of one month at a time: weights of its hours first, and then each
/// area's rate times them.
struct BaselineSums {
    /// Crimes whose hours have one weight: one of them, or all of a category.
    struct Group {
        let category: Int
        /// Nil for all of the category.
        let crime: Int?
        /// Of an area's rows, the one that it is added to.
        let row: Int
    }

    private let groups: [Group]
    private let crimeRows: Int
    /// The areas of each row.
    private let areas: [[Int]]
    private var times = 0
    private(set) var month: BaselineMonth?
    /// Weights times hours, `[time · groups + group]`: of all hours, and of those without adjustments.
    private var all: [Double] = []
    private var free: [Double] = []
    /// The times that have come up this month, and whether each has.
    private var touched: [Int] = []
    private var isTouched: [Bool] = []
    /// How many rows of areas are settled.
    private var settled = 0
    /// Rows settled in one go.
    private static let batch = 32

    init(groups: [Group] = [], crimeRows: Int = 0, areas: [[Int]] = []) {
        (self.groups, self.crimeRows, self.areas) = (groups, crimeRows, areas)
    }

    /// Whether nothing is left to be settled.
    var isEmpty: Bool { touched.isEmpty }

    mutating func prepare(times: Int) {
        self.times = times
        all = [Double](repeating: 0, count: times * groups.count)
        free = all
        isTouched = [Bool](repeating: false, count: times)
    }

    /// Begins a month, once the one before is settled.
    mutating func begin(_ month: BaselineMonth) { self.month = month }

    /// Whether the month has to be settled before an hour of `next`, or at the end.
    func isDue(before next: CivilMonth?) -> Bool { !isEmpty && month?.month != next }

    /// Adds minutes of one hour.
    mutating func add(time: Int, hourOfWeek: Int, minutes: Int, isAdjusted: Bool) {
        guard let month else { return }
        if !isTouched[time] {
            isTouched[time] = true
            touched.append(time)
        }
        let hours = Double(minutes) / 60
        for (index, group) in groups.enumerated() {
            let weight =
                group.crime.map { month.weight(crime: $0, hourOfWeek: hourOfWeek) }
                ?? month.weight(category: group.category, hourOfWeek: hourOfWeek)
            all[time * groups.count + index] += weight * hours
            if !isAdjusted { free[time * groups.count + index] += weight * hours }
        }
    }

    /// Goes through some more areas, and after the last one forgets the month's weights.
    ///
    /// - Parameters:
    ///   - expected: of hours without adjustments, `[(area row · crime rows + crime row) · times + time]`.
    ///   - baseline: of all hours.
    mutating func settle(into expected: inout [Double], _ baseline: inout [Double]) {
        guard let month else { return }
        let categories = month.categoryCount
        let end = min(settled + Self.batch, areas.count)
        for areaRow in settled..<end {
            for (index, group) in groups.enumerated() {
                var rate = 0.0
                for area in areas[areaRow] { rate += month.rates[area * categories + group.category] }
                let first = (areaRow * crimeRows + group.row) * times
                for time in touched {
                    expected[first + time] += rate * free[time * groups.count + index]
                    baseline[first + time] += rate * all[time * groups.count + index]
                }
            }
        }
        settled = end
        guard settled == areas.count else { return }
        settled = 0
        for time in touched {
            isTouched[time] = false
            for index in time * groups.count..<(time + 1) * groups.count { (all[index], free[index]) = (0, 0) }
        }
        touched = []
    }
}
