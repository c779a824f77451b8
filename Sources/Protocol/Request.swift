import CrimsCore

/// A request as a client sent it: its fields are of the right types and in range, its names not yet looked up.
public struct Request: Equatable, Sendable {
    /// Echoed in the reply as it came.
    public var id: String?
    public var operation: Operation
}

public enum Operation: Equatable, Sendable {
    case hello
    case describe(model: String)
    case open(OpenRequest)
    case step(StepRequest)
    case read(ReadRequest)
    case adjust(run: String, AdjustmentTerms)
    case retract(run: String, adjustment: String)
    case adjustments(run: String)
    case rates(RatesRequest)
    case fork(ForkRequest)
    case status(run: String?)
    case close(run: String)
    case delete(run: String)

    /// The wire's word for it.
    public var name: String {
        switch self {
        case .hello: "hello"
        case .describe: "describe"
        case .open: "open"
        case .step: "step"
        case .read: "read"
        case .adjust: "adjust"
        case .retract: "retract"
        case .adjustments: "adjustments"
        case .rates: "rates"
        case .fork: "fork"
        case .status: "status"
        case .close: "close"
        case .delete: "delete"
        }
    }

    public static let names = [
        "hello", "describe", "open", "step", "read", "adjust", "retract", "adjustments", "rates", "fork", "status",
        "close", "delete",
    ]
}

/// What a run is opened with; two requests with equal arguments mean the same run.
public struct OpenRequest: Equatable, Sendable {
    public var model: String
    public var start: CivilMinute
    public var end: CivilMinute?
    public var step: StepLength
    public var world: World
    public var publish: Bool
    /// Who has to ask for each step, in the order in which their adjustments act; empty: any one client steps.
    public var participants: [Participant]
    /// The run's name, if the client chose it.
    public var run: String?

    public init(
        model: String, start: CivilMinute, end: CivilMinute? = nil, step: StepLength = .minutes(60),
        world: World = World(), publish: Bool = true, participants: [Participant] = [], run: String? = nil
    ) {
        self.model = model
        self.start = start
        self.end = end
        self.step = step
        self.world = world
        self.publish = publish
        self.participants = participants
        self.run = run
    }
}

/// The form in which incidents are asked for.
public enum Format: String, CaseIterable, Sendable {
    case records, csv, columns, counts, none

    /// Whether the reply holds the incidents themselves.
    public var carriesIncidents: Bool { self == .records || self == .csv || self == .columns }
}

public struct StepRequest: Equatable, Sendable {
    public var run: String
    public var seq: Int?
    public var count: Int?
    public var until: CivilMinute?
    public var format: Format
    /// Who asks, in a run with participants.
    public var participant: String?
    public var adjust: [AdjustmentTerms]
}

public struct ReadRequest: Equatable, Sendable {
    public var run: String
    public var seq: Int
    public var count: Int
    public var format: Format
    public var areas: [String]?
    public var categories: [String]?
}

/// An adjustment in the client's words.
public struct AdjustmentTerms: Equatable, Sendable {
    /// The step that it is meant for; in the `adjust` list of a step, nil.
    public var seq: Int?
    public var factor: Double
    public var mode: Adjustment.Mode
    public var target: Adjustment.Target
    public var areas: [String]?
    public var categories: [String]?
    public var codes: [String]?
    public var descriptions: [String]?
    public var from: CivilMinute?
    public var until: CivilMinute?
    /// Minutes.
    public var halfLife: Int?
    public var displacement: Double
    public var key: String?
    public var source: String?
    public var reason: String?
    /// The fields as they were given, for the audit trail.
    public var given: [JSON.Member]

    /// Whether two requests ask for the same, however they spell it.
    public func asksTheSame(as other: AdjustmentTerms) -> Bool {
        var (left, right) = (self, other)
        left.given = []
        right.given = []
        return left == right
    }
}

public struct RatesRequest: Equatable, Sendable {
    public enum Subject: Equatable, Sendable {
        case run(String)
        case model(String)
    }
    /// What rows are made for.
    public enum Dimension: String, CaseIterable, Sendable {
        case area, category, code, hour
        case hourOfWeek = "hour_of_week"
        case day, month
    }

    public var subject: Subject
    public var from: CivilMinute
    public var to: CivilMinute
    public var by: [Dimension]
    /// Nil for all.
    public var areas: [String]?
    public var categories: [String]?
}

public struct ForkRequest: Equatable, Sendable {
    public var run: String
    public var seq: Int?
    /// The new run's name, if the client chose it.
    public var name: String?
    /// The new run's; none are inherited.
    public var participants: [Participant]

    public init(run: String, seq: Int? = nil, name: String? = nil, participants: [Participant] = []) {
        self.run = run
        self.seq = seq
        self.name = name
        self.participants = participants
    }
}
