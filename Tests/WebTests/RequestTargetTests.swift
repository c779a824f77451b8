import Testing
import Web

/// What of an address is a path, what a parameter, and what is refused.
struct RequestTargetTests {
    @Test func pathsAreTakenApartBeforeTheyAreDecoded() throws {
        #expect(try RequestTarget("/").path == [])
        #expect(try RequestTarget("/api/v1/").path == ["api", "v1"])
        #expect(try RequestTarget("/a%20b/%C3%A9").path == ["a b", "é"])
        #expect(try RequestTarget("/a+b").path == ["a+b"])
    }

    @Test(arguments: [
        "", "api", "http://x/", "//", "/a//b", "/.", "/..", "/static/../x", "/static/%2e%2e/x", "/static/..%2fx",
        "/a%5cb", "/a%00", "/a%0a", "/%", "/%2", "/%zz", "/%ff", "/a\u{7F}",
    ])
    func noPathLeadsOut(text: String) { #expect(throws: WebRefusal.self) { try RequestTarget(text) } }

    @Test func queriesAreDecoded() throws {
        let target = try RequestTarget("/x?a=1&b=x%2Cy+z&c&=d&e=f=g")
        #expect(target.query.map(\.name) == ["a", "b", "c", "", "e"])
        #expect(target.query.map(\.value) == ["1", "x,y z", "", "d", "f=g"])
        #expect(throws: WebRefusal.self) { try RequestTarget("/x?a=%f") }
        #expect(throws: WebRefusal.self) {
            try RequestTarget("/x?" + String(repeating: "a&", count: 33))
        }
        #expect(throws: WebRefusal.self) { try RequestTarget("/" + String(repeating: "a", count: 8_192)) }
    }

    @Test func parametersAreKnownAndThereOnce() throws {
        let query = try RequestTarget("/x?seq=3&areas=a,b&by=").query
        let reader = try QueryReader(query, known: ["seq", "areas", "by", "count"])
        #expect(try reader.number("seq") == 3)
        #expect(try reader.number("count") == nil)
        #expect(reader.list("areas") == ["a", "b"])
        #expect(reader.list("by") == nil)
        #expect(throws: WebRefusal.self) { try reader.number("areas") }
        #expect(throws: WebRefusal.self) { try QueryReader(query, known: ["seq", "areas"]) }
        let twice = try RequestTarget("/x?seq=3&seq=3").query
        #expect(throws: WebRefusal.self) { try QueryReader(twice, known: ["seq"]) }
    }

    @Test(arguments: ["-1", "+1", "1.0", "", "9007199254740992", "x"])
    func numbersAreWholeOnes(text: String) throws {
        let reader = try QueryReader([.init(name: "seq", value: text)], known: ["seq"])
        #expect(throws: WebRefusal.self) { try reader.number("seq") }
    }
}
