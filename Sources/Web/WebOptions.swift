import CSystem
import Glibc
import Protocol

/// What `crims serve` says of HTTP.
public struct WebOptions: Sendable {
    public var address: WebAddress
    /// Names besides the address's own under which a proxy serves this.
    public var names: [String] = []
    /// Who has it may adjust; nil for nobody.
    public var token: [UInt8]?
    /// Who has neither this nor ``token`` may not even read; nil for everybody may.
    public var readToken: [UInt8]?
    /// Requests a second of one address; 0 for no bound.
    public var rate = 200
    /// Connections at once.
    public var connections = 10_000
    public var version = ""
    /// Where the page's files are looked for, in this order.
    public var pageFolders: [String] = []

    public init(address: WebAddress) { self.address = address }

    /// Has no more connections than there are descriptors for: those that others leave, and a quarter of all in any case.
    ///
    /// - Parameter others: descriptors that others would have if there were enough.
    public mutating func fitDescriptors(beside others: Int) {
        let all = Int(crims_raise_descriptor_limit())
        connections = max(8, min(connections, max(all / 4, all - others)))
    }

    private static let tokenMin = 16

    /// Reads a token, which nobody else may be able to read: the first line of a file.
    public static func token(at path: String) throws(WebError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .token(path: path, reason: "it is no file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .token(path: path, reason: "others may read it: type  chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &bytes, bytes.count)
        let line = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard line.count >= tokenMin, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .token(
                path: path,
                reason: "its first line is not \(tokenMin) letters and digits or more: make one with  "
                    + "openssl rand -hex 32 > \(path)")
        }
        return Array(line)
    }

    /// Whether an `Authorization` has the token that lets its sender adjust.
    package func admits(_ authorization: String?) -> Bool {
        Self.bearer(authorization).map { Self.same($0, token) } ?? false
    }

    /// Whether who sent this may read.
    ///
    /// - Parameter password: what a browser that was asked for one has sent in place of a token.
    package func mayRead(_ authorization: String?, password: String?) -> Bool {
        guard readToken != nil else { return true }
        let given = [Self.bearer(authorization), password.map { Array($0.utf8) }].compactMap { $0 }
        return given.contains { Self.same($0, readToken) || Self.same($0, token) }
    }

    private static func bearer(_ authorization: String?) -> [UInt8]? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        return Array(authorization.utf8.dropFirst(7))
    }

    /// In a time that does not depend on how much of it is right.
    private static func same(_ given: [UInt8], _ token: [UInt8]?) -> Bool {
        guard let token, given.count == token.count else { return false }
        return zip(given, token).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
