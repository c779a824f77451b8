import CrimsCore

/// Incidents by month, area and category: all that is kept of the records.
struct StreetCounts {
    /// One month's counters, `[(area · C + category) · 4 + OutcomeKind]`.
    struct Month {
        var month: CivilMonth
        var cells: [Int32]
    }

    let areas: Int
    let categories: Int
    /// Anti-social behaviour, which police.uk publishes no outcomes of; nil if there is no such category.
    let categoryWithoutOutcomes: Int?
    /// In the order of their first rows; ascending once ``finish(keeping:)`` has been called.
    private(set) var months: [Month] = []

    init(areas: Int, categories: [String]) {
        self.areas = areas
        self.categories = categories.count
        categoryWithoutOutcomes = categories.firstIndex(of: Accounting.categoryWithoutOutcomes)
    }

    /// The slot of a month, a new one if need be.
    mutating func slot(_ month: CivilMonth) -> Int {
        if let known = months.firstIndex(where: { $0.month == month }) { return known }
        months.append(Month(month: month, cells: Array(repeating: 0, count: areas * categories * OutcomeKind.count)))
        return months.count - 1
    }

    mutating func add(slot: Int, area: Int, category: Int, outcome: OutcomeKind) {
        months[slot].cells[(area * categories + category) * OutcomeKind.count + outcome.rawValue] += 1
    }

    /// Adds what another has counted of the same areas and categories.
    mutating func add(_ other: StreetCounts) {
        for month in other.months {
            let slot = slot(month.month)
            for index in month.cells.indices { months[slot].cells[index] += month.cells[index] }
        }
    }

    /// Puts the months in order and forgets those that do not count.
    mutating func finish(keeping months: Set<CivilMonth>) {
        self.months.removeAll { !months.contains($0.month) }
        self.months.sort { $0.month < $1.month }
    }

    /// Incidents of a cell in the `slot`-th month.
    func incidents(_ slot: Int, area: Int, category: Int) -> Int {
        let cell = (area * categories + category) * OutcomeKind.count
        return months[slot].cells[cell..<cell + OutcomeKind.count].reduce(0) { $0 + Int($1) }
    }

    func outcomes(_ slot: Int, area: Int, category: Int, _ kind: OutcomeKind) -> Int {
        Int(months[slot].cells[(area * categories + category) * OutcomeKind.count + kind.rawValue])
    }

    /// Incidents with a suspect, whatever became of the case.
    func suspects(_ slot: Int, area: Int, category: Int) -> Int {
        outcomes(slot, area: area, category: category, .suspect)
            + outcomes(slot, area: area, category: category, .notPursued)
    }

    /// Incidents of a category in each month and area, `[slot · A + area]`.
    func incidents(category: Int) -> [Int] {
        months.indices.flatMap { slot in
            (0..<areas).map { incidents(slot, area: $0, category: category) }
        }
    }
}
