/// Something wrong with a model folder, as ``ModelFolder/check(_:)`` lists it.
public struct ModelProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        /// The folder cannot be read as a model.
        case error
        /// It can, and somebody should look at it.
        case warning
    }

    public var severity: Severity
    /// The file's name within the folder.
    public var file: String
    /// The line in that file, 1 for the header; nil where the problem has no line.
    public var line: Int?
    /// What is wrong and what would be right.
    public var message: String

    public init(severity: Severity, file: String, line: Int?, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.message = message
    }

    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return severity == .warning ? "\(place): warning: \(message)" : "\(place): \(message)"
    }
}

/// Why a model folder could not be read, written or found.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The folder is there and is not a model; the first problem found. `ModelFolder.check` lists all.
    case invalid(path: String, problem: ModelProblem)
    /// No folder of that path.
    case noFolder(path: String)
    /// No model of that name in the catalog's folders.
    case unknownModel(name: String, known: [String])
    /// Writing would overwrite something that is not a model folder.
    case refused(path: String, reason: String)
    /// A call of the system failed.
    case system(call: String, path: String, errno: Int32, reason: String)

    public var description: String {
        switch self {
        case .invalid(let path, let problem): "\(path)/\(problem)"
        case .noFolder(let path): "\(path): no such folder"
        case .unknownModel(let name, let known):
            known.isEmpty
                ? "no model \"\(name)\": no models were found"
                : "no model \"\(name)\"; there are: \(known.joined(separator: ", "))"
        case .refused(let path, let reason): "\(path): not overwritten, \(reason)"
        case .system(let call, let path, let number, let reason): "\(path): \(call) failed: \(reason) (\(number))"
        }
    }
}

/// The problems found so far, in the order of files and lines.
struct ProblemList {
    private(set) var all: [ModelProblem] = []

    mutating func error(_ file: ModelFile, _ line: Int?, _ message: String) {
        all.append(ModelProblem(severity: .error, file: file.rawValue, line: line, message: message))
    }

    mutating func warning(_ file: ModelFile, _ line: Int?, _ message: String) {
        all.append(ModelProblem(severity: .warning, file: file.rawValue, line: line, message: message))
    }

    var firstError: ModelProblem? { all.first { $0.severity == .error } }
}
