/// Finds the Crime IDs that a file repeats.
///
/// data.police.uk gives the crimes of one report the same id: they differ in place or outcome, now and then in nothing.
/// Each is a recorded crime, and counts.
struct RepeatedIDs {
    /// Hashes of 64 bits in open addressing, 0 for a free slot; two ids of a million share one by a chance of 10⁻⁸.
    private var slots = [UInt64](repeating: 0, count: 1 << 12)
    private var count = 0

    /// A month of the largest force has a tenth of this; what a file has beyond is not watched.
    static let idsMax = 1 << 20

    /// Forgets what it has seen, before another file.
    mutating func forget() {
        for index in slots.indices { slots[index] = 0 }
        count = 0
    }

    /// Whether the file has had the id before.
    mutating func sees(_ id: UnsafeRawBufferPointer) -> Bool {
        let hash = max(ByteHash.of(id), 1)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] == hash { return true }
            slot = (slot + 1) & (slots.count - 1)
        }
        guard count < Self.idsMax else { return false }
        slots[slot] = hash
        count += 1
        if 2 * count > slots.count { grow() }
        return false
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: 2 * old.count)
        for hash in old where hash != 0 {
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = hash
        }
    }
}
