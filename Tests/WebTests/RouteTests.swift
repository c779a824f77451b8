import Protocol
import Testing
import Web

/// Which request of the wire's protocol a path is, and what becomes of the answer.
struct RouteTests {
    private func frame(_ method: String, _ target: String, _ body: String = "") throws -> String {
        guard case .ask(let question) = try Route(method, RequestTarget(target), body: Array(body.utf8)) else {
            return ""
        }
        return String(decoding: question.frame, as: UTF8.self)
    }

    @Test func pathsAreRequestsOfTheProtocol() throws {
        #expect(try frame("GET", "/api/v1/models/m") == #"{"v":1,"op":"describe","model":"m"}"#)
        #expect(
            try frame("GET", "/api/v1/runs/r/steps?seq=4&count=2&format=csv&areas=E1,E2")
                == #"{"v":1,"op":"read","run":"r","seq":4,"count":2,"format":"csv","areas":["E1","E2"]}"#)
        #expect(
            try frame("HEAD", "/api/v1/runs/r/rates?from=2020-01-01&to=2020-01-02&by=area,hour&areas=E1,E2")
                == #"{"v":1,"op":"rates","run":"r","from":"2020-01-01","to":"2020-01-02","by":["area","hour"],"#
                + #""areas":["E1","E2"]}"#)
        #expect(
            try frame("POST", "/api/v1/runs/r/adjustments", #"{"factor":0.5}"#)
                == #"{"v":1,"op":"adjust","run":"r","factor":0.5}"#)
        #expect(
            try frame("DELETE", "/api/v1/runs/r/adjustments/a1")
                == #"{"v":1,"op":"retract","run":"r","adjustment":"a1"}"#)
    }

    @Test func pagesHaveAddressesOfTheirOwn() throws {
        #expect(try Route("GET", RequestTarget("/")) == .file("index.html"))
        #expect(try Route("HEAD", RequestTarget("/status")) == .file("status.html"))
        #expect(try Route("GET", RequestTarget("/static/status.js")) == .file("status.js"))
    }

    @Test func onlyWhatChangesTakesTheToken() throws {
        for (method, target) in [
            ("GET", "/api/v1/runs/r/adjustments"), ("GET", "/api/v1/status"), ("GET", "/api/v1/runs/r/steps"),
        ] {
            guard case .ask(let question) = try Route(method, RequestTarget(target)) else { throw Missing() }
            #expect(!question.changes)
        }
        for (method, target) in [("POST", "/api/v1/runs/r/adjustments"), ("DELETE", "/api/v1/runs/r/adjustments/a1")] {
            guard case .ask(let question) = try Route(method, RequestTarget(target), body: Array("{}".utf8)) else {
                throw Missing()
            }
            #expect(question.changes)
        }
    }

    private struct Missing: Error {}

    @Test(arguments: [
        ("PUT", "/api/v1/runs", Status.methodNotAllowed), ("POST", "/", .methodNotAllowed),
        ("POST", "/api/v1/runs/r/events", .methodNotAllowed), ("DELETE", "/api/v1/runs/r", .methodNotAllowed),
        ("GET", "/api/v2/", .notFound), ("GET", "/status/x", .notFound), ("POST", "/status", .methodNotAllowed),
        ("GET", "/healthz/x", .notFound), ("GET", "/api/v1/runs/r/x", .notFound),
        ("GET", "/api/v1/runs/r/steps?sequence=1", .badRequest), ("GET", "/api/v1/openapi.json?v=2", .badRequest),
        ("GET", "/?run=r", .badRequest), ("GET", "/static/app.js?v=2", .badRequest),
        ("GET", "/api/v1/runs/r/steps?format=xml", .badRequest),
        ("GET", "/api/v1/status?x=1", .badRequest),
    ])
    func othersAreRefused(method: String, target: String, status: Status) throws {
        let target = try RequestTarget(target)
        #expect { try Route(method, target) } throws: { ($0 as? WebRefusal)?.status == status }
    }

    @Test(arguments: [
        "", "[]", "{", #"{"run":"x"}"#, #"{"op":"step"}"#, #"{"id":"x"}"#, #"{"factor":NaN}"#, #"{"a":[Infinity]}"#,
    ])
    func bodiesAreAdjustments(body: String) throws {
        let target = try RequestTarget("/api/v1/runs/r/adjustments")
        #expect { try Route("POST", target, body: Array(body.utf8)) } throws: {
            ($0 as? WebRefusal)?.status == .badRequest
        }
    }

    @Test func aStreamGoesOnWhereItWas() throws {
        let plain = try RequestTarget("/api/v1/runs/r/events")
        let after = try RequestTarget("/api/v1/runs/r/events?after=3")
        #expect(try Route("GET", plain) == .events(run: "r", after: nil))
        #expect(try Route("GET", after) == .events(run: "r", after: 3))
        #expect(try Route("GET", after, lastEventID: "41") == .events(run: "r", after: 41))
        for number in ["x", "-1", "+1", "9007199254740992", "9223372036854775807"] {
            #expect(throws: WebRefusal.self) { try Route("GET", plain, lastEventID: number) }
        }
    }

    @Test func answersLoseWhatHTTPSays() {
        func content(_ text: String, _ op: String) -> String {
            String(decoding: Reply(said: Array(text.utf8), to: op).content, as: UTF8.self)
        }
        #expect(content(#"{"v":1,"op":"status","ok":true,"runs":[]}"#, "status") == #"{"runs":[]}"#)
        #expect(content(#"{"v":1,"op":"status","ok":true}"#, "status") == "{}")
        let refused = Reply(
            said: Array(
                #"{"v":1,"op":"read","ok":false,"error":{"code":"out_of_step","message":"m","expected_seq":1}}"#.utf8),
            to: "read")
        #expect(refused.status == .conflict)
        #expect(
            String(decoding: refused.content, as: UTF8.self)
                == #"{"error":{"code":"out_of_step","message":"m","expected_seq":1}}"#)
        #expect(Reply(said: Array("x".utf8), to: "read").status == .internalError)
    }

    @Test func columnsBeginAtMultiplesOfEight() {
        let packed = Question.packed(Array("{\"a\":1}".utf8), [[1, 2, 3], [], [4, 5, 6, 7, 8, 9, 10, 11]])
        #expect(packed.prefix(4) == [12, 0, 0, 0])
        #expect(String(decoding: packed[4..<16], as: UTF8.self) == "{\"a\":1}     ")
        #expect(packed.dropFirst(16) == [1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11])
    }

    @Test(arguments: ErrorCode.allCases)
    func everyErrorHasAStatus(code: ErrorCode) { #expect(Status(code, limit: nil).rawValue >= 400) }
}
