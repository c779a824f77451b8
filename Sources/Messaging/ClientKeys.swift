import Coupling
import Glibc

/// The client keys that are admitted: a folder of public certificates, one file `NAME.key` for each client.
public struct ClientKeys: Equatable, Sendable {
    public struct Client: Equatable, Sendable {
        /// The file's name without `.key`.
        public var name: String
        public var role: Role

        public init(name: String, role: Role) {
            self.name = name
            self.role = role
        }
    }

    /// By public key, in Z85.
    public private(set) var clients: [String: Client] = [:]
    /// What keeps files from being taken, in the order of their names. Such a file admits nobody.
    public private(set) var problems: [KeyProblem] = []

    /// Reads a folder.
    ///
    /// Whatever is wrong with one file is a problem of that file alone: it admits nobody and keeps nobody out. Of a key
    /// that stands in several files, none says for certain what it may do, so it is not admitted.
    ///
    /// - Throws: if the folder itself cannot be read, so that nothing is known about anybody.
    public init(folder: String) throws(KeyProblem) {
        var files: [String: String] = [:]
        for file in try Self.names(in: folder) {
            let path = folder.hasSuffix("/") ? folder + file : folder + "/" + file
            do throws(KeyProblem) {
                let client = try Self.client(path, named: String(file.dropLast(4)))
                if let other = files.updateValue(path, forKey: client.key) {
                    clients[client.key] = nil
                    throw KeyProblem(path: path, line: nil, reason: "\(other) has the same key: remove one of the two")
                }
                clients[client.key] = client.client
            } catch {
                problems.append(error)
            }
        }
    }

    private static func client(_ path: String, named name: String) throws(KeyProblem) -> (key: String, client: Client) {
        guard KeyFile.isName(name) else {
            throw KeyProblem(path: path, line: nil, reason: "a key's name is \(KeyFile.nameRule)")
        }
        let file = try KeyFile(public: path)
        let roles = Role.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        guard let given = file.metadata.first(where: { $0.name == "role" }) else {
            guard !file.metadata.contains(where: { $0.name == "kind" && $0.value == "server" }) else {
                throw KeyProblem(path: path, line: nil, reason: "it is a server's key: keep it in another folder")
            }
            throw KeyProblem(
                path: path, line: nil, reason: "there is no role under 'metadata' in it: role = one of \(roles)")
        }
        guard let role = Role(rawValue: given.value) else {
            throw KeyProblem(
                path: path, line: given.line, reason: "the role is one of \(roles), not \"\(given.value)\"")
        }
        return (file.keys.publicKey, Client(name: name, role: role))
    }

    /// The files that end in `.key`, sorted; those that begin with a dot are an editor's.
    private static func names(in folder: String) throws(KeyProblem) -> [String] {
        guard let directory = opendir(folder) else { throw .system("opendir", folder) }
        defer { closedir(directory) }
        var status = stat()
        guard fstat(dirfd(directory), &status) == 0 else { throw .system("stat", folder) }
        guard status.st_mode & 0o002 == 0 else {
            throw KeyProblem(path: folder, line: nil, reason: "anybody may put keys into it: type  chmod o-w \(folder)")
        }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".key"), !name.hasPrefix(".") { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .system("readdir", folder) }
        return names.sorted()
    }
}
