import Coupling
import Protocol
import Testing

@Suite struct RoleTests {
    /// A request for each operation and the role that it takes.
    static let requests: [(op: String, fields: String, needs: Role)] = [
        ("hello", "", .observer), ("describe", #","model":"ring""#, .observer), ("status", "", .observer),
        ("read", #","run":"r1","seq":0"#, .observer), ("adjustments", #","run":"r1""#, .observer),
        ("rates", #","run":"r1","from":"2020-03-01","to":"2020-03-02""#, .observer),
        ("adjust", #","run":"r1","factor":0.5"#, .policy), ("retract", #","run":"r1","adjustment":"a1""#, .policy),
        ("open", #","model":"ring","start":"2020-03-01""#, .driver), ("step", #","run":"r1""#, .driver),
        ("fork", #","run":"r1""#, .driver), ("close", #","run":"r1""#, .driver), ("delete", #","run":"r1""#, .driver),
    ]

    @Test func `every operation has a role`() { #expect(Set(Self.requests.map(\.op)) == Set(Operation.names)) }

    @Test(arguments: Role.allCases, requests)
    func `what a role may not do is forbidden and changes nothing`(
        role: Role, request: (op: String, fields: String, needs: Role)
    ) throws {
        let bench = Bench()
        try bench.open()
        try bench.ask(#""op":"step","run":"r1""#)
        try bench.ask(#""op":"adjust","run":"r1","factor":0.9"#)
        let standing = try bench.ask(#""op":"status""#)
        let text = #"{"v":1,"id":"x","op":"\#(request.op)"\#(request.fields)}"#
        let before = (replies: bench.replies.count, published: bench.published.count)
        let peer = Peer(route: [7], enveloped: false, who: "alice", role: role)
        Array(text.utf8).withUnsafeBytes { bench.hub.receive(frame: $0, from: peer) }
        bench.hub.work { false }
        try #require(bench.replies.count == before.replies + 1)
        let reply = try JSON(parsing: bench.replies[before.replies].frames[0])
        guard role < request.needs else {
            #expect(reply["error"]?["code"] != .string("forbidden"))
            return
        }
        #expect(reply["id"] == .string("x") && reply["op"] == .string(request.op))
        let error = try #require(reply["error"])
        #expect(error["code"] == .string("forbidden") && error["role"] == .string(role.rawValue))
        #expect(error["needs"] == .string(request.needs.rawValue))
        #expect(error["message"]?.text?.contains("'alice'") == true)
        #expect(bench.published.count == before.published)
        #expect(try bench.ask(#""op":"status""#) == standing)
    }

    @Test func `hello tells the role`() throws {
        for role in Role.allCases {
            let bench = Bench()
            Array(#"{"v":1,"op":"hello"}"#.utf8).withUnsafeBytes {
                bench.hub.receive(frame: $0, from: Peer(route: [1], enveloped: false, role: role))
            }
            #expect(try JSON(parsing: bench.replies[0].frames[0])["role"] == .string(role.rawValue))
        }
    }
}
