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
    /// The archives hold no street file of the force.
    case noFiles(force: String, found: [String])
    /// Nothing is left to calibrate on.
    case nothingUsed(reason: String)
    /// The period ends before it begins.
    case period(from: String, to: String)

    public var description: String {
        switch self {
        case .reference(let file, let line, let reason): "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)"
        case .unknownForce(let name, let known):
            "no force \"\(name)\" in the reference; "
                + (Spelling.nearest(to: name, in: known).map { "did you mean \"\($0)\"? " } ?? "")
                + "there are: \(known.joined(separator: ", "))"
        case .archive(let path, let entry, let reason): "\(path)\(entry.map { ", \($0)" } ?? ""): \(reason)"
        case .notStreetFile(let path, let entry, let reason): "\(path)\(entry.map { ", \($0)" } ?? ""): \(reason)"
        case .noFiles(let force, let found):
            "no file \"YYYY-MM-\(force)-street.csv\" in the archives; "
                + (found.isEmpty ? "they hold no street file" : "their forces: \(found.joined(separator: ", "))")
        case .nothingUsed(let reason): "nothing to calibrate on: \(reason)"
        case .period(let from, let to): "the period ends (\(to)) before it begins (\(from))"
        }
    }
}
