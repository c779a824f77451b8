import Protocol
import Testing

@Suite struct PlainStepTests {
    /// A plain step as a frame's texts.
    private struct Read: Equatable {
        var id: String?
        var run: String
        var seq: Int?
        var format: Format
    }

    private func plain(_ bytes: [UInt8]) -> Read? {
        bytes.withUnsafeBytes { frame in
            PlainStep(frame).map { step in
                func text(_ range: Range<Int>) -> String { String(decoding: frame[range], as: UTF8.self) }
                return Read(id: step.id.map(text), run: text(step.run), seq: step.seq, format: step.format)
            }
        }
    }

    /// What the general reader makes of it, if that is one step and nothing else.
    private func general(_ bytes: [UInt8]) -> Read? {
        guard let request = try? Request(frame: bytes), case .step(let step) = request.operation, step.count ?? 1 == 1,
            step.until == nil, step.participant == nil, step.adjust.isEmpty
        else { return nil }
        return Read(id: request.id, run: step.run, seq: step.seq, format: step.format)
    }

    @Test(arguments: [
        #"{"v":1,"op":"step","run":"r"}"#,
        #"{"v":1,"id":"000007","op":"step","run":"baseline","seq":0,"format":"columns"}"#,
        #" { "seq" : 999999999999999 , "run" : "r", "op":"step","v":1 , "format":"none", "id":"" } "#,
        #"{"v":1,"op":"step","run":"r","count":1,"adjust":[],"until":null,"participant":null,"id":null,"seq":null}"#,
        #"{"v":1,"op":"step","run":"","format":"csv"}"#, #"{"v":1,"op":"step","run":"R 2","format":"counts"}"#,
        #"{"v":1,"op":"step","run":"r","format":null,"adjust":null,"count":null}"#,
    ])
    func `a plain step is read as the general reader reads it`(text: String) throws {
        let read = try #require(plain(Array(text.utf8)))
        #expect(read == general(Array(text.utf8)))
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"v":1,"op":"step"}"#, #"{"v":2,"op":"step","run":"r"}"#, #"{"v":1,"op":"read","run":"r"}"#,
        #"{"v":1,"op":"step","run":"r","run":"r"}"#, #"{"v":1,"op":"step","run":"r","count":2}"#,
        #"{"v":1,"op":"step","run":"r","seq":01}"#, #"{"v":1,"op":"step","run":"r","seq":-1}"#,
        #"{"v":1,"op":"step","run":"r","seq":1.0}"#, #"{"v":1,"op":"step","run":"r","seq":1e3}"#,
        #"{"v":1,"op":"step","run":"r","seq":1000000000000000}"#, #"{"v":1,"op":"step","run":"r","seq":"1"}"#,
        #"{"v":1,"op":"step","run":"\u0072"}"#, #"{"v":1,"op":"step","run":"é"}"#, #"{"v":1,"op":"step","run":"r"}x"#,
        #"{"v":1,"op":"step","run":"r","format":"xml"}"#, #"{"v":1,"op":"step","run":"r","adjust":[{"factor":2}]}"#,
        #"{"v":1,"op":"step","run":"r","participant":"p"}"#, #"{"v":1,"op":"step","run":"r","until":"2020-01-02"}"#,
        #"{"v":1,"op":"step","run":"r","sequ":1}"#, #"{"v":1,"op":"step","run":"r",}"#,
        #"{"v":1,"op":"step","run":"r""#,
        #"{"v":null,"op":"step","run":"r"}"#, #"{"v":1,"op":"step","run":null}"#,
        #"{"v":1,"op":"step","run":"r","id":7}"#,
    ])
    func `anything else is left to the general reader`(text: String) { #expect(plain(Array(text.utf8)) == nil) }

    @Test func `long frames and ids are left to the general reader`() {
        func request(_ id: String) -> [UInt8] { Array(#"{"v":1,"op":"step","run":"r","id":"\#(id)"}"#.utf8) }
        #expect(plain(request(String(repeating: "x", count: 128))) != nil)
        #expect(plain(request(String(repeating: "x", count: 129))) == nil)
        #expect(plain(request("x") + [UInt8](repeating: 32, count: 600)) == nil)
    }

    @Test func `what it reads of changed requests is what the general reader reads`() {
        let texts = [
            #"{"v":1,"id":"17","op":"step","run":"r1","seq":12,"format":"columns","count":1,"adjust":[]}"#,
            #"{"run":"r1","op":"step","v":1,"until":null,"seq":0,"participant":null}"#,
        ].map { Array($0.utf8) }
        let words = Array(#"{}[]",:1nul0 .-e\"#.utf8)
        var state: UInt64 = 1
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var read = 0
        for _ in 0..<60_000 {
            var bytes = texts[below(texts.count)]
            for _ in 0...below(3) {
                let place = below(bytes.count)
                switch below(4) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(words[below(words.count)], at: place)
                case 2: bytes[place] = words[below(words.count)]
                default: bytes.insert(contentsOf: bytes[place..<min(place + below(12), bytes.count)], at: place)
                }
            }
            guard let plain = plain(bytes) else { continue }
            read += 1
            #expect(plain == general(bytes), "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(read > 1_000)
    }
}
