import CSystem
import Coupling
import Glibc
import Locking
import Protocol

/// Everybody who follows a run.
///
/// A stream is the number of the next step that it has to tell. The loop says where the runs stand, and with it what it
/// has drawn; steps that are not at hand are drawn again by the reader. Whatever way a step came, it is told by its
/// number: so none can be missed or doubled where reading ends and hearing begins, and who is slow makes nothing pile up.
///
/// The hub's thread does no more than put down what is new. It is taken up, and followers are woken, a hundred times a
/// second at most.
final class Streams: Sendable {
    private struct Stream {
        let run: String
        /// Of the run: another may come to have its name.
        let identity: RunIdentity
        let connection: ConnectionHandle
        let descriptor: Int32
        /// The next step to be told.
        var seq: Int
        /// How many notes are behind it.
        var notes: Int
        var pending: [UInt8]
        var sent = 0
        var isSuspended = false
        var spokeAt: UInt64
    }

    /// What the hub's thread has to say.
    private enum News {
        case place(String, RunPlace?)
        case step(String, RunIdentity, TakenStep)
        case note(String, [UInt8])

        var run: String {
            switch self {
            case .place(let run, _), .step(let run, _, _), .note(let run, _): run
            }
        }
    }

    private struct Desk {
        /// Where the runs stand that are followed.
        var places: [String: RunPlace] = [:]
        var news: [News] = []
        var steps = 0
        var hasRung = false

        /// What was put down for earlier followers would have the run go back.
        mutating func begin(_ run: String, at place: RunPlace) {
            news.removeAll { $0.run == run }
            places[run] = place
        }
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
    private static let ahead = 64
    private static let batch = 65_536
    /// Steps that wait to be taken up; those that find no room are drawn again.
    private static let newsMax = 4_096
    private static let comment = Array(":\n\n".utf8)

    private let state = Locked(State())
    private let desk = Locked(Desk())
    /// Rings when there is news.
    let bell: Int32
    private let door: Door
    private let now: @Sendable () -> UInt64

    init(door: Door, now: @escaping @Sendable () -> UInt64) {
        bell = crims_bell()
        precondition(bell >= 0, "eventfd: \(String(cString: strerror(errno)))")
        (self.door, self.now) = (door, now)
    }

    deinit { close(bell) }

    var count: Int { state.withLock { $0.streams.count } }

    // MARK: - Coming and going

    /// - Parameter seq: the first step to be told.
    /// - Returns: a number for ``pull`` and ``leave``; nil if there are too many.
    func enter(
        _ run: String, from seq: Int, _ place: RunPlace, _ legend: RunLegend, _ connection: ConnectionHandle,
        descriptor: Int32
    ) -> Int? {
        state.withLock { state in
            guard !state.isEnding, Self.hasRoom(&state) else { return nil }
            // Followers of an earlier run of this name hear no more.
            if state.feeds[run]?.place.identity != place.identity {
                state.feeds[run] = RunFeed(run, place, legend)
                desk.withLock { $0.begin(run, at: place) }
                Self.wake(allOf: run, &state)
            }
            state.made += 1
            let notes = state.feeds[run]?.notesEnd ?? 0
            state.feeds[run]?.followers += 1
            state.streams[state.made] = Stream(
                run: run, identity: place.identity, connection: connection, descriptor: descriptor, seq: seq,
                notes: notes, pending: Array("retry: 1000\n\n".utf8), spokeAt: now())
            door.watch { [weak self] hub in self?.look(at: hub) }
            door.listen { [weak self] topic, payload in
                self?.hear(topic, payload)
            } steps: { [weak self] run, identity, step in
                self?.hear(run, identity, step)
            }
            // The run may have gone on since it was looked at.
            door.send { [weak self] hub in self?.look(at: hub) }
            return state.made
        }
    }

    /// Whether another may come. Who has gone is noticed when something is sent to them next, so those are not counted,
    /// but for twice as many as there may be; and something is sent.
    private static func hasRoom(_ state: inout State) -> Bool {
        guard state.streams.count >= max else { return true }
        let numbers = Array(state.streams.keys)
        var gone = [UInt8](repeating: 0, count: numbers.count)
        crims_look_for_gone(numbers.map { state.streams[$0]?.descriptor ?? -1 }, &gone, numbers.count)
        for (number, isGone) in zip(numbers, gone) where isGone != 0 { say(comment, to: number, &state) }
        return gone.count { $0 == 0 } < max && state.streams.count < 2 * max
    }

    func leave(_ number: Int) {
        state.withLock { state in
            guard let gone = state.streams.removeValue(forKey: number) else { return }
            let run = gone.run
            if state.feeds[run]?.place.identity == gone.identity {
                state.feeds[run]?.followers -= 1
                if state.feeds[run]?.followers ?? 0 <= 0 {
                    state.feeds[run] = nil
                    desk.withLock { _ = $0.places.removeValue(forKey: run) }
                }
            }
            guard state.streams.isEmpty else { return }
            door.watch(nil)
            door.listen(nil, steps: nil)
        }
    }

    /// Ends them all.
    func stop() {
        door.watch(nil)
        door.listen(nil, steps: nil)
        state.withLock { state in
            state.isEnding = true
            for number in state.streams.keys { Self.wake(number, &state) }
        }
    }

    // MARK: - On the hub's thread

    private func look(at hub: Hub) {
        desk.withLock { desk in
            for (name, place) in desk.places {
                let now = hub.place(of: name)
                guard now != place else { continue }
                desk.places[name] = now
                put(.place(name, now), on: &desk)
            }
        }
    }

    private func hear(_ run: String, _ identity: RunIdentity, _ step: TakenStep) {
        desk.withLock { desk in
            guard desk.places[run]?.identity == identity, desk.steps < Self.newsMax else { return }
            desk.steps += 1
            desk.news.append(.step(run, identity, step))
        }
    }

    private func hear(_ topic: [UInt8], _ payload: [UInt8]) {
        let kind = Array("adjustment/".utf8)
        guard topic.starts(with: kind), topic.last == UInt8(ascii: "/") else { return }
        let run = String(decoding: topic[kind.count..<topic.count - 1], as: UTF8.self)
        desk.withLock { desk in
            guard desk.places[run] != nil else { return }
            put(.note(run, payload), on: &desk)
        }
    }

    private func put(_ news: News, on desk: inout Desk) {
        desk.news.append(news)
        guard !desk.hasRung else { return }
        desk.hasRung = true
        crims_bell_ring(bell)
    }

    // MARK: - On the reader's thread

    private func keep(_ run: String, _ seq: Int, _ step: RunFeed.Step, of identity: RunIdentity) {
        state.withLock { state in
            guard state.feeds[run]?.place.identity == identity else { return }
            state.feeds[run]?.keep(seq, step)
        }
    }

    private func wake(allOf run: String) { state.withLock { Self.wake(allOf: run, &$0) } }

    // MARK: - On the ticker's thread

    /// Takes up what is new, and wakes those whom it is for.
    func takeUp() {
        state.withLock { state in
            let news = desk.withLock { desk in
                defer { (desk.news, desk.steps, desk.hasRung) = ([], 0, false) }
                return desk.news
            }
            var touched: Set<String> = []
            for one in news {
                switch one {
                case .step(let run, let identity, let step):
                    guard state.feeds[run]?.place.identity == identity else { continue }
                    state.feeds[run]?.keep(step.seq, .drawn(step))
                case .place(let run, let place):
                    if state.feeds[run]?.stand(place) ?? false { touched.insert(run) }
                case .note(let run, let payload):
                    guard state.feeds[run] != nil else { continue }
                    state.feeds[run]?.note("adjustment", payload)
                    touched.insert(run)
                }
            }
            for run in touched { Self.wake(allOf: run, &state) }
        }
    }

    /// Says something to those who have heard nothing for a second, which shows also whether they are still there.
    func tick(now: UInt64) {
        state.withLock { state in
            for (number, stream) in state.streams where now > stream.spokeAt + Self.silence {
                Self.say(Self.comment, to: number, &state)
            }
        }
    }

    /// Says something to one who has nothing left to hear.
    private static func say(_ words: [UInt8], to number: Int, _ state: inout State) {
        guard state.streams[number]?.isSuspended == true else { return }
        state.streams[number]?.pending = words
        state.streams[number]?.sent = 0
        wake(number, &state)
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
                guard state.feeds[stream.run]?.place.identity == stream.identity,
                    var feed = state.feeds.removeValue(forKey: stream.run)
                else { return nil }
                defer { state.feeds[stream.run] = feed }
                fill(&stream, from: &feed)
                if stream.pending.isEmpty {
                    let isTold = stream.seq >= feed.place.nextSeq && stream.notes == feed.notesEnd
                    if feed.isGone || feed.isOver && isTold { return nil }
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

    /// Has the next steps drawn again that are not here. If nobody can be asked for them now, the next tick asks again.
    private func ask(from first: Int, _ feed: inout RunFeed) {
        let (run, identity) = (feed.run, feed.place.identity)
        var range = first..<first
        while range.upperBound < min(first + Self.ahead, feed.place.nextSeq), !feed.has(range.upperBound),
            !feed.asked.contains(range.upperBound)
        {
            range = first..<range.upperBound + 1
        }
        guard !range.isEmpty else { return }
        let isAsked = door.send { [self, range] hub in
            guard let plan = hub.plan(range, of: run, identity) else { return }
            door.reader.add(door.newQuestion()) { cache in
                let reading = StepsReading(plan, cache)
                return { isOver in
                    let isDone = reading.work(until: isOver) { seq, result in
                        switch result {
                        case .success(let step): self.keep(run, seq, .drawn(step), of: identity)
                        case .failure(let refusal):
                            self.keep(run, seq, .told(StepEvent(refusal, seq: seq, run: run).bytes), of: identity)
                        }
                    }
                    self.wake(allOf: run)
                    return isDone
                }
            }
        }
        if isAsked { feed.asked.formUnion(range) }
    }
}
