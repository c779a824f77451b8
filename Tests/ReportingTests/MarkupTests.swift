import Reporting
import Testing

@Suite struct MarkupTests {
    private func written(_ body: (inout Markup) -> Void) -> String {
        var markup = Markup()
        body(&markup)
        return String(decoding: markup.bytes, as: UTF8.self)
    }

    @Test func `text and attributes are escaped, and control characters replaced`() {
        let text = written { $0.element("p", ["class": "\"><script>"], "a < b & \"c\" > d\u{0}\u{1B}\u{7F}\n\u{E9}") }
        #expect(
            text
                == "<p class=\"&quot;&gt;&lt;script&gt;\">a &lt; b &amp; &quot;c&quot; &gt; d\u{FFFD}\u{FFFD}\u{FFFD}\n\u{E9}</p>"
        )
    }

    @Test func `elements close in the order in which they opened`() {
        let text = written { markup in
            markup.element("ul") { markup in
                markup.element("li", [:], "one")
                markup.element("li") { $0.void("meta", ["charset": "utf-8"]) }
            }
        }
        #expect(text == "<ul><li>one</li><li><meta charset=\"utf-8\"/></li></ul>")
    }

    @Test func `a picture says what it shows`() {
        let text = written { $0.svg(40, 20.25, title: "A & B", description: "<none>") { _ in } }
        #expect(
            text == "<svg class=\"plot\" viewBox=\"0 0 40 20.2\" role=\"img\"><title>A &amp; B</title>"
                + "<desc>&lt;none&gt;</desc></svg>\n")
    }

    @Test(arguments: [(0.0, "0"), (12, "12"), (12.04, "12"), (12.06, "12.1"), (-3.96, "-4"), (-0.04, "0")])
    func `lengths have one digit after the point at most`(value: Double, text: String) {
        #expect(coordinate(value) == text)
    }
}
