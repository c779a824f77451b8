import Coupling
import Protocol
import Testing

@Suite struct BarrierTests {
    @Test func `the step is taken when all have asked, and each is answered under its id`() throws {
        let bench = Bench()
        try bench.share()
        #expect(try bench.step("courts", #","seq":0"#).isEmpty)
        #expect(try bench.waitingFor() == ["police", "abm"])
        #expect(try bench.status()["stepping"] == .bool(false))
        #expect(!bench.hub.hasWork)
        #expect(try bench.step("abm").isEmpty)
        #expect(try bench.waitingFor() == ["police"])
        let replies = try bench.step("police", #","seq":0,"format":"none""#)
        #expect(Set(replies.keys) == ["police", "courts", "abm"])
        #expect(replies.values.allSatisfy { $0.int("next_seq") == 1 })
        #expect(replies["courts"]?["incidents"] != nil && replies["police"]?["incidents"] == nil)
        #expect(try bench.waitingFor().isEmpty)
    }

    @Test func `each has the step in its own format, drawn once, the same as one client would have it`() throws {
        let bench = Bench()
        try bench.open("alone")
        for format in ["records", "csv", "columns", "counts", "none"] {
            try bench.ask(#""op":"fork","run":"alone","as":"of-\#(format)""#)
        }
        let formats = ["columns", "records", "none", "csv", "counts", "records", "csv", "columns"]
        try bench.share("r1", formats.indices.map { "p\($0)" })
        let before = bench.replies.count
        for (index, format) in formats.enumerated() {
            bench.send(
                #"{"v":1,"op":"step","run":"r1","count":40,"participant":"p\#(index)","format":"\#(format)"}"#,
                from: UInt8(index + 1))
        }
        // Slices of one hour, and of one reply.
        while bench.hub.hasWork { bench.hub.work { true } }
        let together = Array(bench.replies.dropFirst(before))
        #expect(together.map { $0.peer.route } == formats.indices.map { [UInt8($0 + 1)] })
        for (reply, format) in zip(together, formats) {
            try bench.ask(#""op":"step","run":"of-\#(format)","count":40,"seq":0,"format":"\#(format)""#)
            let alone = try #require(bench.replies.last).frames
            #expect(Array(reply.frames.dropFirst()) == Array(alone.dropFirst()))
            let text = String(decoding: alone[0], as: UTF8.self)
            let renamed = text.split(separator: "\"of-\(format)\"", omittingEmptySubsequences: false)
            #expect(String(decoding: reply.frames[0], as: UTF8.self) == renamed.joined(separator: "\"r1\""))
        }
    }

    @Test func `whoever asks last, the run is the same`() throws {
        let lists = [
            "police": #"{"factor":0.5,"key":"k"},{"factor":1.5,"areas":["E1"]}"#,
            "courts": #"{"factor":2,"mode":"set","areas":["E0"]},{"factor":0.5,"key":"k"}"#,
            "abm": #"{"factor":0.9,"displacement":1,"areas":["E0"]}"#,
        ]
        var results: [[String: JSON]] = []
        for order in [
            ["police", "courts", "abm"], ["police", "abm", "courts"], ["courts", "police", "abm"],
            ["courts", "abm", "police"], ["abm", "police", "courts"], ["abm", "courts", "police"],
        ] {
            let bench = Bench()
            try bench.share()
            var replies: [String: JSON] = [:]
            for name in order {
                replies = try bench.step(name, #","count":30,"adjust":[\#(lists[name] ?? "")]"#)
            }
            replies["trail"] = .array(try bench.trail())
            results.append(replies)
        }
        #expect(results.allSatisfy { $0 == results[0] })
        #expect(results[0]["police"]?.strings("adjusted") == ["a1", "a2"])
        #expect(results[0]["courts"]?.strings("adjusted") == ["a3", "a1"])
        #expect(results[0]["abm"]?.strings("adjusted") == ["a4"])
        #expect(results[0]["trail"]?.elements?.map { $0["factor"]?.number } == [0.5, 1.5, 2, 0.9])
        #expect(results[0]["police"]?["incidents"] == results[0]["abm"]?["incidents"])
    }

    @Test func `a retry is one participant's own, and others go on meanwhile`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"])
        _ = try bench.step("a", #","seq":0,"count":2,"adjust":[{"factor":2}]"#)
        let first = try bench.step("b", #","seq":0,"count":2"#)
        #expect(try bench.step("b", #","seq":1"#)["b"]?["error"]?.int("expected_seq") == 2)
        // The next step is asked for by one already.
        #expect(try bench.step("a", #","seq":2"#).isEmpty)
        #expect(try bench.step("a", #","seq":0,"count":2,"adjust":[{"factor":2}]"#) == ["a": try #require(first["a"])])
        #expect(try bench.step("b", #","seq":0,"count":2"#) == ["b": try #require(first["b"])])
        #expect(
            try bench.step("b", #","seq":0,"until":"2020-02-28T14:00"}"#.dropLast() + #","format":"counts""#)["b"]?
                .int("count") == first["b"]?.int("count"))
        for (name, wrong) in [
            ("a", #","seq":0,"count":2"#), ("b", #","seq":0,"count":2,"adjust":[{"factor":2}]"#),
            ("a", #","seq":0,"count":3,"adjust":[{"factor":2}]"#),
        ] { #expect(try bench.step(name, wrong)[name]?.code == "conflict") }
        #expect(try bench.waitingFor() == ["b"])
        #expect(try bench.step("b", #","seq":2"#).count == 2)
        #expect(try bench.status().int("next_seq") == 3)
    }

    @Test func `who asks again while waiting is answered once, at the newest connection`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"])
        let before = bench.replies.count
        bench.send(#"{"v":1,"id":"old","op":"step","run":"r1","participant":"a","adjust":[{"factor":2}]}"#, from: 7)
        // Alone, it may also ask for another number of steps.
        bench.send(
            #"{"v":1,"id":"new","op":"step","run":"r1","participant":"a","count":3,"adjust":[{"factor":3}]}"#, from: 8)
        bench.send(#"{"v":1,"id":"b","op":"step","run":"r1","participant":"b","count":3}"#, from: 9)
        bench.hub.work { false }
        let replies = bench.replies.dropFirst(before)
        #expect(replies.map { $0.peer.route } == [[8], [9]])
        #expect(try replies.map { try JSON(parsing: $0.frames[0])["id"]?.text } == ["new", "b"])
        #expect(try bench.trail().map { $0["factor"]?.number } == [3])
    }

    @Test(arguments: [
        (#","seq":1"#, "out_of_step"), (#","count":2"#, "conflict"), (#","until":"2020-02-28T14:00""#, "conflict"),
        (#","until":"2020-02-28T12:30""#, "bad_request"), (#","count":11"#, "run_ended"),
        (#","adjust":[{"factor":2,"areas":["E9"]}]"#, "unknown_area"),
        (#","adjust":[{"factor":2,"from":"2020-02-28T11:00"}]"#, "too_late"),
        (#","adjust":[{"factor":2,"key":"k"}]"#, "conflict"),
        (#","adjust":[{"factor":2},{"factor":2},{"factor":2}]"#, "limit_exceeded"),
    ])
    func `a wrong request is refused to who made it, and the others go on waiting`(wrong: String, code: String) throws {
        var limits = Limits()
        limits.adjustmentsInForce = 3
        for (order, newcomer) in [(["a", "b"], "c"), (["b", "c"], "a"), (["c", "a"], "b")] {
            let bench = Bench(limits: limits)
            try bench.share("r1", ["a", "b", "c"], #","end":"2020-02-28T22:00""#)
            for name in order { #expect(try bench.step(name, #","adjust":[{"factor":0.5,"key":"k"}]"#).isEmpty) }
            let refused = try bench.step(newcomer, wrong)
            #expect(refused.count == 1 && refused[newcomer]?.code == code)
            #expect(try bench.waitingFor() == [newcomer])
            // A wrong request of one that waits leaves its right one in.
            #expect(try bench.step(order[0], wrong, id: "again")["again"]?.code == code)
            #expect(try bench.trail().isEmpty)
            #expect(try bench.step(newcomer, #","adjust":[{"factor":0.5,"key":"k"}]"#).count == 3)
            #expect(try bench.trail().count == 1)
        }
    }

    @Test func `who asks is named, and only where there are participants`() throws {
        let bench = Bench()
        try bench.share("r1", ["police", "courts"])
        try bench.open("alone")
        for (run, who) in [("r1", ""), ("r1", #","participant":"polise""#), ("alone", #","participant":"police""#)] {
            let reply = try bench.ask(#""op":"step","run":"\#(run)"\#(who)"#)
            #expect(reply.code == "bad_request" && reply["error"]?["field"] == .string("participant"))
        }
        let hint = try bench.ask(#""op":"step","run":"r1","participant":"polise""#)["error"]?["message"]?.text
        #expect(hint?.contains("'police'") == true)
        #expect(try bench.waitingFor().isEmpty)
    }

    @Test func `participants are arguments of a run, and there is a limit to them`() throws {
        var limits = Limits()
        limits.participants = 2
        let bench = Bench(limits: limits)
        func open(_ participants: String) throws -> JSON {
            try bench.ask(#""op":"open","model":"ring","start":"2020-01-01","run":"r1","participants":"# + participants)
        }
        let many = try open(#"[{"name":"a"},{"name":"b"},{"name":"c"}]"#)
        #expect(many.code == "limit_exceeded" && many["error"]?["limit"] == .string("participants"))
        #expect(try open(#"[{"name":"a","timeout":"2s"},{"name":"b"}]"#)["resumed"] == .bool(false))
        #expect(
            try open(#"[{"name":"a","timeout":2,"on_timeout":"wait"},{"name":"b","timeout":null}]"#)["resumed"]
                == .bool(true))
        for other in [#"[{"name":"b"},{"name":"a","timeout":2}]"#, #"[{"name":"a","timeout":3},{"name":"b"}]"#, "[]"] {
            #expect(try open(other).code == "run_exists")
        }
        let fork = #""op":"fork","run":"r1","as":"f","participants":[{"name":"a"},{"name":"b"},{"name":"c"}]"#
        #expect(try bench.ask(fork).code == "limit_exceeded")
        #expect(try bench.ask(#""op":"hello""#)["limits"]?.int("participants") == 2)
    }

    @Test func `a fork has the participants that it is given, and none of its parent's`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"])
        _ = try bench.step("a", #","adjust":[{"factor":2}]"#)
        _ = try bench.step("b")
        // What waits is not part of the fork.
        _ = try bench.step("a", #","adjust":[{"factor":3}]"#)
        #expect(try bench.ask(#""op":"fork","run":"r1","as":"alone""#).int("next_seq") == 1)
        #expect(try bench.ask(#""op":"step","run":"alone","format":"none""#).int("next_seq") == 2)
        #expect(try bench.trail("alone").count == 1)
        let fork = #""op":"fork","run":"r1","as":"other","participants":[{"name":"x"},{"name":"y"}]"#
        #expect(try bench.ask(fork)["ok"] == .bool(true))
        #expect(try bench.ask(fork)["ok"] == .bool(true))
        #expect(try bench.ask(#""op":"fork","run":"r1","as":"other""#).code == "run_exists")
        #expect(try bench.step("x", run: "other").isEmpty)
        #expect(try bench.step("y", run: "other").count == 2)
        #expect(try bench.waitingFor() == ["b"])
    }

    @Test func `what is asked while some wait acts before the step`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"])
        _ = try bench.step("a", #","count":5,"adjust":[{"factor":4}]"#)
        let adjusted = try bench.ask(#""op":"adjust","run":"r1","factor":0,"areas":["E0"],"seq":0"#)
        #expect(adjusted["adjustment"] == .string("a1") && adjusted.int("seq") == 0)
        #expect(try bench.ask(#""op":"adjust","run":"r1","factor":0,"areas":["E1"]"#)["adjustment"] == .string("a2"))
        #expect(try bench.ask(#""op":"retract","run":"r1","adjustment":"a2""#)["ok"] == .bool(true))
        #expect(try bench.ask(#""op":"read","run":"r1","seq":0"#).code == "out_of_step")
        let replies = try bench.step("b", #","count":5"#)
        #expect(replies["a"]?.strings("adjusted") == ["a3"] && replies["b"]?.strings("adjusted") == [])
        #expect(replies["b"]?.int("in_force") == 2)
        let areas = Set(replies["b"]?["incidents"]?.elements?.compactMap { $0["MSOA"]?.text } ?? [])
        #expect(areas == ["E1", "E2", "E3"])
        // Whoever asks may read.
        #expect(try bench.ask(#""op":"read","run":"r1","seq":0,"count":5"#)["incidents"] == replies["a"]?["incidents"])
    }

    @Test(arguments: [false, true])
    func `an adjustment at odds with those who wait turns all away`(byWhoWaits: Bool) throws {
        let bench = Bench()
        try bench.share()
        _ = try bench.step("police", #","adjust":[{"factor":2,"key":"k"}]"#)
        _ = try bench.step("courts", id: "old")
        try bench.ask(#""op":"adjust","run":"r1","factor":3,"key":"k""#)
        let replies = try bench.step(byWhoWaits ? "courts" : "abm", id: "new")
        // Who asked twice is answered once.
        #expect(Set(replies.keys) == (byWhoWaits ? ["police", "new"] : ["police", "old", "new"]))
        #expect(replies.values.allSatisfy { $0.code == "conflict" })
        #expect(try bench.waitingFor().isEmpty && bench.status().int("next_seq") == 0)
        #expect(try bench.trail().count == 1)
        for name in ["police", "courts"] { #expect(try bench.step(name).isEmpty) }
        #expect(try bench.step("abm").count == 3)
    }

    @Test func `too many incidents are refused to all, with the name of who asked for them`() throws {
        var limits = Limits()
        limits.incidentsPerReply = 50
        let bench = Bench(limits: limits)
        try bench.share()
        _ = try bench.step("police", #","count":1000,"format":"none","adjust":[{"factor":2}]"#)
        _ = try bench.step("courts", #","count":1000,"format":"columns""#)
        let replies = try bench.step("abm", #","count":1000,"format":"counts""#)
        #expect(replies.count == 3)
        for reply in replies.values {
            #expect(reply.code == "limit_exceeded" && reply["error"]?["limit"] == .string("incidents_per_reply"))
            #expect(reply["error"]?["name"] == .string("courts"))
            #expect(
                reply["error"]?["message"]?.text?.hasPrefix("participant 'courts' asked for format 'columns'") == true)
        }
        #expect(try bench.trail().isEmpty && bench.waitingFor().isEmpty)
        for name in ["police", "courts"] { _ = try bench.step(name, #","count":1000,"format":"counts""#) }
        #expect(try bench.step("abm", #","count":1000,"format":"none""#)["abm"]?.int("next_seq") == 1000)
    }

    @Test func `closing a run turns away who waits for it`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"])
        try bench.share("r2", ["a", "b"])
        _ = try bench.step("a")
        _ = try bench.step("a", run: "r2")
        let replies = try bench.answers { bench.send(#"{"v":1,"id":"close","op":"close","run":"r1"}"#) }
        #expect(replies["close"]?["state"] == .string("closed") && replies["a"]?.code == "run_closed")
        #expect(try bench.step("b")["b"]?.code == "run_closed")
        #expect(try bench.waitingFor().isEmpty && bench.waitingFor("r2") == ["b"])
        try bench.ask(#""op":"delete","run":"r1""#)
        #expect(try bench.step("b", run: "r2").count == 2)
    }

    @Test func `the last step ends the run for all`() throws {
        let bench = Bench()
        try bench.share("r1", ["a", "b"], #","end":"2020-02-28T14:00""#)
        _ = try bench.step("a", #","until":"2020-02-28T14:00""#)
        #expect(try bench.step("b", #","count":2"#).values.allSatisfy { $0["ended"] == .bool(true) })
        #expect(try bench.step("a")["a"]?.code == "run_ended")
        #expect(try bench.step("b", #","seq":0,"count":2"#)["b"]?["ended"] == .bool(true))
    }

    @Test func `listeners hear of a shared step once, after the last reply`() throws {
        let bench = Bench()
        bench.hub.subscribe(Array("step/".utf8), true)
        bench.hub.subscribe(Array("adjustment/".utf8), true)
        try bench.share("r1", ["a", "b"])
        _ = try bench.step("b", #","adjust":[{"factor":3}]"#)
        #expect(!bench.published.contains { $0.topic.hasPrefix("adjustment/") })
        _ = try bench.step("a", #","adjust":[{"factor":2}]"#)
        let heard = bench.published.filter { !$0.topic.hasPrefix("run/") }
        #expect(heard.map(\.topic) == ["adjustment/r1/", "adjustment/r1/", "step/r1/"])
        #expect(heard.prefix(2).map { $0.payload["factor"]?.number } == [2, 3])
    }
}
