import CrimsCore
import Protocol

/// A fork amid the steps of one request: how many incidents those before it have must be drawn to be known.
final class ForkJob: Job {
    private let run: Run
    private let peer: Peer
    private let id: String?
    private var draw: WindowDraw

    init(_ run: Run, of parent: Run, uncounted: Range<Int>, peer: Peer, id: String?) {
        self.run = run
        self.peer = peer
        self.id = id
        let window = parent.start(of: uncounted.lowerBound).minutes..<parent.start(of: uncounted.upperBound).minutes
        draw = WindowDraw(
            run: parent, window: window, schedule: parent.schedule(in: window), formats: [], selection: .init())
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        do throws(Refusal) {
            repeat { try draw.advance(limits: hub.limits, now: hub.now) } while !draw.isAtEnd && !isOver()
            guard draw.isAtEnd else { return false }
            run.count(draw.count)
            try hub.finishFork(run, id, peer)
        } catch {
            hub.refuse(error, id: id.map { .string($0) }, op: "fork", to: peer)
        }
        return true
    }
}
