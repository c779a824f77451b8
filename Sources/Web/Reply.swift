import Protocol

/// A line of a reply's head.
struct Header: Equatable, Sendable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// An answer that is there as a whole.
package struct Reply: Sendable {
    package var status: Status
    var type: MediaType
    var headers: [Header] = []
    var body: [UInt8]
    /// Bytes of `body` that do not belong to it, at its beginning.
    var skipped = 0

    init(_ status: Status = .ok, _ type: MediaType, _ body: [UInt8], headers: [Header] = []) {
        (self.status, self.type, self.body, self.headers) = (status, type, body, headers)
    }

    init(_ status: Status = .ok, json: JSON, headers: [Header] = []) {
        var writer = ByteWriter()
        writer.json(json)
        self.init(status, .json, writer.bytes, headers: headers)
    }

    init(_ refusal: WebRefusal) {
        self.init(
            refusal.status,
            json: .object([
                .init(
                    "error",
                    .object(
                        [.init("code", .string(refusal.code)), .init("message", .string(refusal.message))]
                            + refusal.facts))
            ]), headers: refusal.headers)
    }

    /// What the hub said to a request of one operation: the object without `v`, `op` and `ok`, or the error with a
    /// status that fits.
    ///
    /// - Parameter op: of the request, which had no `id`.
    package init(said frame: [UInt8], to op: String) {
        let head = Array("{\"v\":1,\"op\":\"\(op)\",\"ok\":true".utf8)
        guard frame.starts(with: head), frame.count > head.count + 1 else {
            if frame.starts(with: head) {
                self.init(.ok, .json, Array("{}".utf8))
            } else {
                self.init(error: frame)
            }
            return
        }
        // The comma that follows becomes the brace that begins the object, and nothing is copied.
        var frame = frame
        frame[head.count] = UInt8(ascii: "{")
        self.init(.ok, .json, frame)
        skipped = head.count
    }

    private init(error frame: [UInt8]) {
        guard let parsed = try? JSON(parsing: frame), let error = parsed["error"],
            let code = error["code"]?.text.flatMap(ErrorCode.init)
        else {
            self.init(WebRefusal(.internalError, "an answer that is not of the protocol"))
            return
        }
        let status = Status(code, limit: error["limit"]?.text)
        self.init(
            status, json: .object([.init("error", error)]),
            headers: status == .unavailable ? [.init("Retry-After", "1")] : [])
    }

    /// The bytes that are sent.
    package var content: ArraySlice<UInt8> { body[skipped...] }
}

/// What a body is.
enum MediaType: String, Sendable {
    case json = "application/json"
    case geoJSON = "application/geo+json"
    case csv = "text/csv; charset=utf-8; header=present"
    case columns = "application/vnd.crims.columns"
    case events = "text/event-stream"
    case metrics = "text/plain; version=0.0.4; charset=utf-8"
    case html = "text/html; charset=utf-8"
    case css = "text/css; charset=utf-8"
    case javascript = "text/javascript; charset=utf-8"
    case svg = "image/svg+xml"
    case png = "image/png"
    case icon = "image/x-icon"
    case font = "font/woff2"
    case text = "text/plain; charset=utf-8"

    /// Of a file, by its name; nil for what is not served.
    init?(ofFile name: String) {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[name.index(after: dot)...] {
        case "html": self = .html
        case "css": self = .css
        case "js", "mjs": self = .javascript
        case "json", "webmanifest": self = .json
        case "geojson": self = .geoJSON
        case "svg": self = .svg
        case "png": self = .png
        case "ico": self = .icon
        case "woff2": self = .font
        case "txt": self = .text
        default: return nil
        }
    }
}

extension Header {
    /// Of every reply. The page has neither inline script nor inline style, and asks nobody else for anything.
    static let security: [Header] = [
        .init(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'none'"),
        .init("X-Content-Type-Options", "nosniff"),
        .init("Referrer-Policy", "no-referrer"),
        .init("Cross-Origin-Resource-Policy", "same-origin"),
        .init("Cross-Origin-Opener-Policy", "same-origin"),
    ]
}
