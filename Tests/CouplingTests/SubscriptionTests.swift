import Coupling
import Testing

@Suite struct SubscriptionTests {
    /// A hub with a run, to which so many topics of others are subscribed.
    private func bench(subscriptions: Int) throws -> Bench {
        let bench = Bench()
        try bench.open()
        for number in 0..<subscriptions {
            bench.hub.subscribe(Array("step/run-\(number)/".utf8), true, by: number / 1_000)
        }
        return bench
    }

    @Test(arguments: ["", "s", "step/", "step/r1/", "incidents/r1/", "incidents/r1/other-t"])
    func `a beginning is heard among few and among many others`(prefix: String) throws {
        var heard: [[String]] = []
        for count in [0, 5_000] {
            let bench = try bench(subscriptions: count)
            bench.hub.subscribe(Array(prefix.utf8), true, by: 100)
            try bench.ask(#""op":"step","run":"r1","count":5"#)
            heard.append(bench.published.map(\.topic))
            bench.hub.subscribe(Array(prefix.utf8), false, by: 100)
            try bench.ask(#""op":"step","run":"r1","count":5"#)
            #expect(bench.published.count == heard.last?.count, "\(prefix) is not heard any more")
        }
        #expect(heard[0] == heard[1] && !heard[0].isEmpty)
    }
}
