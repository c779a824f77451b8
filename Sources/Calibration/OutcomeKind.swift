/// How an incident's investigation stands, as far as a suspect goes.
enum OutcomeKind: Int, CaseIterable {
    /// A suspect was identified, and the police pursued the case as far as it went.
    case suspect = 0
    /// None was: `Investigation complete; no suspect identified`.
    case none = 1
    /// Not known (yet).
    case unknown = 2
    /// A suspect was identified, and the police let the case rest or gave it away.
    case notPursued = 3

    static let count = allCases.count
}

/// What a record says about its outcome. What is not known of a suspect is not known for different reasons.
public enum OutcomeStanding: Int, CaseIterable, Sendable {
    case suspect
    case none
    case notPursued
    case underInvestigation
    case statusUnavailable
    /// The record says nothing.
    case blank
    /// Nothing that data.police.uk documents.
    case undocumented

    /// As JSON has it.
    public var code: String {
        switch self {
        case .suspect: "suspect"
        case .none: "none"
        case .notPursued: "not_pursued"
        case .underInvestigation: "under_investigation"
        case .statusUnavailable: "status_unavailable"
        case .blank: "blank"
        case .undocumented: "undocumented"
        }
    }

    var kind: OutcomeKind {
        switch self {
        case .suspect: .suspect
        case .none: .none
        case .notPursued: .notPursued
        case .underInvestigation, .statusUnavailable, .blank, .undocumented: .unknown
        }
    }

    /// What data.police.uk documents, in lower case.
    private static let identified: Set<String> = [
        "action to be taken by another organisation", "awaiting court outcome", "court case unable to proceed",
        "court result unavailable", "defendant found not guilty", "defendant sent to crown court",
        "formal action is not in the public interest", "further action is not in the public interest",
        "further investigation is not in the public interest", "local resolution", "offender deprived of property",
        "offender fined", "offender given a caution", "offender given a drugs possession warning",
        "offender given absolute discharge", "offender given community sentence",
        "offender given conditional discharge", "offender given penalty notice",
        "offender given suspended prison sentence", "offender ordered to pay compensation",
        "offender otherwise dealt with", "offender sent to prison", "suspect charged",
        "suspect charged as part of another case", "unable to prosecute suspect",
    ]

    /// Those of the identified that were not pursued.
    private static let rested: Set<String> = [
        "action to be taken by another organisation", "formal action is not in the public interest",
        "further action is not in the public interest", "further investigation is not in the public interest",
        "local resolution",
    ]

    init(outcome: String) {
        let outcome = outcome.lowercased()
        switch outcome {
        case "": self = .blank
        case "investigation complete; no suspect identified": self = .none
        case "status update unavailable": self = .statusUnavailable
        case "under investigation": self = .underInvestigation
        default:
            self =
                !Self.identified.contains(outcome)
                ? .undocumented : Self.rested.contains(outcome) ? .notPursued : .suspect
        }
    }
}
