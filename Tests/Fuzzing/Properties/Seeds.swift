/// Inputs to begin with, kept as text: one after the other, each followed by a line of `%%`.
///
/// One that begins with `hex ` is bytes in hexadecimal digits, with blanks and line ends between them as they like.
package enum Seeds {
    package static func parse(_ text: [UInt8]) -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        var lines: [ArraySlice<UInt8>] = []
        for line in text.split(separator: 10, omittingEmptySubsequences: false) {
            guard line.elementsEqual("%%".utf8) else {
                lines.append(line)
                continue
            }
            seeds.append(decode(Array(lines.joined(separator: [10]))))
            lines = []
        }
        return seeds
    }

    private static func decode(_ seed: [UInt8]) -> [UInt8] {
        guard seed.starts(with: "hex ".utf8) else { return seed }
        var digits = seed.dropFirst(4).compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map { UInt8($0) } }
        if digits.count % 2 == 1 { digits.removeLast() }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
