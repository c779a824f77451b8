import Coupling
import Protocol
import Synchronization

/// Everybody who follows a run.
///
/// A stream is the number of the next step that it has to tell. The loop says where the runs stand, and the steps in
/// between are read, those that are long past and the one that was just taken alike: so none can be missed or doubled
/// where reading ends and hearing begins, and who is slow makes nothing pile up.
final class Streams: Sendable {
    private struct Stream {
        let run: String
        let connection: ConnectionHandle
        /// The next step to be told.
        var seq: Int
        /// How many notes are behind it.
        var notes: Int
        var pending: [UInt8]
        var sent = 0
        var isSuspended = false
        var spokeAt: UInt64
    }

    private struct State {
        var streams: [Int: Stream] = [:]
        var feeds: [String: RunFeed] = [:]
        var made = 0
        var isEnding = false
    }

    static let max = 64
    private static let silence: UInt64 = 1_000_000_000
    /// Steps that are asked for at once, and bytes that are made ready at once.
    private static let ahead = 16
    private static let batch = 65_536
    private static let comment = Array(":\n\n".utf8)

    private let state = Mutex(State())
    private let door: Door
    private let now: @Sendable () -> UInt64

    init(door: Door, now: @escaping @Sendable () -> UInt64) { (self.door, self.now) = (door, now) }

    var count: Int { state.withLock { $0.streams.count } }

    // MARK: - Coming and going

    /// - Parameter seq: the first step to be told.
    /// - Returns: a number for ``pull`` and ``leave``; nil if there are too many.
    func enter(_ run: String, from seq: Int, _ place: RunPlace, _ legend: RunLegend, _ connection: ConnectionHandle)
        -> Int?
    {
        state.withLock { state in
            guard state.streams.count < Self.max, !state.isEnding else { return nil }
            // One that is over is of an earlier run of this name, or its last followers are still being told so.
            if state.feeds[run]?.place.identity != place.identity { state.feeds[run] = RunFeed(run, place, legend) }
            state.made += 1
            let notes = state.feeds[run]?.notesEnd ?? 0
            state.feeds[run]?.followers += 1
            state.streams[state.made] = Stream(
                run: run, connection: connection, seq: seq, notes: notes, pending: Array("retry: 1000\n\n".utf8),
                spokeAt: now())
            door.watch { [weak self] hub in self?.look(at: hub) }
            door.listen { [weak self] topic, payload in self?.hear(topic, payload) }
            return state.made
        }
    }

    func leave(_ number: Int) {
        state.withLock { state in
            guard let run = state.streams.removeValue(forKey: number)?.run else { return }
            state.feeds[run]?.followers -= 1
            if state.feeds[run]?.followers ?? 0 <= 0 { state.feeds[run] = nil }
            guard state.streams.isEmpty else { return }
            door.watch(nil)
            door.listen(nil)
        }
    }

    /// Ends them all.
    func stop() {
        door.watch(nil)
        door.listen(nil)
        state.withLock { state in
            state.isEnding = true
            for number in state.streams.keys { Self.wake(number, &state) }
        }
    }

    // MARK: - On the hub's thread

    private func look(at hub: Hub) {
        state.withLock { state in
            for name in state.feeds.keys where state.feeds[name]?.stand(hub.place(of: name)) ?? false {
                Self.wake(allOf: name, &state)
            }
        }
    }

    private func hear(_ topic: [UInt8], _ payload: [UInt8]) {
        let kind = Array("adjustment/".utf8)
        guard topic.starts(with: kind), topic.last == UInt8(ascii: "/") else { return }
        let run = String(decoding: topic[kind.count..<topic.count - 1], as: UTF8.self)
        state.withLock { state in
            guard state.feeds[run] != nil else { return }
            state.feeds[run]?.note("adjustment", payload)
            Self.wake(allOf: run, &state)
        }
    }

    private func keep(_ run: String, _ seq: Int, _ frames: [[UInt8]], of identity: ObjectIdentifier) {
        state.withLock { state in
            guard state.feeds[run]?.place.identity == identity else { return }
            state.feeds[run]?.keep(seq, .read(frames))
            Self.wake(allOf: run, &state)
        }
    }

    // MARK: - On the ticker's thread

    /// Says something to those who have heard nothing for a second, which shows also whether they are still there.
    func tick(now: UInt64) {
        state.withLock { state in
            for (number, stream) in state.streams where stream.isSuspended && now > stream.spokeAt + Self.silence {
                state.streams[number]?.pending = Self.comment
                state.streams[number]?.sent = 0
                Self.wake(number, &state)
            }
        }
    }

    private static func wake(allOf run: String, _ state: inout State) {
        for (number, stream) in state.streams where stream.run == run { wake(number, &state) }
    }

    private static func wake(_ number: Int, _ state: inout State) {
        guard let stream = state.streams[number], stream.isSuspended else { return }
        state.streams[number]?.isSuspended = false
        stream.connection.resume()
    }

    // MARK: - On libmicrohttpd's thread

    /// What a stream's connection has room for.
    ///
    /// - Returns: how many bytes were put; 0 if it stands still now; nil at the end.
    func pull(_ number: Int, into room: UnsafeMutableRawBufferPointer) -> Int? {
        state.withLock { state in
            guard var stream = state.streams[number], !state.isEnding else { return nil }
            defer { state.streams[number] = stream }
            if stream.sent == stream.pending.count {
                (stream.pending, stream.sent) = ([], 0)
                // Taken out for the while, so that it is changed where it is and not copied.
                guard var feed = state.feeds.removeValue(forKey: stream.run) else { return nil }
                defer { state.feeds[stream.run] = feed }
                fill(&stream, from: &feed)
                if stream.pending.isEmpty {
                    let isTold = stream.seq >= feed.place.nextSeq && stream.notes == feed.notesEnd
                    if feed.isOver, isTold || feed.place.state != "closed" { return nil }
                    stream.isSuspended = true
                    stream.connection.suspend()
                    return 0
                }
            }
            let count = min(room.count, stream.pending.count - stream.sent)
            stream.pending.withUnsafeBytes {
                room.copyMemory(from: .init(rebasing: $0[stream.sent..<stream.sent + count]))
            }
            stream.sent += count
            stream.spokeAt = now()
            return count
        }
    }

    private func fill(_ stream: inout Stream, from feed: inout RunFeed) {
        while stream.pending.count < Self.batch {
            if let note = feed.note(after: stream.notes, before: stream.seq) {
                stream.pending += note.event
                stream.notes = note.count
            } else if stream.seq < feed.place.nextSeq {
                guard let event = feed.event(of: stream.seq) else { return ask(from: stream.seq, &feed) }
                stream.pending += event
                stream.seq += 1
            } else {
                return
            }
        }
    }

    /// Asks for the next steps. If the hub takes no more requests, the next tick asks again.
    private func ask(from first: Int, _ feed: inout RunFeed) {
        let (run, identity) = (feed.run, feed.place.identity)
        // Those that were asked for and then forgotten are asked for again.
        for seq in first..<min(first + Self.ahead, feed.place.nextSeq) where !feed.asked.contains(seq) {
            let question = Question(
                op: "read",
                fields: [
                    .init("run", .string(run)), .init("seq", .number(Double(seq))), .init("format", "columns"),
                ], shape: .object)
            let isAsked = door.ask(question.frame, role: .observer) { [weak self] frames in
                self?.keep(run, seq, frames, of: identity)
            }
            guard isAsked else { return }
            feed.asked.insert(seq)
        }
    }
}
