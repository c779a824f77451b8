/// Changes inputs at random, the same way for the same seed: what `make test` has of fuzzing.
package struct Mutator {
    private var state: UInt64
    private let seeds: [[UInt8]]

    package init(seed: UInt64, of seeds: [[UInt8]]) {
        precondition(!seeds.isEmpty, "nothing to change")
        state = seed
        self.seeds = seeds
    }

    /// The next input: one of the seeds with a few changes.
    package mutating func next(longest: Int) -> [UInt8] {
        var bytes = seeds[below(seeds.count)]
        for _ in 0...below(4) { change(&bytes) }
        if bytes.count > longest { bytes.removeLast(bytes.count - longest) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = below(bytes.count + 1)
        let end = min(bytes.count, place + 1 + below(below(4) == 0 ? 64 : 4))
        switch below(8) {
        case 0: bytes.insert(UInt8(truncatingIfNeeded: next()), at: place)
        case 1: bytes.removeSubrange(place..<end)
        case 2: if place < bytes.count { bytes[place] ^= 1 << UInt8(below(8)) }
        case 3: bytes.insert(contentsOf: Array(Words.all[below(Words.all.count)].utf8), at: place)
        case 4: bytes.replaceSubrange(place..<end, with: Array(Words.all[below(Words.all.count)].utf8))
        case 5: bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count + 1))
        case 6:
            let other = seeds[below(seeds.count)]
            bytes.replaceSubrange(place..., with: other[below(other.count + 1)...])
        default:
            // A digit for a digit keeps more inputs readable than any byte for any.
            guard let digit = bytes[place...].firstIndex(where: { $0 &- 48 < 10 }) else { return }
            bytes[digit] = 48 + UInt8(below(10))
        }
    }

    private mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % bound }

    /// A Weyl sequence, mixed by multiplications and shifts.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 32) &* 0xD6E8_FEB8_6659_FD93
        word = (word ^ word >> 32) &* 0xD6E8_FEB8_6659_FD93
        return word ^ word >> 32
    }
}
