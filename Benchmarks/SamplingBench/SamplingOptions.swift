/// The command line of the sampling benchmark.
struct SamplingOptions {
    static let usage = """
        usage: sampling-bench [--model FOLDER] [--years 1…100] [--rounds 1…1000] [--seed N] [--dispersion]
        """

    var model = "models/merseyside"
    var years = 10
    /// How often it is timed; the median counts.
    var rounds = 1
    var seed: UInt64 = 1
    var dispersion = false

    /// Nil if something is not understood.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--dispersion" {
                dispersion = true
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch option {
            case "--model": model = value
            case "--years":
                guard let number = Int(value), (1...100).contains(number) else { return nil }
                years = number
            case "--rounds":
                guard let number = Int(value), (1...1_000).contains(number) else { return nil }
                rounds = number
            case "--seed":
                guard let number = UInt64(value), number < 1 << 53 else { return nil }
                seed = number
            default: return nil
            }
        }
    }
}
