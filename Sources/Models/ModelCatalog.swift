import CrimsCore

/// The models that can be asked for by name: folders with a `model.json`, looked for in several places.
public struct ModelCatalog: Sendable {
    /// Where models are looked for; the first folder that has a name wins.
    public let folders: [String]

    public init(folders: [String]) { self.folders = folders }

    /// The names of all models, sorted by their bytes.
    public func names() -> [String] {
        var names: Set<String> = []
        for folder in folders {
            for name in FileSystem.names(in: folder) ?? [] where path(of: name) != nil { names.insert(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The folder of a model, or nil if there is none of that name.
    ///
    /// A name comes from a client: one that could lead out of the catalog's folders is never looked up.
    public func path(of name: String) -> String? {
        let isPlain = !name.isEmpty && !name.hasPrefix(".") && !name.contains("..")
        guard isPlain, !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0) else { return nil }
        for folder in folders {
            let path = ModelFolder.trimmed(folder) + "/" + name
            if ModelFolder.isModel(path) { return path }
        }
        return nil
    }

    /// Reads the model of that name.
    ///
    /// - Throws: ``ModelError/unknownModel(name:known:)``, or what ``ModelFolder/read(_:)`` throws.
    public func load(_ name: String) throws(ModelError) -> CrimeModel {
        guard let path = path(of: name) else { throw .unknownModel(name: name, known: names()) }
        return try ModelFolder.read(path)
    }

    /// Each of `extra`, then `./models`, then `share/crims/models` beside the executable's folder, so that a checkout
    /// and an installed tree both work unconfigured.
    public static func standardFolders(extra: [String]) -> [String] {
        var folders = extra + ["models"]
        if let share { folders.append(share + "/models") }
        return folders
    }

    /// What was installed beside the executable: `PREFIX/share/crims` for `PREFIX/bin/crims`.
    public static var share: String? {
        guard let executable = FileSystem.resolved("/proc/self/exe") else { return nil }
        let prefix = FileSystem.parent(of: FileSystem.parent(of: executable))
        return (prefix == "/" ? "" : prefix) + "/share/crims"
    }
}
