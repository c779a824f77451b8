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
    private(set) var isCapped = false

    var partition = ScopePartition()
    /// The target's adjustments that act in the window, in their order.
    private var active: [ScheduledAdjustment] = []
    /// Whether the last fold holds for any window in which the same adjustments act throughout.
    private var isConstant = false
    private weak var foldedTables: MonthTables?

    /// Index of a cell's values or −1, `[crime class · area classes + area class]`.
    var cellOf: [Int32] = []
    private var cells: [Cell] = []
    /// F, and while folding M, `[cell · minutes + minute]`.
    private var factors: [Double] = []
    /// What a cell receives by displacement over its baseline.
    private var received: [Double] = []
    private var stride = 1
    /// Largest F of an area class.
    private var largest: [Double] = []

    private struct Cell {
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
    @discardableResult
    func prepare(window: Range<Int>, schedule: [ScheduledAdjustment], tables: MonthTables) -> Int {
        var acting: [ScheduledAdjustment] = []
        for entry in schedule where entry.adjustment.target == target && entry.acts(in: window) { acting.append(entry) }
        let sameAdjustments = acting.elementsEqual(active) { $0.adjustment === $1.adjustment }
        let constant = acting.allSatisfy { Self.isConstant($0, in: window) }
        let unchanged = sameAdjustments && constant && isConstant && foldedTables === tables
        self.window = window
        active = acting
        isNeutral = acting.isEmpty
        if isNeutral {
            isCapped = false
            isConstant = false
            return 0
        }
        if unchanged {
            for index in cells.indices { cells[index].sum = factors[index * stride] * Double(window.count) }
            return acting.count
        }
        if !sameAdjustments { partition.build(adjustments: acting.map(\.adjustment), prepared: prepared) }
        partition.sumRates(tables: tables, prepared: prepared)
        foldedTables = tables
        isConstant = constant
        stride = constant ? 1 : window.count
        fold(tables: tables)
        return acting.count
    }

    private static func isConstant(_ entry: ScheduledAdjustment, in window: Range<Int>) -> Bool {
        entry.adjustment.halfLife == nil && entry.adjustment.from.minutes <= window.lowerBound
            && entry.end >= window.upperBound
    }

    /// F at a minute of the window.
    @inline(__always)
    func factor(area: Int, crime: Int, minute: Int) -> Double {
        let cell = Int(cellOf[partition.crimeClass[crime] * partition.areaClasses + partition.areaClass[area]])
        guard cell >= 0 else { return 1 }
        return factors[cell * stride + (cells[cell].varies ? minute - window.lowerBound : 0)]
    }

    /// The largest F of any crime in the area at any minute of the window.
    func largestFactor(area: Int) -> Double { isNeutral ? 1 : largest[partition.areaClass[area]] }

    /// Sum of F over the window's minutes.
    func sum(areaClass: Int, crimeClass: Int) -> Double {
        let cell = Int(cellOf[crimeClass * partition.areaClasses + areaClass])
        return cell < 0 ? Double(window.count) : cells[cell].sum
    }

    // MARK: - Folding

    /// What an adjustment does in the window: one value throughout, or one for each minute in `minutes`.
    private struct Pulse {
        /// Of the first of the adjustments that it stands for.
        let position: Int
        let adjustment: Adjustment
        private(set) var varies: Bool
        private(set) var minutes: Range<Int>
        private var values: [Double]

        init(_ entry: ScheduledAdjustment, position: Int, window: Range<Int>) {
            self.position = position
            adjustment = entry.adjustment
            varies = !FeedbackField.isConstant(entry, in: window)
            let first = max(adjustment.from.minutes, window.lowerBound) - window.lowerBound
            minutes = first..<min(entry.end, window.upperBound) - window.lowerBound
            values =
                varies
                ? adjustment.values(at: window.lowerBound + first..<window.lowerBound + minutes.upperBound)
                : [adjustment.factor]
        }

        func value(at minute: Int) -> Double { varies ? values[minute - minutes.lowerBound] : values[0] }

        /// Takes in a later one with the same scope, where both scale and neither displaces.
        mutating func multiply(by other: Pulse, stride: Int) {
            if varies, other.varies, minutes == 0..<stride, other.minutes == minutes {
                for index in values.indices { values[index] *= other.values[index] }
            } else if varies || other.varies {
                values = (0..<stride).map { minute in
                    let own = !varies || minutes.contains(minute) ? value(at: minute) : 1
                    return own * (!other.varies || other.minutes.contains(minute) ? other.value(at: minute) : 1)
                }
                varies = true
                minutes = 0..<stride
            } else {
                values[0] *= other.values[0]
            }
        }
    }

    /// The pulses of the adjustments in force. Those that scale the same scope become one, so that many of them cost
    /// what one does; a `set` or a displacement between them keeps its place.
    private func pulses() -> [Pulse] {
        struct Scope: Hashable {
            let areas: [Int]?
            let crimes: [Int]?
        }
        var pulses: [Pulse] = []
        var ofScope: [Scope: Int] = [:]
        for (position, entry) in active.enumerated() {
            let pulse = Pulse(entry, position: position, window: window)
            guard entry.adjustment.mode == .scale, entry.adjustment.displacement == 0 else {
                ofScope = [:]
                pulses.append(pulse)
                continue
            }
            let scope = Scope(areas: entry.adjustment.areas, crimes: entry.adjustment.crimes)
            if let earlier = ofScope[scope] {
                pulses[earlier].multiply(by: pulse, stride: stride)
            } else {
                ofScope[scope] = pulses.count
                pulses.append(pulse)
            }
        }
        return pulses
    }

    private func fold(tables: MonthTables) {
        cellOf = [Int32](repeating: -1, count: partition.areaClasses * partition.crimeClasses)
        cells.removeAll(keepingCapacity: true)
        factors.removeAll(keepingCapacity: true)
        received.removeAll(keepingCapacity: true)
        for pulse in pulses() {
            for crimeClass in partition.crimeClassesOf[pulse.position] {
                for areaClass in partition.areaClassesOf[pulse.position] {
                    let cell = touch(areaClass: areaClass, crimeClass: crimeClass, varying: pulse.varies)
                    if pulse.adjustment.displacement > 0 {
                        displace(pulse, areaClass, crimeClass, source: cell, tables)
                    }
                    apply(pulse, to: cell)
                }
            }
        }
        finish()
    }

    private func apply(_ pulse: Pulse, to cell: Int) {
        let slots = slots(of: cell, pulse)
        let first = cell * stride
        let sets = pulse.adjustment.mode == .set
        // One check of exclusive access for all minutes.
        factors.withUnsafeMutableBufferPointer { factors in
            for slot in slots {
                let value = pulse.value(at: slot)
                factors[first + slot] = sets ? value : factors[first + slot] * value
            }
        }
        if sets { for slot in slots { received[first + slot] = 0 } }
    }

    private func slots(of cell: Int, _ pulse: Pulse) -> Range<Int> {
        pulse.varies ? pulse.minutes : 0..<(cells[cell].varies ? stride : 1)
    }

    /// The cell's index, made with F = 1 where there was none, and spread over the minutes where it begins to vary.
    private func touch(areaClass: Int, crimeClass: Int, varying: Bool) -> Int {
        let place = crimeClass * partition.areaClasses + areaClass
        var cell = Int(cellOf[place])
        if cell < 0 {
            cell = cells.count
            cellOf[place] = Int32(cell)
            cells.append(Cell())
            factors.append(contentsOf: repeatElement(1, count: stride))
            received.append(contentsOf: repeatElement(0, count: stride))
        }
        if varying, !cells[cell].varies {
            cells[cell].varies = true
            for slot in cell * stride..<(cell + 1) * stride {
                factors[slot] = factors[cell * stride]
                received[slot] = received[cell * stride]
            }
        }
        return cell
    }

    /// Gives the neighbours outside the scope their part of what an adjustment is about to remove from one area.
    private func displace(
        _ pulse: Pulse, _ areaClass: Int, _ crimeClass: Int, source: Int, _ tables: MonthTables
    ) {
        let adjustment = pulse.adjustment
        // Areas that displacement concerns are alone in their class.
        let area = partition.firstArea[areaClass]
        let category = partition.categoryOfCrimeClass[crimeClass]
        func baseline(_ area: Int) -> Double { tables.meanRates[area * prepared.categoryCount + category] }
        let takers = prepared.model.neighbours[area].filter {
            !(adjustment.areaMask?[$0] ?? true) && baseline($0) > 0
        }
        guard !takers.isEmpty else { return }
        let weight = adjustment.displacement * baseline(area) / takers.reduce(0) { $0 + baseline($1) }
        let sourceVaries = cells[source].varies
        for taker in takers {
            let cell = touch(areaClass: partition.areaClass[taker], crimeClass: crimeClass, varying: sourceVaries)
            cells[cell].receives = true
            for slot in slots(of: cell, pulse) {
                let from = source * stride + (sourceVaries ? slot : 0)
                received[cell * stride + slot] +=
                    weight * factors[from] * (1 + received[from]) * (1 - pulse.value(at: slot))
            }
        }
    }

    /// Makes F of M and of what was received, and sums it up.
    private func finish() {
        isCapped = false
        largest = [Double](repeating: 1, count: partition.areaClasses)
        for crimeClass in 0..<partition.crimeClasses {
            for areaClass in 0..<partition.areaClasses {
                let cell = Int(cellOf[crimeClass * partition.areaClasses + areaClass])
                if cell >= 0 { largest[areaClass] = max(largest[areaClass], finish(cell)) }
            }
        }
    }

    /// - Returns: the cell's largest F.
    private func finish(_ cell: Int) -> Double {
        let slots = cell * stride..<cell * stride + (cells[cell].varies ? stride : 1)
        let receives = cells[cell].receives
        var sum = 0.0
        var most = 0.0
        factors.withUnsafeMutableBufferPointer { factors in
            for slot in slots {
                if receives { factors[slot] *= 1 + received[slot] }
                factors[slot] = min(factors[slot], Adjustment.factorMax)
                sum += factors[slot]
                most = max(most, factors[slot])
            }
        }
        cells[cell].sum = cells[cell].varies ? sum : sum * Double(window.count)
        if most >= Adjustment.factorMax { isCapped = true }
        return most
    }
}
