/// The wire's error codes: programs depend on their spelling, so none ever changes.
public enum ErrorCode: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case unsupportedVersion = "unsupported_version"
    case unknownOp = "unknown_op"
    case unknownModel = "unknown_model"
    case unknownRun = "unknown_run"
    case unknownArea = "unknown_area"
    case unknownCrime = "unknown_crime"
    case unknownAdjustment = "unknown_adjustment"
    case runExists = "run_exists"
    case runClosed = "run_closed"
    case runEnded = "run_ended"
    case outOfStep = "out_of_step"
    case conflict
    case tooLate = "too_late"
    case participantLost = "participant_lost"
    case limitExceeded = "limit_exceeded"
    case modelChanged = "model_changed"
    case storage
    case forbidden
    case `internal`
}

/// A refused request: what is wrong and what would be right, for a person, and facts for a program.
public struct Refusal: Error, Equatable, Sendable {
    public var code: ErrorCode
    public var message: String
    /// Further members of the error object, such as `field` or `expected_seq`.
    public var facts: [JSON.Member]

    public init(_ code: ErrorCode, _ message: String, facts: [JSON.Member] = []) {
        self.code = code
        self.message = message
        self.facts = facts
    }

    public static func badRequest(field: String?, _ message: String) -> Refusal {
        Refusal(.badRequest, message, facts: field.map { [.init("field", .string($0))] } ?? [])
    }

    public static func unknown(_ code: ErrorCode, name: String, _ message: String) -> Refusal {
        Refusal(code, message, facts: [.init("name", .string(name))])
    }

    public static func outOfStep(expected: Int, _ message: String) -> Refusal {
        Refusal(.outOfStep, message, facts: [.init("expected_seq", .number(Double(expected)))])
    }

    public static func limit(_ name: String, _ message: String) -> Refusal {
        Refusal(.limitExceeded, message, facts: [.init("limit", .string(name))])
    }
}
