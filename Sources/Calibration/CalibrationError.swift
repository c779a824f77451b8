import CrimsCore
import Protocol

/// Why no model could be calibrated.
public enum CalibrationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A reference table is missing or wrong.
    case reference(file: String, line: Int?, reason: String)
    /// The reference has no force of that name.
    case unknownForce(name: String, known: [String])
    /// An archive cannot be opened or ends too early; `entry` is the file within it, if it came so far.
    case archive(path: String, entry: String?, reason: String)
    /// A file has the place of a street file and is none.
    case notStreetFile(path: String, entry: String?, reason: String)
    /// A file has the place of a table of counts and is none.
    case notCounts(path: String, entry: String?, reason: String)
    /// A row of a table of counts cannot be right.
    case counts(path: String, entry: String?, line: Int, reason: String)
    /// The archives hold no street file of the force.
    case noFiles(force: String, found: [String])
    /// Nothing is left to calibrate on.
    case nothingUsed(reason: String)
    /// None of the months to count suspects in has records.
    case noSuspectMonths(from: String, to: String, found: [String])
    /// The records are not without fault, and somebody asked for such.
    case faults(Accounting)
    /// The period ends before it begins.
    case period(from: String, to: String)
    /// Too few months with records to learn from.
    case tooFewMonths(from: String, to: String, found: Int, least: Int)
    /// None of the months to forecast has records.
    case nothingToForecast(from: String, to: String)
    /// The upstream method, on a period that is not a whole number of years.
    case notWholeYears(from: CivilMonth, to: CivilMonth)
    /// The upstream method, on a period with months that no row used is of.
    case monthsWithoutRecords([CivilMonth])

    public var description: String {
        switch self {
        case .reference(let file, let line, let reason): "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)"
        case .unknownForce(let name, let known):
            "no force \"\(name)\" in the reference; "
                + (Spelling.nearest(to: name, in: known).map { "did you mean \"\($0)\"? " } ?? "")
                + "there are: \(known.joined(separator: ", "))"
        case .archive(let path, let entry, let reason): "\(path)\(entry.map { ", \($0)" } ?? ""): \(reason)"
        case .notStreetFile(let path, let entry, let reason): "\(path)\(entry.map { ", \($0)" } ?? ""): \(reason)"
        case .notCounts(let path, let entry, let reason): "\(path)\(entry.map { ", \($0)" } ?? ""): \(reason)"
        case .counts(let path, let entry, let line, let reason):
            "\(path)\(entry.map { ", \($0)" } ?? ""):\(line): \(reason)"
        case .noFiles(let force, let found):
            "no file \"YYYY-MM-\(force)-street.csv\" in the archives; "
                + (found.isEmpty ? "they hold no street file" : "their forces: \(found.joined(separator: ", "))")
        case .nothingUsed(let reason): "nothing to calibrate on: \(reason)"
        case .noSuspectMonths(let from, let to, let found):
            "no records from \(from) to \(to) to count suspects in; there are: \(found.joined(separator: ", "))"
        case .tooFewMonths(let from, let to, let found, let least):
            "\(found) months with records from \(from) to \(to), and at least \(least) are needed to learn from"
        case .faults(let accounting):
            "--strict, and the records are not without fault:\n"
                + accounting.faults.map { "  \($0)" }.joined(separator: "\n")
        case .period(let from, let to): "the period ends (\(to)) before it begins (\(from))"
        case .nothingToForecast(let from, let to):
            "no records of \(from) to \(to), the months to forecast: there is nothing to hold forecasts against"
        case .notWholeYears(let from, let to): Self.notWholeYears(from, to)
        case .monthsWithoutRecords(let months):
            "the upstream method needs records of every month of its period; there are none of "
                + months.map(\.text).joined(separator: ", ")
        }
    }

    /// What there is, and what the latest whole years of it would be.
    private static func notWholeYears(_ from: CivilMonth, _ to: CivilMonth) -> String {
        let months = to.index - from.index + 1
        let latest = CivilMonth(index: to.index - months / 12 * 12 + 1)
        return "the upstream method takes whole years, and \(from.text) to \(to.text) is "
            + (months == 1 ? "1 month" : "\(months) months")
            + (months < 12 ? "" : "; \(latest.text) to \(to.text) would be whole years")
    }
}
