/// What adjustments that act together come to, as far as it does not change from one window to the next: classes of
/// areas and crimes, and pulses.
///
/// A pulse is one adjustment, or several that scale the same scope with no `set` and no displacement between them, so
/// that many of them cost what one does.
final class FeedbackPlan {
    struct Pulse: BitwiseCopyable {
        let sets: Bool
        let displaces: Bool
        /// Its classes of areas, in `areaClasses`, from the first up to the end.
        var firstArea = 0
        var areaEnd = 0
        /// The adjustments that it stands for, in `members`.
        var firstMember = 0
        var memberEnd = 0
    }

    /// In their order.
    private(set) var active: [ScheduledAdjustment] = []
    let partition = ScopePartition()
    let pulses = GrowingBuffer<Pulse>()
    private(set) var pulseCount = 0
    /// The adjustment, or the first of several, of each pulse.
    private(set) var heads: [Adjustment] = []
    /// Indices into `active`, pulse by pulse, in their order.
    let members = GrowingBuffer<Int32>()
    let areaClasses = GrowingBuffer<Int32>()
    /// The pulses of each class of crimes, in their order, and where those of a class begin, with one more.
    let pulsesOfCrimeClass = GrowingBuffer<Int32>()
    let firstPulse = GrowingBuffer<Int>()
    private(set) var displaces = false

    private var places = ScopeTable()
    /// The pulse of each of `active`.
    private let pulseOf = GrowingBuffer<Int32>()
    /// The classes of crimes of each pulse, and where those of the next begin.
    private let crimeClasses = GrowingBuffer<Int32>()
    private let crimeEnd = GrowingBuffer<Int>()

    /// - Parameter acting: in their order of acceptance.
    func build(_ acting: [ScheduledAdjustment], prepared: PreparedModel) {
        active = acting
        group()
        partition.build(heads, prepared: prepared)
        crimeEnd.reserve(pulseCount)
        var (areas, crimes) = (0, 0)
        for (index, head) in heads.enumerated() {
            pulses.start[index].firstArea = areas
            areas = Self.append(head.areas, partition.areaClass, of: partition.areaClasses, to: areaClasses, areas)
            pulses.start[index].areaEnd = areas
            crimes = Self.append(
                head.crimes, partition.crimeClass, of: partition.crimeClasses, to: crimeClasses, crimes)
            crimeEnd.start[index] = crimes
        }
        turnAround(crimes)
    }

    /// Takes the same adjustments, which may now end at another time.
    func update(_ acting: [ScheduledAdjustment]) { active = acting }

    /// Which pulses each class of crimes has, from which classes each pulse has, by counting.
    private func turnAround(_ count: Int) {
        let classes = partition.crimeClasses
        firstPulse.reserve(classes + 2)
        pulsesOfCrimeClass.reserve(count)
        // One place further on, so that filling moves each to where it belongs.
        let next = firstPulse.start + 1
        firstPulse.start.update(repeating: 0, count: classes + 2)
        for place in 0..<count { next[Int(crimeClasses.start[place]) + 1] += 1 }
        for crimeClass in 0..<classes { next[crimeClass + 1] += next[crimeClass] }
        var place = 0
        for pulse in 0..<pulseCount {
            while place < crimeEnd.start[pulse] {
                let crimeClass = Int(crimeClasses.start[place])
                pulsesOfCrimeClass.start[next[crimeClass]] = Int32(pulse)
                next[crimeClass] += 1
                place += 1
            }
        }
    }

    /// Appends the classes of a scope, ascending: a scope is a union of classes, and the first of each class's members
    /// that it comes to is the one that the class is numbered by.
    ///
    /// - Returns: how many are there now.
    private static func append(
        _ scope: [Int]?, _ classOf: GrowingBuffer<Int32>, of all: Int, to classes: GrowingBuffer<Int32>, _ known: Int
    ) -> Int {
        let most = min(all, scope?.count ?? all)
        classes.reserve(known + most, keeping: known)
        var end = known
        guard let scope else {
            for number in 0..<Int32(all) {
                classes.start[end] = number
                end += 1
            }
            return end
        }
        var last: Int32 = -1
        for member in scope where classOf.start[member] > last {
            last = classOf.start[member]
            classes.start[end] = last
            end += 1
        }
        return end
    }

    private func group() {
        let count = active.count
        pulses.reserve(count)
        pulseOf.reserve(count)
        members.reserve(count)
        heads.removeAll(keepingCapacity: true)
        displaces = false
        // A local, since each access to a property is checked for others at the same time.
        var places = ScopeTable()
        swap(&places, &self.places)
        defer { swap(&places, &self.places) }
        places.clear(for: count)
        for (index, entry) in active.enumerated() {
            let adjustment = entry.adjustment
            let isPlain = adjustment.mode == .scale && adjustment.displacement == 0
            if !isPlain {
                places.clear(for: count)
                displaces = displaces || adjustment.displacement > 0
            }
            let found = isPlain ? places.place(of: adjustment, or: heads.count, heads) : heads.count
            if found == heads.count {
                pulses.start[found] = Pulse(
                    sets: adjustment.mode == .set, displaces: adjustment.displacement > 0)
                heads.append(adjustment)
            }
            pulses.start[found].memberEnd += 1
            pulseOf.start[index] = Int32(found)
        }
        pulseCount = heads.count
        var first = 0
        for index in 0..<pulseCount {
            let count = pulses.start[index].memberEnd
            (pulses.start[index].firstMember, pulses.start[index].memberEnd) = (first, first)
            first += count
        }
        for index in 0..<count {
            let pulse = pulses.start + Int(pulseOf.start[index])
            members.start[pulse.pointee.memberEnd] = Int32(index)
            pulse.pointee.memberEnd += 1
        }
    }

    /// Which pulse has a scope: a hash table that is emptied by counting up.
    private struct ScopeTable {
        private var slots: [(round: Int32, pulse: Int32, hash: UInt64)] = []
        private var round: Int32 = 0

        mutating func clear(for count: Int) {
            round += 1
            // At most half full, and a power of two.
            guard slots.count < 2 * count || round == .max else { return }
            var capacity = 16
            while capacity < 2 * count { capacity *= 2 }
            slots = .init(repeating: (0, 0, 0), count: capacity)
            round = 1
        }

        /// The pulse with the adjustment's scope, or `next`, which is then that.
        mutating func place(of adjustment: Adjustment, or next: Int, _ heads: borrowing [Adjustment]) -> Int {
            let hash = adjustment.scopeHash
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot].round == round {
                let found = Int(slots[slot].pulse)
                if slots[slot].hash == hash, heads[found].hasScope(of: adjustment) { return found }
                slot = (slot + 1) & (slots.count - 1)
            }
            slots[slot] = (round, Int32(next), hash)
            return next
        }
    }
}
