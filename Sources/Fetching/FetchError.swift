import Protocol

/// Why an archive could not be fetched.
public enum FetchError: Error, Equatable, CustomStringConvertible {
    /// No address that it may have has it.
    case notPublished(name: String, addresses: [String])
    /// The server will not give it, and asking again will not help.
    case refused(address: String, status: Int)
    /// There is no way to the server.
    case unreachable(address: String, reason: String)
    /// The way to the server is not right: a certificate, a redirect.
    case failed(address: String, reason: String)
    /// It was tried often enough.
    case gaveUp(address: String, reason: String, tries: Int, kept: KeptPart?)
    /// The server asks to be left alone for longer than is waited.
    case comeBack(address: String, status: Int, seconds: Int, kept: KeptPart?)
    /// Something else than an archive was sent.
    case notArchive(address: String, reason: String)
    /// All was sent, twice, and it is no archive.
    case damaged(address: String, reason: String)
    /// The disk does not take it.
    case storage(path: String, reason: String, kept: KeptPart?)
    /// SIGINT or SIGTERM came.
    case interrupted(signal: Int32, kept: KeptPart?)

    public var description: String {
        switch self {
        case .notPublished(let name, let addresses):
            """
            there is no \(name): 404 from \(addresses.joined(separator: " and ")). data.police.uk has an archive for \
            each month since 2013-12, some two months after it; https://data.police.uk/data/archive/ lists them. \
            Ask for months up to the last one there (--to), or elsewhere (--base)
            """
        case .refused(let address, let status): "\(address): the server refuses it (HTTP \(status))"
        case .unreachable(let address, let reason):
            "\(address): no way to the server: \(reason); look at the network, the proxy, or --base"
        case .failed(let address, let reason): "\(address): \(reason)"
        case .gaveUp(let address, let reason, let tries, let kept):
            "\(address): \(reason); given up after \(tries == 1 ? "one try" : "\(tries) tries")" + Self.text(kept)
        case .comeBack(let address, let status, let seconds, let kept):
            "\(address): the server is busy and asks to come back in \(Amount.time(Double(seconds))) (HTTP \(status))"
                + Self.text(kept)
        case .notArchive(let address, let reason):
            "\(address): no zip archive was sent, but \(reason); is --base right?"
        case .damaged(let address, let reason):
            "\(address): what was sent is damaged: \(reason). It was fetched twice and thrown away"
        case .storage(let path, let reason, let kept): "\(path): \(reason)" + Self.text(kept)
        case .interrupted(_, let kept): "interrupted" + Self.text(kept)
        }
    }

    private static func text(_ kept: KeptPart?) -> String {
        guard let kept else { return "" }
        return "; \(Amount.bytes(kept.bytes)) are kept in \(kept.path), and the same command goes on from there"
    }
}

/// What is left of an archive for the next time.
public struct KeptPart: Equatable, Sendable {
    public var path: String
    public var bytes: Int

    public init(path: String, bytes: Int) {
        self.path = path
        self.bytes = bytes
    }
}

/// Sizes and times for people.
package enum Amount {
    /// `812 B`, `3.4 MB`, `1.73 GB`: three digits, powers of 1,000.
    package static func bytes(_ count: Int) -> String {
        guard count >= 1_000 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        // What would round to 1,000 belongs to the next unit.
        while value >= 999.5, unit < 4 {
            value /= 1_000
            unit += 1
        }
        let places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return Decimal.fixed(value, places: places) + [" B", " kB", " MB", " GB", " TB"][unit]
    }

    /// `0.2 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
    package static func time(_ seconds: Double) -> String {
        if seconds < 9.95, seconds != seconds.rounded() { return Decimal.fixed(max(0, seconds), places: 1) + " s" }
        let whole = Int(min(max(0, seconds.rounded()), 1e9))
        if whole < 60 { return "\(whole) s" }
        if whole < 3_600 { return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "") }
        return "\(whole / 3_600) h" + (whole / 60 % 60 > 0 ? " \(whole / 60 % 60) min" : "")
    }
}
