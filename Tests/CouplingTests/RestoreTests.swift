import Coupling
import CrimsCore
import Protocol
import Testing

/// Keeps records in memory, and fails when it is told to.
final class Memory: Recorder {
    var records: [Record] = []
    var isFull = false

    func append(_ record: Record) throws(Refusal) {
        if isFull { throw Refusal(.storage, "the disk is full") }
        records.append(record)
    }
}

@Suite struct RestoreTests {
    /// Conversations that end in every state that a run can be in.
    private static let conversation = [
        #""op":"open","model":"ring","start":"2020-02-28T12:00","run":"a","seed":5,"end":"2020-03-01""#,
        #""op":"step","run":"a","seq":0,"count":5,"adjust":[{"factor":2,"codes":["28e"],"key":"k"},{"factor":0.5,"half_life":"6h"}]"#,
        #""op":"adjust","run":"a","seq":5,"factor":0.25,"areas":["E1"],"displacement":0.5,"key":"d","reason":"patrol""#,
        #""op":"adjust","run":"a","factor":0.9,"from":"2020-02-29","until":"2020-02-29T06:00""#,
        #""op":"step","run":"a","seq":5,"adjust":[{"factor":2,"codes":["28e"],"key":"k"}]"#,
        #""op":"retract","run":"a","adjustment":"a3""#,
        #""op":"fork","run":"a","seq":3,"as":"b""#,
        #""op":"fork","run":"a""#,
        #""op":"step","run":"b","seq":3,"count":2,"format":"csv""#,
        #""op":"step","run":"a","seq":6,"until":"2020-03-01""#,
        #""op":"close","run":"b""#,
        #""op":"open","model":"ring","start":"1990-01-31","step":"15m","publish":false"#,
        #""op":"step","run":"r2","count":7"#,
        #""op":"fork","run":"r2","as":"c""#,
        #""op":"close","run":"r2""#,
        #""op":"delete","run":"r2""#,
        #""op":"fork","run":"a","seq":2,"as":"team","participants":[{"name":"x","timeout":2},{"name":"y"}]"#,
    ]

    /// What changes no run, wherever the conversation stands.
    private static let questions = [
        #""op":"status""#, #""op":"adjustments","run":"a""#, #""op":"adjustments","run":"b""#,
        #""op":"adjustments","run":"r1""#, #""op":"read","run":"a","seq":0,"count":36"#,
        #""op":"read","run":"b","seq":0,"count":5"#, #""op":"read","run":"c","seq":0,"count":7"#,
        #""op":"rates","run":"a","from":"2020-02-28T12:00","to":"2020-03-01","by":["area","category"]"#,
    ]

    /// Retries, and what is refused, at its end.
    private static let retries = [
        #""op":"step","run":"a","seq":6,"until":"2020-03-01""#, #""op":"step","run":"b","seq":3,"count":2"#,
        #""op":"fork","run":"a","seq":3,"as":"b""#, #""op":"retract","run":"a","adjustment":"a3""#,
        #""op":"adjust","run":"a","seq":5,"factor":0.25,"areas":["E1"],"displacement":0.5,"key":"d","reason":"patrol""#,
        #""op":"step","run":"a""#, #""op":"step","run":"r2""#, #""op":"step","run":"b""#,
        #""op":"adjust","run":"a","factor":1,"key":"d""#,
    ]

    /// The answers, without the timings in `status`.
    private func answers(_ bench: Bench, to questions: [String] = questions) throws -> [JSON] {
        try questions.map { question in
            var reply = try bench.ask(question)
            if let runs = reply["runs"]?.elements {
                reply = .array(runs.map { .object(($0.members ?? []).filter { $0.name != "timings" }) })
            }
            return reply
        }
    }

    private func restored(_ records: [Record], source: any ModelSource = Ring()) -> Bench {
        let bench = Bench(source: source)
        for record in records { bench.hub.restore(record) }
        bench.hub.finishRestoring()
        return bench
    }

    @Test func `a hub that takes another's records gives the same answers after each of them`() throws {
        let memory = Memory()
        let first = Bench(recorder: memory)
        for request in Self.conversation {
            let reply = try first.ask(request)
            #expect(reply["ok"] == .bool(true), "\(request): \(reply)")
            let second = restored(memory.records)
            #expect(second.logged.isEmpty && second.replies.isEmpty && second.published.isEmpty)
            #expect(try answers(second) == answers(first), "after \(request)")
        }
        #expect(memory.records.count == Self.conversation.count)
        let second = restored(memory.records)
        #expect(try answers(second, to: Self.retries) == answers(first, to: Self.retries))
        #expect(memory.records.count == Self.conversation.count)
        #expect(try second.ask(#""op":"open","model":"ring","start":"2020-01-01""#)["run"]?.text == "r3")
    }

    @Test func `each participant gets its answer again`() throws {
        let memory = Memory()
        let first = Bench(recorder: memory)
        try first.open("t", #","participants":[{"name":"x","timeout":2},{"name":"y","on_timeout":"fail"}]"#)
        let asked = [
            #""op":"step","run":"t","seq":0,"participant":"y","adjust":[{"factor":2,"key":"k"}]"#,
            #""op":"step","run":"t","seq":0,"participant":"x","format":"csv","adjust":[{"factor":3},{"factor":2,"key":"k"}]"#,
        ]
        for request in asked { first.send("{\"v\":1,\(request)}") }
        first.hub.work { false }
        #expect(memory.records.count == 2)
        let second = restored(memory.records)
        for request in asked { #expect(try second.ask(request) == first.ask(request)) }
        #expect(try second.ask(asked[1])["adjusted"] == .array([.string("a1"), .string("a2")]))
        #expect(try second.ask(#""op":"step","run":"t""#).code == "bad_request")
    }

    @Test func `what cannot be kept is refused and changes nothing`() throws {
        let memory = Memory()
        let bench = Bench(recorder: memory)
        for request in Self.conversation {
            let before = try answers(bench)
            memory.isFull = true
            let kept = memory.records.count
            let published = bench.published.count
            #expect(try bench.ask(request).code == "storage", "\(request)")
            #expect(bench.published.count == published)
            #expect(try answers(bench) == before, "after \(request)")
            memory.isFull = false
            #expect(memory.records.count == kept)
            #expect(try bench.ask(request)["ok"] == .bool(true), "\(request)")
        }
    }

    @Test func `drawing all steps again finds none that differs`() throws {
        let memory = Memory()
        let bench = Bench(recorder: memory)
        for request in Self.conversation { try bench.ask(request) }
        let second = Bench()
        #expect(memory.records.allSatisfy { second.hub.verify($0) == nil })
    }

    @Test func `a last step that comes out otherwise stops its run, loudly, and no other`() throws {
        let memory = Memory()
        let bench = Bench(recorder: memory)
        for run in ["a", "b"] {
            try bench.open(run)
            try bench.ask(#""op":"step","run":"\#(run)","count":3"#)
        }
        guard case .stepped(var step) = memory.records[1].event else { return #expect(Bool(false), "a step") }
        step.lastDigest &+= 1
        memory.records[1].event = .stepped(step)
        let second = restored(memory.records)
        #expect(second.logged.map(\.event) == ["run stopped"])
        #expect(try second.ask(#""op":"step","run":"a""#).code == "model_changed")
        #expect(try second.ask(#""op":"read","run":"a","seq":0"#).code == "model_changed")
        #expect(try second.ask(#""op":"step","run":"b""#)["ok"] == .bool(true))
        let status = try second.ask(#""op":"status","run":"a""#)["runs"]?.elements?.first
        #expect(status?["state"]?.text == "stopped" && status?.int("next_seq") == 3)
    }

    @Test func `a retry that comes out otherwise than it was answered stops the run`() throws {
        let memory = Memory()
        let bench = Bench(recorder: memory)
        try bench.open("a")
        try bench.ask(#""op":"step","run":"a","seq":0,"count":3"#)
        guard case .stepped(var step) = memory.records[1].event else { return #expect(Bool(false), "a step") }
        step.digest &+= 1
        memory.records[1].event = .stepped(step)
        let second = restored(memory.records)
        #expect(second.logged.isEmpty)
        #expect(try second.ask(#""op":"step","run":"a","seq":0,"count":3"#).code == "model_changed")
        #expect(try second.ask(#""op":"step","run":"a","seq":3"#).code == "model_changed")
        #expect(second.logged.count == 1)
        #expect(Bench().hub.verify(memory.records[0]) == nil)
        let third = Bench()
        #expect(memory.records.map { third.hub.verify($0)?.code } == [nil, .modelChanged])
    }

    @Test func `a model that has changed or is gone stops its runs, which can be closed and deleted`() throws {
        for (source, word) in [(Changed(digest: "other"), "digest"), (Changed(digest: nil), "not to be had")] {
            let memory = Memory()
            let bench = Bench(recorder: memory)
            try bench.open("a")
            try bench.ask(#""op":"step","run":"a","adjust":[{"factor":2}]"#)
            try bench.ask(#""op":"fork","run":"a","as":"b""#)
            let second = Bench(source: source, recorder: memory)
            for record in memory.records { second.hub.restore(record) }
            second.hub.finishRestoring()
            for request in [
                #""op":"open","model":"ring","start":"2020-02-28T12:00","run":"a""#, #""op":"step","run":"b""#,
                #""op":"adjustments","run":"a""#, #""op":"fork","run":"a","as":"c""#,
            ] {
                let reply = try second.ask(request)
                #expect(reply.code == "model_changed" && reply["error"]?["message"]?.text?.contains(word) == true)
            }
            #expect(try second.ask(#""op":"delete","run":"a""#).code == "conflict")
            for op in ["close", "delete"] {
                #expect(try second.ask(#""op":"\#(op)","run":"a""#)["ok"] == .bool(true))
            }
            #expect(try second.ask(#""op":"step","run":"a""#).code == "unknown_run")
            // With the old model back, what is left of it goes on.
            let third = restored(memory.records)
            #expect(try third.ask(#""op":"step","run":"b""#)["ok"] == .bool(true))
            #expect(try third.ask(#""op":"step","run":"a""#).code == "unknown_run")
        }
    }

    @Test func `another version of the sampler stops a run`() throws {
        let memory = Memory()
        try Bench(recorder: memory).open("a")
        guard case .opened(var opening) = memory.records[0].event else { return #expect(Bool(false), "an opening") }
        opening.sampler += 1
        memory.records[0].event = .opened(opening)
        let reply = try restored(memory.records).ask(#""op":"step","run":"a""#)
        #expect(reply.code == "model_changed" && reply["error"]?["message"]?.text?.contains("sampler") == true)
    }
}

/// The ring with another digest, or no model at all.
private struct Changed: ModelSource {
    let digest: String?

    func names() -> [String] { digest == nil ? [] : ["ring"] }

    func load(_ name: String) throws(Refusal) -> CrimeModel {
        guard let digest else { throw .unknown(.unknownModel, name: name, "no model '\(name)'") }
        var model = try Ring().load(name)
        model.digest = digest
        return model
    }
}
