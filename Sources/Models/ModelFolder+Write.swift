import CrimsCore
import Glibc
import Protocol

extension ModelFolder {
    /// Writes a model as a folder, all of it or nothing: the files are made in a hidden folder beside it, which then
    /// takes its name.
    ///
    /// A model that is there already is replaced. Numbers have 6 significant digits.
    ///
    /// - Parameters:
    ///   - report: A page about the model, which lies beside its files as ``reportFile`` and is no part of it.
    ///   - exactRates: Write rates and probabilities in the shortest form that reads back the same doubles.
    /// - Precondition: The model's categories come in the order in which its crimes first name them.
    /// - Throws: ``ModelError/refused(path:reason:)`` if something other than a model is there, or
    ///   ``ModelError/system(call:path:errno:reason:)``.
    public static func write(
        _ model: CrimeModel, information: ModelInformation, report: [UInt8]? = nil, to path: String,
        exactRates: Bool = false
    ) throws(ModelError) {
        let path = trimmed(path)
        try refuseUnlessReplaceable(path)
        let parent = FileSystem.parent(of: path)
        let made = try FileSystem.makeFolders(parent)
        let prefix = parent.isEmpty ? "" : parent == "/" ? "/" : parent + "/"
        let hidden = "\(prefix).\(FileSystem.lastComponent(of: path)).\(getpid())"
        FileSystem.removeFolder(hidden)
        do throws(ModelError) {
            try FileSystem.makeFolder(hidden)
            let writer = ModelWriter(
                model: model, name: name(of: path), information: information, exactRates: exactRates)
            for file in ModelFile.allCases {
                guard let bytes = writer.bytes(of: file) else { continue }
                try FileSystem.write(bytes, to: hidden + "/" + file.rawValue)
            }
            if let report { try FileSystem.write(report, to: hidden + "/" + reportFile) }
            FileSystem.syncFolder(hidden)
            try replace(path, with: hidden)
        } catch {
            FileSystem.removeFolder(hidden)
            for folder in made { FileSystem.removeEmptyFolder(folder) }
            throw error
        }
        FileSystem.syncFolder(parent)
    }

    /// Lets a model or an empty folder be replaced, and nothing that somebody may have put work into.
    private static func refuseUnlessReplaceable(_ path: String) throws(ModelError) {
        switch FileSystem.kind(of: path) {
        case .nothing: return
        case .file: throw .refused(path: path, reason: "it is a file")
        case .folder: break
        }
        guard let names = FileSystem.names(in: path) else { throw FileSystem.failure("opendir", path) }
        if names.isEmpty { return }
        guard isModel(path) else { throw .refused(path: path, reason: "it is a folder without a model.json") }
        let known = ModelFile.allCases.map(\.rawValue) + [reportFile]
        if let stranger = names.first(where: { !known.contains($0) }) {
            throw .refused(path: path, reason: "it holds \"\(stranger)\", which is no part of a model")
        }
    }

    /// Gives the new folder the name; the old one steps aside first, as a folder cannot be renamed over a full one.
    private static func replace(_ path: String, with hidden: String) throws(ModelError) {
        guard FileSystem.kind(of: path) == .folder else { return try FileSystem.rename(hidden, path) }
        let aside = hidden + ".old"
        FileSystem.removeFolder(aside)
        try FileSystem.rename(path, aside)
        do throws(ModelError) {
            try FileSystem.rename(hidden, path)
        } catch {
            try? FileSystem.rename(aside, path)
            throw error
        }
        FileSystem.removeFolder(aside)
    }
}
