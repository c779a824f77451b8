/// Numbers texts by their bytes, from 0 in the order in which they first come.
///
/// Made for the columns of a million rows, which say the same few thousand things: a look-up makes no `String`.
struct TextIndex {
    private var bytes: [UInt8] = []
    /// Where in `bytes` each text ends.
    private var ends: [Int] = []
    /// Open addressing: a text's number, or -1. At most half of the slots are taken.
    private var slots = [Int32](repeating: -1, count: 64)

    var count: Int { ends.count }

    /// The text's number; nil for one that has not been ``insert(_:)``ed.
    func number(of text: UnsafeRawBufferPointer) -> Int? {
        let number = slots[slot(of: text)]
        return number < 0 ? nil : Int(number)
    }

    /// The text's number, a new one if need be.
    @discardableResult
    mutating func insert(_ text: UnsafeRawBufferPointer) -> Int {
        let slot = slot(of: text)
        if slots[slot] >= 0 { return Int(slots[slot]) }
        let number = count
        slots[slot] = Int32(number)
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        if 2 * count > slots.count { grow() }
        return number
    }

    @discardableResult
    mutating func insert(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { insert(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes that are not UTF-8 are replaced.
    func text(_ number: Int) -> String {
        String(decoding: bytes[(number > 0 ? ends[number - 1] : 0)..<ends[number]], as: UTF8.self)
    }

    private func slot(of text: UnsafeRawBufferPointer) -> Int {
        var slot = Int(truncatingIfNeeded: ByteHash.quick(text)) & (slots.count - 1)
        while slots[slot] >= 0, !matches(Int(slots[slot]), text) { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private func matches(_ number: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = number > 0 ? ends[number - 1] : 0
        let count = text.count
        guard ends[number] - start == count else { return false }
        return bytes.withUnsafeBytes { bytes in
            var index = 0
            while index + 8 <= count {
                let word = bytes.loadUnaligned(fromByteOffset: start + index, as: UInt64.self)
                if word != text.loadUnaligned(fromByteOffset: index, as: UInt64.self) { return false }
                index += 8
            }
            while index < count {
                if bytes[start + index] != text[index] { return false }
                index += 1
            }
            return true
        }
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            let range = (number > 0 ? ends[number - 1] : 0)..<ends[number]
            let hash = bytes.withUnsafeBytes { ByteHash.quick(UnsafeRawBufferPointer(rebasing: $0[range])) }
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }
}

/// Hashes that are the same in every process, unlike Swift's.
enum ByteHash {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Of all bytes: equal for different texts by a chance of 2⁻⁶⁴.
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        guard count >= 16 else { return quick(bytes) }
        // Two at a time, as a multiplication has to wait for the one before it.
        var even = UInt64(truncatingIfNeeded: count)
        var odd = factor
        var index = 0
        while index + 16 < count {
            even = mixed(even ^ word(bytes, index))
            odd = mixed(odd ^ word(bytes, index + 8))
            index += 16
        }
        // The last sixteen bytes, some of them again, rather than the rest one by one.
        return mixed(mixed(even ^ word(bytes, count - 16)) &+ mixed(odd ^ word(bytes, count - 8)))
    }

    /// Of length, first and last eight bytes, for those who compare the texts anyway.
    static func quick(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        let length = UInt64(truncatingIfNeeded: count) &* factor
        if count >= 8 { return mixed(word(bytes, 0) ^ length &+ word(bytes, count - 8) &* factor) }
        var all: UInt64 = 0
        for byte in bytes { all = all << 8 | UInt64(byte) }
        return mixed(all ^ length)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Both halves of a product in one; the factor is odd and the golden ratio's.
    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }
}
