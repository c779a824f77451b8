/// Where the lower-layer areas (LSOAs) lie that the records name.
struct Places {
    enum Place: Equatable {
        /// Index into the force's areas.
        case area(Int)
        /// In another force's area.
        case elsewhere
    }

    /// By code: all LSOAs of 2011.
    private var codes = TextIndex()
    private var placesOfCodes: [Place] = []
    /// By name: all MSOAs of 2011.
    private var names = TextIndex()
    private var placesOfNames: [Place] = []

    mutating func add(code: UnsafeRawBufferPointer, _ place: Place) {
        if codes.insert(code) == placesOfCodes.count { placesOfCodes.append(place) }
    }

    /// - Parameter name: An MSOA's, such as `Liverpool 031`.
    mutating func add(name: UnsafeRawBufferPointer, _ place: Place) {
        if names.insert(name) == placesOfNames.count { placesOfNames.append(place) }
    }

    /// Nil for a code that is none of 2011.
    func place(ofCode code: UnsafeRawBufferPointer) -> Place? { codes.number(of: code).map { placesOfCodes[$0] } }

    /// The place of the MSOA in an LSOA's name: `Liverpool 031A` lies in `Liverpool 031`.
    ///
    /// So LSOAs of another census are placed that the reference does not know. Names are unique in England and Wales and
    /// numbers are not used again: an MSOA that was split or merged since 2011 has a number that 2011 did not have, and
    /// nil comes back.
    func place(ofLSOAName name: UnsafeRawBufferPointer) -> Place? {
        var end = name.count
        while end > 0, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(name[end - 1]) { end -= 1 }
        guard end < name.count, end > 0, Self.isDigit(name[end - 1]) else { return nil }
        return names.number(of: UnsafeRawBufferPointer(rebasing: name[..<end])).map { placesOfNames[$0] }
    }

    /// Whether a code is made like those of the LSOAs of England and Wales, `E01012391` or `W01000003`.
    static func isLSOACode(_ code: UnsafeRawBufferPointer) -> Bool {
        code.count == 9 && (code[0] == UInt8(ascii: "E") || code[0] == UInt8(ascii: "W"))
            && code[1] == UInt8(ascii: "0") && code[2] == UInt8(ascii: "1") && code[3...].allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
