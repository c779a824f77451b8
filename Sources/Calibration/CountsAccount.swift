/// What became of every record of a table of counts, and of the incidents that it counts: in = used + rejected.
public struct CountsAccount: Equatable, Sendable {
    /// Why a record is not used. One with several reasons has the first.
    public enum Reason: Int, CaseIterable, Sendable {
        case outsidePeriod
        case unknownCategory
        case unknownForce
        case noArea
        case unknownArea
        case outsideForce

        public var text: String {
            switch self {
            case .outsidePeriod: "outside the period"
            case .unknownCategory: "unknown category"
            case .unknownForce: "not a territorial force of England and Wales"
            case .noArea: "no MSOA"
            case .unknownArea: "MSOA is not one of 2011 in England and Wales"
            case .outsideForce: "outside the force's areas"
            }
        }
    }

    /// Records, and the incidents that they count.
    public struct Sum: Equatable, Sendable {
        public var records = 0
        public var incidents = 0

        public init(records: Int = 0, incidents: Int = 0) {
            self.records = records
            self.incidents = incidents
        }

        mutating func add(_ incidents: Int) {
            records += 1
            self.incidents += incidents
        }
    }

    /// Tables read.
    public internal(set) var files = 0
    public internal(set) var all = Sum()
    public internal(set) var used = Sum()
    private var sums = [Sum](repeating: Sum(), count: Reason.allCases.count)
    /// Forces and categories that are not known, by reason; a person can act on them.
    private var names = [Set<String>](repeating: [], count: Reason.allCases.count)

    /// However strange a table, the account stays small.
    private static let namesMax = 100

    public func rejected(_ reason: Reason) -> Sum { sums[reason.rawValue] }
    /// Sorted by their bytes.
    public func names(_ reason: Reason) -> [String] {
        names[reason.rawValue].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    mutating func reject(_ incidents: Int, _ reason: Reason, name: String? = nil) {
        sums[reason.rawValue].add(incidents)
        if let name, names[reason.rawValue].count < Self.namesMax { names[reason.rawValue].insert(name) }
    }

    /// The account in sentences, for people.
    public var summary: [String] {
        var lines = [
            "\(all.records) records of \(all.incidents) incidents in \(files) \(files == 1 ? "table" : "tables"): "
                + "\(used.records) records of \(used.incidents) used, "
                + "\(all.records - used.records) of \(all.incidents - used.incidents) rejected"
        ]
        for reason in Reason.allCases where rejected(reason).records > 0 {
            let sum = rejected(reason)
            let names = names(reason)
            let listed = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
            lines.append(
                "  \(sum.records) records of \(sum.incidents) rejected: \(reason.text)"
                    + (names.isEmpty ? "" : " (\(listed))"))
        }
        return lines
    }
}
