import CrimsCore

/// How an incident's investigation stands, as far as a suspect goes.
enum OutcomeKind: Int {
    /// A suspect was identified, whatever became of the case.
    case suspect = 0
    /// None was: `Investigation complete; no suspect identified`.
    case none = 1
    /// Not known (yet).
    case unknown = 2

    /// What data.police.uk documents, in lower case.
    private static let identified: Set<String> = [
        "action to be taken by another organisation", "awaiting court outcome", "court case unable to proceed",
        "court result unavailable", "defendant found not guilty", "defendant sent to crown court",
        "formal action is not in the public interest", "further action is not in the public interest",
        "further investigation is not in the public interest", "local resolution", "offender deprived of property",
        "offender fined", "offender given a caution", "offender given a drugs possession warning",
        "offender given absolute discharge", "offender given community sentence",
        "offender given conditional discharge", "offender given penalty notice",
        "offender given suspended prison sentence", "offender ordered to pay compensation",
        "offender otherwise dealt with", "offender sent to prison", "suspect charged",
        "suspect charged as part of another case", "unable to prosecute suspect",
    ]
    private static let open: Set<String> = ["", "status update unavailable", "under investigation"]

    /// Nil if the text is none that data.police.uk documents.
    init?(outcome: String) {
        let outcome = outcome.lowercased()
        if outcome == "investigation complete; no suspect identified" {
            self = .none
        } else if Self.open.contains(outcome) {
            self = .unknown
        } else if Self.identified.contains(outcome) {
            self = .suspect
        } else {
            return nil
        }
    }
}

/// Incidents by month, area and category: all that is kept of the records.
struct StreetCounts {
    /// One month's counters, `[(area · C + category) · 3 + OutcomeKind]`.
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
            months.append(Month(month: month, cells: Array(repeating: 0, count: areas * categories * 3)))
        }
        months[slot].cells[(area * categories + category) * 3 + outcome.rawValue] += 1
    }

    /// Puts the months in order.
    mutating func finish() {
        months.sort { $0.month < $1.month }
        for (slot, month) in months.enumerated() { slots[month.month] = slot }
    }

    /// Incidents of a cell in the `slot`-th month.
    func incidents(_ slot: Int, area: Int, category: Int) -> Int {
        let cell = (area * categories + category) * 3
        let cells = months[slot].cells
        return Int(cells[cell] + cells[cell + 1] + cells[cell + 2])
    }

    func outcomes(_ slot: Int, area: Int, category: Int, _ kind: OutcomeKind) -> Int {
        Int(months[slot].cells[(area * categories + category) * 3 + kind.rawValue])
    }

    /// Incidents of a category in each month and area, `[slot · A + area]`.
    func incidents(category: Int) -> [Int] {
        months.indices.flatMap { slot in
            (0..<areas).map { incidents(slot, area: $0, category: category) }
        }
    }
}
