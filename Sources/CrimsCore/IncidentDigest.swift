/// A fingerprint of incidents in their order: two drawings of the same steps have the same one.
///
/// It is there to notice a drawing that differs, not to withstand somebody who wants one that does not.
public struct IncidentDigest: Equatable, Sendable {
    public private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

    public init() {}

    /// Takes the incidents of some rows; how they are cut into calls does not matter.
    public mutating func add(_ columns: IncidentColumns, _ rows: Range<Int>) {
        var hash = value
        let origin = columns.origin.minutes
        for row in rows {
            // Areas, crimes, minutes and suspects in places of their own; the id is folded in between two rounds.
            let place = UInt64(columns.area[row]) << 48 | UInt64(columns.crime[row]) << 32
            let moment = UInt64(UInt32(truncatingIfNeeded: origin + Int(columns.time[row]))) << 1
            hash = Self.mix(hash ^ UInt64(bitPattern: columns.id[row]))
            hash = Self.mix(hash ^ (place | moment) ^ UInt64(columns.suspect[row]))
        }
        value = hash
    }

    /// A step of a multiplicative hash: the high half of the product comes down on the low one.
    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.low ^ product.high ^ value << 1
    }
}
