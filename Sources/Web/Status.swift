import Protocol

/// The statuses of HTTP that are used here.
package enum Status: Int, Sendable {
    case ok = 200
    case created = 201
    case noContent = 204
    case notModified = 304
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case conflict = 409
    case tooLarge = 413
    case uriTooLong = 414
    case unsupportedMediaType = 415
    case misdirected = 421
    case tooManyRequests = 429
    case internalError = 500
    case unavailable = 503

    /// For an error of the wire's protocol.
    package init(_ code: ErrorCode, limit: String?) {
        switch code {
        case .badRequest, .unsupportedVersion: self = .badRequest
        case .unknownOp, .unknownModel, .unknownRun, .unknownArea, .unknownCrime, .unknownAdjustment: self = .notFound
        case .runExists, .runClosed, .runEnded, .outOfStep, .conflict, .tooLate, .participantLost, .modelChanged:
            self = .conflict
        // One of these is gone in a moment, the others stay as long as the request is the same.
        case .limitExceeded: self = limit == "reads_waiting" || limit == "requests_waiting" ? .unavailable : .tooLarge
        case .forbidden: self = .forbidden
        case .storage: self = .unavailable
        case .internal: self = .internalError
        }
    }
}

/// A request that is refused before the hub sees it: what is wrong and what would be right.
package struct WebRefusal: Error, Equatable {
    package var status: Status
    /// The wire's codes where one fits, and words of HTTP alone elsewhere.
    package var code: String
    var message: String
    var facts: [JSON.Member] = []
    var headers: [Header] = []

    init(_ status: Status, _ message: String, facts: [JSON.Member] = [], headers: [Header] = []) {
        (self.status, self.message, self.facts, self.headers) = (status, message, facts, headers)
        code =
            switch status {
            case .badRequest: ErrorCode.badRequest.rawValue
            case .unauthorized: "unauthorized"
            case .forbidden: ErrorCode.forbidden.rawValue
            case .notFound: "unknown_path"
            case .methodNotAllowed: "method_not_allowed"
            case .tooLarge: "body_too_large"
            case .uriTooLong: "address_too_long"
            case .unsupportedMediaType: "unsupported_media_type"
            case .misdirected: "wrong_host"
            case .tooManyRequests: "too_many_requests"
            case .unavailable: "unavailable"
            default: ErrorCode.internal.rawValue
            }
    }

    /// - Parameter seconds: after how many it may be asked again.
    static func unavailable(_ message: String, seconds: Int = 1) -> WebRefusal {
        WebRefusal(.unavailable, message, headers: [.init("Retry-After", "\(seconds)")])
    }

    static func badRequest(_ message: String, field: String? = nil) -> WebRefusal {
        WebRefusal(.badRequest, message, facts: field.map { [.init("field", .string($0))] } ?? [])
    }
}
