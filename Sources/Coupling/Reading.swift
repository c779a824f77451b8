import CrimsCore
import Protocol

/// Work on a request that changes nothing, in slices. It holds what was known when it was asked for, so that it needs
/// neither the hub nor the hub's thread.
///
/// Used by one thread at a time.
public protocol Reading: AnyObject {
    /// Goes on until done or until `isOver` says that the slice is, at least a little each time.
    ///
    /// - Returns: the frames of the reply; nil if it is not done.
    func work(until isOver: () -> Bool) throws(Refusal) -> [[UInt8]]?
}

/// A reading that has not begun, which may be handed to another thread.
public struct ReadingPlan: Sendable {
    /// Of the request.
    public let op: String
    /// Makes it ready, with months that the thread has at hand.
    public let begin: @Sendable (MonthCache) -> any Reading

    init(op: String, begin: @escaping @Sendable (MonthCache) -> any Reading) { (self.op, self.begin) = (op, begin) }
}

/// A reading on the hub's own thread.
final class HubReading: ReadingJob {
    private let reading: any Reading
    private let op: String
    private let id: String?
    let peer: Peer

    init(_ reading: any Reading, op: String, id: String?, peer: Peer) {
        (self.reading, self.op, self.id, self.peer) = (reading, op, id, peer)
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        do throws(Refusal) {
            guard let frames = try reading.work(until: isOver) else { return false }
            hub.emit(.reply(peer, frames))
        } catch {
            hub.refuse(error, id: id.map { .string($0) }, op: op, to: peer)
        }
        return true
    }
}

/// What reading needs of a run, and no step changes.
struct RunTwin: Sendable {
    let name: String
    let served: ServedModel
    let arguments: OpenRequest

    init(_ run: Run) { (name, served, arguments) = (run.name, run.served, run.arguments) }

    /// A run of the same world, to draw with on another thread; it has taken no step and no adjustment.
    func run(_ cache: MonthCache) -> Run { Run(name: name, served: served, arguments: arguments, cache: cache) }
}

extension Hub {
    /// Has a reading begun, elsewhere if its peer has a place of its own for it.
    func start(_ plan: ReadingPlan, here: @autoclosure () -> any Reading, _ id: String?, _ peer: Peer) throws(Refusal) {
        guard try !(readElsewhere?(plan, peer) ?? false) else { return }
        try start(HubReading(here(), op: plan.op, id: id, peer: peer))
    }
}

extension Refusal {
    /// As many reads are at hand as may be.
    public static func tooManyReads(_ limits: Limits) -> Refusal {
        .limit(
            "reads_waiting", "\(limits.readsWaiting) requests to 'read' or 'rates' are at hand already: ask later")
    }
}
