/// Which `Host` and which `Origin` a request may name.
///
/// A page of somebody else's reaches a server of this machine by a name of its own that leads here (DNS rebinding), or by
/// posting across sites; its browser tells on it by these two.
package struct HostRule: Sendable {
    /// Lower case, without port.
    private let names: Set<String>

    /// - Parameter names: what `--http-host` says: names under which a proxy serves this.
    package init(bound: [String], names: [String]) {
        self.names = Set((["localhost", "127.0.0.1", "[::1]"] + bound + names).map { $0.lowercased() })
    }

    /// Any port, since a tunnel has another one.
    package func require(host: String?) throws(WebRefusal) {
        guard let host, names.contains(Self.name(of: host)) else {
            throw WebRefusal(
                .misdirected,
                "this is not served under \(host.map { "'\($0.prefix(100))'" } ?? "no name"): use the address that the "
                    + "daemon was started with, or give the name with --http-host")
        }
    }

    /// For a request that changes something: sent by our own page, or by no page at all.
    package func requireSameSite(host: String?, origin: String?, fetchSite: String?) throws(WebRefusal) {
        if let fetchSite, fetchSite != "same-origin", fetchSite != "none" { throw Self.crossSite }
        guard let origin else { return }
        let lower = origin.lowercased()
        guard let host = host?.lowercased(), lower == "http://" + host || lower == "https://" + host else {
            throw Self.crossSite
        }
    }

    private static let crossSite: WebRefusal = {
        var refusal = WebRefusal(.forbidden, "a page of another site may not change anything here")
        refusal.code = "cross_site"
        return refusal
    }()

    /// Lower case, without the port.
    private static func name(of host: String) -> String {
        let lower = host.lowercased()
        if lower.hasPrefix("[") { return lower.firstIndex(of: "]").map { String(lower[...$0]) } ?? lower }
        return String(lower.prefix { $0 != ":" })
    }
}
