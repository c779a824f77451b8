import Coupling
import Protocol
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct BarrierTimeoutTests {
    private func bench(_ participants: String) throws -> Bench {
        let bench = Bench()
        try bench.open("r1", #","participants":\#(participants)"#)
        return bench
    }

    private func expire(_ bench: Bench, at time: UInt64) throws -> [String: JSON] {
        bench.clock = time
        return try bench.answers { bench.hub.expire() }
    }

    @Test func `a participant that does not ask in time fails the step for the others`() throws {
        let bench = try bench(
            #"[{"name":"a"},{"name":"b","timeout":2,"on_timeout":"fail"},{"name":"c","timeout":"5s","on_timeout":"fail"}]"#
        )
        #expect(bench.hub.nextDeadline == nil)
        bench.clock = 10 * second
        _ = try bench.step("a", #","adjust":[{"factor":2}]"#)
        #expect(bench.hub.nextDeadline == 12 * second)
        // From the first request, not from the last; asking again does not begin anew.
        bench.clock = 11 * second
        _ = try bench.step("c")
        _ = try bench.step("a", #","adjust":[{"factor":2}]"#)
        #expect(try expire(bench, at: 12 * second - 1).isEmpty)
        let replies = try expire(bench, at: 12 * second)
        #expect(Set(replies.keys) == ["a", "c"])
        for reply in replies.values {
            #expect(reply.code == "participant_lost" && reply["error"]?["name"] == .string("b"))
        }
        #expect(bench.hub.nextDeadline == nil)
        #expect(try bench.trail().isEmpty && bench.waitingFor().isEmpty && bench.status().int("next_seq") == 0)
        // It is back, late: the barrier begins anew, and its time with it.
        bench.clock = 20 * second
        #expect(try bench.step("b").isEmpty)
        #expect(bench.hub.nextDeadline == 25 * second)
        _ = try bench.step("a")
        #expect(try bench.step("c").count == 3)
        #expect(bench.hub.nextDeadline == nil)
        #expect(try expire(bench, at: 99 * second).isEmpty)
    }

    @Test func `with 'wait' the others go on waiting, and status says for whom`() throws {
        let bench = try bench(#"[{"name":"a","timeout":1,"on_timeout":"fail"},{"name":"b","timeout":2},{"name":"c"}]"#)
        #expect(try bench.status()["waiting_for"] == .array([]))
        bench.clock = 100 * second
        _ = try bench.step("a")
        #expect(bench.hub.nextDeadline == nil)
        #expect(try expire(bench, at: 101 * second + 500_000_000).isEmpty)
        func line(_ name: String, _ seconds: Double, _ overdue: Bool) -> JSON {
            .object([
                .init("name", .string(name)), .init("since", .string("2020-09-13T12:28:25Z")),
                .init("seconds", .number(seconds)), .init("overdue", .bool(overdue)),
            ])
        }
        #expect(try bench.status()["waiting_for"] == .array([line("b", 1.5, false), line("c", 1.5, false)]))
        #expect(try expire(bench, at: 102 * second).isEmpty)
        #expect(try bench.status()["waiting_for"] == .array([line("b", 2, true), line("c", 2, false)]))
        _ = try bench.step("c")
        #expect(try bench.step("b").count == 3)
    }

    @Test func `of two that are late the one whose time ended first is named`() throws {
        let bench = try bench(
            #"[{"name":"a"},{"name":"b","timeout":3,"on_timeout":"fail"},{"name":"c","timeout":2,"on_timeout":"fail"}]"#
        )
        _ = try bench.step("a")
        #expect(try expire(bench, at: 10 * second)["a"]?["error"]?["name"] == .string("c"))
    }

    @Test func `while a run is busy nobody is lost: who asks waits behind what is at hand`() throws {
        let bench = try bench(#"[{"name":"a"},{"name":"b","timeout":1,"on_timeout":"fail"}]"#)
        _ = try bench.step("a", #","seq":0,"count":500,"format":"none""#)
        _ = try bench.step("b", #","seq":0,"count":500,"format":"none""#)
        _ = try bench.step("a", #","seq":500"#)
        // A long retry is at hand when the other asks.
        bench.send(
            #"{"v":1,"id":"retry","op":"step","run":"r1","participant":"a","seq":0,"count":500,"format":"none"}"#)
        bench.hub.work { true }
        bench.send(#"{"v":1,"id":"b","op":"step","run":"r1","participant":"b","seq":500}"#)
        bench.clock = 60 * second
        #expect(bench.hub.nextDeadline == nil)
        let replies = try bench.answers { bench.hub.expire() }
        #expect(Set(replies.keys) == ["retry", "a", "b"])
        #expect(replies["a"]?.int("next_seq") == 501)
    }

    @Test func `only runs that wait are looked at, each by its own clock`() throws {
        let bench = Bench()
        for (number, timeout) in [3, 1, 2].enumerated() {
            try bench.open(
                "r\(number)",
                #","participants":[{"name":"a"},{"name":"b","timeout":\#(timeout),"on_timeout":"fail"}]"#)
            _ = try bench.step("a", run: "r\(number)", id: "r\(number)")
        }
        try bench.open("alone")
        #expect(bench.hub.nextDeadline == second)
        #expect(Set(try expire(bench, at: 2 * second).keys) == ["r1", "r2"])
        #expect(bench.hub.nextDeadline == 3 * second)
        #expect(Set(try expire(bench, at: 3 * second).keys) == ["r0"])
    }
}
