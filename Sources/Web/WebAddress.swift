import Glibc

/// An address of this machine to listen at.
///
/// There is no TLS and no log-in here, so nobody but this machine is served: others come through a proxy that has both,
/// or through a tunnel.
public struct WebAddress: Equatable, Sendable {
    /// As it stands in an address: `127.0.0.1`, `localhost` or `[::1]`.
    package var host: String
    /// 0 for any.
    package var port: UInt16

    /// - Parameter text: `HOST:PORT`; port `*` or 0 for any.
    public init(_ text: String) throws(WebError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw .address(text, reason: "the port is missing: 127.0.0.1:8080, or :* for any")
        }
        host = String(text[..<colon])
        let words = text[text.index(after: colon)...]
        guard let number = words == "*" ? 0 : UInt16(words) else {
            throw .address(text, reason: "the port is a number up to 65535, or * for any")
        }
        port = number
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        guard
            host == "localhost" || host == "[::1]"
                || octets.count == 4 && octets[0] == "127" && octets.allSatisfy({ UInt8($0) != nil })
        else {
            throw .address(
                text,
                reason:
                    "HTTP is served to this machine only, since it has neither TLS nor log-in: use 127.0.0.1:\(words), "
                    + "and an SSH tunnel or a proxy (with --http-host NAME) from elsewhere")
        }
    }

    /// Listens.
    ///
    /// - Returns: the descriptor, and this address with the port that it came to.
    func listen() throws(WebError) -> (descriptor: Int32, address: WebAddress) {
        let isSix = host == "[::1]"
        let descriptor = socket(
            isSix ? AF_INET6 : AF_INET,
            Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw .last("socket", host) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var result = self
        var isBound = false
        if isSix {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            isBound = Self.bind(descriptor, &address)
            result.port = UInt16(bigEndian: address.sin6_port)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr)
            isBound = Self.bind(descriptor, &address)
            result.port = UInt16(bigEndian: address.sin_port)
        }
        guard isBound, Glibc.listen(descriptor, 1_024) == 0 else {
            let error = WebError.last("bind", "\(host):\(port)")
            close(descriptor)
            throw error
        }
        return (descriptor, result)
    }

    /// Binds, and puts the address that it came to in the place of the one asked for.
    private static func bind<Address>(_ descriptor: Int32, _ address: inout Address) -> Bool {
        var length = socklen_t(MemoryLayout<Address>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
    }

    package var url: String { "http://\(host):\(port)" }

    /// A peer's address as a key: IPv6 networks of one house are one.
    static func key(of address: UnsafePointer<sockaddr>?) -> String {
        guard let address else { return "" }
        if Int32(address.pointee.sa_family) == AF_INET {
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { "\($0.pointee.sin_addr.s_addr)" }
        }
        return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
            withUnsafeBytes(of: pointer.pointee.sin6_addr) { "\(Array($0.prefix(8)))" }
        }
    }
}
