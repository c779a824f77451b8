import Coupling
import CrimsCore
import Protocol
import Testing

/// The hub without sockets, clocks or threads: requests go in as text, replies and publications come out.
final class Bench {
    private(set) var replies: [(peer: Peer, frames: [[UInt8]])] = []
    private(set) var published: [(topic: String, payload: JSON)] = []
    private(set) var logged: [(event: String, facts: [JSON.Member])] = []
    private(set) var hub: Hub!
    /// Nanoseconds; moves when a test says so, and by `tick` whenever it is read.
    var clock: UInt64 = 0
    var tick: UInt64 = 0

    init(limits: Limits = Limits(), source: any ModelSource = Ring(), recorder: any Recorder = NoRecorder()) {
        hub = Hub(
            source: source, recorder: recorder, limits: limits, identity: Identity(version: "0", journal: "j", boot: 1),
            now: { [unowned self] in
                clock += tick
                return clock
            },
            calendar: { [unowned self] in 1_600_000_005 + Int(clock / 1_000_000_000) },
            emit: { [unowned self] in take($0) })
    }

    private func take(_ action: Action) {
        switch action {
        case .reply(let peer, let frames): replies.append((peer, frames))
        case .publish(let topic, let payload):
            published.append((String(decoding: topic, as: UTF8.self), (try? JSON(parsing: payload)) ?? .null))
        case .forget: break
        case .log(let event, let facts): logged.append((event, facts))
        }
    }

    func send(_ text: String, from peer: UInt8 = 1) {
        Array(text.utf8).withUnsafeBytes { hub.receive(frame: $0, from: Peer(route: [peer], enveloped: false)) }
    }

    /// Asks and works until the answer is there.
    @discardableResult
    func ask(_ members: String) throws -> JSON {
        let before = replies.count
        send("{\"v\":1,\(members)}")
        hub.work { false }
        try #require(replies.count == before + 1)
        return try JSON(parsing: replies[before].frames[0])
    }

    func open(_ run: String = "r1", _ more: String = "") throws {
        let reply = try ask(#""op":"open","model":"ring","start":"2020-02-28T12:00","run":"\#(run)"\#(more)"#)
        try #require(reply["ok"] == .bool(true))
    }
}

struct Ring: ModelSource {
    func names() -> [String] { ["ring"] }

    func load(_ name: String) throws(Refusal) -> CrimeModel {
        guard name == "ring" else { throw .unknown(.unknownModel, name: name, "no model '\(name)'") }
        return CrimeModel(
            name: "ring", title: "Four areas",
            period: (CivilMonth(year: 2018, month: 1), CivilMonth(year: 2019, month: 12)),
            digest: "d",
            areas: (0..<4).map { .init(code: "E\($0)", name: "", longitude: 0, latitude: 0, population: 1) },
            categories: ["burglary", "other theft"],
            crimes: [
                .init(code: "28E", description: "Burglary, \"residential\"", category: 0, severity: 465.25, share: 1),
                .init(code: "49", description: "Other theft", category: 1, severity: 37, share: 0.9),
                .init(code: "35", description: "Blackmail", category: 1, severity: 786, share: 0.1),
            ],
            rates: [Double](repeating: 12, count: 4 * 2 * 12), profiles: [Double](repeating: 1, count: 168),
            profileOfCrime: [0, 0, 0], suspect: [Double](repeating: 0.5, count: 8),
            neighbours: [[1, 3], [0, 2], [1, 3], [0, 2]], dispersion: [.init(), .init()], trend: [.init(), .init()])
    }
}

extension JSON {
    var code: String? { self["error"]?["code"]?.text }
    func int(_ name: String) -> Int? { self[name]?.number.map { Int($0) } }
}

@Suite struct HubTests {
    @Test func `a retry gives the same bytes and takes no step`() throws {
        let bench = Bench()
        try bench.open()
        let step = #""op":"step","run":"r1","seq":0,"count":3,"adjust":[{"factor":2,"codes":["28e"],"key":"k"}]"#
        try bench.ask(step)
        try bench.ask(step)
        #expect(bench.replies[1].frames == bench.replies[2].frames)
        #expect(try bench.ask(#""op":"status","run":"r1""#)["runs"]?.elements?[0].int("next_seq") == 3)
        #expect(try bench.ask(#""op":"step","run":"r1","seq":0,"count":2"#).code == "conflict")
        #expect(try bench.ask(#""op":"step","run":"r1","seq":0,"count":3"#).code == "conflict")
        #expect(try bench.ask(#""op":"step","run":"r1","seq":1"#)["error"]?.int("expected_seq") == 3)
        #expect(try bench.ask(#""op":"adjustments","run":"r1""#)["adjustments"]?.elements?.count == 1)
        // The control: the next step is another.
        try bench.ask(#""op":"step","run":"r1","seq":3,"count":3"#)
        #expect(bench.replies.last?.frames != bench.replies[1].frames)
    }

    @Test func `all adjustments of a step are taken or none, and then no step`() throws {
        let bench = Bench()
        try bench.open()
        let reply = try bench.ask(#""op":"step","run":"r1","adjust":[{"factor":2},{"factor":2,"areas":["E9"]}]"#)
        #expect(reply.code == "unknown_area" && reply["error"]?["name"] == .string("E9"))
        #expect(try bench.ask(#""op":"status""#)["runs"]?.elements?[0].int("next_seq") == 0)
        #expect(try bench.ask(#""op":"adjustments","run":"r1""#)["adjustments"] == .array([]))
    }

    @Test func `what changes a run waits for its step, what reads does not`() throws {
        let bench = Bench()
        try bench.open("r1")
        try bench.open("r2")
        bench.send(#"{"v":1,"id":"long","op":"step","run":"r1","count":500,"format":"none"}"#)
        bench.send(#"{"v":1,"id":"adjust","op":"adjust","run":"r1","factor":0}"#, from: 2)
        bench.send(#"{"v":1,"id":"status","op":"status"}"#, from: 3)
        bench.send(#"{"v":1,"id":"other","op":"step","run":"r2","format":"none"}"#, from: 4)
        // Slices of one hour: the other run's step is done long before.
        while bench.hub.hasWork { bench.hub.work { true } }
        let order = try bench.replies.dropFirst(2).map { try JSON(parsing: $0.frames[0])["id"]?.text }
        #expect(order == ["status", "other", "long", "adjust"])
        let adjusted = try JSON(parsing: bench.replies.last!.frames[0])
        #expect(adjusted.int("seq") == 500)
    }

    @Test func `what waited for a run that is deleted waits for the next of its name`() throws {
        let bench = Bench()
        try bench.open("x")
        let before = bench.replies.count
        let open = #"{"v":1,"id":"o","op":"open","model":"ring","start":"2020-02-28T12:00","run":"x"}"#
        for text in [
            #"{"v":1,"id":"a","op":"step","run":"x","count":50,"format":"none"}"#,
            #"{"v":1,"id":"c","op":"close","run":"x"}"#,
            #"{"v":1,"id":"d","op":"delete","run":"x"}"#, open,
            #"{"v":1,"id":"b","op":"step","run":"x","count":30,"format":"none"}"#,
            #"{"v":1,"id":"f","op":"adjust","run":"x","factor":2}"#,
            #"{"v":1,"id":"s","op":"step","run":"x","format":"none"}"#,
        ] { bench.send(text) }
        while bench.hub.hasWork { bench.hub.work { true } }
        let replies = try bench.replies.dropFirst(before).map { try JSON(parsing: $0.frames[0]) }
        #expect(replies.map { $0["id"]?.text } == ["a", "c", "d", "o", "b", "f", "s"])
        #expect(replies.map { $0.int("seq") } == [0, nil, nil, nil, 0, 30, 30])
        #expect(try bench.ask(#""op":"status","run":"x""#)["runs"]?.elements?[0].int("next_seq") == 31)
    }

    @Test func `a step waits for one slice of reading, however much there is to read`() throws {
        let bench = Bench()
        try bench.open()
        let before = bench.replies.count
        for number in 0..<500 {
            bench.send(
                #"{"v":1,"id":"\#(number)","op":"rates","model":"ring","from":"2020-01-01","to":"2020-02-01"}"#, from: 2
            )
        }
        bench.send(#"{"v":1,"id":"step","op":"step","run":"r1","format":"none"}"#)
        bench.hub.work { true }
        bench.hub.work { true }
        #expect(bench.replies.count == before + 1)
        #expect(try JSON(parsing: bench.replies[before].frames[0])["id"] == .string("step"))
        while bench.hub.hasWork { bench.hub.work { false } }
        #expect(bench.replies.count == before + 501)
    }

    @Test func `before the end, steps are finished and nothing is begun`() throws {
        let bench = Bench()
        try bench.open()
        let before = bench.replies.count
        bench.send(#"{"v":1,"op":"rates","model":"ring","from":"2020-01-01","to":"2020-02-01"}"#)
        bench.send(#"{"v":1,"id":"a","op":"step","run":"r1","count":40,"format":"none"}"#)
        bench.send(#"{"v":1,"id":"b","op":"step","run":"r1","count":40,"format":"none"}"#)
        while bench.hub.hasWork { bench.hub.finishSteps { true } }
        #expect(try bench.replies.dropFirst(before).map { try JSON(parsing: $0.frames[0])["id"]?.text } == ["a"])
    }

    @Test func `a fork that was given no name gets one that is free when it is made`() throws {
        let bench = Bench()
        try bench.open()
        try bench.ask(#""op":"step","run":"r1","count":300,"format":"none""#)
        bench.send(#"{"v":1,"id":"fork","op":"fork","run":"r1","seq":200}"#)
        bench.send(#"{"v":1,"id":"open","op":"open","model":"ring","start":"2020-01-01","run":"r2"}"#)
        while bench.hub.hasWork { bench.hub.work { true } }
        let reply = try JSON(parsing: bench.replies.last!.frames[0])
        #expect(reply["run"] == .string("r3") && reply.int("next_seq") == 200)
        let counted = try bench.ask(#""op":"read","run":"r1","seq":0,"count":200,"format":"none""#).int("count")
        #expect(try bench.ask(#""op":"status","run":"r3""#)["runs"]?.elements?[0].int("incidents") == counted)
    }

    @Test func `too many incidents for one reply are refused before a step is taken`() throws {
        var limits = Limits()
        limits.incidentsPerReply = 50
        let bench = Bench(limits: limits)
        try bench.open()
        let reply = try bench.ask(#""op":"step","run":"r1","count":1000,"adjust":[{"factor":2}]"#)
        #expect(reply.code == "limit_exceeded" && reply["error"]?["limit"] == .string("incidents_per_reply"))
        #expect(try bench.ask(#""op":"status""#)["runs"]?.elements?[0].int("adjustments") == 0)
        #expect(try bench.ask(#""op":"step","run":"r1","count":1000,"format":"counts""#).int("next_seq") == 1000)
    }

    @Test func `a fork has what was acknowledged before its last step`() throws {
        let bench = Bench()
        try bench.open()
        try bench.ask(#""op":"adjust","run":"r1","factor":2,"key":"a""#)
        try bench.ask(#""op":"step","run":"r1""#)
        try bench.ask(#""op":"adjust","run":"r1","factor":3,"key":"b""#)
        try bench.ask(#""op":"retract","run":"r1","adjustment":"a1""#)
        try bench.ask(#""op":"step","run":"r1","count":5"#)
        for (seq, states) in [(0, []), (1, ["in_force"]), (2, ["retracted", "in_force"])] as [(Int, [String])] {
            let fork = try bench.ask(#""op":"fork","run":"r1","seq":\#(seq),"as":"f\#(seq)""#)
            #expect(fork.int("next_seq") == seq)
            let trail = try bench.ask(#""op":"adjustments","run":"f\#(seq)""#)["adjustments"]?.elements
            #expect(trail?.map { $0["state"]?.text } == states)
            #expect(try bench.ask(#""op":"fork","run":"r1","seq":\#(seq),"as":"f\#(seq)""#) == fork)
        }
        #expect(try bench.ask(#""op":"adjust","run":"f1","factor":3,"key":"b""#)["adjustment"] == .string("a2"))
        #expect(try bench.ask(#""op":"fork","run":"r1","seq":7,"as":"f7""#).code == "out_of_step")
    }

    @Test func `the cost of a step does not grow with adjustments that have expired`() throws {
        let bench = Bench()
        try bench.open()
        for _ in 0..<300 {
            try bench.ask(#""op":"step","run":"r1","format":"none","adjust":[{"factor":1.5,"half_life":"1h"}]"#)
        }
        let run = try #require(try bench.ask(#""op":"status","run":"r1""#)["runs"]?.elements?[0])
        #expect(run.int("adjustments") == 300)
        #expect(try #require(run.int("in_force")) <= 10)
    }

    @Test func `listeners hear of a step once, after its reply, and only what they asked for`() throws {
        let bench = Bench()
        bench.hub.subscribe(Array("step/r1/".utf8), true)
        bench.hub.subscribe(Array("incidents/r1/other-theft/".utf8), true)
        try bench.open("r1")
        try bench.open("r10")
        let replies = bench.replies.count
        try bench.ask(#""op":"step","run":"r10""#)
        let reply = try bench.ask(#""op":"step","run":"r1","seq":0,"count":2"#)
        try bench.ask(#""op":"step","run":"r1","seq":0,"count":2"#)
        #expect(bench.replies.count == replies + 3)
        let topics = bench.published.map(\.topic).filter { !$0.hasPrefix("run/") }
        #expect(Set(topics) == ["step/r1/", "incidents/r1/other-theft/"])
        let steps = bench.published.filter { $0.topic == "step/r1/" }.map(\.payload)
        #expect(steps.map { $0.int("seq") } == [0, 1])
        #expect(steps.reduce(0) { $0 + ($1.int("count") ?? 0) } == reply.int("count"))
    }
}
