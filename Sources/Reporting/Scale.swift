import CrimsCore

/// Where values lie in a picture, and the round values that its axis names.
package struct Scale {
    package let lower: Double
    package let upper: Double
    /// Where `lower` and `upper` lie; `start` may be the greater, as pictures count downwards.
    package let start: Double
    package let end: Double

    package init(_ lower: Double, _ upper: Double, from start: Double, to end: Double) {
        self.lower = lower
        // A single value lies at the start.
        self.upper = upper > lower ? upper : lower + 1
        self.start = start
        self.end = end
    }

    /// From 0 to a little more than `most`.
    package init(upTo most: Double, from start: Double, to end: Double) {
        self.init(0, most > 0 ? most * 1.04 : 1, from: start, to: end)
    }

    /// Positions beyond the ends are put at them.
    package func callAsFunction(_ value: Double) -> Double {
        let share = (min(max(value, lower), upper) - lower) / (upper - lower)
        return start + share * (end - start)
    }

    /// Round values from `lower` to `upper`, about so many.
    package func ticks(_ count: Int = 4) -> [Double] {
        let step = Self.step(of: upper - lower, ticks: count)
        let first = Int((lower / step - 1e-9).rounded(.up))
        let last = Int((upper / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }

    /// 1, 2 or 5 times a power of ten, so that a `range` has about `ticks` of it, and no more.
    package static func step(of range: Double, ticks: Int) -> Double {
        let rough = range / Double(max(ticks, 1))
        var power = 1.0
        while power * 10 <= rough { power *= 10 }
        while power > rough { power /= 10 }
        // An eps, so that what should be equal is, rounding aside.
        for factor in [1.0, 2, 5] where rough <= factor * power * (1 + 1e-9) { return factor * power }
        return 10 * power
    }

    /// Digits after the point that tell the ticks apart.
    package static func places(_ ticks: [Double]) -> Int {
        guard ticks.count > 1 else { return 0 }
        var places = 0
        var unit = 1.0
        while places < 6, ticks[1] - ticks[0] < unit * (1 - 1e-9) {
            places += 1
            unit /= 10
        }
        return places
    }
}

/// Classes of equal numbers of values, bounded by values of two digits: what colours a map.
package struct Classes: Equatable {
    /// Ascending; class *i* begins at `bounds[i - 1]`.
    package let bounds: [Double]

    package static let most = 7

    package init(_ values: [Double]) {
        let sorted = values.sorted()
        var bounds: [Double] = []
        for part in 1..<Self.most where !sorted.isEmpty {
            let bound = Self.rounded(sorted[sorted.count * part / Self.most])
            if bound > (bounds.last ?? 0), bound <= sorted[sorted.count - 1] { bounds.append(bound) }
        }
        self.bounds = bounds
    }

    package init(bounds: [Double]) { self.bounds = bounds }

    package var count: Int { bounds.count + 1 }

    package func callAsFunction(_ value: Double) -> Int { bounds.count { value >= $0 } }

    /// The colour of a class, 0…6: few classes are spread over all colours.
    package func colour(_ value: Double) -> Int {
        bounds.isEmpty ? 0 : self(value) * (Self.most - 1) / bounds.count
    }

    /// Down to two digits, so that no value falls below its own bound.
    package static func rounded(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        var unit = 1.0
        while unit * 100 <= value { unit *= 10 }
        while unit * 10 > value { unit /= 10 }
        return (value / unit).rounded(.down) * unit
    }
}
