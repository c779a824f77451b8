/// The files of a model folder, in the order in which they are read, checked and digested.
package enum ModelFile: String, CaseIterable {
    case model = "model.json"
    case areas = "areas.csv"
    case crimes = "crimes.csv"
    case rates = "rates.csv"
    case profile = "profile.csv"
    case suspect = "suspect.csv"
    case neighbours = "neighbours.csv"
    case dispersion = "dispersion.csv"
    case trend = "trend.csv"

    var isOptional: Bool { self == .dispersion || self == .trend }

    package static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    /// `h000`…`h167`, Monday 00:00 first.
    static let hours = (0..<168).map { hour in
        let digits = String(hour)
        return "h" + String(repeating: "0", count: 3 - digits.count) + digits
    }

    /// The header row; empty for `model.json`.
    var columns: [String] {
        switch self {
        case .model: []
        case .areas: ["code", "name", "longitude", "latitude", "population"]
        case .crimes: ["code", "description", "category", "severity", "share"]
        case .rates: ["area", "category"] + Self.months
        case .profile: ["crime"] + Self.hours
        case .suspect: ["area", "category", "probability"]
        case .neighbours: ["area", "neighbour"]
        case .dispersion: ["category", "shared", "own"]
        case .trend: ["category", "growth", "damping"]
        }
    }

    /// Columns that may follow, and are only written where they say something.
    var optionalColumns: [String] { self == .areas ? ["imputed"] : [] }
}
