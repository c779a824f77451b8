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

    /// A hash, without memory of its own.
    public struct Digest: Equatable, Sendable {
        private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        /// What nothing has.
        public static let zero = Digest()

        init() {}

        /// Nil unless there are as many bytes as a hash has.
        public init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count == byteCount else { return nil }
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
        }

        public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

        public func copy(to place: UnsafeMutableRawPointer) {
            withBytes { place.copyMemory(from: $0.baseAddress!, byteCount: byteCount) }
        }

        public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            withUnsafeBytes(of: words, body)
        }

        /// Lower-case hexadecimal digits.
        public var text: String { Hexadecimal.text(withBytes { Array($0) }) }

        fileprivate mutating func take(_ bytes: [UInt8]) {
            withUnsafeMutableBytes(of: &words) {
                _ = crypto_generichash(
                    $0.baseAddress!.assumingMemoryBound(to: UInt8.self), byteCount, bytes, UInt64(bytes.count), nil, 0)
            }
        }
    }

    public static func hash(_ bytes: [UInt8]) -> Digest {
        var digest = Digest()
        digest.take(bytes)
        return digest
    }
}

public enum Hexadecimal {
    /// Two lower-case digits a byte.
    public static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
