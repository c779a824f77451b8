extension JSON {
    /// Parses one document, an object, and hands over the elements of its list `name` one by one: most of a large
    /// document is such a list, and is never in memory as values all at once.
    ///
    /// - Parameter body: gets each element and the byte at which it begins, until it returns false.
    /// - Returns: the object's members, with what is left of the list: no elements. Those after the end of reading are
    ///   not among them.
    public static func members(
        of bytes: UnsafeRawBufferPointer, eachOf name: String, _ body: (JSON, Int) -> Bool
    ) throws(JSONSyntaxError) -> [Member] {
        var parser = JSONParser(bytes: bytes)
        return try parser.members(eachOf: name, body)
    }
}

extension JSONParser {
    mutating func members(
        eachOf name: String, _ body: (JSON, Int) -> Bool
    ) throws(JSONSyntaxError) -> [JSON.Member] {
        skipBlanks()
        guard take(UInt8(ascii: "{")) else { throw failure("an object is expected") }
        var members: [JSON.Member] = []
        skipBlanks()
        var isAtEnd = take(UInt8(ascii: "}"))
        while !isAtEnd {
            let member = try self.name()
            if member == name, take(UInt8(ascii: "[")) {
                members.append(.init(member, .array([])))
                skipBlanks()
                var isListAtEnd = take(UInt8(ascii: "]"))
                while !isListAtEnd {
                    skipBlanks()
                    let start = index
                    guard body(try value(depth: 2), start) else { return members }
                    skipBlanks()
                    isListAtEnd = take(UInt8(ascii: "]"))
                    guard isListAtEnd || take(UInt8(ascii: ",")) else { throw failure("',' or ']' is expected") }
                }
            } else {
                members.append(.init(member, try value(depth: 1)))
            }
            skipBlanks()
            isAtEnd = take(UInt8(ascii: "}"))
            guard isAtEnd || take(UInt8(ascii: ",")) else { throw failure("',' or '}' is expected") }
        }
        skipBlanks()
        guard index == bytes.count else { throw failure("something follows the document") }
        return members
    }

    /// A member's name and the colon after it, up to its value.
    mutating func name() throws(JSONSyntaxError) -> String {
        skipBlanks()
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            throw failure("a member's name in quotes is expected")
        }
        let name = try string()
        skipBlanks()
        guard take(UInt8(ascii: ":")) else { throw failure("':' is expected after a member's name") }
        skipBlanks()
        return name
    }
}
