/// The rows of the pulses: what each makes of the rates in the window, before it meets others in a cell.
///
/// A decay at a minute is that of the hour's beginning times that within an hour, which is kept: two operations a minute
/// and one exponential an hour. The value at a minute does not depend on which minutes are asked for.
extension FeedbackField {
    func fillPulses() {
        let count = plan.pulses.count
        let minutes = window.count
        let hour = window.lowerBound / 60
        rows.reserve((count + cellCount) * stride)
        adjustments.decay(hour: hour)
        let states = pulseStates.start
        let columns = adjustments.columns.start
        let descend = adjustments.decays.descend
        let (rows, stride) = (rows.start, stride)
        var waiting = DecayingRows()
        for index in 0..<count {
            let pulse = plan.pulses[index]
            let isOne = pulse.memberEnd == pulse.firstMember + 1
            let first = columns[Int(plan.members[pulse.firstMember])]
            let row = rows + index * stride
            let isWhole = first.from <= window.lowerBound && first.end >= window.upperBound
            if isOne, first.decay >= 0, isWhole, descend {
                states[index] = PulseState(varies: true, end: minutes)
                waiting.add(first, row, states + index)
                if waiting.count == 4 { fill(&waiting) }
            } else if isOne, isWhole, first.decay < 0 {
                row[0] = first.factor
                let bounded = min(first.factor, Adjustment.factorMax)
                states[index] = PulseState(
                    varies: false, end: 1, sum: bounded * Double(minutes), most: bounded)
            } else {
                fill(index, members: pulse.firstMember..<pulse.memberEnd)
            }
        }
        if waiting.count > 0 { fill(&waiting) }
    }

    /// Up to four pulses, each one adjustment that decays throughout the window.
    private struct DecayingRows {
        private(set) var count = 0
        var effect = SIMD4<Double>.zero
        var left = SIMD4<Double>.zero
        var decay: SIMD4<Int> = .zero
        var rows:
            (
                UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
                UnsafeMutablePointer<Double>
            )?
        var states:
            (
                UnsafeMutablePointer<PulseState>, UnsafeMutablePointer<PulseState>,
                UnsafeMutablePointer<PulseState>, UnsafeMutablePointer<PulseState>
            )?

        /// Lanes without a pulse do what the first does.
        mutating func add(
            _ column: ActiveAdjustments.Column, _ row: UnsafeMutablePointer<Double>,
            _ state: UnsafeMutablePointer<PulseState>
        ) {
            if count == 0 {
                effect = .init(repeating: column.factor - 1)
                left = .init(repeating: column.left)
                decay = .init(repeating: column.decay)
                rows = (row, row, row, row)
                states = (state, state, state, state)
            } else {
                effect[count] = column.factor - 1
                left[count] = column.left
                decay[count] = column.decay
                switch count {
                case 1: (rows!.1, states!.1) = (row, state)
                case 2: (rows!.2, states!.2) = (row, state)
                default: (rows!.3, states!.3) = (row, state)
                }
            }
            count += 1
        }

        mutating func clear() { count = 0 }
    }

    /// Four pulses side by side, as the sum of one waits for each of its sixty additions.
    private func fill(_ waiting: inout DecayingRows) {
        let first = window.lowerBound % 60
        let table = adjustments.decays.start + first
        let (d0, d1, d2, d3) = (
            table + waiting.decay[0], table + waiting.decay[1], table + waiting.decay[2], table + waiting.decay[3]
        )
        let (r0, r1, r2, r3) = waiting.rows!
        let (effect, left) = (waiting.effect, waiting.left)
        var sum = SIMD4<Double>.zero
        for slot in 0..<window.count {
            let decay = SIMD4(d0[slot], d1[slot], d2[slot], d3[slot])
            let value = 1 + effect * (left * decay)
            r0[slot] = value[0]
            r1[slot] = value[1]
            r2[slot] = value[2]
            r3[slot] = value[3]
            sum += value
        }
        let last = window.count - 1
        let states = waiting.states!
        // It rises or falls all the time.
        for (lane, (state, row)) in [(states.0, r0), (states.1, r1), (states.2, r2), (states.3, r3)].enumerated() {
            state.pointee.sum = sum[lane]
            state.pointee.most = max(row[0], row[last])
        }
        waiting.clear()
    }

    /// A pulse of several adjustments, or of one that begins or ends in the window.
    private func fill(_ index: Int, members: Range<Int>) {
        let minutes = window.count
        let columns = adjustments.columns.start
        let row = rows.start + index * stride
        let table = adjustments.decays.start + window.lowerBound % 60
        var varies = false
        var slots = 0..<minutes
        for place in members {
            let column = columns[Int(plan.members[place])]
            let from = max(column.from - window.lowerBound, 0)
            let own = from..<min(column.end - window.lowerBound, minutes)
            varies = varies || column.decay >= 0 || own != 0..<minutes
            if members.count == 1 { slots = own }
        }
        // One that acts throughout and does not decay is one number, however many it stands for.
        let length = varies ? minutes : 1
        row.update(repeating: 1, count: length)
        for place in members {
            let column = columns[Int(plan.members[place])]
            let from = max(column.from - window.lowerBound, 0)
            let own = varies ? from..<min(column.end - window.lowerBound, minutes) : 0..<1
            if column.decay < 0 {
                for slot in own { row[slot] *= column.factor }
            } else {
                let decay = table + column.decay
                let (effect, left) = (column.factor - 1, column.left)
                for slot in own { row[slot] *= 1 + effect * (left * decay[slot]) }
            }
        }
        var (sum, most) = (0.0, 0.0)
        for slot in 0..<length {
            let bounded = min(row[slot], Adjustment.factorMax)
            sum += bounded
            most = max(most, row[slot])
        }
        pulseStates.start[index] = PulseState(
            varies: varies, first: varies ? slots.lowerBound : 0, end: varies ? slots.upperBound : 1,
            sum: varies ? sum : sum * Double(minutes), most: most)
    }
}
