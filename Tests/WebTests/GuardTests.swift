import Testing
import Web

/// Who is let in: by host, by origin, by rate, by address and by token.
struct GuardTests {
    let rule = HostRule(bound: ["127.0.0.2"], names: ["Crims.Example"])

    @Test(arguments: ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.0.0.2", "[::1]:9", "crims.example:443"])
    func ourNamesAreOurs(host: String) throws { try rule.require(host: host) }

    @Test(arguments: ["evil.example", "localhost.evil.example", "127.0.0.3", "", "[::2]", "[::1", "crims.example."])
    func otherNamesAreNot(host: String) {
        #expect { try rule.require(host: host) } throws: { ($0 as? WebRefusal)?.status == .misdirected }
        #expect(throws: WebRefusal.self) { try rule.require(host: nil) }
    }

    @Test func onlyOurOwnPageMayChangeThings() throws {
        try rule.requireSameSite(host: "localhost:1", origin: nil, fetchSite: nil)
        try rule.requireSameSite(host: "localhost:1", origin: "http://LOCALHOST:1", fetchSite: "same-origin")
        for (origin, site) in [
            ("http://localhost:2", nil), ("null", nil), ("http://evil.example", nil), ("", nil),
            (nil, "cross-site"), (nil, "same-site"), ("http://localhost:1", "cross-site"),
        ] as [(String?, String?)] {
            #expect(throws: WebRefusal.self) {
                try rule.requireSameSite(host: "localhost:1", origin: origin, fetchSite: site)
            }
        }
    }

    @Test func bucketsFillAsTimeGoes() {
        var buckets = TokenBuckets(rate: 2)
        for _ in 0..<4 { #expect(buckets.take("a", now: 1) == nil) }
        #expect(buckets.take("a", now: 1) == 1)
        #expect(buckets.take("b", now: 1) == nil)
        #expect(buckets.take("a", now: 500_000_001) == nil)
        #expect(buckets.take("a", now: 500_000_001) == 1)
        var unbounded = TokenBuckets(rate: 0)
        for _ in 0..<100 { #expect(unbounded.take("a", now: 1) == nil) }
    }

    @Test func manyAddressesTakeNoMoreMemory() {
        var buckets = TokenBuckets(rate: 1)
        for number in 0..<4_096 { #expect(buckets.take("\(number)", now: 1) == nil) }
        // Newcomers share what is left to them, until the others are forgotten.
        #expect(buckets.take("x", now: 1) == nil)
        #expect(buckets.take("y", now: 1) == nil)
        #expect(buckets.take("z", now: 1) == 1)
        #expect(buckets.take("z", now: 3_000_000_001) == nil)
    }

    @Test(arguments: [
        "0.0.0.0:80", "192.168.0.1:80", "example.org:80", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "127.1:80",
    ])
    func otherMachinesAreNotServed(text: String) { #expect(throws: WebError.self) { try WebAddress(text) } }

    @Test func thisMachineIs() throws {
        #expect(try WebAddress("127.0.0.1:*").port == 0)
        #expect(try WebAddress("[::1]:8080").url == "http://[::1]:8080")
        #expect(try WebAddress("localhost:1").host == "localhost")
    }

    @Test func onlyTheWholeTokenIsRight() throws {
        var options = WebOptions(address: try WebAddress("127.0.0.1:*"))
        #expect(!options.admits("Bearer "))
        options.token = Array("0123456789abcdef".utf8)
        #expect(options.admits("Bearer 0123456789abcdef"))
        #expect(options.admits("bearer 0123456789abcdef"))
        for text in [
            nil, "", "0123456789abcdef", "Bearer 0123456789abcdeg", "Bearer 0123456789abcde", "Basic 0123456789abcdef",
        ] {
            #expect(!options.admits(text))
        }
    }

    @Test func whoMayAdjustOrHasTheOtherTokenMayRead() throws {
        var options = WebOptions(address: try WebAddress("127.0.0.1:*"))
        #expect(options.mayRead(nil, password: nil))
        options.readToken = Array("reading-0123456789".utf8)
        for (text, password) in [
            ("Bearer reading-0123456789", nil), (nil, "reading-0123456789"), ("Basic x", "reading-0123456789"),
        ] {
            #expect(options.mayRead(text, password: password))
        }
        #expect(!options.admits("Bearer reading-0123456789"))
        for (text, password) in [
            (nil, nil), ("Bearer ", ""), ("Bearer adjusting-0123456789", nil), (nil, "reading-012345678"),
        ] as [(String?, String?)] {
            #expect(!options.mayRead(text, password: password))
        }
        options.token = Array("adjusting-0123456789".utf8)
        #expect(options.mayRead("Bearer adjusting-0123456789", password: nil))
        #expect(options.mayRead(nil, password: "adjusting-0123456789"))
    }
}
