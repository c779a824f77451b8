import Glibc
import Models

/// Where a calibration's report goes.
enum ReportOutput: Equatable {
    case none
    /// Into the model's folder.
    case folder
    case file(String)

    static let options: [CommandSyntax.Option] = [
        .value("report", "FILE", "where the report goes (report.html in the model's folder)"),
        .flag("no-report", "write no report, and do no back-test for it"),
    ]

    init(_ arguments: Arguments, folder: String) throws {
        guard let path = arguments["report"] else {
            self = arguments.has("no-report") ? .none : .folder
            return
        }
        if arguments.has("no-report") { throw UsageError(message: "--report and --no-report exclude each other") }
        if FileSystem.isSame(FileSystem.parent(of: path), folder) {
            guard FileSystem.lastComponent(of: path) == ModelFolder.reportFile else {
                throw UsageError(
                    message: "--report: in the model's folder the report is \(ModelFolder.reportFile), not '\(path)'")
            }
            self = .folder
            return
        }
        var status = stat()
        let isThere = stat(path, &status) == 0
        if isThere && status.st_mode & S_IFMT != S_IFREG || FileSystem.isSame(path, folder) {
            throw UsageError(message: "--report is a file to write; '\(path)' is none")
        }
        self = .file(path)
    }

    /// Writes model and report, or neither: a report elsewhere gets its name once the model has its own.
    ///
    /// - Parameter model: Writes the model's folder with a page beside its files.
    func write(_ report: [UInt8]?, model: (_ page: [UInt8]?) throws -> Void) throws {
        guard case .file(let path) = self, let report else { return try model(report) }
        let parent = FileSystem.parent(of: path)
        let hidden =
            (parent.isEmpty ? "" : parent == "/" ? "/" : parent + "/")
            + ".\(FileSystem.lastComponent(of: path)).\(getpid())"
        unlink(hidden)
        do {
            try FileSystem.write(report, to: hidden)
            try model(nil)
            try FileSystem.rename(hidden, path)
        } catch {
            unlink(hidden)
            throw error
        }
    }

    /// As people are told.
    func path(in folder: String) -> String? {
        switch self {
        case .none: nil
        case .folder: folder + "/" + ModelFolder.reportFile
        case .file(let path): path
        }
    }
}
