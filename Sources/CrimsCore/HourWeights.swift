/// How incidents spread over the hours of one month: each crime's share in its category times its profile weight.
///
/// Used as a value; the arrays of a model whose weights are those of the week are shared by all months.
struct HourWeights: Sendable {
    /// `[hour of week · K + crime]`.
    private(set) var crimes: [Double]
    /// Sum over the crimes of a category, `[hour of week · C + category]`.
    private(set) var categories: [Double]

    /// Weights as the profiles have them, of mean 1 over the week.
    init(_ model: CrimeModel) {
        self.init(model) { row, hour in model.profiles[row * 168 + hour] }
    }

    /// Weights of mean 1 over the hours of `month`, so that its expected total is rate times days, whatever weekdays
    /// it has.
    init(_ model: CrimeModel, month: CivilMonth) {
        let hours = month.start.hour..<month.next.start.hour
        let factors = (0..<model.profiles.count / 168).map { row in
            var sum = 0.0
            for hour in hours { sum += model.profiles[row * 168 + CivilMinute.hourOfWeek(hour: hour)] }
            // Every month has every hour of the week, and some weight of a row is above 0.
            return Double(hours.count) / sum
        }
        self.init(model) { row, hour in model.profiles[row * 168 + hour] * factors[row] }
    }

    private init(_ model: CrimeModel, weight: (_ row: Int, _ hour: Int) -> Double) {
        crimes = [Double](repeating: 0, count: 168 * model.crimes.count)
        categories = [Double](repeating: 0, count: 168 * model.categories.count)
        for hour in 0..<168 {
            for (index, crime) in model.crimes.enumerated() {
                let share = crime.share * weight(model.profileOfCrime[index], hour)
                crimes[hour * model.crimes.count + index] = share
                categories[hour * model.categories.count + crime.category] += share
            }
        }
    }
}
