import CrimsCore
import Protocol

/// A `read` of steps that were taken: they are drawn again, under the adjustments that acted on them.
final class ReadJob: ReadingJob {
    private let request: ReadRequest
    let peer: Peer
    private let id: String?
    private var draw: WindowDraw
    private let adjusted: [String]

    init(run: Run, request: ReadRequest, peer: Peer, id: String?) throws(Refusal) {
        self.request = request
        self.peer = peer
        self.id = id
        guard request.seq + request.count <= run.nextSeq else {
            throw .outOfStep(
                expected: run.nextSeq,
                "run '\(run.name)' has taken the steps before seq \(run.nextSeq), not \(request.seq) to "
                    + "\(request.seq + request.count - 1)")
        }
        var selection = Sampler.Selection()
        if let codes = request.areas {
            var mask = [Bool](repeating: false, count: run.served.prepared.areaCount)
            for index in try run.served.areas(codes) { mask[index] = true }
            selection.areas = mask
        }
        if let names = request.categories {
            var mask = [Bool](repeating: false, count: run.served.prepared.categoryCount)
            for name in names { mask[try run.served.category(name)] = true }
            selection.categories = mask
        }
        adjusted = run.adjusted(in: request.seq..<request.seq + request.count)
        let window = run.start(of: request.seq).minutes..<run.start(of: request.seq + request.count).minutes
        draw = WindowDraw(
            run: run, window: window, schedule: run.schedule(in: window), formats: [request.format],
            selection: selection)
    }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool {
        do throws(Refusal) {
            repeat { try draw.advance(limits: hub.limits, now: hub.now) } while !draw.isAtEnd && !isOver()
        } catch {
            hub.refuse(error, id: id.map { .string($0) }, op: "read", to: peer)
            return true
        }
        guard draw.isAtEnd else { return false }
        var writer = hub.begin("read", id: id)
        writer.run(draw.run.name)
        let frames = draw.write(
            seq: request.seq, steps: request.count, adjusted: adjusted, format: request.format, to: &writer)
        hub.reply(writer, frames, to: peer)
        return true
    }
}
