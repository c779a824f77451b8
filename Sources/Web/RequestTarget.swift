import Protocol

/// What a request asks for, taken apart before anything is decoded, so that no escape can make a new segment of a path.
package struct RequestTarget: Equatable {
    /// The decoded segments of the path; none for `/`. A slash at the end is passed over.
    package var path: [String]
    /// The query's parameters in their order, decoded.
    package var query: [Parameter]

    package struct Parameter: Equatable {
        package var name: String
        package var value: String

        package init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }

    static let bytesMax = 8_192
    private static let parametersMax = 32

    /// - Parameter text: as it came: a path that begins with `/`, and perhaps a query.
    /// - Throws: `bad_request` for what is no path, or a segment that could lead out of a folder.
    package init(_ text: String) throws(WebRefusal) {
        guard text.utf8.count <= Self.bytesMax else {
            throw WebRefusal(.uriTooLong, "an address has at most \(Self.bytesMax) bytes")
        }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .badRequest("a path begins with '/'") }
        let parts = text.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var segments = parts[0].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if segments.last?.isEmpty == true { segments.removeLast() }
        path = []
        for segment in segments {
            guard let decoded = Self.decode(segment, plusIsBlank: false), !decoded.isEmpty, decoded != ".",
                decoded != "..",
                !decoded.utf8.contains(where: {
                    $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\")
                })
            else { throw .badRequest("there is no such path: a segment of it is empty, '.' or '..', or not in order") }
            path.append(decoded)
        }
        query = []
        guard parts.count > 1, !parts[1].isEmpty else { return }
        for pair in parts[1].split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(sides[0], plusIsBlank: true),
                let value = Self.decode(sides.count > 1 ? sides[1] : sides[0].prefix(0), plusIsBlank: true)
            else { throw .badRequest("the query is not UTF-8 in percent-encoding") }
            query.append(Parameter(name: name, value: value))
        }
        guard query.count <= Self.parametersMax else {
            throw .badRequest("a query has at most \(Self.parametersMax) parameters")
        }
    }

    private static func decode(_ bytes: Substring.UTF8View, plusIsBlank: Bool) -> String? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            result.append(high << 4 | low)
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The query of one path: each parameter is known and there once.
package struct QueryReader {
    private var left: [RequestTarget.Parameter]
    private let known: [String]

    package init(_ query: [RequestTarget.Parameter], known: [String]) throws(WebRefusal) {
        (left, self.known) = (query, known)
        for (index, parameter) in query.enumerated() {
            guard known.contains(parameter.name) else {
                let hint =
                    Spelling.nearest(to: parameter.name, in: known).map { "did you mean '\($0)'?" }
                    ?? (known.isEmpty ? "there are none" : "there are \(known.joined(separator: ", "))")
                throw .badRequest("'\(parameter.name)' is not a parameter of this path; \(hint)", field: parameter.name)
            }
            guard !query[..<index].contains(where: { $0.name == parameter.name }) else {
                throw .badRequest("'\(parameter.name)' is there twice", field: parameter.name)
            }
        }
    }

    package func text(_ name: String) -> String? { left.first { $0.name == name }?.value }

    /// A whole number from 0.
    package func number(_ name: String) throws(WebRefusal) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Self.wholeNumber(text) else {
            throw .badRequest("'\(name)' is a whole number, not '\(text)'", field: name)
        }
        return number
    }

    /// Nil for anything but digits, and for what the wire's protocol could not say.
    static func wholeNumber(_ text: String) -> Int? {
        guard let number = Int(text), number >= 0, number < 1 << 53, text.utf8.first != UInt8(ascii: "+") else {
            return nil
        }
        return number
    }

    /// Texts between commas; nil where it is left out or empty.
    package func list(_ name: String) -> [String]? {
        guard let text = text(name), !text.isEmpty else { return nil }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}
