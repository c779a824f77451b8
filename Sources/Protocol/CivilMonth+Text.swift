import CrimsCore

extension CivilMonth {
    /// Reads `2018-01`; nil for anything else.
    public init?(text: String) { self.init(text: text.utf8) }

    /// Reads the bytes of `2018-01`; nil for anything else.
    public init?(text: some Collection<UInt8>) {
        guard text.count == 7 else { return nil }
        var digits: [Int] = []
        for (index, byte) in text.enumerated() {
            if index == 4 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard case let digit = byte &- UInt8(ascii: "0"), digit < 10 else { return nil }
                digits.append(Int(digit))
            }
        }
        let month = digits[4] * 10 + digits[5]
        guard (1...12).contains(month) else { return nil }
        self.init(year: digits[0] * 1_000 + digits[1] * 100 + digits[2] * 10 + digits[3], month: month)
    }

    /// `2018-01`.
    public var text: String {
        let digits = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return month < 10 ? "\(padded)-0\(month)" : "\(padded)-\(month)"
    }
}
