import CrimsCore
import Protocol
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        (#"{"a":[1,-2.5e3,true,false,null,"x"]}"#, 1),
        (" [ ] ", 1), (#""\u00e9\ud83d\ude00\n""#, 1), ("0", 1), ("-0.5", 1),
        ("", 0), ("{", 0), ("[1,]", 0), (#"{"a"}"#, 0), (#"{a:1}"#, 0), ("01", 0), ("+1", 0), (".5", 0), ("1.", 0),
        ("nul", 0), ("[1] x", 0), ("\"a\nb\"", 0), (#""\ud83d""#, 0), (#""\x""#, 0), ("1e", 0), ("--1", 0),
    ])
    func `what is JSON is read and what is not is refused`(text: String, good: Int) {
        #expect(((try? JSON(parsing: text.utf8)) != nil) == (good == 1))
    }

    @Test func `nesting is bounded`() {
        let deep = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect((try? JSON(parsing: deep.utf8)) != nil)
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: "[\(deep)]".utf8) }
        let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: hostile) }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func `what Python writes for numbers that are none is read, to be refused by its field`() throws {
        #expect(try JSON(parsing: "Infinity".utf8) == .number(.infinity))
        #expect(try JSON(parsing: "1e999".utf8) == .number(.infinity))
        let value = try #require(try JSON(parsing: "NaN".utf8).number)
        #expect(value.isNaN)
    }

    @Test func `a document comes back as it was written`() throws {
        let text = #"{"b":1,"a":[0.1,"\"\\é",{}],"b":9007199254740991}"#
        var writer = ByteWriter()
        writer.json(try JSON(parsing: text.utf8))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    }
}

@Suite struct DecimalTests {
    @Test(arguments: [
        "0", "1", "-1.5", "0.1", "123456789012345678", "1e22", "1e-22", "4.9e-324", "1.7976931348623157e308",
        "826.1900614",
        "0.000001", "9007199254740993", "2.2250738585072014e-308", "179769313486231580793e289",
    ])
    func `numbers are read as the standard library reads them`(text: String) {
        #expect(Decimal.parse(Array(text.utf8)) == Double(text))
    }

    @Test(arguments: ["", "-", "+1", "1.", ".1", "1e", "0x10", "1 ", "nan", "1,5"])
    func `other texts are no numbers`(text: String) { #expect(Decimal.parse(Array(text.utf8)) == nil) }

    @Test(arguments: [
        (18.43610271, "18.4361027"), (0, "0"), (1, "1"), (-0.25, "-0.25"), (165_427.325_04, "165427.325"),
        (999_999_999.7, "1000000000"), (0.000123456789123, "0.000123456789"), (1.5e-7, "1.5e-07"),
        (123_456_789_012, "123456789000"), (1e16, "1e+16"), (2.5e300, "2.5e+300"), (0.999_999_999_96, "1"),
    ])
    func `reals are written to nine significant digits`(value: Double, text: String) {
        #expect(Decimal.format(value, significantDigits: 9) == text)
    }

    @Test func `what is written to nine digits reads back within half a unit of them`() {
        var value = 1e-12
        while value < 1e14 {
            let back = Decimal.parse(Array(Decimal.format(value, significantDigits: 9).utf8)) ?? .nan
            #expect(abs(back - value) <= 5.1e-9 * value, "\(value)")
            value *= 1.618_033_988_7
        }
    }
}

@Suite struct TimeTextTests {
    @Test(arguments: [
        ("2020-01-31T23:00:00", true), ("2020-01-31T23:00", true), ("2020-02-29", true), ("1970-01-01", true),
        ("2019-02-29", false), ("2020-1-1", false), ("2020-01-01T24:00", false), ("2020-01-01 10:00", false),
        ("2020-01-01T10:00:30", false), ("2020-01-01T10:00:00Z", false), ("1969-12-31", false), ("2210-01-01", false),
        ("2020-13-01", false), ("2020-01-00", false), ("", false), ("2020-01-01T10", false),
    ])
    func `times are read strictly`(text: String, good: Bool) { #expect((TimeText.parse(text) != nil) == good) }

    @Test func `times come back as they were written`() throws {
        let time = try #require(TimeText.parse("2020-02-29T23:59"))
        #expect(TimeText.format(time) == "2020-02-29T23:59:00")
    }

    @Test(
        arguments: [
            ("15m", .minutes(15)), ("60m", .minutes(60)), ("1h", .minutes(60)), ("2w", .minutes(20_160)),
            ("1mo", .months(1)),
            ("0h", nil), ("1.5h", nil), ("h", nil), ("1y", nil), ("-1h", nil), ("1 h", nil), ("99999999999h", nil),
            ("", nil),
        ] as [(String, StepLength?)])
    func `durations are a whole number and a unit`(text: String, length: StepLength?) {
        #expect(TimeText.parseDuration(text) == length)
    }
}
