import Glibc

/// Why HTTP is not served.
public enum WebError: Error, Equatable, CustomStringConvertible {
    /// An address that cannot be one, or that is not served.
    case address(String, reason: String)
    case system(call: String, address: String, reason: String)
    /// A file with a token that is not in order.
    case token(path: String, reason: String)
    /// A file with boundaries that is not in order.
    case boundaries(path: String, reason: String)

    public var description: String {
        switch self {
        case .address(let address, let reason): "\(address): \(reason)"
        case .system(let call, let address, let reason): "\(call) \(address): \(reason)"
        case .token(let path, let reason), .boundaries(let path, let reason): "\(path): \(reason)"
        }
    }

    static func last(_ call: String, _ address: String) -> WebError {
        .system(call: call, address: address, reason: String(cString: strerror(errno)))
    }
}
