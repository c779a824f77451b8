import Coupling
import Glibc

extension KeyFile {
    /// Where a pair was written.
    public struct Written: Equatable, Sendable {
        public var publicPath: String
        public var secretPath: String
        public var publicKey: String
    }

    /// Makes a key pair and writes `NAME.key` and `NAME.key_secret`, over nothing that is there.
    ///
    /// - Parameters:
    ///   - name: as ``isName(_:)`` has it.
    ///   - role: what a client may do; nil for a server's pair.
    ///   - folder: made if it is missing.
    /// - Throws: ``KeyProblem`` as a ``MessagingError/keys(_:)``; then neither file is left.
    public static func make(_ name: String, role: Role?, in folder: String) throws(MessagingError) -> Written {
        let pair = try KeyPair.make()
        let base = folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
        let written = Written(publicPath: base + ".key", secretPath: base + ".key_secret", publicKey: pair.publicKey)
        do throws(KeyProblem) {
            try makeFolders(folder)
            try create(written.secretPath, text(pair, role: role), mode: 0o600)
            do throws(KeyProblem) {
                let open = KeyPair(publicKey: pair.publicKey, secretKey: nil)
                try create(written.publicPath, text(open, role: role), mode: 0o644)
            } catch {
                unlink(written.secretPath)
                throw error
            }
        } catch {
            throw .keys([error])
        }
        return written
    }

    /// Whether a key may be called so: it is a file's name and stands in logs and audit trails.
    public static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.first != "." && name.first != "-"
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// What ``isName(_:)`` takes, for a person.
    public static let nameRule = "1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', beginning with none of '.' and '-'"

    static func text(_ pair: KeyPair, role: Role?) -> String {
        var lines = [
            pair.secretKey == nil
                ? "# A public key of CriMS, made by 'crims keys new'. It may be known to anybody."
                : "# A secret key of CriMS, made by 'crims keys new'. Whoever reads this file can pass for its owner.",
            "metadata",
        ]
        lines.append("    kind = \"\(role == nil ? "server" : "client")\"")
        if let role { lines.append("    role = \"\(role.rawValue)\"") }
        lines += ["curve", "    public-key = \"\(pair.publicKey)\""]
        if let secret = pair.secretKey { lines.append("    secret-key = \"\(secret)\"") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func create(_ path: String, _ text: String, mode: mode_t) throws(KeyProblem) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            guard errno != EEXIST else {
                throw KeyProblem(
                    path: path, line: nil, reason: "it exists, and a key is never overwritten: choose another name")
            }
            throw .system("open", path)
        }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let problem = KeyProblem.system("write", path)
        close(descriptor)
        guard isWritten else {
            unlink(path)
            throw problem
        }
    }

    private static func makeFolders(_ path: String) throws(KeyProblem) {
        var status = stat()
        if path.isEmpty || stat(path, &status) == 0 { return }
        if let slash = path.lastIndex(of: "/") { try makeFolders(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("mkdir", path) }
    }
}
