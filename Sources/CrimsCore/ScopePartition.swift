/// Classes of areas and of crimes that a list of adjustments does not tell apart.
///
/// Classes are numbered by their first member, so that the same adjustments always give the same partition. A class
/// of crimes lies within one category; areas that displacement takes from or gives to are alone in their class.
struct ScopePartition {
    private(set) var areaClasses = 0
    private(set) var crimeClasses = 0
    /// Class of each area, `[A]`.
    private(set) var areaClass: [Int] = []
    /// Class of each crime, `[K]`.
    private(set) var crimeClass: [Int] = []
    /// The first area of each class.
    private(set) var firstArea: [Int] = []
    private(set) var categoryOfCrimeClass: [Int] = []
    private(set) var crimesOfClass: [[Int]] = []
    /// The classes in each adjustment's scope, ascending.
    private(set) var areaClassesOf: [[Int]] = []
    private(set) var crimeClassesOf: [[Int]] = []
    /// Sum of the mean rates of a class's areas, `[area class · C + category]`.
    private(set) var rates: [Double] = []

    mutating func build(adjustments: [Adjustment], prepared: PreparedModel) {
        var areas = Refinement(count: prepared.areaCount)
        var crimes = Refinement(count: prepared.crimeCount)
        for members in prepared.crimesOfCategory { crimes.split(members) }
        for adjustment in adjustments {
            if let scope = adjustment.areas { areas.split(scope) }
            if let scope = adjustment.crimes { crimes.split(scope) }
            guard adjustment.displacement > 0, let scope = adjustment.areas else { continue }
            for area in scope {
                areas.split([area])
                for neighbour in prepared.model.neighbours[area] { areas.split([neighbour]) }
            }
        }
        (areaClass, firstArea) = areas.numbered()
        let firstCrime: [Int]
        (crimeClass, firstCrime) = crimes.numbered()
        areaClasses = firstArea.count
        crimeClasses = firstCrime.count
        categoryOfCrimeClass = firstCrime.map { prepared.model.crimes[$0].category }
        crimesOfClass = [[Int]](repeating: [], count: crimeClasses)
        for (crime, number) in crimeClass.enumerated() { crimesOfClass[number].append(crime) }
        areaClassesOf = adjustments.map { Self.classes($0.areas, classOf: areaClass, count: areaClasses) }
        crimeClassesOf = adjustments.map { Self.classes($0.crimes, classOf: crimeClass, count: crimeClasses) }
    }

    /// The classes of a scope, ascending: a scope is a union of classes.
    private static func classes(_ scope: [Int]?, classOf: [Int], count: Int) -> [Int] {
        guard let scope else { return Array(0..<count) }
        var classes = scope.map { classOf[$0] }
        classes.sort()
        var distinct: [Int] = []
        for number in classes where number != distinct.last { distinct.append(number) }
        return distinct
    }

    mutating func sumRates(tables: MonthTables, prepared: PreparedModel) {
        let categories = prepared.categoryCount
        rates = [Double](repeating: 0, count: areaClasses * categories)
        for area in 0..<prepared.areaCount {
            for category in 0..<categories {
                rates[areaClass[area] * categories + category] += tables.meanRates[area * categories + category]
            }
        }
    }

    /// Splits classes by sets of members.
    private struct Refinement {
        private var classOf: [Int]
        private var next = 1

        init(count: Int) { classOf = [Int](repeating: 0, count: count) }

        /// Members of one class that are in `members` part from those that are not.
        mutating func split(_ members: [Int]) {
            var parted: [Int: Int] = [:]
            for member in members {
                let old = classOf[member]
                if let new = parted[old] {
                    classOf[member] = new
                } else {
                    parted[old] = next
                    classOf[member] = next
                    next += 1
                }
            }
        }

        /// Classes renumbered by their first member, and that member of each.
        func numbered() -> (classOf: [Int], first: [Int]) {
            var number = [Int](repeating: -1, count: next)
            var first: [Int] = []
            var renumbered = classOf
            for (member, old) in classOf.enumerated() {
                if number[old] < 0 {
                    number[old] = first.count
                    first.append(member)
                }
                renumbered[member] = number[old]
            }
            return (renumbered, first)
        }
    }
}
