/// The command line of the sampling benchmark.
struct SamplingOptions {
    static let usage = """
        usage: sampling-bench [--model FOLDER] [--years 1…100 | --days 1…36525] [--step hour|month] [--rounds 1…1000]
                              [--seed N] [--dispersion] [--tables-kept] [--adjustments 0…100000] [--scope single|broad|displacing|lasting]
        """

    /// How much is drawn into the columns before they are used again.
    enum Step: String { case hour, month }

    /// What the adjustments in force are like; see ``BenchAdjustments``.
    enum Scope: String { case single, broad, displacing, lasting }

    var model = "models/merseyside"
    var years = 10
    /// Instead of years.
    var days: Int?
    var step = Step.hour
    /// How often it is timed; the median counts.
    var rounds = 1
    var seed: UInt64 = 1
    var dispersion = false
    /// Whether tables are those of the first pass, which is not timed.
    var tablesKept = false
    /// All in force from the first hour to the last.
    var adjustments = 0
    var scope = Scope.single

    /// Nil if something is not understood.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
        while let option = rest.popFirst() {
            if option == "--dispersion" {
                dispersion = true
                continue
            }
            if option == "--tables-kept" {
                tablesKept = true
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch option {
            case "--model": model = value
            case "--years":
                guard let number = number(value, 1...100) else { return nil }
                years = number
            case "--days":
                guard let number = number(value, 1...36_525) else { return nil }
                days = number
            case "--step":
                guard let chosen = Step(rawValue: value) else { return nil }
                step = chosen
            case "--rounds":
                guard let number = number(value, 1...1_000) else { return nil }
                rounds = number
            case "--seed":
                guard let number = UInt64(value), number < 1 << 53 else { return nil }
                seed = number
            case "--adjustments":
                guard let number = number(value, 0...100_000) else { return nil }
                adjustments = number
            case "--scope":
                guard let chosen = Scope(rawValue: value) else { return nil }
                scope = chosen
            default: return nil
            }
        }
    }
}
