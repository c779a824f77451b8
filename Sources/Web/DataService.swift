import Locking
import Coupling
import CrimsCore
import Geometry
import Models
import Protocol

/// Who reads what `/data` draws. Two pieces of each reply are in memory at most: one that is being sent, and the next
/// one, which is drawn meanwhile. So a reader who is slow makes nothing pile up, and one who leaves is drawn for no more.
final class DataService: Sendable {
    /// What comes of reading.
    enum Pulled {
        /// So many were put; 0 if the connection stands still now.
        case bytes(Int)
        /// The end, and one that came too soon.
        case whole, broken
    }

    private struct Reader {
        let connection: ConnectionHandle
        /// When it took its last piece, nanoseconds of the monotonic clock.
        var tookAt: UInt64
        var next: [UInt8]?
        /// Whether a piece is being drawn.
        var isAwaited = false
        var end: Pulled?
        var isSuspended = false
    }

    private struct State {
        var readers: [Int: Reader] = [:]
        var places: Set<Int> = []
        var made = 0
        var isEnding = false
    }

    /// A place among those who are drawn for, free again when nobody holds it.
    final class Place: @unchecked Sendable {
        let service: DataService
        let number: Int
        // Safety: what is being sent, and how much of it has been, is used by libmicrohttpd's thread alone.
        fileprivate var piece: [UInt8] = []
        fileprivate var sent = 0

        fileprivate init(_ service: DataService, _ number: Int) { (self.service, self.number) = (service, number) }

        deinit { service.leave(number) }
    }

    /// Replies that are drawn at once.
    static let max = 16
    /// How long a piece may take to be read when others wait for a place.
    private static let patience: UInt64 = 10_000_000_000

    let thread: DataThread
    private let state = Locked(State())
    private let now: @Sendable () -> UInt64

    init(_ shelf: ModelShelf, now: @escaping @Sendable () -> UInt64) {
        (thread, self.now) = (DataThread(shelf), now)
    }

    // MARK: - Coming and going

    /// Nil if there are too many. Who is slowest loses his place then, if he takes too long.
    func enter() -> Place? {
        let now = now()
        let number = state.withLock { state -> Int? in
            guard !state.isEnding else { return nil }
            if state.places.count >= Self.max {
                let slow = state.readers.filter { !$0.value.isSuspended && now > $0.value.tookAt + Self.patience }
                guard let slowest = slow.min(by: { ($0.value.tookAt, $0.key) < ($1.value.tookAt, $1.key) })?.key else {
                    return nil
                }
                state.places.remove(slowest)
                state.readers[slowest] = nil
            }
            state.made += 1
            state.places.insert(state.made)
            return state.made
        }
        return number.map { Place(self, $0) }
    }

    private func leave(_ number: Int) {
        state.withLock { state in
            state.places.remove(number)
            state.readers[number] = nil
        }
        thread.submit { desk in (desk.draws[number], desk.tallies[number]) = (nil, nil) }
    }

    /// Ends all of them, and the thread.
    func stop() {
        thread.stop()
        state.withLock { state in
            state.isEnding = true
            for number in state.readers.keys {
                state.readers[number]?.end = .broken
                Self.wake(number, &state)
            }
        }
    }

    // MARK: - Finding the model

    /// Looks for the model of a force; what comes of it is said on another thread.
    ///
    /// - Returns: false if the daemon is ending.
    func find(
        _ question: DataQuestion, then: @escaping @Sendable (DataThread.Desk, Result<ServedModel, WebRefusal>) -> Void
    ) -> Bool {
        thread.submit { desk in
            do throws(WebRefusal) {
                then(desk, .success(try Self.model(of: question, desk)))
            } catch {
                then(desk, .failure(error))
            }
        }
    }

    private static func model(of question: DataQuestion, _ desk: DataThread.Desk) throws(WebRefusal) -> ServedModel {
        let name: String
        switch ForceName.find(question.force, among: desk.shelf.catalog.names(), title: desk.shelf.title) {
        case .model(let found): name = found
        case .several(let names):
            throw .badRequest(
                "several models are of '\(question.force)': name one of them, \(names.joined(separator: ", "))",
                field: "force")
        case .none(let names):
            let forces = names.map { desk.shelf.title(of: $0).map(ForceName.named) ?? $0 }
            let hint =
                Spelling.nearest(to: question.force, in: forces + names).map { "; did you mean '\($0)'?" }
                ?? (names.isEmpty ? "" : "; there are \(forces.joined(separator: ", "))")
            throw unknown(question.force, "there is no model of a force '\(question.force)'\(hint)")
        }
        do throws(ModelError) {
            return try desk.model(name)
        } catch {
            throw unknown(name, "\(error)")
        }
    }

    private static func unknown(_ name: String, _ message: String) -> WebRefusal {
        var refusal = WebRefusal(.notFound, message, facts: [.init("name", .string(name))])
        refusal.code = ErrorCode.unknownModel.rawValue
        return refusal
    }

    // MARK: - Drawing

    /// Finds the model and makes what is drawn from it ready; nothing is drawn before somebody reads.
    func prepare(
        _ question: DataQuestion, for place: Place, then answer: @escaping @Sendable (WebRefusal?) -> Void
    ) -> Bool {
        let number = place.number
        return find(question) { desk, found in
            do throws(WebRefusal) {
                let model = try found.get()
                do throws(Refusal) {
                    desk.draws[number] = try DataDraw(question, of: model, cache: desk.cache)
                } catch {
                    throw .badRequest(error.message)
                }
                answer(nil)
            } catch {
                answer(error)
            }
        }
    }

    /// Counts the incidents and draws them on a map.
    func page(
        _ question: DataQuestion, for place: Place, _ boundaries: Boundaries,
        then answer: @escaping @Sendable (Reply) -> Void
    ) -> Bool {
        let number = place.number
        return find(question) { [weak self] desk, found in
            do throws(WebRefusal) {
                let model = try found.get()
                do throws(Refusal) {
                    desk.tallies[number] = try AreaTally(question, of: model, cache: desk.cache)
                } catch {
                    throw .badRequest(error.message)
                }
                self?.count(number, desk) { desk, tally in answer(Self.page(question, tally, boundaries, desk)) }
            } catch {
                answer(Reply(error))
            }
        }
    }

    /// Goes on counting, in turn with others; what is nil could not be drawn.
    private func count(
        _ number: Int, _ desk: DataThread.Desk, then: @escaping @Sendable (DataThread.Desk, AreaTally?) -> Void
    ) {
        guard let goesOn = try? desk.tallies[number]?.next() else { return then(desk, nil) }
        guard goesOn else { return then(desk, desk.tallies.removeValue(forKey: number)) }
        thread.submit { [weak self] desk in self?.count(number, desk, then: then) }
    }

    private static func page(
        _ question: DataQuestion, _ tally: AreaTally?, _ boundaries: Boundaries, _ desk: DataThread.Desk
    ) -> Reply {
        guard let tally else {
            return Reply(WebRefusal(.internalError, "an hour has more incidents than can be drawn"))
        }
        let model = tally.model.model
        do throws(GeometryError) {
            let shapes = try desk.shapes(of: model, boundaries)
            return MapPage(question, model, counts: tally.counts, shapes).reply
        } catch {
            return Reply(WebRefusal(.internalError, "the areas' cells cannot be drawn: \(error)"))
        }
    }

    /// Begins to be read, by this connection.
    func begin(_ place: Place, _ connection: ConnectionHandle) {
        let now = now()
        state.withLock { $0.readers[place.number] = Reader(connection: connection, tookAt: now) }
    }

    /// Puts what a reader's connection has room for. On libmicrohttpd's thread.
    func pull(_ place: Place, into room: UnsafeMutableRawBufferPointer) -> Pulled {
        guard state.withLock({ $0.readers[place.number] != nil }) else { return .broken }
        if place.sent == place.piece.count {
            let (piece, end) = take(place.number)
            if let end { return end }
            (place.piece, place.sent) = (piece, 0)
        }
        let count = min(room.count, place.piece.count - place.sent)
        place.piece.withUnsafeBytes {
            room.copyMemory(from: .init(rebasing: $0[place.sent..<place.sent + count]))
        }
        place.sent += count
        return .bytes(count)
    }

    /// The next piece, if it is there; the one after it is drawn from now on.
    private func take(_ number: Int) -> (piece: [UInt8], otherwise: Pulled?) {
        let now = now()
        let (piece, otherwise, asks) = state.withLock { state -> ([UInt8], Pulled?, Bool) in
            guard var reader = state.readers[number], !state.isEnding else { return ([], .broken, false) }
            defer { state.readers[number] = reader }
            let asks = !reader.isAwaited && reader.end == nil
            if asks { reader.isAwaited = true }
            if let piece = reader.next, !piece.isEmpty {
                (reader.next, reader.tookAt) = (nil, now)
                return (piece, nil, asks)
            }
            if let end = reader.end { return ([], end, false) }
            reader.isSuspended = true
            reader.connection.suspend()
            return ([], .bytes(0), asks)
        }
        // With the lock given back, since the other thread wants it at once.
        if asks, !thread.submit({ [weak self] in self?.draw(number, $0) }) { put(number, [], .broken) }
        return (piece, otherwise)
    }

    /// Draws a reader's next piece.
    private func draw(_ number: Int, _ desk: DataThread.Desk) {
        guard state.withLock({ $0.readers[number] != nil }) else { return }
        var (bytes, end): ([UInt8], Pulled?) = ([], .broken)
        // Where it is, so that nothing is copied.
        if let piece = try? desk.draws[number]?.next() { (bytes, end) = (piece.bytes, piece.isLast ? .whole : nil) }
        put(number, bytes, end)
    }

    private func put(_ number: Int, _ piece: [UInt8], _ end: Pulled?) {
        state.withLock { state in
            state.readers[number]?.next = piece
            state.readers[number]?.end = end
            state.readers[number]?.isAwaited = false
            Self.wake(number, &state)
        }
    }

    private static func wake(_ number: Int, _ state: inout State) {
        guard let reader = state.readers[number], reader.isSuspended else { return }
        state.readers[number]?.isSuspended = false
        reader.connection.resume()
    }
}
