import CrimsCore

/// How many days' worth of a daily rate a month holds.
///
/// A run multiplies a rate by w(hour of week) / 24 in each hour. A month with five Saturdays therefore expects more
/// of what happens on Saturdays, and a rate has to be counted against the same sum, not against the days.
package enum Exposure {
    /// Σ w(hour of week) / 24 over the hours of a month.
    ///
    /// - Parameter weights: 168 of mean 1, Monday 00:00 first.
    package static func days(of month: CivilMonth, weights: some Collection<Double>) -> Double {
        let weights = Array(weights)
        precondition(weights.count == 168, "a week has 168 hours")
        let first = month.start.hour
        let hours = month.next.start.hour - first
        let weeks = hours / 168
        var sum = 0.0
        for weight in weights { sum += weight }
        sum *= Double(weeks)
        for hour in first + weeks * 168..<first + hours { sum += weights[CivilMinute.hourOfWeek(hour: hour)] }
        return sum / 24
    }
}
