import CrimsCore
import Glibc
import Models
import Protocol

/// What a street file's name says: `2018-01-merseyside-street.csv`.
struct StreetFileName {
    let month: CivilMonth
    let force: String

    /// Nil if the name, the last part of a path, is not made so.
    init?(_ name: String) {
        let name = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        let end = "-street.csv"
        guard name.utf8.count > 8 + end.utf8.count, name.hasSuffix(end),
            let month = CivilMonth(text: name.utf8.prefix(7)),
            name.utf8.dropFirst(7).first == UInt8(ascii: "-")
        else { return nil }
        self.month = month
        force = String(name.dropFirst(8).dropLast(end.utf8.count))
    }
}

/// Finds out what the paths are that somebody calibrates on.
enum StreetSources {
    /// The street files of all forces below a folder, sorted by their paths' bytes.
    ///
    /// Symbolic links are followed, and no folder is entered twice.
    static func files(below folder: String) throws(CalibrationError) -> [String] {
        var found: [String] = []
        var seen: Set<FileSystem.Identity> = []
        var open = [folder]
        while let path = open.popLast() {
            guard let identity = FileSystem.identity(of: path), seen.insert(identity).inserted else { continue }
            guard let names = FileSystem.names(in: path) else {
                throw .archive(path: path, entry: nil, reason: String(cString: strerror(errno)))
            }
            for name in names {
                let child = path.hasSuffix("/") ? path + name : path + "/" + name
                switch FileSystem.kind(of: child) {
                case .folder: open.append(child)
                case .file: if StreetFileName(name) != nil { found.append(child) }
                case .nothing: break
                }
            }
        }
        return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
