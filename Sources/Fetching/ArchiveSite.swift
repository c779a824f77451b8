import CrimsCore
import Protocol

/// Where archives come from.
public struct ArchiveSite: Equatable, Sendable {
    public static let standardBase = "https://data.police.uk/data/archive"

    /// Addresses of folders, without a slash at the end, the likelier first.
    let folders: [String]

    /// - Parameter base: The address of the folder that the archives are in, or of a server alone, which is then taken
    ///   to have them where data.police.uk has. Nil if it is no `http` or `https` address, or has a user or a query.
    public init?(base: String) {
        let lower = base.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }),
            base.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else { return nil }
        var address = base
        while address.last == "/" { address.removeLast() }
        guard address.count > scheme.count else { return nil }
        let rest = address.dropFirst(scheme.count)
        // Addresses are shown; a password would be.
        guard rest.first != "/", !rest.contains("@") else { return nil }
        folders = rest.contains("/") ? [address] : [address + "/data/archive", address]
    }

    /// Where an archive may be, the likelier first.
    package func addresses(of name: String) -> [String] { folders.map { "\($0)/\(name)" } }

    /// What an archive is called here and there.
    package static func name(of archive: CivilMonth) -> String { archive.text + ".zip" }

    /// Whether an address is of this machine, where no proxy leads.
    package static func isLoopback(_ address: String) -> Bool {
        let parts = address.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count > 1 else { return false }
        let host = parts[1].lowercased()
        return ["localhost", "127.0.0.1", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
    }
}
