import CrimsCore

/// Incidents of all forces by month, area and category, and how many of them have a suspect.
struct NationalCounts {
    /// One month's counters, `[area · C + category]`.
    struct Month {
        var month: CivilMonth
        var incidents: [Int32]
        var suspects: [Int32]
        fileprivate var isSeen: [Bool]
    }

    let categories: Int
    /// The areas of each force, ascending.
    let areasOfForce: [[Int]]
    private let areas: Int
    /// Ascending once ``finish()`` has been called.
    private(set) var months: [Month] = []
    private var slots: [CivilMonth: Int] = [:]

    init(reference: Reference) {
        areas = reference.areas.count
        categories = reference.categories.count
        var areasOfForce: [[Int]] = reference.forces.map { _ in [] }
        for (area, force) in reference.forceOfArea.enumerated() { areasOfForce[force].append(area) }
        self.areasOfForce = areasOfForce
    }

    /// Sets a cell; false if it has been set before.
    mutating func set(month: CivilMonth, area: Int, category: Int, incidents: Int32, suspects: Int32) -> Bool {
        let slot = slot(of: month)
        let cell = area * categories + category
        guard !months[slot].isSeen[cell] else { return false }
        months[slot].isSeen[cell] = true
        months[slot].incidents[cell] = incidents
        months[slot].suspects[cell] = suspects
        return true
    }

    private mutating func slot(of month: CivilMonth) -> Int {
        if let slot = slots[month] { return slot }
        let zeros = [Int32](repeating: 0, count: areas * categories)
        slots[month] = months.count
        months.append(
            Month(
                month: month, incidents: zeros, suspects: zeros, isSeen: Array(repeating: false, count: zeros.count)))
        return months.count - 1
    }

    /// Puts the months in order; nothing is added after.
    mutating func finish() {
        months.sort { $0.month < $1.month }
        slots = [:]
    }

    /// Incidents of a force's areas and a category in the given months, `[slot · areas of the force + area]`.
    func incidents(force: Int, category: Int, slots: [Int]) -> [Int] {
        slots.flatMap { slot in
            areasOfForce[force].map { Int(months[slot].incidents[$0 * categories + category]) }
        }
    }

    /// Incidents and suspects of a category in the given months, by area of the force.
    func suspects(force: Int, category: Int, slots: [Int]) -> (suspect: [Int], all: [Int]) {
        let cells = areasOfForce[force].map { $0 * categories + category }
        func sums(_ values: (Month) -> [Int32]) -> [Int] {
            var sums = Array(repeating: 0, count: cells.count)
            for slot in slots {
                let values = values(months[slot])
                for (index, cell) in cells.enumerated() { sums[index] += Int(values[cell]) }
            }
            return sums
        }
        return (sums(\.suspects), sums(\.incidents))
    }

    /// Incidents by category, force and month: `[category][force][slot]`.
    var totals: [[[Double]]] {
        (0..<categories).map { category in
            areasOfForce.map { areas in
                months.map { month in
                    Double(areas.reduce(0) { $0 + Int(month.incidents[$1 * categories + category]) })
                }
            }
        }
    }
}
