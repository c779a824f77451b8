/// Classes of areas and of crimes that a list of scopes does not tell apart.
///
/// Classes are numbered by their first member, so that the same scopes always give the same partition. A class
/// of crimes lies within one category; areas that displacement takes from or gives to are alone in their class.
final class ScopePartition {
    private(set) var areaClasses = 0
    private(set) var crimeClasses = 0
    /// Class of each area, `[A]`, and of each crime, `[K]`.
    let areaClass = GrowingBuffer<Int32>()
    let crimeClass = GrowingBuffer<Int32>()
    /// The first member of each class.
    let firstArea = GrowingBuffer<Int32>()
    let firstCrime = GrowingBuffer<Int32>()
    /// Sum of the mean rates of a class's areas, `[area class · C + category]`.
    let rates = GrowingBuffer<Double>()

    private let areas = Refinement()
    private let crimes = Refinement()

    /// - Parameter adjustments: at least one of each scope, and all that displace.
    func build(_ adjustments: [Adjustment], prepared: PreparedModel) {
        areas.begin(count: prepared.areaCount, classes: 1) { _ in 0 }
        crimes.begin(count: prepared.crimeCount, classes: prepared.categoryCount) {
            Int32(prepared.categoryOfCrime[$0])
        }
        for adjustment in adjustments {
            if let scope = adjustment.areas { areas.split(scope) }
            if let scope = adjustment.crimes { crimes.split(scope) }
            guard adjustment.displacement > 0, let scope = adjustment.areas else { continue }
            for area in scope {
                areas.isolate(area)
                for neighbour in prepared.model.neighbours[area] { areas.isolate(neighbour) }
            }
        }
        areaClasses = areas.number(to: areaClass, firsts: firstArea)
        crimeClasses = crimes.number(to: crimeClass, firsts: firstCrime)
    }

    func sumRates(tables: MonthTables, prepared: PreparedModel) {
        let categories = prepared.categoryCount
        rates.reserve(areaClasses * categories)
        rates.start.update(repeating: 0, count: areaClasses * categories)
        tables.meanRates.withUnsafeBufferPointer { mean in
            var mean = mean.baseAddress!
            for area in 0..<prepared.areaCount {
                let sums = rates.start + Int(areaClass.start[area]) * categories
                for category in 0..<categories { sums[category] += mean[category] }
                mean += categories
            }
        }
    }

    /// Splits classes by sets of members.
    private final class Refinement {
        private let classOf = GrowingBuffer<Int32>()
        private var count = 0
        private let parted = GrowingBuffer<Parting>()
        private var classes = 0
        private var set: Int32 = 0
        private let numbers = GrowingBuffer<Int32>()

        /// The class that members of a class part to who are in the set at hand, and the set in which some last did.
        private struct Parting: BitwiseCopyable {
            var to: Int32 = 0
            var set: Int32 = -1
        }

        func begin(count: Int, classes: Int, _ initial: (Int) -> Int32) {
            (self.count, self.classes, set) = (count, classes, 0)
            classOf.reserve(count)
            for member in 0..<count { classOf.start[member] = initial(member) }
            parted.reserve(classes)
            parted.start.update(repeating: Parting(), count: classes)
        }

        /// Members of one class that are in `members` part from those that are not.
        func split(_ members: [Int]) {
            for member in members { part(member) }
            set += 1
        }

        /// A member comes to be alone in its class.
        func isolate(_ member: Int) {
            part(member)
            set += 1
        }

        @inline(__always)
        private func part(_ member: Int) {
            let old = Int(classOf.start[member])
            if parted.start[old].set != set {
                parted.start[old] = Parting(to: Int32(classes), set: set)
                parted.reserve(classes + 1, keeping: classes)
                parted.start[classes] = Parting()
                classes += 1
            }
            classOf.start[member] = parted.start[old].to
        }

        /// Gives each member the number of its class, by the class's first member, and that member of each.
        ///
        /// - Returns: how many classes there are.
        func number(to classOfMember: GrowingBuffer<Int32>, firsts: GrowingBuffer<Int32>) -> Int {
            classOfMember.reserve(count)
            firsts.reserve(min(count, classes))
            numbers.reserve(classes)
            let (numbers, firsts, numbered) = (numbers.start, firsts.start, classOfMember.start)
            numbers.update(repeating: -1, count: classes)
            var known: Int32 = 0
            for member in 0..<count {
                let old = Int(classOf.start[member])
                if numbers[old] < 0 {
                    firsts[Int(known)] = Int32(member)
                    numbers[old] = known
                    known += 1
                }
                numbered[member] = numbers[old]
            }
            return Int(known)
        }
    }
}
