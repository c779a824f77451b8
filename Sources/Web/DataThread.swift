import CSystem
import Coupling
import CrimsCore
import Geometry
import Glibc
import Locking
import Models

/// A thread that draws from models without a run, so that neither the hub nor HTTP waits for it. What it is asked to do
/// is done in the order in which it was asked; each piece of work is short and asks for the next one, so that all get
/// their turn.
final class DataThread: Sendable {
    /// What only that thread touches.
    final class Desk {
        let shelf: ModelShelf
        /// Shared by all that is drawn: who asks again finds the months prepared.
        let cache = MonthCache()
        var draws: [Int: DataDraw] = [:]
        var tallies: [Int: AreaTally] = [:]
        private var models: [String: ServedModel] = [:]
        private var shapes: [String: AreaShapes] = [:]

        init(_ shelf: ModelShelf) { self.shelf = shelf }

        func model(_ name: String) throws(ModelError) -> ServedModel {
            if let model = models[name] { return model }
            let model = ServedModel(try shelf.load(name))
            models[name] = model
            return model
        }

        func shapes(of model: CrimeModel, _ boundaries: Boundaries) throws(GeometryError) -> AreaShapes {
            if let shapes = shapes[model.name] { return shapes }
            let drawn = try AreaShapes(
                of: model.areas.map { ($0.code, $0.longitude, $0.latitude) }, boundaries)
            shapes[model.name] = drawn
            return drawn
        }
    }

    typealias Work = @Sendable (Desk) -> Void

    private struct State {
        var work: [Work] = []
        var thread: pthread_t?
        var isEnding = false
    }

    private let bell = crims_bell()
    private let state = Locked(State())
    private let shelf: ModelShelf

    init(_ shelf: ModelShelf) {
        precondition(bell >= 0, "eventfd: \(String(cString: strerror(errno)))")
        self.shelf = shelf
    }

    deinit { close(bell) }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Has something done; false once it ends.
    @discardableResult
    func submit(_ work: @escaping Work) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isEnding else { return false }
            state.work.append(work)
            return true
        }
        if isTaken { crims_bell_ring(bell) }
        return isTaken
    }

    /// Ends after the piece of work at hand.
    func stop() {
        let thread = state.withLock { state -> pthread_t? in
            state.isEnding = true
            return state.thread.take()
        }
        guard let thread else { return }
        crims_bell_ring(bell)
        pthread_join(thread, nil)
    }

    func start() {
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<DataThread>.fromOpaque(context).takeRetainedValue().turn()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "pthread_create: \(String(cString: strerror(status)))")
        let started = thread
        state.withLock { $0.thread = started }
    }

    private func turn() {
        let desk = Desk(shelf)
        while true {
            let work = state.withLock { state -> [Work]? in
                guard !state.isEnding else { return nil }
                crims_bell_still(bell)
                defer { state.work = [] }
                return state.work
            }
            guard let work else { return }
            for work in work where !isEnding { work(desk) }
            var item = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
            while poll(&item, 1, -1) < 0, errno == EINTR {}
        }
    }
}
