import CZMQ
import Protocol

/// Why a socket does not do what it was asked to.
public enum MessagingError: Error, Equatable, CustomStringConvertible {
    /// A call of libzmq failed.
    case system(call: String, endpoint: String, reason: String)
    /// An endpoint that is not served without keys, or is no endpoint.
    case endpoint(String, reason: String)
    /// Nobody answered in time.
    case silent(endpoint: String, seconds: Double, hasKey: Bool)
    /// The daemon refused a request.
    case refused(code: String, message: String)
    /// An answer that is not of this protocol.
    case garbled(String)
    /// Files of keys that are not in order, one at least.
    case keys([KeyProblem])

    public var description: String {
        switch self {
        case .system(let call, let endpoint, let reason): "\(call) \(endpoint): \(reason)"
        case .endpoint(let endpoint, let reason): "\(endpoint): \(reason)"
        case .silent(let endpoint, let seconds, let hasKey):
            "no answer from \(endpoint) within \(Decimal.fixed(seconds, places: 0)) s: is 'crims serve' running there, and "
                + "\(hasKey ? "does it admit this key, and is this its server key?" : "does it want a key (--client-key, --server-key)?")"
        case .refused(let code, let message): "\(message) (\(code))"
        case .keys(let problems): problems.map { "\($0)" }.joined(separator: "\n")
        case .garbled(let what): "an answer that is not of this protocol: \(what)"
        }
    }

    static func last(_ call: String, _ endpoint: String = "") -> MessagingError {
        .system(call: call, endpoint: endpoint, reason: String(cString: zmq_strerror(zmq_errno())))
    }
}

/// The endpoints that may be used.
public enum Endpoint {
    /// A client may connect to any machine.
    static func requireKnown(_ endpoint: String) throws(MessagingError) {
        guard endpoint.hasPrefix("tcp://") || endpoint.hasPrefix("ipc://") else {
            throw .endpoint(endpoint, reason: "an endpoint is tcp://ADDRESS:PORT or ipc://PATH")
        }
    }

    /// An endpoint that a daemon may listen on, with keys or without.
    ///
    /// Without keys everybody who reaches a socket may do everything, so only this machine may.
    public static func requireServable(_ endpoint: String, hasKeys: Bool) throws(MessagingError) {
        if endpoint.hasPrefix("ipc://"), endpoint.utf8.count > 6 { return }
        guard endpoint.hasPrefix("tcp://") else {
            throw .endpoint(endpoint, reason: "an endpoint is tcp://127.0.0.1:PORT (or :* for any port) or ipc://PATH")
        }
        let address = endpoint.dropFirst(6)
        guard let colon = address.lastIndex(of: ":") else {
            throw .endpoint(endpoint, reason: "the port is missing: tcp://127.0.0.1:5555, or :* for any")
        }
        let port = address[address.index(after: colon)...]
        guard port == "*" || Int(port).map({ (1...65_535).contains($0) }) == true else {
            throw .endpoint(endpoint, reason: "the port is a number from 1 to 65535, or * for any")
        }
        let host = address[..<colon]
        if hasKeys {
            guard !host.isEmpty else { throw .endpoint(endpoint, reason: "the address is missing: 0.0.0.0 for any") }
            return
        }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        let loopback =
            host == "localhost" || host == "[::1]"
            || octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
        guard loopback else {
            throw .endpoint(
                endpoint,
                reason: "without keys the daemon listens on this machine only: use tcp://127.0.0.1:\(port) or "
                    + "ipc://PATH, and an SSH tunnel from elsewhere; or make keys with 'crims keys new' and give "
                    + "--server-key and --client-keys")
        }
    }
}
