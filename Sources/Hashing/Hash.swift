import CSodium
import Glibc

/// SHA-256, by libsodium, fed piece by piece.
public struct SHA256 {
    private var state = crypto_hash_sha256_state()

    public init() {
        precondition(sodium_init() >= 0, "libsodium does not start")
        crypto_hash_sha256_init(&state)
    }

    public mutating func update(_ bytes: [UInt8]) { crypto_hash_sha256_update(&state, bytes, UInt64(bytes.count)) }

    /// Lower-case hexadecimal, `[64]`.
    public consuming func hexadecimal() -> String {
        var hash = [UInt8](repeating: 0, count: 32)
        crypto_hash_sha256_final(&state, &hash)
        return Hexadecimal.text(hash)
    }
}

/// BLAKE2b with 32 bytes, by libsodium: several times as fast as SHA-256, for what is hashed at every request.
public enum BLAKE2b {
    public static let byteCount = 32

    /// Whether the bytes have this hash.
    public static func matches(_ bytes: [UInt8], _ hash: [UInt8]) -> Bool {
        guard hash.count == byteCount else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount) { own in
            crypto_generichash(own.baseAddress!, byteCount, bytes, UInt64(bytes.count), nil, 0)
            return hash.withUnsafeBytes { memcmp($0.baseAddress!, own.baseAddress!, byteCount) == 0 }
        }
    }

    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { hash, count in
            crypto_generichash(hash.baseAddress!, byteCount, bytes, UInt64(bytes.count), nil, 0)
            count = byteCount
        }
    }
}

public enum Hexadecimal {
    /// Two lower-case digits a byte.
    public static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
