import Protocol

/// Writes HTML and the SVG within it. All text is escaped, whoever it comes from: there is no way around it but
/// ``style(_:)``, which takes the program's own text only.
package struct Markup {
    package typealias Attributes = KeyValuePairs<StaticString, String>

    private var writer = ByteWriter(capacity: 1 << 18)

    package init() {}

    package var bytes: [UInt8] { writer.bytes }

    /// The line that makes browsers follow the standard.
    package mutating func doctype() { writer.raw("<!DOCTYPE html>\n") }

    package mutating func style(_ text: StaticString) {
        writer.raw("<style>\n")
        writer.raw(text)
        writer.raw("</style>\n")
    }

    /// Rules that depend on how many of something there are.
    ///
    /// - Precondition: Made of numbers and the program's own names.
    package mutating func style(rules: [String]) {
        precondition(!rules.contains { $0.utf8.contains(UInt8(ascii: "<")) }, "a style sheet ends at <")
        writer.raw("<style>\n")
        for rule in rules {
            writer.text(rule)
            writer.raw("\n")
        }
        writer.raw("</style>\n")
    }

    package mutating func text(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): writer.raw("&amp;")
            case UInt8(ascii: "<"): writer.raw("&lt;")
            case UInt8(ascii: ">"): writer.raw("&gt;")
            case UInt8(ascii: "\""): writer.raw("&quot;")
            // No control character is allowed in HTML but these.
            case 0..<0x20 where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\t"), 0x7F: writer.raw("\u{FFFD}")
            default: writer.byte(byte)
            }
        }
    }

    package mutating func element(
        _ name: StaticString, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void
    ) {
        open(name, attributes)
        writer.raw(">")
        content(&self)
        writer.raw("</")
        writer.raw(name)
        writer.raw(">")
    }

    package mutating func element(_ name: StaticString, _ attributes: Attributes = [:], _ text: String) {
        element(name, attributes) { $0.text(text) }
    }

    /// An element without content.
    package mutating func void(_ name: StaticString, _ attributes: Attributes = [:]) {
        open(name, attributes)
        writer.raw("/>")
    }

    package mutating func newLine() { writer.raw("\n") }

    /// A block of its own line, so that a difference between two reports shows where it is.
    package mutating func block(_ name: StaticString, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void)
    {
        element(name, attributes, content)
        newLine()
    }

    package mutating func block(_ name: StaticString, _ attributes: Attributes = [:], _ text: String) {
        block(name, attributes) { $0.text(text) }
    }

    package mutating func paragraph(_ text: String) { block("p", [:], text) }
    package mutating func note(_ text: String) { block("p", ["class": "note"], text) }

    package mutating func link(to anchor: String, _ text: String) { element("a", ["href": "#" + anchor], text) }

    /// A picture of `width` by `height` units, as wide as there is room, that says what it shows to those who do not
    /// see it.
    package mutating func svg(
        _ width: Double, _ height: Double, class name: String = "plot", title: String, description: String,
        _ content: (inout Markup) -> Void
    ) {
        element(
            "svg",
            ["class": name, "viewBox": "0 0 \(coordinate(width)) \(coordinate(height))", "role": "img"]
        ) { markup in
            markup.element("title", [:], title)
            markup.element("desc", [:], description)
            content(&markup)
        }
        newLine()
    }

    private mutating func open(_ name: StaticString, _ attributes: Attributes) {
        writer.raw("<")
        writer.raw(name)
        for (name, value) in attributes {
            writer.raw(" ")
            writer.raw(name)
            writer.raw("=\"")
            text(value)
            writer.raw("\"")
        }
    }
}

/// A length in a picture: tenths of a unit are finer than anybody sees.
package func coordinate(_ value: Double) -> String {
    let text = Decimal.fixed(value, places: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
