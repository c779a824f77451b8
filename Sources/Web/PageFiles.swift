import Models
import Protocol

/// The page's files and the libraries that it uses, read once: what is not in this table when the daemon starts is not
/// served, whatever a path looks like.
struct PageFiles: Sendable {
    struct File: Sendable {
        let type: MediaType
        let bytes: [UInt8]
        let tag: String
    }

    private let files: [String: File]
    private static let bytesMax = 8 << 20
    /// Debian's packages, by the folder that each is served in.
    static let libraries = [
        ("leaflet", ["/usr/share/javascript/leaflet"]),
        ("chart.js", ["/usr/share/javascript/chart.js"]),
        ("d3", ["/usr/share/javascript/d3", "/usr/share/nodejs/d3/dist"]),
    ]

    /// - Parameter folders: where the page is looked for; the first that is there is taken.
    init(folders: [String], libraries: [(name: String, folders: [String])] = PageFiles.libraries) {
        var files: [String: File] = [:]
        if let folder = folders.first(where: { FileSystem.kind(of: $0) == .folder }) {
            Self.add(folder, as: "", depth: 0, to: &files)
        }
        for library in libraries {
            guard let folder = library.folders.first(where: { FileSystem.kind(of: $0) == .folder }) else { continue }
            Self.add(folder, as: library.name + "/", depth: 0, to: &files)
        }
        self.files = files
    }

    private static func add(_ folder: String, as prefix: String, depth: Int, to files: inout [String: File]) {
        for name in FileSystem.names(in: folder) ?? [] where !name.hasPrefix(".") {
            let path = folder + "/" + name
            switch FileSystem.kind(of: path) {
            case .folder where depth < 2: add(path, as: prefix + name + "/", depth: depth + 1, to: &files)
            case .file:
                guard let type = MediaType(ofFile: name), let bytes = try? FileSystem.read(path),
                    bytes.count <= bytesMax
                else { continue }
                files[prefix + name] = File(type: type, bytes: bytes, tag: tag(bytes))
            default: continue
            }
        }
    }

    /// FNV-1a, which tells one version of a file from the next.
    private static func tag(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "\"\(String(hash, radix: 16))-\(bytes.count)\""
    }

    func reply(_ path: String, ifNoneMatch: String?) throws(WebRefusal) -> Reply {
        guard let file = files[path] else {
            throw WebRefusal(
                .notFound,
                path == "index.html"
                    ? "the page's files are not where the daemon looks for them; '/api/v1/' is here"
                    : "the page has no file '\(path)'")
        }
        let headers = [Header("ETag", file.tag), Header("Cache-Control", "no-cache")]
        if let ifNoneMatch,
            ifNoneMatch == "*" || ifNoneMatch.split(separator: ",").contains(where: { Self.isSame($0, file.tag) })
        {
            return Reply(.notModified, file.type, [], headers: headers)
        }
        return Reply(.ok, file.type, file.bytes, headers: headers)
    }

    private static func isSame(_ given: Substring, _ tag: String) -> Bool {
        let bare = given.drop { $0 == " " }
        return (bare.hasPrefix("W/") ? bare.dropFirst(2) : bare).prefix { $0 != " " } == tag
    }
}
