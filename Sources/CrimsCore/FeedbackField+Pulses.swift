/// Up to four of a list that are summed side by side; the last stands in for those that are missing.
struct Four {
    private let list: UnsafePointer<Int>
    let count: Int

    init(_ list: UnsafePointer<Int>, _ first: Int, of count: Int) {
        self.list = list + first
        self.count = min(4, count - first)
    }

    subscript(lane: Int) -> Int { list[min(lane, count - 1)] }
}

/// What each pulse makes of the rates in the window, before it meets others in a cell.
///
/// A decay at a minute is that of the hour's beginning times that within an hour, which is kept: two operations a minute
/// and one exponential an hour. The value at a minute does not depend on which minutes are asked for. Of a pulse that
/// only decays, throughout the window, the sum is all that is always needed: its row is filled when it meets another.
extension FeedbackField {
    func preparePulses() {
        let minutes = window.count
        adjustments.decay(hour: window.lowerBound / 60)
        rows.reserve((plan.pulseCount + cellCount) * stride)
        products.reserve((minutes + 3) / 4)
        // Locals, since what is behind a property is looked up anew after each write.
        let (states, pulses, members) = (pulseStates.start, plan.pulses.start, plan.members.start)
        let (columns, lefts) = (adjustments.columns.start, adjustments.left)
        let decays = adjustments.decays.start
        let (minute, descend, isWhole) = (window.lowerBound % 60, adjustments.decays.descend, minutes == 60)
        for index in 0..<plan.pulseCount {
            let pulse = pulses + index
            let (first, end) = (pulse.pointee.firstMember, pulse.pointee.memberEnd)
            let column = columns + Int(members[first])
            if end == first + 1, descend, column.pointee.decay >= 0, column.pointee.covers(window) {
                // An effect is the same share of each minute's decay, and so of their sum.
                let decay = decays + column.pointee.decay
                let (effect, left) = (column.pointee.factor - 1, lefts[column.pointee.age])
                let sum = isWhole ? decay[60] : Self.sum(decay + minute, minutes)
                // It rises or falls all the time.
                let most = max(1 + effect * (left * decay[minute]), 1 + effect * (left * decay[minute + minutes - 1]))
                states[index] = PulseState(
                    varies: true, isFilled: false, end: minutes, sum: Double(minutes) + effect * (left * sum),
                    most: most)
                // Only by rounding.
                if most > Adjustment.factorMax { fill(index) }
            } else if end > first + 1,
                (first..<end).allSatisfy({
                    let column = columns + Int(members[$0])
                    return column.pointee.decay >= 0 && column.pointee.covers(window)
                })
            {
                multiply(index)
            } else {
                fillAny(index)
            }
        }
    }

    private static func sum(_ values: UnsafePointer<Double>, _ count: Int) -> Double {
        var sum = 0.0
        for place in 0..<count { sum += values[place] }
        return sum
    }

    /// A pulse of several adjustments that only decay: their product minute by minute, four minutes at a time.
    private func multiply(_ index: Int) {
        let pulse = plan.pulses.start[index]
        let (products, vectors) = (products.start, (window.count + 3) / 4)
        products.update(repeating: .one, count: vectors)
        for place in pulse.firstMember..<pulse.memberEnd {
            let column = adjustments.columns.start + Int(plan.members.start[place])
            let (effect, left) = (column.pointee.factor - 1, adjustments.left[column.pointee.age])
            var decay = UnsafeRawPointer(adjustments.decays.start + column.pointee.decay + window.lowerBound % 60)
            for vector in 0..<vectors {
                products[vector] *= 1 + effect * (left * decay.loadUnaligned(as: SIMD4<Double>.self))
                decay += MemoryLayout<SIMD4<Double>>.size
            }
        }
        var (sum, most) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
        for vector in 0..<window.count / 4 {
            sum += products[vector]
            most.replace(with: products[vector], where: products[vector] .> most)
        }
        for lane in 0..<window.count % 4 {
            let value = products[vectors - 1][lane]
            sum[lane] += value
            most[lane] = max(most[lane], value)
        }
        let largest = most.max()
        pulseStates.start[index] = PulseState(
            varies: true, isFilled: false, end: window.count, sum: (sum[0] + sum[1]) + (sum[2] + sum[3]), most: largest)
        if largest > Adjustment.factorMax { fill(index) }
    }

    /// A pulse's value at a slot of the window, not bounded, of one that only decays.
    func value(pulse index: Int, slot: Int) -> Double {
        let pulse = plan.pulses.start[index]
        let table = adjustments.decays.start + window.lowerBound % 60 + slot
        var product = 1.0
        for place in pulse.firstMember..<pulse.memberEnd {
            let column = adjustments.columns.start[Int(plan.members.start[place])]
            product *= 1 + (column.factor - 1) * (adjustments.left[column.age] * table[column.decay])
        }
        return product
    }

    /// Fills the row of a pulse that only decays, if it is not.
    @inline(__always)
    func fill(_ index: Int) {
        if !pulseStates.start[index].isFilled { fillAny(index) }
    }

    /// Fills a pulse's row, whatever it stands for.
    private func fillAny(_ index: Int) {
        let pulse = plan.pulses.start[index]
        let minutes = window.count
        let row = rows.start + index * stride
        let columns = adjustments.columns.start
        let table = adjustments.decays.start + window.lowerBound % 60
        var varies = false
        var slots = 0..<minutes
        func own(_ column: ActiveAdjustments.Column) -> Range<Int> {
            max(column.from - window.lowerBound, 0)..<min(column.end - window.lowerBound, minutes)
        }
        for place in pulse.firstMember..<pulse.memberEnd {
            let column = columns[Int(plan.members.start[place])]
            varies = varies || column.decay >= 0 || !column.covers(window)
            if pulse.memberEnd == pulse.firstMember + 1 { slots = own(column) }
        }
        // One that acts throughout and does not decay is one number, however many it stands for.
        let length = varies ? minutes : 1
        row.update(repeating: 1, count: length)
        for place in pulse.firstMember..<pulse.memberEnd {
            let column = columns[Int(plan.members.start[place])]
            if column.decay < 0 {
                for slot in varies ? own(column) : 0..<1 { row[slot] *= column.factor }
            } else {
                let decay = table + column.decay
                let (effect, left) = (column.factor - 1, adjustments.left[column.age])
                for slot in own(column) { row[slot] *= 1 + effect * (left * decay[slot]) }
            }
        }
        var (sum, most) = (0.0, 0.0)
        for slot in 0..<length {
            sum += min(row[slot], Adjustment.factorMax)
            most = max(most, row[slot])
        }
        pulseStates.start[index] = PulseState(
            varies: varies, isFilled: true, first: varies ? slots.lowerBound : 0, end: varies ? slots.upperBound : 1,
            sum: varies ? sum : sum * Double(minutes), most: most)
    }
}
