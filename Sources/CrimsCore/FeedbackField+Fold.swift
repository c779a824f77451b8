/// The fold: one pulse after the other is applied to the cells that it acts on, in the order of acceptance.
extension FeedbackField {
    func fold(tables: MonthTables) {
        preparePulses()
        for index in 0..<cellCount {
            cells.start[index].isTouched = false
            cells.start[index].receives = false
        }
        if plan.displaces {
            received.reserve(cellCount * stride)
            received.start.update(repeating: 0, count: cellCount * stride)
        }
        // Nothing passes from one class of crimes to another; one after the other they stay in the caches.
        for crimeClass in 0..<plan.partition.crimeClasses {
            for place in plan.firstPulse.start[crimeClass]..<plan.firstPulse.start[crimeClass + 1] {
                apply(Int(plan.pulsesOfCrimeClass.start[place]), crimeClass: crimeClass, tables: tables)
            }
        }
        finish()
    }

    private func apply(_ index: Int, crimeClass: Int, tables: MonthTables) {
        let pulse = plan.pulses.start + index
        if pulse.pointee.displaces { fill(index) }
        let state = pulseStates.start + index
        let isWhole = !state.pointee.varies || state.pointee.end - state.pointee.first == stride
        let first = crimeClass * plan.partition.areaClasses
        for place in pulse.pointee.firstArea..<pulse.pointee.areaEnd {
            let areaClass = Int(plan.areaClasses.start[place])
            let cell = Int(cellOf.start[first + areaClass])
            if pulse.pointee.displaces {
                touch(cell, varying: state.pointee.varies)
                displace(index, areaClass, crimeClass, source: cell, tables)
            } else if isWhole, !cells.start[cell].isTouched {
                // The first is all there is, so far: F is the pulse's row.
                cells.start[cell].isTouched = true
                cells.start[cell].varies = state.pointee.varies
                cells.start[cell].row = Int32(index)
                continue
            }
            apply(index, isWhole: isWhole, sets: pulse.pointee.sets, to: cell)
        }
    }

    private func row(_ cell: Int) -> UnsafeMutablePointer<Double> {
        rows.start + (plan.pulseCount + cell) * stride
    }

    /// The row that a cell has, be it a pulse's.
    private func old(_ cell: Int) -> UnsafeMutablePointer<Double> {
        let row = Int(cells.start[cell].row)
        if row < plan.pulseCount { fill(row) }
        return rows.start + row * stride
    }

    /// Gives the cell a row of its own, with F = 1 where nothing has acted yet, spread over the minutes where it begins
    /// to vary.
    private func touch(_ index: Int, varying: Bool) {
        let cell = cells.start + index
        let own = row(index)
        let number = Int32(plan.pulseCount + index)
        if !cell.pointee.isTouched {
            cell.pointee.isTouched = true
            cell.pointee.varies = varying
            cell.pointee.row = number
            own.update(repeating: 1, count: varying ? stride : 1)
            return
        }
        let old = self.old(index)
        if varying, !cell.pointee.varies {
            own.update(repeating: old[0], count: stride)
            if plan.displaces {
                let received = received.start + index * stride
                received.update(repeating: received[0], count: stride)
            }
            cell.pointee.varies = true
        } else if old != own {
            own.update(from: old, count: cell.pointee.varies ? stride : 1)
        }
        cell.pointee.row = number
    }

    private func apply(_ index: Int, isWhole: Bool, sets: Bool, to cellIndex: Int) {
        fill(index)
        let state = pulseStates.start[index]
        let cell = cells.start + cellIndex
        let values = rows.start + index * stride
        let own = row(cellIndex)
        if !sets, isWhole, cell.pointee.varies, state.varies {
            // Most are so, and are taken from where they are.
            let old = self.old(cellIndex)
            for slot in 0..<stride { own[slot] = old[slot] * values[slot] }
            cell.pointee.row = Int32(plan.pulseCount + cellIndex)
            return
        }
        touch(cellIndex, varying: state.varies)
        let slots = state.varies ? state.first..<state.end : 0..<(cell.pointee.varies ? stride : 1)
        for slot in slots {
            let value = values[state.varies ? slot : 0]
            own[slot] = sets ? value : own[slot] * value
        }
        if sets, plan.displaces {
            for slot in slots { received.start[cellIndex * stride + slot] = 0 }
        }
    }

    /// Gives the neighbours outside the scope their part of what an adjustment is about to remove from one area.
    private func displace(
        _ index: Int, _ areaClass: Int, _ crimeClass: Int, source: Int, _ tables: MonthTables
    ) {
        let adjustment = plan.heads[index]
        // Areas that displacement concerns are alone in their class.
        let area = Int(plan.partition.firstArea.start[areaClass])
        let category = Int(prepared.categoryOfCrime[Int(plan.partition.firstCrime.start[crimeClass])])
        func baseline(_ area: Int) -> Double { tables.meanRates[area * prepared.categoryCount + category] }
        func takes(_ area: Int) -> Bool { !(adjustment.areaMask?[area] ?? true) && baseline(area) > 0 }
        let neighbours = prepared.model.neighbours[area]
        var total = 0.0
        for neighbour in neighbours where takes(neighbour) { total += baseline(neighbour) }
        guard total > 0 else { return }
        let weight = adjustment.displacement * baseline(area) / total
        let gone = amounts(index, weight: weight, source: source)
        for taker in neighbours where takes(taker) {
            let known = cellCount
            let cell = cell(areaClass: Int(plan.partition.areaClass.start[taker]), crimeClass: crimeClass)
            if cell == known {
                rows.reserve((plan.pulseCount + cellCount) * stride, keeping: (plan.pulseCount + known) * stride)
                received.reserve(cellCount * stride, keeping: known * stride)
                (received.start + cell * stride).update(repeating: 0, count: stride)
            }
            touch(cell, varying: cells.start[source].varies)
            cells.start[cell].receives = true
            let to = received.start + cell * stride
            let amounts = amounts.start
            if cells.start[cell].varies, !cells.start[source].varies {
                for slot in 0..<stride { to[slot] += amounts[0] }
            } else {
                for slot in gone { to[slot] += amounts[slot] }
            }
        }
    }

    /// Computes what each neighbour receives over its baseline, slot by slot.
    ///
    /// - Returns: the slots; one, where nothing varies.
    private func amounts(_ index: Int, weight: Double, source: Int) -> Range<Int> {
        let state = pulseStates.start[index]
        let values = rows.start + index * stride
        let from = row(source)
        let received = received.start + source * stride
        amounts.reserve(stride)
        let amounts = amounts.start
        guard state.varies else {
            let left = 1 - values[0]
            let slots = 0..<(cells.start[source].varies ? stride : 1)
            for slot in slots { amounts[slot] = weight * from[slot] * (1 + received[slot]) * left }
            return slots
        }
        for slot in state.first..<state.end {
            amounts[slot] = weight * from[slot] * (1 + received[slot]) * (1 - values[slot])
        }
        return state.first..<state.end
    }

    // MARK: - Sums

    /// Makes F of M and of what was received, bounds it and sums it up.
    private func finish() {
        isCapped = false
        largest.start.update(repeating: 1, count: plan.partition.areaClasses)
        bound()
        let cells = cells.start
        varying.reserve(cellCount)
        var count = 0
        for index in 0..<cellCount {
            let cell = cells[index]
            guard cell.isTouched else {
                cells[index].sum = Double(window.count)
                continue
            }
            if Int(cell.row) < plan.pulseCount {
                let state = pulseStates.start[Int(cell.row)]
                settle(index, sum: state.sum, most: state.most)
                continue
            }
            let row = row(index)
            if cell.receives {
                let received = received.start + index * stride
                for slot in 0..<(cell.varies ? stride : 1) { row[slot] *= 1 + received[slot] }
            }
            if cell.varies {
                varying.start[count] = index
                count += 1
            } else {
                row[0] = min(row[0], Adjustment.factorMax)
                settle(index, sum: row[0] * Double(window.count), most: row[0])
            }
        }
        for first in Swift.stride(from: 0, to: count, by: 4) { sum(Four(varying.start, first, of: count)) }
    }

    /// Four cells that vary and have rows of their own.
    private func sum(_ four: Four) {
        let (r0, r1, r2, r3) = (row(four[0]), row(four[1]), row(four[2]), row(four[3]))
        let limit = SIMD4<Double>(repeating: Adjustment.factorMax)
        var (sum, most) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
        for slot in 0..<stride {
            let values = SIMD4(r0[slot], r1[slot], r2[slot], r3[slot])
            sum += values.replacing(with: limit, where: values .> limit)
            most.replace(with: values, where: values .> most)
        }
        for lane in 0..<four.count {
            if most[lane] > Adjustment.factorMax {
                let row = row(four[lane])
                for slot in 0..<stride { row[slot] = min(row[slot], Adjustment.factorMax) }
            }
            settle(four[lane], sum: sum[lane], most: min(most[lane], Adjustment.factorMax))
        }
    }

    private func settle(_ index: Int, sum: Double, most: Double) {
        cells.start[index].sum = sum
        let area = Int(cells.start[index].areaClass)
        if most > largest.start[area] { largest.start[area] = most }
        if most >= Adjustment.factorMax { isCapped = true }
    }

    /// Bounds the rows of pulses that are more; only several together, or rounding, can be.
    private func bound() {
        for index in 0..<plan.pulseCount
        where pulseStates.start[index].isFilled && pulseStates.start[index].most > Adjustment.factorMax {
            let varies = pulseStates.start[index].varies
            let row = rows.start + index * stride
            var sum = 0.0
            for slot in 0..<(varies ? stride : 1) {
                row[slot] = min(row[slot], Adjustment.factorMax)
                sum += row[slot]
            }
            pulseStates.start[index].sum = varies ? sum : sum * Double(window.count)
            pulseStates.start[index].most = Adjustment.factorMax
        }
    }

    /// The sums of a window that differs in its length alone, where nothing changes with time.
    func sumConstants() {
        for index in 0..<cellCount where cells.start[index].isTouched {
            cells.start[index].sum = rows.start[Int(cells.start[index].row) * stride] * Double(window.count)
        }
        for index in 0..<cellCount where !cells.start[index].isTouched { cells.start[index].sum = Double(window.count) }
    }
}
