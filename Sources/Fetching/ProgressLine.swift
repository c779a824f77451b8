/// A line that says how far an archive is, how fast it comes and how long it will take.
public struct ProgressLine: Sendable {
    /// What has come in the last seconds is what the rate is of.
    private static let memory = 5.0
    private var samples: [(seconds: Double, bytes: Int)] = []

    public init() {}

    /// - Parameters:
    ///   - bytes: What is there.
    ///   - size: What it will be; nil if nobody knows.
    ///   - seconds: Now, on a clock that never goes back.
    ///   - width: Columns that the line may take.
    public mutating func text(name: String, bytes: Int, size: Int?, at seconds: Double, width: Int) -> String {
        let rate = rate(bytes, seconds)
        var facts: [String] = []
        if let size, size > 0 {
            let percent = min(100, bytes * 100 / size)
            facts.append("\(percent) %")
            facts.append("\(Amount.bytes(bytes)) of \(Amount.bytes(size))")
        } else {
            facts.append(Amount.bytes(bytes))
        }
        if let rate {
            facts.append(Amount.bytes(Int(rate)) + "/s")
            if let size, rate >= 1, size >= bytes {
                facts.append(Amount.time((Double(size - bytes) / rate).rounded()) + " left")
            }
        }
        // On a narrow terminal the last facts go first.
        func line(_ bar: String) -> String { ([name + bar] + facts).joined(separator: "  ") }
        while facts.count > 1, line("").count > width { facts.removeLast() }
        guard let size, size > 0 else { return String(line("").prefix(width)) }
        let room = min(30, width - line("").count - 3)
        guard room >= 8 else { return String(line("").prefix(width)) }
        let filled = min(room, bytes * room / size)
        return line(
            " [" + String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled) + "]")
    }

    /// Bytes a second; nil until there is something to tell it from.
    private mutating func rate(_ bytes: Int, _ seconds: Double) -> Double? {
        if let last = samples.last, bytes < last.bytes { samples.removeAll() }
        samples.append((seconds, bytes))
        while samples.count > 2, seconds - samples[0].seconds > Self.memory { samples.removeFirst() }
        let time = seconds - samples[0].seconds
        return time >= 0.2 ? Double(bytes - samples[0].bytes) / time : nil
    }
}
