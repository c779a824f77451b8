import CZMQ
import Glibc

/// What is wrong with a key's file, or with a folder of them.
public struct KeyProblem: Error, Equatable, CustomStringConvertible {
    public var path: String
    /// From 1; nil where no line is to blame.
    public var line: Int?
    public var reason: String

    public var description: String { path + (line.map { ":\($0)" } ?? "") + ": \(reason)" }

    static func system(_ call: String, _ path: String) -> KeyProblem {
        KeyProblem(path: path, line: nil, reason: "\(call) failed: \(String(cString: strerror(errno)))")
    }
}

/// A CURVE key pair: the public key that others may know, and perhaps the secret one.
public struct KeyPair: Equatable, Sendable {
    /// 40 characters of Z85.
    public var publicKey: String
    public var secretKey: String?

    package init(publicKey: String, secretKey: String?) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new pair.
    public static func make() throws(MessagingError) -> KeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = publicKey
        guard zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw .last("zmq_curve_keypair") }
        return KeyPair(publicKey: text(publicKey), secretKey: text(secretKey))
    }

    /// The public key that belongs to a secret one.
    static func publicKey(of secretKey: String) -> String? {
        var publicKey = [CChar](repeating: 0, count: 41)
        return zmq_curve_public(&publicKey, secretKey) == 0 ? text(publicKey) : nil
    }

    /// Whether a text is 32 bytes in Z85, spelt as they are spelt.
    static func isKey(_ key: String) -> Bool {
        guard key.utf8.count == 40, key.utf8.allSatisfy({ (33...126).contains($0) }) else { return false }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, key) != nil && self.key(bytes) == key
    }

    /// 32 bytes in Z85.
    static func key(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 32 else { return nil }
        var encoded = [CChar](repeating: 0, count: 41)
        return zmq_z85_encode(&encoded, bytes, 32).map { _ in text(encoded) }
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A certificate in the form that czmq and pyzmq read and write: `NAME.key` with the public key, `NAME.key_secret`
/// with both. Facts about its owner, such as the role, stand under `metadata`, the keys under `curve`.
public struct KeyFile: Equatable, Sendable {
    public var keys: KeyPair
    /// Names and values in their order, and the line that each stands in.
    public private(set) var metadata: [(name: String, value: String, line: Int)]

    public static func == (left: KeyFile, right: KeyFile) -> Bool {
        left.keys == right.keys && left.metadata.elementsEqual(right.metadata, by: ==)
    }

    /// Longer than any certificate.
    private static let bytesMax = 65_536

    // MARK: - Reading

    /// Reads a certificate with a public key alone.
    package init(public path: String) throws(KeyProblem) {
        let bytes = try Self.read(path) { status throws(KeyProblem) in
            guard status.st_mode & 0o002 == 0 else {
                throw KeyProblem(path: path, line: nil, reason: "anybody may write to it: type  chmod o-w \(path)")
            }
        }
        try self.init(bytes, path: path)
        guard keys.secretKey == nil else {
            throw KeyProblem(
                path: path, line: nil,
                reason: "it has a secret key, which only its owner should have: put the public file (.key) here")
        }
    }

    /// Reads a certificate with a secret key, which nobody else may be able to read.
    package init(secret path: String) throws(KeyProblem) {
        let bytes = try Self.read(path) { status throws(KeyProblem) in
            guard status.st_uid == geteuid() else {
                throw KeyProblem(
                    path: path, line: nil,
                    reason: "it belongs to another user (number \(status.st_uid)): type  chown \(geteuid()) \(path)")
            }
            guard status.st_mode & 0o077 == 0 else {
                throw KeyProblem(path: path, line: nil, reason: "others may read it: type  chmod 600 \(path)")
            }
        }
        try self.init(bytes, path: path)
        guard let secret = keys.secretKey else {
            throw KeyProblem(path: path, line: nil, reason: "it has no secret key: give the file NAME.key_secret")
        }
        guard KeyPair.publicKey(of: secret) == keys.publicKey else {
            throw KeyProblem(path: path, line: nil, reason: "its public key and its secret key are not of one pair")
        }
    }

    /// The bytes of a regular file whose mode and owner are in order.
    private static func read(
        _ path: String, _ check: (stat) throws(KeyProblem) -> Void
    ) throws(KeyProblem) -> [UInt8] {
        // Without waiting for a writer, should it be a pipe.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        defer { close(descriptor) }
        // Of what was opened, so that nothing can be put in its place in between.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("stat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw KeyProblem(path: path, line: nil, reason: "it is no file")
        }
        try check(status)
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if got < 0 {
                if errno == EINTR { continue }
                throw .system("read", path)
            }
            if got == 0 { break }
            count += got
        }
        guard count <= bytesMax else { throw KeyProblem(path: path, line: nil, reason: "it is too long for a key") }
        return Array(bytes[..<count])
    }

    /// Reads a certificate's text.
    ///
    /// - Parameters:
    ///   - bytes: the file's contents.
    ///   - path: for messages.
    /// - Throws: what is wrong, and in which line.
    package init(_ bytes: [UInt8], path: String) throws(KeyProblem) {
        var metadata: [(name: String, value: String, line: Int)] = []
        var found: [String: String] = [:]
        var section = ""
        for (index, raw) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            func problem(_ reason: String) -> KeyProblem { KeyProblem(path: path, line: index + 1, reason: reason) }
            guard raw.allSatisfy({ $0 == 9 || $0 == 13 || $0 >= 32 }), let line = String(validating: raw, as: UTF8.self)
            else { throw problem("it is not text") }
            let text = Self.trimmed(line)
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard line.first == " " || line.first == "\t" else {
                guard text == "metadata" || text == "curve" else {
                    throw problem("'metadata' or 'curve' is expected here, and lines of theirs that begin with blanks")
                }
                section = text
                continue
            }
            guard let (name, value) = Self.property(text) else {
                throw problem("NAME = \"VALUE\" is expected here")
            }
            switch section {
            case "metadata":
                guard !metadata.contains(where: { $0.name == name }) else { throw problem("'\(name)' is given twice") }
                metadata.append((name, value, index + 1))
            case "curve":
                guard name == "public-key" || name == "secret-key" else {
                    throw problem("'public-key' or 'secret-key' is expected here, not '\(name)'")
                }
                guard KeyPair.isKey(value) else { throw problem("this is no key: one is 40 characters of Z85") }
                guard found.updateValue(value, forKey: name) == nil else { throw problem("'\(name)' is given twice") }
            default: throw problem("'metadata' or 'curve' is expected before this")
            }
        }
        guard let publicKey = found["public-key"] else {
            throw KeyProblem(path: path, line: nil, reason: "there is no public-key under 'curve' in it")
        }
        keys = KeyPair(publicKey: publicKey, secretKey: found["secret-key"])
        self.metadata = metadata
    }

    /// A line's name and value: quoted, or up to a comment.
    private static func property(_ text: String) -> (String, String)? {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        let name = trimmed(String(text[..<equals]))
        let rest = trimmed(String(text[text.index(after: equals)...]))
        guard !name.isEmpty, !name.contains(where: { $0 == " " || $0 == "\"" }) else { return nil }
        guard let quote = rest.first, quote == "\"" || quote == "'" else {
            // A comment begins with a blank, since a key may have this character in it.
            let words = rest.split(separator: " ", omittingEmptySubsequences: false)
            let value = trimmed(words.prefix { !$0.hasPrefix("#") }.joined(separator: " "))
            return value.isEmpty ? nil : (name, value)
        }
        let inner = rest.dropFirst()
        guard let end = inner.firstIndex(of: quote) else { return nil }
        let after = trimmed(String(inner[inner.index(after: end)...]))
        return after.isEmpty || after.hasPrefix("#") ? (name, String(inner[..<end])) : nil
    }

    private static func trimmed(_ text: String) -> String {
        func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }
        let end = text.lastIndex { !isBlank($0) }.map { text.index(after: $0) } ?? text.startIndex
        return String(text[..<end].drop(while: isBlank))
    }
}
