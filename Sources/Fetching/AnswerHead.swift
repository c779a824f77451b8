/// What a server's answer says before its body.
package struct AnswerHead: Equatable {
    package var status: Int
    /// Bytes of the whole archive, whichever part of it follows; nil if the answer does not say.
    package var size: Int?
    /// The first byte of the part that follows, in an answer to a request for a part.
    package var start: Int?
    package var etag: String?
    package var lastModified: String?
    package var contentType: String?
    /// Seconds that the server asks to be left alone for; 0 if it does not.
    package var retryAfter: Int

    package init(
        status: Int, size: Int? = nil, start: Int? = nil, etag: String? = nil, lastModified: String? = nil,
        contentType: String? = nil, retryAfter: Int = 0
    ) {
        self.status = status
        self.size = size
        self.start = start
        self.etag = etag
        self.lastModified = lastModified
        self.contentType = contentType
        self.retryAfter = retryAfter
    }

    /// - Parameter header: Gives a header by its name.
    package init(status: Int, retryAfter: Int, header: (String) -> String?) {
        self.init(
            status: status, etag: header("ETag"), lastModified: header("Last-Modified"),
            contentType: header("Content-Type"), retryAfter: retryAfter)
        if status == 206 || status == 416 {
            if let range = header("Content-Range") { (start, size) = Self.range(range) }
        } else {
            size = header("Content-Length").flatMap { Self.number($0[...]) }
        }
    }

    /// First byte and whole size of `bytes 100-199/200`, `bytes 100-199/*` or `bytes */200`.
    package static func range(_ text: String) -> (start: Int?, size: Int?) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased().hasPrefix("bytes ") else { return (nil, nil) }
        let bounds = parts[0].dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        return (bounds.count == 2 ? number(bounds[0]) : nil, number(parts[1]))
    }

    private static func number(_ text: Substring) -> Int? {
        let digits = text.drop { $0 == " " }
        return digits.utf8.allSatisfy { $0 &- 48 < 10 } ? Int(digits) : nil
    }
}

/// What is asked of a server: a whole archive, or all of it from some byte on.
package struct RangeRequest: Equatable {
    package var address: String
    /// The first byte to be sent; 0 for the whole.
    package var start: Int
    /// The mark of the version that the rest is wanted of; of any other the whole is.
    package var ifRange: String?

    package init(address: String, start: Int = 0, ifRange: String? = nil) {
        self.address = address
        self.start = start
        self.ifRange = ifRange
    }
}

/// What is known about the archive that a part is of.
package struct PartRecord: Equatable {
    package var address: String
    package var size: Int?
    package var etag: String?
    package var lastModified: String?

    /// What tells this version from others. A weak ETag does not: other bytes may bear it.
    package var mark: String? { etag.flatMap { $0.hasPrefix("W/") ? nil : $0 } ?? lastModified }

    /// Whether more of it can be told from more of something else.
    package var canGoOn: Bool { mark != nil || size != nil }

    package init(address: String, size: Int? = nil, etag: String? = nil, lastModified: String? = nil) {
        self.address = address
        self.size = size
        self.etag = etag
        self.lastModified = lastModified
    }

    package init(address: String, head: AnswerHead) {
        self.init(address: address, size: head.size, etag: head.etag, lastModified: head.lastModified)
    }

    /// Whether an answer is about the same version, as far as both say.
    package func agrees(with head: AnswerHead) -> Bool {
        func same<Value: Equatable>(_ mine: Value?, _ other: Value?) -> Bool {
            mine == nil || other == nil || mine == other
        }
        return same(size, head.size) && same(etag, head.etag) && same(lastModified, head.lastModified)
    }
}
