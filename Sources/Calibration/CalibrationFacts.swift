import CrimsCore
import Models

/// What there is to tell about a calibration: the model, what it was made from, and how well it forecasts.
///
/// Plain numbers, so that a report needs to know nothing of how they were estimated.
public struct CalibrationFacts: Sendable {
    /// Without a digest.
    package var model: CrimeModel
    package var information: ModelInformation
    package var accounting: Accounting
    /// The force's name, for people.
    package var forceName: String
    /// Of each area.
    package var hectares: [Double]
    /// With records, ascending.
    package var months: [CivilMonth]
    /// Of each month, the share of outcomes that are not known; anti-social behaviour, having none, left aside.
    package var unknownOutcomes: [Double]
    /// In the model's order.
    package var categories: [Category]
    package var recency: Recency
    /// Whether the half-lives were chosen from the records, and not set.
    package var isRecencyChosen: Bool
    /// Nil where the months are too few.
    package var backtest: Backtest?

    /// One of the model's categories.
    package struct Category: Sendable {
        /// Incidents counted in all areas, by month.
        package var totals: [Double]
        /// Incidents counted in all months, by area.
        package var areaCounts: [Int]
        /// Expected incidents in the year of the period's last month, by area.
        package var yearly: [Double]
        package var areas: Areas
        package var season: Season
        /// Growth of the logarithm in the first month after the period, and its factor a year after.
        package var growth: (monthly: Double, afterYear: Double)
        /// What the model expects in all areas in each of the months counted, going back from the last.
        package var course: [Double]
        /// What the model expects in the twelve months after its period.
        package var ahead: [Forecast]
        package var suspects: Suspects
        /// Whether the shares of offences are the force's own; they are those of all forces otherwise.
        package var hasOwnOffences: Bool
    }

    /// How the areas' shares of a category were estimated.
    package struct Areas: Sendable {
        /// Of each area as a multiple of the mean area's: as counted, by recency, and as estimated.
        package var counted: [Double]
        package var estimated: [Double]
        /// Gamma shape of the areas.
        package var shape: Double
        /// How much of a mean area's departure from the mean is kept, 0…1.
        package var ownWeight: Double
    }

    /// A category's course over the year.
    package struct Season: Sendable {
        /// Factor of each calendar month and its standard error, `[12]`.
        package var pattern: [Double]
        package var error: [Double]
        /// The months counted, as ratios to their mean and without growth; empty where there is no pattern.
        package var ratios: [Double]
        /// How much of a month's departure from flat is kept, 0…1.
        package var weight: Double
    }

    /// A month's total in all areas.
    package struct Forecast: Sendable {
        package var month: CivilMonth
        package var expected: Double
        /// In which nine of ten replicates lie.
        package var interval: CountInterval
    }

    /// Outcomes in the months that the suspect probability is from.
    package struct Suspects: Sendable {
        package var identified: Int
        package var none: Int
        package var unknown: Int
        /// The probability in all areas.
        package var mean: Double
        /// As if so many incidents with that mean had been seen before in each area.
        package var strength: Double
        /// False for anti-social behaviour.
        package var hasOutcomes: Bool
    }
}
