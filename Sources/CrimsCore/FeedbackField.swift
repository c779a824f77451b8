/// F(g, k, t) in part of one hour: what the adjustments of one target then in force make of the rates, or of the odds.
///
/// Areas that no adjustment tells apart form a class, and so do crimes; F is kept once for each pair of classes that
/// some adjustment touches (a cell), as one number or, where it changes within the window, one a minute. What comes
/// out is a function of the window and of the adjustments that act in it, in their order, and not of what was asked
/// before: a step that is read again gives the same bytes.
///
/// Used by one thread at a time.
final class FeedbackField {
    let prepared: PreparedModel
    let target: Adjustment.Target
    /// Minutes since 1970; within one hour.
    private(set) var window = 0..<0
    /// Whether F is 1 everywhere.
    private(set) var isNeutral = true
    /// Whether F reached its bound anywhere.
    var isCapped = false

    let plan = FeedbackPlan()
    /// What was last asked with. As it is kept, its memory is not another's: a schedule with the same memory is the same.
    private var schedule: [ScheduledAdjustment] = []
    /// In windows within these minutes the same adjustments of that schedule act, and throughout.
    private var steady = 0..<0
    private var isFolded = false
    /// Whether the last fold holds for any window in which the same adjustments act throughout.
    private var isConstant = false
    private var foldedTables: MonthTables?

    let adjustments = ActiveAdjustments()
    /// Numbers of a row: as many as the window has minutes, or one where nothing changes in it.
    var stride = 1
    /// F: a row for each pulse, then one for each cell.
    let rows = GrowingBuffer<Double>()
    /// Indices of what is summed four at a time: pulses of one adjustment that only decay, throughout the window, and
    /// then cells; and such pulses of several adjustments.
    let singles = GrowingBuffer<Int>()
    let severals = GrowingBuffer<Int>()
    /// Of four pulses, side by side.
    let products = GrowingBuffer<SIMD4<Double>>()
    let pulseStates = GrowingBuffer<PulseState>()
    /// Index of a cell or −1, `[crime class · area classes + area class]`.
    let cellOf = GrowingBuffer<Int32>()
    let cells = GrowingBuffer<Cell>()
    var cellCount = 0
    /// What a cell receives by displacement over its baseline, a row for each; only where some adjustment displaces.
    let received = GrowingBuffer<Double>()
    /// What one pulse takes from one area and gives to each of its neighbours, slot by slot.
    let amounts = GrowingBuffer<Double>()
    /// Largest F of an area class.
    let largest = GrowingBuffer<Double>()
    /// Ascending areas in which some crime's F can differ from 1.
    private(set) var touchedAreas: [Int] = []

    /// What a pulse is in the window.
    struct PulseState: BitwiseCopyable {
        var varies = false
        /// Whether its row is; if not, it decays throughout, and its values are to be had one by one.
        var isFilled = false
        /// The slots of its row on which it acts: from the first up to the end.
        var first = 0
        var end = 0
        /// Sum of its row, bounded, over the window's minutes, and the largest of it.
        var sum = 0.0
        var most = 0.0
    }

    struct Cell: BitwiseCopyable {
        /// Whose row it has: a pulse's, while that is all that acts on it, or its own.
        var row: Int32 = -1
        var areaClass: Int32
        var isTouched = false
        var varies = false
        var receives = false
        /// Sum of F over the window's minutes.
        var sum = 0.0
    }

    init(prepared: PreparedModel, target: Adjustment.Target) {
        self.prepared = prepared
        self.target = target
    }

    /// Makes ready for a window within one hour.
    ///
    /// - Parameter schedule: adjustments in their order of acceptance; those that do not act in the window are passed over.
    /// - Returns: how many act.
    @inline(__always)
    @discardableResult
    func prepare(window: Range<Int>, schedule: [ScheduledAdjustment], tables: MonthTables) -> Int {
        guard isNeutral, schedule.isEmpty, self.schedule.isEmpty else {
            return prepareAny(window: window, schedule: schedule, tables: tables)
        }
        self.window = window
        return 0
    }

    private func prepareAny(window: Range<Int>, schedule: [ScheduledAdjustment], tables: MonthTables) -> Int {
        let isSame = Self.isSame(schedule, self.schedule)
        let isWithin = isSame && steady.lowerBound <= window.lowerBound && window.upperBound <= steady.upperBound
        if isSame, window == self.window, isFolded, foldedTables === tables { return plan.active.count }
        let lengthened = window.count != self.window.count
        self.window = window
        var unchanged = isWithin
        if !isWithin {
            self.schedule = schedule
            unchanged = choose(window: window)
        }
        isNeutral = plan.active.isEmpty
        if isNeutral {
            isCapped = false
            isFolded = false
            foldedTables = nil
            return 0
        }
        if !unchanged || !isFolded || foldedTables !== tables { layOut(tables: tables) }
        let constant = adjustments.areConstant && isSteady(window)
        if isFolded, unchanged, constant, isConstant, foldedTables === tables {
            if lengthened { sumConstants() }
            return plan.active.count
        }
        foldedTables = tables
        isFolded = true
        isConstant = constant
        stride = constant ? 1 : window.count
        fold(tables: tables)
        return plan.active.count
    }

    private static func isSame(_ left: [ScheduledAdjustment], _ right: [ScheduledAdjustment]) -> Bool {
        left.count == right.count
            && left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in left.baseAddress == right.baseAddress }
            }
    }

    private func isSteady(_ window: Range<Int>) -> Bool {
        steady.lowerBound <= window.lowerBound && window.upperBound <= steady.upperBound
    }

    /// Finds the adjustments that act in the window.
    ///
    /// - Returns: whether they are those that the plan is of.
    private func choose(window: Range<Int>) -> Bool {
        var acting: [ScheduledAdjustment] = []
        var first = window.lowerBound
        var end = Int.max
        for entry in schedule where entry.adjustment.target == target {
            let from = entry.adjustment.from.minutes
            if entry.acts(in: window) {
                acting.append(entry)
                first = max(first, from)
                end = min(end, entry.end)
            } else if from >= window.upperBound, entry.end > from {
                end = min(end, from)
            }
        }
        steady = first..<max(first, end)
        let isSame = acting.elementsEqual(plan.active) { $0.adjustment === $1.adjustment }
        if isSame { plan.update(acting) } else if !acting.isEmpty { plan.build(acting, prepared: prepared) }
        if acting.isEmpty { plan.update([]) }
        adjustments.take(acting)
        return isSame
    }

    /// Gives each pair of classes that a pulse acts on a cell; those that displacement gives to come when it does.
    private func layOut(tables: MonthTables) {
        plan.partition.sumRates(tables: tables, prepared: prepared)
        let (areaClasses, crimeClasses) = (plan.partition.areaClasses, plan.partition.crimeClasses)
        cellOf.reserve(areaClasses * crimeClasses)
        cellOf.start.update(repeating: -1, count: areaClasses * crimeClasses)
        cellCount = 0
        for crimeClass in 0..<crimeClasses {
            for pulse in plan.pulsesOfCrimeClass[plan.firstPulse[crimeClass]..<plan.firstPulse[crimeClass + 1]] {
                let pulse = plan.pulses[Int(pulse)]
                for areaClass in plan.areaClasses[pulse.firstArea..<pulse.areaEnd] {
                    _ = cell(areaClass: Int(areaClass), crimeClass: crimeClass)
                }
            }
        }
        largest.reserve(areaClasses)
        pulseStates.reserve(plan.pulses.count)
        touchedAreas.removeAll(keepingCapacity: true)
        var isTouched = [Bool](repeating: plan.displaces, count: areaClasses)
        for index in 0..<cellCount { isTouched[Int(cells.start[index].areaClass)] = true }
        for area in 0..<prepared.areaCount where isTouched[Int(plan.partition.areaClass[area])] {
            touchedAreas.append(area)
        }
    }

    /// The index of a pair's cell, which is made if there is none.
    func cell(areaClass: Int, crimeClass: Int) -> Int {
        let place = crimeClass * plan.partition.areaClasses + areaClass
        if cellOf.start[place] < 0 {
            cellOf.start[place] = Int32(cellCount)
            cells.reserve(cellCount + 1, keeping: cellCount)
            cells.start[cellCount] = Cell(areaClass: Int32(areaClass))
            cellCount += 1
        }
        return Int(cellOf.start[place])
    }

    // MARK: - What comes out

    /// F at a minute of the window.
    @inline(__always)
    func factor(area: Int, crime: Int, minute: Int) -> Double {
        let place =
            Int(plan.partition.crimeClass[crime]) * plan.partition.areaClasses + Int(plan.partition.areaClass[area])
        let index = Int(cellOf.start[place])
        guard index >= 0 else { return 1 }
        let cell = cells.start + index
        guard cell.pointee.isTouched else { return 1 }
        let row = Int(cell.pointee.row)
        let slot = cell.pointee.varies ? minute - window.lowerBound : 0
        guard row >= plan.pulses.count || pulseStates.start[row].isFilled else { return value(pulse: row, slot: slot) }
        return rows.start[row * stride + slot]
    }

    /// The largest F of any crime in the area at any minute of the window.
    func largestFactor(area: Int) -> Double {
        isNeutral ? 1 : largest.start[Int(plan.partition.areaClass[area])]
    }

    /// Sum of F over the window's minutes.
    @inline(__always)
    func sum(areaClass: Int, crimeClass: Int) -> Double {
        let index = Int(cellOf.start[crimeClass * plan.partition.areaClasses + areaClass])
        return index < 0 ? Double(window.count) : cells.start[index].sum
    }

    /// What the rates come to under F over the window, in units of an hour's sixtieth.
    func expected(hourOfWeek: Int, weights: [Double]) -> Double {
        let (areaClasses, categories) = (plan.partition.areaClasses, prepared.categoryCount)
        var total = 0.0
        plan.partition.rates.withUnsafeBufferPointer { rates in
            for crimeClass in 0..<plan.partition.crimeClasses {
                let category = plan.partition.categoryOfCrimeClass[crimeClass]
                var weight = 0.0
                for crime in plan.partition.crimesOfClass[crimeClass] {
                    weight += weights[hourOfWeek * prepared.crimeCount + crime]
                }
                var sum = 0.0
                for areaClass in 0..<areaClasses {
                    sum +=
                        rates[areaClass * categories + category]
                        * self.sum(areaClass: areaClass, crimeClass: crimeClass)
                }
                total += sum * weight
            }
        }
        return total
    }
}
