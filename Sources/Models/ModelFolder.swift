import CrimsCore
import Hashing

/// Models as folders of CSV files.
///
/// Format 1. Text is UTF-8 with `\n` line ends (a byte-order mark and CRLF are read too); each CSV file has a header,
/// its columns are found by name, and fields may be quoted as in RFC 4180.
///
/// | file | columns |
/// |---|---|
/// | `model.json` | format (1), name, title, period (from, to), profileMean (optional: week or month), sources, method (name, settings), notes |
/// | `areas.csv` | code, name, longitude, latitude (degrees, WGS84), population, imputed (optional: 0 or 1) |
/// | `crimes.csv` | code, description, category, severity, share (of its category; a category's sum to 1 ± 10⁻⁶) |
/// | `rates.csv` | area, category, jan … dec: incidents per day; a row for each area and category |
/// | `profile.csv` | crime (category or code; a code's row beats its category's), h000 … h167: weights, mean 1 ± 10⁻³ |
/// | `suspect.csv` | area, category, probability; a row for each area and category |
/// | `neighbours.csv` | area, neighbour; a pair in one direction or both |
/// | `dispersion.csv` (optional) | category, shared, own: variances of gamma frailties of mean 1 |
/// | `trend.csv` (optional) | category, growth, damping |
///
/// A `report.html` may lie beside them; it is not read, and no part of the digest.
public enum ModelFolder {
    /// The name of a calibration's report.
    public static let reportFile = "report.html"

    /// Reads a model. Its name is the folder's, so that a copied folder is asked for by its own name.
    ///
    /// - Throws: ``ModelError/invalid(path:problem:)`` with the first error that ``check(_:)`` finds,
    ///   ``ModelError/noFolder(path:)`` or ``ModelError/system(call:path:errno:reason:)``.
    public static func read(_ path: String) throws(ModelError) -> CrimeModel {
        try read(try files(of: path), name: name(of: path), path: trimmed(path))
    }

    private static func read(
        _ files: [(file: ModelFile, bytes: [UInt8]?)], name: String, path: String
    ) throws(ModelError) -> CrimeModel {
        var loader = ModelLoader(files: files)
        loader.load()
        if let model = loader.model(name: name, digest: digest(files)) { return model }
        throw .invalid(path: path, problem: loader.problems.firstError!)
    }

    /// Reads a model that is in no folder: the bytes of its files, by their names.
    package static func read(_ files: [String: [UInt8]], name: String) throws(ModelError) -> CrimeModel {
        try read(ModelFile.allCases.map { ($0, files[$0.rawValue]) }, name: name, path: name)
    }

    /// All that is wrong with a model that is in no folder.
    package static func check(_ files: [String: [UInt8]]) -> [ModelProblem] {
        var loader = ModelLoader(files: ModelFile.allCases.map { ($0, files[$0.rawValue]) })
        loader.load()
        return loader.problems.all
    }

    /// All that is wrong with a folder, by file and line; nothing if it can be read and nothing looks odd.
    public static func check(_ path: String) -> [ModelProblem] {
        do throws(ModelError) {
            var loader = ModelLoader(files: try files(of: path))
            loader.load()
            return loader.problems.all
        } catch {
            return [ModelProblem(severity: .error, file: ModelFile.model.rawValue, line: nil, message: "\(error)")]
        }
    }

    /// Sources, method and notes of a model; reads `model.json` only.
    public static func information(_ path: String) throws(ModelError) -> ModelInformation {
        try header(path).information
    }

    /// The title of a model; reads `model.json` only.
    static func title(_ path: String) throws(ModelError) -> String { try header(path).title }

    private static func header(_ path: String) throws(ModelError) -> ModelHeader {
        guard FileSystem.kind(of: path) == .folder else { throw .noFolder(path: path) }
        let file = trimmed(path) + "/" + ModelFile.model.rawValue
        var problems = ProblemList()
        guard let bytes = try FileSystem.read(file) else {
            problems.error(.model, nil, "the file is missing")
            throw .invalid(path: trimmed(path), problem: problems.firstError!)
        }
        let header = ModelHeader(bytes, &problems)
        if let problem = problems.firstError { throw .invalid(path: trimmed(path), problem: problem) }
        return header!
    }

    /// Whether the folder claims to be a model: it has a `model.json`.
    static func isModel(_ path: String) -> Bool {
        FileSystem.kind(of: path + "/" + ModelFile.model.rawValue) == .file
    }

    private static func files(of path: String) throws(ModelError) -> [(file: ModelFile, bytes: [UInt8]?)] {
        guard FileSystem.kind(of: path) == .folder else { throw .noFolder(path: path) }
        var files: [(file: ModelFile, bytes: [UInt8]?)] = []
        for file in ModelFile.allCases {
            files.append((file, try FileSystem.read(trimmed(path) + "/" + file.rawValue)))
        }
        return files
    }

    /// Lower-case hexadecimal SHA-256 over name, 0, length (8 bytes, little-endian) and bytes of each file that is
    /// there, in the order of ``ModelFile``.
    private static func digest(_ files: [(file: ModelFile, bytes: [UInt8]?)]) -> String {
        var hash = SHA256()
        for (file, bytes) in files {
            guard let bytes else { continue }
            let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) }
            hash.update(Array(file.rawValue.utf8) + [0] + length)
            hash.update(bytes)
        }
        return hash.hexadecimal()
    }

    /// The path without slashes at its end.
    static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// The last component, or that of the folder meant by `.` and `..`.
    static func name(of path: String) -> String {
        let last = FileSystem.lastComponent(of: trimmed(path))
        guard last.isEmpty || last == "." || last == ".." else { return last }
        return FileSystem.resolved(path).map { FileSystem.lastComponent(of: $0) } ?? last
    }
}
