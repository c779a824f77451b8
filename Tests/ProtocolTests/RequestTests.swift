import Protocol
import Testing

@Suite struct RequestTests {
    private func failure(_ text: String) -> RequestFailure? {
        do throws(RequestFailure) {
            _ = try Request(frame: Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        (#"{"op":"hello"}"#, "bad_request", "v"),
        (#"{"v":2,"op":"hello"}"#, "unsupported_version", nil),
        (#"{"v":1}"#, "bad_request", "op"),
        (#"{"v":1,"op":"stepp"}"#, "unknown_op", nil),
        (#"{"v":1,"op":"hello","x":1}"#, "bad_request", "x"),
        (#"{"v":1,"op":"hello","op":"hello"}"#, "bad_request", "op"),
        (#"{"v":1,"op":"adjust","run":"r","facter":0.5}"#, "bad_request", "facter"),
        (#"{"v":1,"op":"adjust","run":"r"}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":null}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":-1}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":1000.5}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":NaN}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":1e999}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":"1"}"#, "bad_request", "factor"),
        (#"{"v":1,"op":"adjust","run":"r","factor":2,"displacement":0.5}"#, "bad_request", "displacement"),
        (#"{"v":1,"op":"adjust","run":"r","factor":0.5,"mode":"set","half_life":"1d"}"#, "bad_request", "half_life"),
        (#"{"v":1,"op":"adjust","run":"r","factor":0.5,"mode":"set","displacement":1}"#, "bad_request", "displacement"),
        (
            #"{"v":1,"op":"adjust","run":"r","factor":0.5,"target":"suspect","displacement":1}"#, "bad_request",
            "displacement"
        ),
        (#"{"v":1,"op":"adjust","run":"r","factor":0.5,"half_life":"1mo"}"#, "bad_request", "half_life"),
        (#"{"v":1,"op":"adjust","run":"r","factor":0.5,"areas":[]}"#, "bad_request", "areas"),
        (
            #"{"v":1,"op":"adjust","run":"r","factor":0.5,"from":"2020-01-02","until":"2020-01-01"}"#, "bad_request",
            "until"
        ),
        (#"{"v":1,"op":"open","model":"m","start":"2020-01-30","step":"1mo"}"#, "bad_request", "start"),
        (#"{"v":1,"op":"open","model":"m","start":"2020-01-01","end":"2020-01-01T00:30"}"#, "bad_request", "end"),
        (#"{"v":1,"op":"open","model":"m","start":"2020-01-01","seed":9007199254740992}"#, "bad_request", "seed"),
        (#"{"v":1,"op":"open","model":"m","start":"2020-01-01","run":"R1"}"#, "bad_request", "run"),
        (#"{"v":1,"op":"step","run":"r","count":0}"#, "bad_request", "count"),
        (#"{"v":1,"op":"step","run":"r","seq":0.5}"#, "bad_request", "seq"),
        (#"{"v":1,"op":"step","run":"r","format":"xml"}"#, "bad_request", "format"),
        (#"{"v":1,"op":"step","run":"r","adjust":[{"factor":1,"facter":1}]}"#, "bad_request", "facter"),
        (#"{"v":1,"op":"step","run":"r","adjust":{"factor":1}}"#, "bad_request", "adjust"),
        (#"{"v":1,"op":"rates","run":"r","model":"m","from":"2020-01-01","to":"2020-01-02"}"#, "bad_request", "model"),
        (
            #"{"v":1,"op":"rates","run":"r","from":"2020-01-01","to":"2020-01-02","by":["area","area"]}"#,
            "bad_request", "by"
        ),
        (#"{"v":1,"op":"hello","id":5}"#, "bad_request", "id"),
    ])
    func `a wrong request is refused by the name of its field`(text: String, code: String, field: String?) throws {
        let refusal = try #require(failure(text)?.refusal)
        #expect(refusal.code.rawValue == code)
        #expect(refusal.facts.first { $0.name == "field" }?.value.text == field)
        #expect(!refusal.message.isEmpty)
    }

    @Test func `an id is echoed even where the rest is wrong, and null where there is no object`() {
        #expect(failure(#"{"v":1,"id":"a-1","op":"nope"}"#)?.id == .string("a-1"))
        #expect(failure(#"[1]"#)?.id == .null)
        #expect(failure("nonsense")?.id == .null)
        #expect(failure(#"{"v":1,"op":"nope"}"#)?.id == nil)
    }

    @Test func `a frame of more than a mebibyte is not read`() throws {
        let text = #"{"v":1,"op":"hello","id":""# + String(repeating: "x", count: 1 << 20) + #""}"#
        let refusal = try #require(failure(text)?.refusal)
        #expect(refusal.code == .limitExceeded)
    }

    @Test func `null means left out`() throws {
        let request = try Request(
            frame: Array(#"{"v":1,"op":"step","run":"r","seq":null,"until":null,"participant":null}"#.utf8))
        guard case .step(let step) = request.operation else { return #expect(Bool(false), "a step") }
        #expect(step.seq == nil && step.until == nil && step.format == .records)
    }

    @Test func `a misspelt field is told its neighbour`() throws {
        #expect(
            try #require(failure(#"{"v":1,"op":"adjust","run":"r","facter":1}"#)).refusal.message.contains("'factor'"))
    }

    @Test func `error codes are spelt as the protocol has them`() {
        #expect(
            ErrorCode.allCases.map(\.rawValue) == [
                "bad_request", "unsupported_version", "unknown_op", "unknown_model", "unknown_run", "unknown_area",
                "unknown_crime", "unknown_adjustment", "run_exists", "run_closed", "run_ended", "out_of_step",
                "conflict",
                "too_late", "participant_lost", "limit_exceeded", "model_changed", "storage", "forbidden", "internal",
            ])
    }
}
