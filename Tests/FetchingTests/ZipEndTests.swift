import Fetching
import Testing

@Suite struct ZipEndTests {
    /// A directory of so many bytes at an offset, and the end record.
    private func end(offset: Int, length: Int, entries: Int = 1, comment: Int = 0) -> [UInt8] {
        func bytes(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return [0x50, 0x4B, 5, 6] + bytes(0, 4) + bytes(entries, 2) + bytes(entries, 2) + bytes(length, 4)
            + bytes(offset, 4) + bytes(comment, 2) + [UInt8](repeating: 7, count: comment)
    }

    private func isWhole(_ tail: [UInt8], size: Int) -> Bool { ZipEnd.directory(tail: tail, size: size) != nil }

    @Test func `the end of a zip file is found`() throws {
        let found = try #require(ZipEnd.directory(tail: end(offset: 500, length: 100), size: 622))
        #expect(found == (500, 1))
        #expect(isWhole([1, 2, 3] + end(offset: 500, length: 100), size: 622))
        #expect(isWhole(end(offset: 500, length: 100, comment: 9), size: 631))
    }

    @Test func `an end that is cut, followed by something, or of another file is none`() {
        let whole = end(offset: 500, length: 100)
        for count in 0..<whole.count { #expect(!isWhole(Array(whole.prefix(count)), size: 600 + count)) }
        #expect(!isWhole(whole + [0], size: 623))
        #expect(!isWhole(whole, size: 621))
        #expect(!isWhole([], size: 0))
        #expect(!isWhole([UInt8](repeating: 0x50, count: 70_000), size: 70_000))
    }

    @Test func `a file too large for the record has another`() throws {
        let large = end(offset: 0xFFFF_FFFF, length: 100)
        let locator: [UInt8] = [0x50, 0x4B, 6, 7] + [UInt8](repeating: 0, count: 16)
        let found = try #require(ZipEnd.directory(tail: locator + large, size: 5_000_000_000))
        #expect(found.offset == nil)
        #expect(!isWhole([UInt8](repeating: 0, count: 20) + large, size: 5_000_000_000))
    }

    @Test func `zip files begin like zip files`() {
        #expect(ZipEnd.isBeginning([0x50, 0x4B, 3, 4]) && ZipEnd.isBeginning([0x50, 0x4B, 5, 6]))
        #expect(!ZipEnd.isBeginning(Array("<htm".utf8)) && !ZipEnd.isBeginning([0x50, 0x4B, 3]))
    }

    @Test func `a file that is not there or no file is none`() {
        #expect(ZipEnd.fault(of: "/nowhere/at/all") != nil)
        #expect(ZipEnd.fault(of: "/") != nil)
    }
}
