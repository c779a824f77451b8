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
    var partition = ScopePartition()
    private(set) var pulses: [Pulse] = []
    /// The adjustment, or the first of several, of each pulse.
    private(set) var heads: [Adjustment] = []
    /// Indices into `active`, pulse by pulse, in their order.
    private(set) var members: [Int32] = []
    private(set) var areaClasses: [Int32] = []
    /// The pulses of each class of crimes, in their order, and where those of a class begin, with one more.
    private(set) var pulsesOfCrimeClass: [Int32] = []
    private(set) var firstPulse: [Int] = []
    private(set) var displaces = false

    /// - Parameter acting: in their order of acceptance.
    func build(_ acting: [ScheduledAdjustment], prepared: PreparedModel) {
        active = acting
        partition.build(adjustments: acting, prepared: prepared)
        group()
        // Locals, since a property's array is kept alive and looked at anew for every element.
        let (heads, areaClass, crimeClass) = (heads, partition.areaClass, partition.crimeClass)
        var pulses: [Pulse] = []
        swap(&pulses, &self.pulses)
        var areaClasses: [Int32] = []
        var crimeClasses: [Int32] = []
        var firsts = [0]
        firsts.reserveCapacity(pulses.count + 1)
        for index in pulses.indices {
            let head = heads[index]
            pulses[index].firstArea = areaClasses.count
            ScopePartition.append(
                head.areas, classOf: areaClass, count: partition.areaClasses, to: &areaClasses)
            pulses[index].areaEnd = areaClasses.count
            ScopePartition.append(
                head.crimes, classOf: crimeClass, count: partition.crimeClasses, to: &crimeClasses)
            firsts.append(crimeClasses.count)
        }
        self.areaClasses = areaClasses
        swap(&pulses, &self.pulses)
        // Turned around, by counting.
        var firstPulse = [Int](repeating: 0, count: partition.crimeClasses + 1)
        for crimeClass in crimeClasses { firstPulse[Int(crimeClass) + 1] += 1 }
        for crimeClass in 0..<partition.crimeClasses { firstPulse[crimeClass + 1] += firstPulse[crimeClass] }
        var next = firstPulse
        var pulsesOfCrimeClass = [Int32](repeating: 0, count: crimeClasses.count)
        for pulse in 0..<firsts.count - 1 {
            for place in firsts[pulse]..<firsts[pulse + 1] {
                let crimeClass = Int(crimeClasses[place])
                pulsesOfCrimeClass[next[crimeClass]] = Int32(pulse)
                next[crimeClass] += 1
            }
        }
        self.firstPulse = firstPulse
        self.pulsesOfCrimeClass = pulsesOfCrimeClass
    }

    /// Takes the same adjustments, which may now end at another time.
    func update(_ acting: [ScheduledAdjustment]) { active = acting }

    private func group() {
        var pulses: [Pulse] = []
        var heads: [Adjustment] = []
        var places = ScopeTable()
        var pulseOf: [Int32] = []
        pulseOf.reserveCapacity(active.count)
        displaces = false
        places.clear(for: active.count)
        for entry in active {
            let adjustment = entry.adjustment
            let isPlain = adjustment.mode == .scale && adjustment.displacement == 0
            if !isPlain {
                places.clear(for: active.count)
                displaces = displaces || adjustment.displacement > 0
            }
            let found = isPlain ? places.place(of: adjustment, or: pulses.count, heads) : pulses.count
            if found == pulses.count {
                pulses.append(Pulse(sets: adjustment.mode == .set, displaces: adjustment.displacement > 0))
                heads.append(adjustment)
            }
            pulseOf.append(Int32(found))
        }
        for pulse in pulseOf { pulses[Int(pulse)].memberEnd += 1 }
        var first = 0
        for index in pulses.indices {
            let count = pulses[index].memberEnd
            (pulses[index].firstMember, pulses[index].memberEnd) = (first, first)
            first += count
        }
        var members = [Int32](repeating: 0, count: active.count)
        for (index, pulse) in pulseOf.enumerated() {
            members[pulses[Int(pulse)].memberEnd] = Int32(index)
            pulses[Int(pulse)].memberEnd += 1
        }
        (self.pulses, self.heads, self.members) = (pulses, heads, members)
    }

    /// Which pulse has a scope: a hash table that is emptied by counting up.
    private struct ScopeTable {
        private var slots: [(round: Int32, pulse: Int32)] = []
        private var round: Int32 = 0

        mutating func clear(for count: Int) {
            round += 1
            // At most half full, and a power of two.
            guard slots.count < 2 * count || round == .max else { return }
            var capacity = 16
            while capacity < 2 * count { capacity *= 2 }
            slots = .init(repeating: (0, 0), count: capacity)
            round = 1
        }

        /// The pulse with the adjustment's scope, or `next`, which is then that.
        mutating func place(of adjustment: Adjustment, or next: Int, _ heads: [Adjustment]) -> Int {
            var slot = Int(truncatingIfNeeded: adjustment.scopeHash) & (slots.count - 1)
            while slots[slot].round == round {
                let found = Int(slots[slot].pulse)
                if heads[found].hasScope(of: adjustment) { return found }
                slot = (slot + 1) & (slots.count - 1)
            }
            slots[slot] = (round, Int32(next))
            return next
        }
    }
}
