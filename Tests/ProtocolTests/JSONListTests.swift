import Protocol
import Testing

/// A document whose list is read an element at a time.
@Suite struct JSONListTests {
    private func read(_ text: String, until stop: Int = .max) throws -> (elements: [JSON], members: [JSON.Member]) {
        var elements: [JSON] = []
        let members = try Array(text.utf8).withUnsafeBytes { bytes in
            try JSON.members(of: bytes, eachOf: "list") { element, offset in
                #expect(bytes[offset] != 0x20)
                elements.append(element)
                return elements.count < stop
            }
        }
        return (elements, members)
    }

    @Test(arguments: [
        #"{"list":[],"a":1}"#, #" { "a" : 1 , "list" : [ ] } "#, #"{"a":[{"list":[1]}],"list":[1,[2],{"b":[3]}]}"#,
        #"{"list":7}"#, "{}", #"{"list":["]",",\"}"],"z":null}"#,
    ])
    func `what is read is what the whole document has`(text: String) throws {
        let whole = try JSON(parsing: text.utf8)
        let read = try read(text)
        #expect(read.elements == whole["list"]?.elements ?? [])
        let rest = whole.members?.map { member in
            member.name == "list" && member.value.elements != nil ? JSON.Member("list", .array([])) : member
        }
        #expect(read.members == rest)
    }

    @Test(arguments: [
        #"{"list":[1,]}"#, #"{"list":[1 2]}"#, #"{"list":[1}"#, #"{"list":[1],}"#, #"{"list":[1]"#, #"{"list":[1]} x"#,
        "[1]", "", #"{"list":[{]}"#, #"{list:[1]}"#,
    ])
    func `what is no document is refused at the same byte`(text: String) {
        var offset: Int?
        do {
            _ = try JSON(parsing: text.utf8)
        } catch {
            offset = error.offset
        }
        #expect { try read(text) } throws: { ($0 as? JSONSyntaxError)?.offset == (text == "[1]" ? 0 : offset) }
    }

    @Test func `reading ends where it is told to`() throws {
        #expect(try read(#"{"list":[1,2,3 nonsense"#, until: 2).elements == [1, 2].map { .number($0) })
    }
}
