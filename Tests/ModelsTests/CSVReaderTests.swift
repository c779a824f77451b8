import Models
import Testing

@Suite struct CSVReaderTests {
    static func records(_ text: String, piece: Int? = nil) -> [[String]] {
        var reader = CSVReader()
        var records: [[String]] = []
        func drain() {
            while reader.next() {
                records.append(
                    reader.fault.map { ["\($0)", "\(reader.line)"] } ?? (0..<reader.count).map { reader.text($0) })
            }
        }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            reader.append(rest.prefix(piece ?? rest.count))
            rest = rest.dropFirst(piece ?? rest.count)
            drain()
        }
        reader.finish()
        drain()
        return records
    }

    static let rows: [(text: String, records: [[String]])] = [
        ("", []),
        ("a", [["a"]]),
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("\u{FEFF}a,b\n", [["a", "b"]]),
        ("\n\r\na\n\n", [["a"]]),
        ("a,,\n,\n", [["a", "", ""], ["", ""]]),
        ("\"\"\n", []),
        ("\"a,b\",\"c\nd\",\"say \"\"hi\"\"\"\n", [["a,b", "c\nd", "say \"hi\""]]),
        ("\"a\"\r\nb\r\n", [["a"], ["b"]]),
        ("\"\"\"\",\"\"\"x\"\n", [["\"", "\"x"]]),
        ("5\" nail,b\n", [["5\" nail", "b"]]),
        ("\"a\"b,c\nd\n", [["textAfterQuote", "1"], ["d"]]),
        ("a,\"b\nc\nd\n", [["quoteNotClosed", "1"], ["c"], ["d"]]),
        ("a,b\n\"x\ny\",z\n\"q\nr\n", [["a", "b"], ["x\ny", "z"], ["quoteNotClosed", "4"], ["r"]]),
        ("é,\"é\"\n", [["é", "é"]]),
    ]

    @Test(arguments: rows)
    func `records are taken apart`(text: String, records: [[String]]) {
        #expect(Self.records(text) == records)
    }

    @Test(arguments: rows, [1, 2, 3, 5])
    func `pieces of any size give the same records`(row: (text: String, records: [[String]]), piece: Int) {
        #expect(Self.records(row.text, piece: piece) == row.records)
    }

    /// Texts of the characters that matter, and of others to fill them to many times sixteen bytes.
    static func text(_ seed: UInt64, _ characters: [Character]) -> String {
        var state = seed
        return String(
            (0..<700).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return characters[Int(state >> 33) % characters.count]
            })
    }

    @Test(arguments: 1...200)
    func `without quotes, records are lines and fields lie between commas`(seed: UInt64) {
        let text = Self.text(seed, Array("aaaaaaaaaaaé\u{2C}\u{A}"))
        let expected = text.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(Self.records(text) == expected)
    }

    @Test(arguments: 1...100, [1, 7, 15, 16, 17, 64])
    func `records are the same however the bytes come`(seed: UInt64, piece: Int) {
        let text = Self.text(seed, Array("aaaaaaaa,,,\"\"\r\n\n"))
        #expect(Self.records(text, piece: piece) == Self.records(text))
    }

    @Test func `a record may have many fields`() {
        let fields = (0..<1_000).map { String($0) }
        let line = fields.joined(separator: ",") + "\n"
        #expect(Self.records(line + "a,b,and something of sixteen bytes\n" + line).map(\.count) == [1_000, 3, 1_000])
        #expect(Self.records(line) == [fields])
    }

    @Test func `a record without end costs bounded memory and is a fault`() {
        let long = String(repeating: "x", count: CSVReader.recordBytesMax + 10)
        let records = Self.records("a\n\(long)\nb\n", piece: 1_000)
        #expect(records.first == ["a"])
        #expect(records.last == ["b"])
        #expect(records.contains { $0.first == "tooLong" })
    }

    @Test func `a quote that is never closed costs one line of a long file`() {
        let lines = String(repeating: "1,2\n", count: 100_000)
        let records = Self.records("a,b\n\"\(lines)", piece: 4_096)
        #expect(records.count == 100_001)
        #expect(records[1] == ["quoteNotClosed", "2"])
    }

    @Test func `lines are counted through quoted line ends and blank lines`() {
        var reader = CSVReader(Array("a\n\n\"b\nc\"\nd".utf8))
        var lines: [Int] = []
        while reader.next() { lines.append(reader.line) }
        #expect(lines == [1, 3, 5])
    }
}
