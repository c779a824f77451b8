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
    private static let open: Set<String> = ["", "status update unavailable", "under investigation"]

    /// Nil if the text is none that data.police.uk documents.
    init?(outcome: String) {
        let outcome = outcome.lowercased()
        if outcome == "investigation complete; no suspect identified" {
            self = .none
        } else if Self.open.contains(outcome) {
            self = .unknown
        } else if Self.identified.contains(outcome) {
            self = Self.rested.contains(outcome) ? .notPursued : .suspect
        } else {
            return nil
        }
    }
}
