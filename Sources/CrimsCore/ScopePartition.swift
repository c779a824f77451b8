/// Classes of areas and of crimes that a list of adjustments does not tell apart.
///
/// Classes are numbered by their first member, so that the same adjustments always give the same partition. A class
/// of crimes lies within one category; areas that displacement takes from or gives to are alone in their class.
struct ScopePartition {
    private(set) var areaClasses = 0
    private(set) var crimeClasses = 0
    /// Class of each area, `[A]`.
    private(set) var areaClass: [Int32] = []
    /// Class of each crime, `[K]`.
    private(set) var crimeClass: [Int32] = []
    /// The first area of each class.
    private(set) var firstArea: [Int] = []
    private(set) var categoryOfCrimeClass: [Int] = []
    private(set) var crimesOfClass: [[Int]] = []
    /// Sum of the mean rates of a class's areas, `[area class · C + category]`.
    private(set) var rates: [Double] = []

    mutating func build(adjustments: [ScheduledAdjustment], prepared: PreparedModel) {
        var areas = Refinement(count: prepared.areaCount)
        var crimes = Refinement(count: prepared.crimeCount)
        for members in prepared.crimesOfCategory { crimes.split(members) }
        for adjustment in adjustments.lazy.map(\.adjustment) {
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
        for (crime, number) in crimeClass.enumerated() { crimesOfClass[Int(number)].append(crime) }
    }

    /// Appends the classes of a scope, ascending, to `classes`: a scope is a union of classes, and the first of each
    /// class's members that it comes to is the one that the class is numbered by.
    static func append(_ scope: [Int]?, classOf: [Int32], count: Int, to classes: inout [Int32]) {
        guard let scope else {
            classes.append(contentsOf: 0..<Int32(count))
            return
        }
        var last: Int32 = -1
        for member in scope where classOf[member] > last {
            last = classOf[member]
            classes.append(last)
        }
    }

    mutating func sumRates(tables: MonthTables, prepared: PreparedModel) {
        let categories = prepared.categoryCount
        rates = [Double](repeating: 0, count: areaClasses * categories)
        rates.withUnsafeMutableBufferPointer { rates in
            tables.meanRates.withUnsafeBufferPointer { mean in
                for area in 0..<prepared.areaCount {
                    let first = Int(areaClass[area]) * categories
                    for category in 0..<categories { rates[first + category] += mean[area * categories + category] }
                }
            }
        }
    }

    /// Splits classes by sets of members.
    private struct Refinement {
        private var classOf: [Int32]
        /// What the members of a class that are in the set at hand part to, and the set in which they last did.
        private var parted: [(class: Int32, set: Int32)] = [(0, -1)]
        private var set: Int32 = 0

        init(count: Int) { classOf = [Int32](repeating: 0, count: count) }

        /// Members of one class that are in `members` part from those that are not.
        mutating func split(_ members: [Int]) {
            for member in members {
                let old = Int(classOf[member])
                if parted[old].set != set {
                    parted[old] = (Int32(parted.count), set)
                    parted.append((0, -1))
                }
                classOf[member] = parted[old].class
            }
            set += 1
        }

        /// Classes renumbered by their first member, and that member of each.
        func numbered() -> (classOf: [Int32], first: [Int]) {
            var number = [Int32](repeating: -1, count: parted.count)
            var first: [Int] = []
            var renumbered = classOf
            for (member, old) in classOf.enumerated() {
                if number[Int(old)] < 0 {
                    number[Int(old)] = Int32(first.count)
                    first.append(member)
                }
                renumbered[member] = number[Int(old)]
            }
            return (renumbered, first)
        }
    }
}
