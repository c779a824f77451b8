import Testing

import Protocol

@Suite struct ParticipantTests {
    private func open(_ participants: String) throws -> [Participant] {
        let text = #"{"v":1,"op":"open","model":"m","start":"2020-01-01","participants":"# + participants + "}"
        guard case .open(let open) = try Request(frame: Array(text.utf8)).operation else { return [] }
        return open.participants
    }

    @Test(
        arguments: [
            (#""500ms""#, 500), (#""30s""#, 30_000), (#""5m""#, 300_000), (#""1h""#, 3_600_000), ("2", 2_000),
            ("0.5", 500), ("0.0014", 1), (#""8784h""#, 31_622_400_000), ("null", nil),
        ] as [(String, Int?)])
    func `a time-out is a number of seconds or a text`(text: String, milliseconds: Int?) throws {
        #expect(try open(#"[{"name":"a","timeout":\#(text)}]"#) == [Participant(name: "a", timeout: milliseconds)])
    }

    @Test(arguments: [
        ("0", "timeout"), ("-1", "timeout"), ("0.0001", "timeout"), ("NaN", "timeout"), ("1e999", "timeout"),
        (#""30""#, "timeout"), (#""30d""#, "timeout"), (#""0s""#, "timeout"), (#""-1s""#, "timeout"),
        (#""8785h""#, "timeout"), (#""99999999999999999999ms""#, "timeout"), ("true", "timeout"), ("[]", "timeout"),
        (#"1,"on_timeout":"stop""#, "on_timeout"), (#"1,"ontimeout":"fail""#, "ontimeout"),
        (#"1,"name":"b""#, "name"),
    ])
    func `a participant with a wrong field is refused by its name`(text: String, field: String) {
        #expect { try open(#"[{"name":"b"},{"name":"a","timeout":\#(text)}]"#) } throws: { error in
            guard let refusal = (error as? RequestFailure)?.refusal else { return false }
            return refusal.code == .badRequest && refusal.facts == [.init("field", .string(field))]
                && refusal.message.hasPrefix("participants[1]: ")
        }
    }

    @Test(arguments: [
        (#"{"name":"a"}"#, "participants"), (#"["a"]"#, "participants"), (#"[{}]"#, "name"),
        (#"[{"name":""}]"#, "name"), (#"[{"name":"a b"}]"#, "name"), (#"[{"name":"ä"}]"#, "name"),
        (#"[{"name":"a/"}]"#, "name"), (#"[{"name":"a"},{"name":"b"},{"name":"a"}]"#, "name"),
        (#"[{"name":"\#(String(repeating: "x", count: 65))"}]"#, "name"),
    ])
    func `a list of participants that is wrong is refused`(text: String, field: String) {
        #expect { try open(text) } throws: { error in
            (error as? RequestFailure)?.refusal.facts == [.init("field", .string(field))]
        }
    }

    @Test func `names have letters, digits, points, lines and strokes; the order is kept`() throws {
        let names = ["Police_1.a-b", "0", "zZ", String(repeating: "x", count: 64)]
        let list = names.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
        #expect(try open("[\(list)]") == names.map { Participant(name: $0) })
        #expect(try open("[]").isEmpty && open("null").isEmpty)
    }

    @Test func `a participant reads back from what is written of it`() throws {
        for participant in [
            Participant(name: "a"), Participant(name: "b", timeout: 1, onTimeout: .fail),
            Participant(name: "c", timeout: 31_622_399_999), Participant(name: "d", timeout: 1_700),
        ] {
            var writer = ByteWriter()
            writer.json(.array([participant.json]))
            #expect(try open(String(decoding: writer.bytes, as: UTF8.self)) == [participant])
        }
    }

    @Test func `a fork takes participants, a step says who asks`() throws {
        let fork = #"{"v":1,"op":"fork","run":"r","participants":[{"name":"a","timeout":"2s","on_timeout":"fail"}]}"#
        guard case .fork(let request) = try Request(frame: Array(fork.utf8)).operation else { return }
        #expect(request.participants == [Participant(name: "a", timeout: 2_000, onTimeout: .fail)])
        let step = #"{"v":1,"op":"step","run":"r","participant":"a"}"#
        guard case .step(let request) = try Request(frame: Array(step.utf8)).operation else { return }
        #expect(request.participant == "a")
    }

    @Test func `universal time is written to the second`() {
        #expect(TimeText.formatUniversal(secondsSince1970: 1_600_000_005) == "2020-09-13T12:26:45Z")
    }
}
