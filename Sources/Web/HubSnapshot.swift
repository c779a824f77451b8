import Coupling
import Protocol

/// What the hub has done and holds, taken at one moment on its thread.
struct HubSnapshot: Sendable {
    let tally: HubTally
    let runs: [(state: String, runs: Int)]
    /// What the transport tells, as in `status`.
    let peers: [String: Double]

    init(_ hub: Hub) {
        tally = hub.tally
        runs = hub.runStates
        peers = Dictionary(hub.peers().compactMap { member in member.value.number.map { (member.name, $0) } }) { $1 }
    }
}
