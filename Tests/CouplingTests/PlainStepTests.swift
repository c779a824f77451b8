import Coupling
import CrimsCore
import Protocol
import Testing

/// Keeps records as they come.
private final class Keeper: Recorder {
    private(set) var records: [Record] = []
    var isFull = false

    func append(_ record: Record) throws(Refusal) {
        guard !isFull else { throw Refusal(.storage, "the disk is full") }
        records.append(record)
    }
}

@Suite struct PlainStepTests {
    /// A daemon that goes the plain way and draws ahead, and one that is asked the same in a way that is not plain.
    private struct Pair {
        let keepers = (Keeper(), Keeper())
        let benches: (Bench, Bench)

        init(limits: Limits = Limits()) {
            benches = (Bench(limits: limits, recorder: keepers.0), Bench(limits: limits, recorder: keepers.1))
        }

        /// Asks both; `{"v":1` is written otherwise for the second.
        func ask(_ members: String) throws -> JSON {
            for (bench, first) in [(benches.0, #"{"v":1,"#), (benches.1, #"{"v":1.0,"#)] {
                bench.send("\(first)\(members)}")
                bench.hub.work { false }
            }
            benches.0.hub.drawAhead()
            let replies = (try #require(benches.0.replies.last), try #require(benches.1.replies.last))
            #expect(benches.0.replies.count == benches.1.replies.count)
            #expect(replies.0.frames == replies.1.frames, "\(members)")
            return try JSON(parsing: replies.0.frames[0])
        }

        func expectSame() {
            #expect(keepers.0.records == keepers.1.records)
            #expect(benches.0.published.map(\.topic) == benches.1.published.map(\.topic))
            #expect(benches.0.published.map(\.payload) == benches.1.published.map(\.payload))
        }
    }

    @Test func `whatever comes between, replies, records and events are those of the general way`() throws {
        let pair = Pair()
        for bench in [pair.benches.0, pair.benches.1] { bench.hub.subscribe(Array("incidents/a".utf8), true) }
        for run in ["a", "policy-run-with-a-long-name"] {
            _ = try pair.ask(
                #""op":"open","model":"ring","start":"2020-02-28T12:00","run":"\#(run)","end":"2020-03-09T12:00""#)
        }
        var random = SeededGenerator(state: 7)
        var next = ["a": 0, "policy-run-with-a-long-name": 0]
        var draws = 0
        for turn in 0..<1_500 {
            let run = random.chance(70) ? "a" : "policy-run-with-a-long-name"
            let seq = next[run]!
            let format = random.chance(80) ? "columns" : random.pick(["records", "csv", "counts", "none"])
            let step = #""id":"\#(turn)","op":"step","run":"\#(run)","format":"\#(format)""#
            switch random.below(100) {
            case 0..<3: _ = try pair.ask(#""op":"adjust","run":"\#(run)","factor":1.5,"half_life":"3h""#)
            case 3..<5: _ = try pair.ask(#""op":"retract","run":"\#(run)","adjustment":"a\#(1 + random.below(9))""#)
            case 5..<7: _ = try pair.ask(#"\#(step),"seq":\#(seq + 1)"#)
            case 7..<10: _ = try pair.ask(#"\#(step),"seq":\#(max(0, seq - 1))"#)
            case 10..<12: _ = try pair.ask(#""op":"read","run":"\#(run)","seq":0,"count":\#(max(seq, 1))"#)
            case 12..<14:
                let reply = try pair.ask(#"\#(step),"seq":\#(seq),"adjust":[{"factor":0.2,"until":"2020-03-05"}]"#)
                next[run] = reply.int("next_seq") ?? seq
            case 14: _ = try pair.ask(#""op":"fork","run":"\#(run)","seq":\#(seq / 2),"as":"f\#(turn)""#)
            case 15:
                let reply = try pair.ask(#"\#(step),"seq":\#(seq),"count":3"#)
                next[run] = reply.int("next_seq") ?? seq
            default:
                let reply = try pair.ask(random.chance(50) ? #"\#(step),"seq":\#(seq)"# : step)
                next[run] = reply.int("next_seq") ?? seq
                draws += pair.benches.0.hub.hasDraftToDraw ? 0 : 1
            }
        }
        pair.expectSame()
        #expect(draws > 300 && next.values.allSatisfy { $0 == 240 }, "\(draws) \(next)")
    }

    @Test func `a run that is deleted and opened anew has no step of the old one`() throws {
        let pair = Pair()
        for seed in 1...3 {
            _ = try pair.ask(#""op":"open","model":"ring","start":"2020-02-28T12:00","run":"a","seed":\#(seed)"#)
            for seq in 0..<6 { _ = try pair.ask(#""op":"step","run":"a","seq":\#(seq)"#) }
            _ = try pair.ask(#""op":"close","run":"a""#)
            _ = try pair.ask(#""op":"step","run":"a","seq":6"#)
            _ = try pair.ask(#""op":"delete","run":"a""#)
            _ = try pair.ask(#""op":"step","run":"a","seq":6"#)
        }
        pair.expectSame()
    }

    @Test func `a step that cannot be kept is refused, and asked again it is the same`() throws {
        let pair = Pair()
        _ = try pair.ask(#""op":"open","model":"ring","start":"2020-02-28T12:00","run":"a""#)
        for seq in 0..<9 {
            for isFull in [seq % 3 == 2, false] {
                (pair.keepers.0.isFull, pair.keepers.1.isFull) = (isFull, isFull)
                let reply = try pair.ask(#""op":"step","run":"a","seq":\#(seq),"id":"s""#)
                #expect(reply.code == (isFull ? "storage" : nil))
                if !isFull { break }
            }
        }
        pair.expectSame()
    }

    @Test func `limits and roles are those of the general way`() throws {
        var limits = Limits()
        limits.incidentsPerReply = 1
        let pair = Pair(limits: limits)
        _ = try pair.ask(#""op":"open","model":"ring","start":"2020-02-28T12:00","run":"a""#)
        #expect(try pair.ask(#""op":"step","run":"a","seq":0"#).code == "limit_exceeded")
        #expect(try pair.ask(#""op":"step","run":"a","seq":0,"format":"none""#).code == nil)
        let frame = Array(#"{"v":1,"op":"step","run":"a","seq":1,"format":"none"}"#.utf8)
        frame.withUnsafeBytes {
            pair.benches.0.hub.receive(frame: $0, from: Peer(route: [1], enveloped: false, role: .policy))
        }
        #expect(try JSON(parsing: pair.benches.0.replies.last!.frames[0]).code == "forbidden")
    }

    @Test func `a long hour is drawn ahead for who thinks for longer`() throws {
        let bench = Bench()
        try bench.open("r1")
        // Each look at the clock, of which drawing takes three.
        bench.tick = 500_000
        for (seq, thought, isDrawn) in [
            (0, 0, false), (1, 0, false), (2, 0, false), (3, 9, true), (4, 9, true), (5, 0, false),
        ] {
            bench.clock += UInt64(thought) * 1_000_000
            try bench.ask(#""op":"step","run":"r1","seq":\#(seq)"#)
            #expect(bench.hub.hasDraftToDraw == isDrawn, "after step \(seq)")
            if seq == 3 { bench.hub.drawAhead() }
        }
    }

    @Test func `nothing is drawn ahead for who adjusts between steps`() throws {
        let bench = Bench()
        try bench.open("r1")
        for seq in 0..<4 { try bench.ask(#""op":"step","run":"r1","seq":\#(seq)"#) }
        #expect(bench.hub.hasDraftToDraw)
        var drawn = 0
        for seq in 4..<20 {
            if bench.hub.hasDraftToDraw { drawn += 1 }
            bench.hub.drawAhead()
            try bench.ask(#""op":"adjust","run":"r1","factor":1.1,"half_life":"1h""#)
            try bench.ask(#""op":"step","run":"r1","seq":\#(seq)"#)
        }
        #expect(drawn == 1)
    }
}
