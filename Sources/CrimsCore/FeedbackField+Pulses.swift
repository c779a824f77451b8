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
        let (states, columns) = (pulseStates.start, adjustments.columns.start)
        let descend = adjustments.decays.descend
        singles.reserve(plan.pulseCount)
        severals.reserve(plan.pulseCount)
        var (single, several) = (0, 0)
        for index in 0..<plan.pulseCount {
            let pulse = plan.pulses.start[index]
            let number = pulse.memberEnd - pulse.firstMember
            let first = columns[Int(plan.members.start[pulse.firstMember])]
            if number == 1, first.decay >= 0, first.covers(window), descend {
                states[index] = PulseState(varies: true, isFilled: false, end: minutes)
                singles.start[single] = index
                single += 1
            } else if number > 1,
                (pulse.firstMember..<pulse.memberEnd).allSatisfy({
                    let column = columns[Int(plan.members.start[$0])]
                    return column.decay >= 0 && column.covers(window)
                })
            {
                states[index] = PulseState(varies: true, isFilled: false, end: minutes)
                severals.start[several] = index
                several += 1
            } else {
                fillAny(index)
            }
        }
        // Four side by side, as the sum of one waits for each of its sixty additions.
        for first in Swift.stride(from: 0, to: single, by: 4) { sumSingle(Four(singles.start, first, of: single)) }
        for first in Swift.stride(from: 0, to: several, by: 4) { sumSeveral(Four(severals.start, first, of: several)) }
    }

    /// Four pulses of one adjustment each.
    private func sumSingle(_ four: Four) {
        let (pulses, members, columns) = (plan.pulses.start, plan.members.start, adjustments.columns.start)
        func column(_ lane: Int) -> ActiveAdjustments.Column { columns[Int(members[pulses[four[lane]].firstMember])] }
        let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
        let effect = SIMD4(c0.factor, c1.factor, c2.factor, c3.factor) - 1
        let lefts = adjustments.left
        let left = SIMD4(lefts[c0.age], lefts[c1.age], lefts[c2.age], lefts[c3.age])
        let table = adjustments.decays.start + window.lowerBound % 60
        let (d0, d1, d2, d3) = (table + c0.decay, table + c1.decay, table + c2.decay, table + c3.decay)
        let last = window.count - 1
        var sum = SIMD4<Double>.zero
        for slot in 0...last { sum += 1 + effect * (left * SIMD4(d0[slot], d1[slot], d2[slot], d3[slot])) }
        // It rises or falls all the time.
        let first = 1 + effect * (left * SIMD4(d0[0], d1[0], d2[0], d3[0]))
        let end = 1 + effect * (left * SIMD4(d0[last], d1[last], d2[last], d3[last]))
        finish(four, sum: sum, most: first.replacing(with: end, where: end .> first))
    }

    /// Four pulses of several adjustments; lanes with fewer are multiplied by 1 until all are done.
    private func sumSeveral(_ four: Four) {
        let (pulses, members) = (plan.pulses.start, plan.members.start)
        let table = adjustments.decays.start + window.lowerBound % 60
        let lefts = adjustments.left
        products.reserve(window.count)
        let products = products.start
        products.update(repeating: .one, count: window.count)
        var number = 0
        for lane in 0..<4 { number = max(number, pulses[four[lane]].memberEnd - pulses[four[lane]].firstMember) }
        for place in 0..<number {
            func column(_ lane: Int) -> ActiveAdjustments.Column {
                let pulse = pulses[four[lane]]
                let isOver = pulse.firstMember + place >= pulse.memberEnd
                var column = adjustments.columns.start[
                    Int(members[isOver ? pulse.firstMember : pulse.firstMember + place])]
                if isOver { column.factor = 1 }
                return column
            }
            let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
            let effect = SIMD4(c0.factor, c1.factor, c2.factor, c3.factor) - 1
            let left = SIMD4(lefts[c0.age], lefts[c1.age], lefts[c2.age], lefts[c3.age])
            let (d0, d1, d2, d3) = (table + c0.decay, table + c1.decay, table + c2.decay, table + c3.decay)
            for slot in 0..<window.count {
                products[slot] *= 1 + effect * (left * SIMD4(d0[slot], d1[slot], d2[slot], d3[slot]))
            }
        }
        var (sum, most) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
        for slot in 0..<window.count {
            sum += products[slot]
            most.replace(with: products[slot], where: products[slot] .> most)
        }
        finish(four, sum: sum, most: most)
    }

    private func finish(_ four: Four, sum: SIMD4<Double>, most: SIMD4<Double>) {
        for lane in 0..<four.count {
            let state = pulseStates.start + four[lane]
            state.pointee.sum = sum[lane]
            state.pointee.most = most[lane]
            // Only several together, or rounding, can be more than the bound.
            if most[lane] > Adjustment.factorMax { fill(four[lane]) }
        }
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
