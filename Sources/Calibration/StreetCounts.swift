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
    /// Ascending once ``finish()`` has been called.
    private(set) var months: [Month] = []
    private var slots: [CivilMonth: Int] = [:]

    init(areas: Int, categories: [String]) {
        self.areas = areas
        self.categories = categories.count
        categoryWithoutOutcomes = categories.firstIndex(of: "anti-social behaviour")
    }

    mutating func add(month: CivilMonth, area: Int, category: Int, outcome: OutcomeKind) {
        let slot: Int
        if let known = slots[month] {
            slot = known
        } else {
            slot = months.count
            slots[month] = slot
            months.append(
                Month(month: month, cells: Array(repeating: 0, count: areas * categories * OutcomeKind.count)))
        }
        months[slot].cells[(area * categories + category) * OutcomeKind.count + outcome.rawValue] += 1
    }

    /// Puts the months in order.
    mutating func finish() {
        months.sort { $0.month < $1.month }
        for (slot, month) in months.enumerated() { slots[month.month] = slot }
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
