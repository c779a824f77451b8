import CrimsCore
import Protocol

/// Another way to the hub than the transport's sockets, for what has threads of its own.
public protocol HubDoor: AnyObject {
    /// Becomes readable when somebody has come.
    var descriptor: Int32 { get }
    /// Lets in who has come. Called on the hub's thread, in each turn of its loop.
    func turn(_ hub: Hub)
}

/// Tells a run from a later one of its name: while somebody holds it, no other run has the same.
public final class RunIdentity: Sendable, Equatable {
    public static func == (left: RunIdentity, right: RunIdentity) -> Bool { left === right }
}

/// Where a run stands.
public struct RunPlace: Equatable, Sendable {
    public var nextSeq: Int
    /// `open`, `ended`, `closed` or `stopped`.
    public var state: String
    public var time: CivilMinute
    public var identity: RunIdentity
}

extension Hub {
    /// Where a run stands, without a request; nil if there is none, or none that goes on.
    public func place(of name: String) -> RunPlace? {
        runs[name].map { RunPlace(nextSeq: $0.nextSeq, state: $0.state, time: $0.time, identity: $0.identity) }
    }
}

/// What the indices of a run's incidents mean.
public struct RunLegend: Equatable, Sendable {
    public var categories: [String]
    /// The category of each crime, by the crime's index.
    public var categoryOfCrime: [Int]
}

extension Hub {
    /// What the indices of a run's incidents mean; nil if there is no such run.
    public func legend(of name: String) -> RunLegend? {
        runs[name].map { run in
            let model = run.served.model
            return RunLegend(categories: model.categories, categoryOfCrime: model.crimes.map(\.category))
        }
    }
}

extension Hub {
    /// Whether what `status` and `adjustments` say of runs stays as it is until ``onChange`` is called. It does not while
    /// somebody waits for others, since it is told how long.
    public var isSettled: Bool { atBarrier.isEmpty }

    /// Refuses a request whose reading was done elsewhere.
    public func refuse(_ refusal: Refusal, of op: String, to peer: Peer) { refuse(refusal, id: nil, op: op, to: peer) }
}
