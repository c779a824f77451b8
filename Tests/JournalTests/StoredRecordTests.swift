import Coupling
import Journal
import Protocol
import Testing

@Suite struct StoredRecordTests {
    private func record(_ event: StoredRecord.EventName, _ body: String) throws(Refusal) -> Record {
        try StoredRecord(
            event: event, seq: 4, steps: 2, incidents: 17, digest: 1, lastDigest: 1, body: Array(body.utf8)
        ).record(run: "r1")
    }

    @Test func `a row comes back as the record that it was made of`() throws {
        let record = try record(.step, #"{"adjust":[{"factor":0.5}],"adjusted":["a1"]}"#)
        #expect(try StoredRecord(record).record(run: "r1") == record)
    }

    @Test(
        arguments: [
            (.open, #"{"digest":"d","sampler":1e300,"open":{"model":"m","start":"2020-01-06"}}"#),
            (.open, #"{"digest":"d","sampler":0.5,"open":{"model":"m","start":"2020-01-06"}}"#),
            (.adjust, #"{"seq":1e300,"adjust":{"factor":2},"adjusted":"a1"}"#),
            (.adjust, #"{"seq":"4","adjust":{"factor":2},"adjusted":"a1"}"#),
            (.step, #"{"adjust":[],"adjusted":["a1"]}"#),
            (.step, #"{"adjust":[{"factor":2}],"adjusted":["a1",2]}"#),
            (.step, #"{"adjust":[{"factor":2}],"adjusted":["a1","a2"]}"#),
        ] as [(StoredRecord.EventName, String)])
    func `a row that no release has written is refused`(_ event: StoredRecord.EventName, _ body: String) {
        #expect(throws: Refusal(.storage, "record 0 of the journal is none of this release")) {
            try record(event, body)
        }
    }
}
