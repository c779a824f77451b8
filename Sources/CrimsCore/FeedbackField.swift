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
    /// Cells with rows of their own, which are summed four at a time.
    let varying = GrowingBuffer<Int>()
    /// What several adjustments of one pulse come to, four minutes to a vector.
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
    /// Sum of the weights of a class's crimes in the hour at hand.
    private let weightOfClass = GrowingBuffer<Double>()
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
        var count = 0
        var first = window.lowerBound
        var end = Int.max
        schedule.withUnsafeBufferPointer { schedule in
            for index in schedule.indices where schedule[index].target == target {
                let (from, over) = (schedule[index].from, schedule[index].end)
                if schedule[index].acts(in: window) {
                    count += 1
                    first = max(first, from)
                    end = min(end, over)
                } else if from >= window.upperBound, over > from {
                    end = min(end, from)
                }
            }
        }
        steady = first..<max(first, end)
        // Mostly it is all of them, and their array will do.
        let acting =
            count == schedule.count
            ? schedule
            : count == 0 ? [] : schedule.filter { $0.target == target && $0.acts(in: window) }
        let isSame = Self.areSame(acting, plan.active)
        if isSame || acting.isEmpty { plan.update(acting) } else { plan.build(acting, prepared: prepared) }
        adjustments.take(acting)
        return isSame
    }

    private static func areSame(_ left: [ScheduledAdjustment], _ right: [ScheduledAdjustment]) -> Bool {
        left.count == right.count
            && left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    left.indices.allSatisfy { left[$0].adjustment === right[$0].adjustment }
                }
            }
    }

    /// Gives each pair of classes that a pulse acts on a cell; those that displacement gives to come when it does.
    private func layOut(tables: MonthTables) {
        plan.partition.sumRates(tables: tables, prepared: prepared)
        let (areaClasses, crimeClasses) = (plan.partition.areaClasses, plan.partition.crimeClasses)
        cellOf.reserve(areaClasses * crimeClasses)
        cellOf.start.update(repeating: -1, count: areaClasses * crimeClasses)
        cellCount = 0
        for crimeClass in 0..<crimeClasses {
            for place in plan.firstPulse.start[crimeClass]..<plan.firstPulse.start[crimeClass + 1] {
                let pulse = plan.pulses.start + Int(plan.pulsesOfCrimeClass.start[place])
                for area in pulse.pointee.firstArea..<pulse.pointee.areaEnd {
                    _ = cell(areaClass: Int(plan.areaClasses.start[area]), crimeClass: crimeClass)
                }
            }
        }
        // The largest F is worked out by the fold, and until then says which classes have a cell.
        largest.reserve(areaClasses)
        largest.start.update(repeating: plan.displaces ? 1 : 0, count: areaClasses)
        for index in 0..<cellCount { largest.start[Int(cells.start[index].areaClass)] = 1 }
        pulseStates.reserve(plan.pulseCount)
        touchedAreas.removeAll(keepingCapacity: true)
        for area in 0..<prepared.areaCount where largest.start[Int(plan.partition.areaClass.start[area])] > 0 {
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
            Int(plan.partition.crimeClass.start[crime]) * plan.partition.areaClasses
            + Int(plan.partition.areaClass.start[area])
        let index = Int(cellOf.start[place])
        guard index >= 0 else { return 1 }
        let cell = cells.start + index
        guard cell.pointee.isTouched else { return 1 }
        let row = Int(cell.pointee.row)
        let slot = cell.pointee.varies ? minute - window.lowerBound : 0
        guard row >= plan.pulseCount || pulseStates.start[row].isFilled else { return value(pulse: row, slot: slot) }
        return rows.start[row * stride + slot]
    }

    /// The largest F of any crime in the area at any minute of the window.
    func largestFactor(area: Int) -> Double {
        isNeutral ? 1 : largest.start[Int(plan.partition.areaClass.start[area])]
    }

    /// Sum of F over the window's minutes.
    @inline(__always)
    func sum(areaClass: Int, crimeClass: Int) -> Double {
        let index = Int(cellOf.start[crimeClass * plan.partition.areaClasses + areaClass])
        return index < 0 ? Double(window.count) : cells.start[index].sum
    }

    /// What the rates come to under F over the window, in units of an hour's sixtieth.
    func expected(hourOfWeek: Int, weights: [Double]) -> Double {
        let partition = plan.partition
        let (areaClasses, categories) = (partition.areaClasses, prepared.categoryCount)
        weightOfClass.reserve(partition.crimeClasses)
        let weightOfClass = weightOfClass.start
        weightOfClass.update(repeating: 0, count: partition.crimeClasses)
        weights.withUnsafeBufferPointer { weights in
            let weights = weights.baseAddress! + hourOfWeek * prepared.crimeCount
            for crime in 0..<prepared.crimeCount {
                weightOfClass[Int(partition.crimeClass.start[crime])] += weights[crime]
            }
        }
        var total = 0.0
        let (minutes, cells) = (Double(window.count), cells.start)
        for crimeClass in 0..<partition.crimeClasses {
            let category = Int(prepared.categoryOfCrime[Int(partition.firstCrime.start[crimeClass])])
            var sum = 0.0
            var rate = partition.rates.start + category
            var place = cellOf.start + crimeClass * areaClasses
            for _ in 0..<areaClasses {
                sum += rate.pointee * (place.pointee < 0 ? minutes : cells[Int(place.pointee)].sum)
                rate += categories
                place += 1
            }
            total += sum * weightOfClass[crimeClass]
        }
        return total
    }
}
