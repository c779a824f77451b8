/// The layers above 0: candidates that happen only where a rate is above the baseline.
extension Sampler {
    func drawAreas(hour: Int, hourOfWeek: Int, tables: MonthTables) throws(SamplingError) {
        var count = 0
        raised.reserve(field.touchedAreas.count)
        for area in field.touchedAreas where field.largestFactor(area: area) > 1 {
            raised.start[count] = (area, tables.rate(area: area, hourOfWeek: hourOfWeek))
            count += 1
        }
        for layer in 1...10 {
            let bottom = Double(1 << (layer - 1))
            var any = false
            for (area, rate) in UnsafeBufferPointer(start: raised.start, count: count)
            where field.largestFactor(area: area) > bottom {
                any = true
                try drawArea(area, layer: layer, rate: rate, hour: hour, hourOfWeek: hourOfWeek, tables: tables)
            }
            if !any { return }
        }
    }

    private func drawArea(
        _ area: Int, layer: Int, rate: Double, hour: Int, hourOfWeek: Int, tables: MonthTables
    ) throws(SamplingError) {
        let bottom = Double(1 << (layer - 1))
        let place = UInt32(layer << 13 | area)
        let number = candidateCount(mean: bottom * rate, unit: unit(layerAndArea: place, hour: hour))
        guard number < 1 << 15 else { throw .tooManyCandidates(hour: hour) }
        guard number > 0 else { return }
        reserve(entryCount + number)
        for ordinal in 0..<UInt32(number) {
            let words = incidents.block(ordinal, place, UInt32(hour), world.replicate)
            let minuteAndRest = UInt64(words.2) &* 60
            let minute = Int(minuteAndRest >> 32)
            let mark = bottom * (1 + Double(words.3) * 0x1p-32)
            let crime = pickCrime(area: area, rate: rate, hourOfWeek: hourOfWeek, words.0, words.1, tables)
            let rest = minuteAndRest & 0xFFFF_FFFF
            let threshold = prepared.suspectThresholds[
                Int(prepared.categoryOfCrime[crime]) * prepared.areaCount + area]
            var entry = IncidentColumns.Entry(
                low: UInt32(layer) << 28 | UInt32(area) << 15 | ordinal, area: UInt16(area), crime: UInt16(crime),
                minute: UInt8(minute), suspect: rest < threshold ? 1 : 0)
            let time = hour * 60 + minute
            guard happens(entry, time: time, mark: mark) else { continue }
            identify(&entry, time: time, rest: rest)
            entries[entryCount] = entry
            minuteCounts[minute] += 1
            entryCount += 1
        }
    }

    /// How many candidates an area's layer has.
    private func candidateCount(mean: Double, unit: Double) -> Int {
        // Most have none, which the first terms of the exponential series tell: for mean < 1 the running sums begin
        // with 1 and end with e^mean < 1 + mean + mean². What rounding leaves in doubt is computed.
        if mean < 1, unit * (1 + mean + mean * mean) < 1 - 0x1p-40 { return 0 }
        poisson.clear()
        return poisson.quantile(poisson.append(mean: mean), unit)
    }

    /// A crime of one area, by walking through its categories and then the crimes of one.
    private func pickCrime(
        area: Int, rate: Double, hourOfWeek: Int, _ categoryWord: UInt32, _ crimeWord: UInt32, _ tables: MonthTables
    ) -> Int {
        let categories = prepared.categoryCount
        var left = Double(categoryWord) * 0x1p-32 * rate
        var chosen = -1
        for category in 0..<categories {
            let weight =
                tables.rates[area * categories + category]
                * tables.weights.categories[hourOfWeek * categories + category]
            // The last that can happen also takes what rounding leaves over.
            if weight > 0 { chosen = category }
            if left < weight { break }
            left -= weight
        }
        left = Double(crimeWord) * 0x1p-32 * tables.weights.categories[hourOfWeek * categories + chosen]
        var crime = -1
        for candidate in prepared.crimesOfCategory[chosen] {
            let weight = tables.weights.crimes[hourOfWeek * prepared.crimeCount + candidate]
            if weight > 0 { crime = candidate }
            if left < weight { break }
            left -= weight
        }
        return crime
    }
}
