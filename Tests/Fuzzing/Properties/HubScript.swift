import Coupling
import CrimsCore
import Protocol

/// A hub that is asked, with what must hold of every answer.
///
/// Each frame comes from a peer of its own, so that it is known which one is answered.
struct HubScript {
    private let model: CrimeModel
    private let hub: Hub
    private let answers: Answers
    private let keeper: Keeper
    private let clock: Clock
    private var sent = 0
    /// What `status` last told of each run, without its timings.
    private var standing: [String: JSON] = [:]

    /// Slices of work, of an hour each, that one script may take.
    private static let slicesMax = 3_000
    private var slices = 0

    private final class Answers {
        /// By the number of what was sent; no frames where it was taken back by asking again.
        var frames: [Int: [[UInt8]]] = [:]
        var doubled: Int?

        func take(_ action: Action) {
            switch action {
            case .reply(let peer, let frames): take(peer, frames)
            case .forget(let peer): take(peer, [])
            case .publish, .log: break
            }
        }

        private func take(_ peer: Peer, _ frames: [[UInt8]]) {
            let number = peer.route.reduce(0) { $0 << 8 | Int($1) }
            if self.frames.updateValue(frames, forKey: number) != nil { doubled = number }
        }
    }

    private final class Clock {
        var nanoseconds: UInt64 = 0
    }

    /// Keeps records as the journal does.
    final class Keeper: Recorder {
        private(set) var records: [Record] = []
        func append(_ record: Record) { records.append(record) }
    }

    private struct Only: ModelSource {
        let model: CrimeModel
        func names() -> [String] { [model.name] }
        func load(_ name: String) throws(Refusal) -> CrimeModel {
            guard name == model.name else { throw .unknown(.unknownModel, name: name, "there is no model '\(name)'") }
            return model
        }
    }

    init(model: CrimeModel) {
        let (answers, keeper, clock) = (Answers(), Keeper(), Clock())
        (self.model, self.answers, self.keeper, self.clock) = (model, answers, keeper, clock)
        hub = Self.hub(model, keeper, clock) { answers.take($0) }
    }

    private static func hub(
        _ model: CrimeModel, _ recorder: any Recorder, _ clock: Clock, emit: @escaping (Action) -> Void
    ) -> Hub {
        var limits = Limits()
        limits.runs = 6
        limits.adjustmentsInForce = 12
        limits.incidentsPerReply = 400
        limits.rowsPerReply = 400
        limits.requestsWaiting = 4
        limits.readsWaiting = 3
        return Hub(
            source: Only(model: model), recorder: recorder, limits: limits,
            identity: Identity(version: "0", journal: "j", boot: 1), now: { clock.nanoseconds }, emit: emit)
    }

    /// Sends a frame and does nothing else.
    mutating func post(_ frame: [UInt8], as role: Role = .driver) {
        let peer = Peer(route: [UInt8(sent >> 8 & 255), UInt8(sent & 255)], enveloped: false, role: role)
        sent += 1
        frame.withUnsafeBytes { hub.receive(frame: $0, from: peer) }
    }

    /// Not one frame, but several.
    mutating func post(frames: Int) {
        let peer = Peer(route: [UInt8(sent >> 8 & 255), UInt8(sent & 255)], enveloped: false)
        sent += 1
        hub.receive(frameCount: frames, from: peer)
    }

    func subscribe(_ prefix: [UInt8], _ subscribe: Bool) { hub.subscribe(prefix, subscribe) }

    func heartbeat() { hub.heartbeat() }

    /// Lets time pass. What is overdue then is given up, so that nothing is due before it has passed.
    mutating func wait(seconds: Int) throws(Broken) {
        clock.nanoseconds += UInt64(seconds) * 1_000_000_000
        hub.expire()
        if let next = hub.nextDeadline { try hold(next > clock.nanoseconds, "something is overdue and not given up") }
    }

    /// Works for so many slices, or until all is done.
    mutating func work(slices count: Int) {
        var left = min(count, Self.slicesMax - slices)
        guard left > 0 else { return }
        let before = left
        hub.work {
            left -= 1
            return left <= 0
        }
        hub.drawAhead()
        slices += before - left
    }

    /// Sends a frame, works until all is done, and gives the answer, if that could be afforded.
    ///
    /// A refused request must have changed nothing, and a step asked for again has the same bytes.
    mutating func send(_ frame: [UInt8], as role: Role = .driver) throws(Broken) -> JSON? {
        guard !hub.hasWork else {
            post(frame, as: role)
            return nil
        }
        let before = try status()
        let number = sent
        post(frame, as: role)
        work(slices: .max)
        guard !hub.hasWork else { return nil }
        let after = try status()
        let text = String(decoding: frame, as: UTF8.self)
        if role == .observer { try hold(before == after, "an observer changed something: \(text)") }
        guard answers.frames[number] != nil else {
            // It waits for others to ask for the same step.
            try hold((try? JSON(parsing: frame))?["op"] == .string("step"), "not answered: \(text)")
            try hold(before == after, "a step that waits changed something: \(text)")
            return nil
        }
        let reply = try answer(to: number, frame)
        if reply["ok"] == .bool(false) { try hold(before == after, "refused, and yet something changed: \(text)") }
        guard reply["op"] == .string("step"), reply["ok"] == .bool(true) else { return reply }
        guard let asked = try? JSON(parsing: frame), asked["seq"] ?? .null != .null else { return reply }
        let retry = sent
        post(frame)
        work(slices: .max)
        guard !hub.hasWork else { return nil }
        try hold(answers.frames[retry] == answers.frames[number], "a retry has other bytes")
        try hold(try status() == after, "a retry changed something")
        return reply
    }

    /// Works until all is done and closes all runs, for which nobody can wait then: every frame must have been answered
    /// once, or taken back.
    mutating func finish() throws(Broken) {
        work(slices: .max)
        if let number = answers.doubled { throw Broken("frame \(number) was answered twice") }
        guard !hub.hasWork else { return }
        for run in (try status()).elements ?? [] {
            post(JSON.object([.init("v", .number(1)), .init("op", .string("close")), .init("run", run["run"]!)]).bytes)
        }
        if let number = answers.doubled { throw Broken("frame \(number) was answered twice") }
        for number in 0..<sent where answers.frames[number] != [] { _ = try answer(to: number, nil) }
        try holdRestored(status: try status())
    }

    /// What was recorded brings back the same runs.
    private func holdRestored(status: JSON) throws(Broken) {
        let again = Answers()
        var words: [String] = []
        let hub = Self.hub(model, NoRecorder(), clock) { action in
            again.take(action)
            if case .log(let event, let facts) = action { words.append("\(event) \(facts)") }
        }
        for record in keeper.records { hub.restore(try JournalRecord.kept(record)) }
        try hold(words.isEmpty, "not brought back: \(words)")
        Array(#"{"v":1,"op":"status"}"#.utf8).withUnsafeBytes {
            hub.receive(frame: $0, from: Peer(route: [0], enveloped: false))
        }
        let reply = try Self.document(again.frames[0]?.first ?? [])
        try hold(Self.plain(reply) == status, "brought back as \(Self.plain(reply)), not \(status)")
    }

    private func answer(to number: Int, _ frame: [UInt8]?) throws(Broken) -> JSON {
        guard let frames = answers.frames[number], let first = frames.first else {
            throw Broken("frame \(number) was not answered")
        }
        let reply = try Self.document(first)
        try hold(reply["v"] == .number(1), "no version in \(reply)")
        if reply["ok"] != .bool(true) {
            try hold(frames.count == 1, "an error of \(frames.count) frames")
            let code = reply["error"]?["code"]?.text.flatMap { ErrorCode(rawValue: $0) }
            try hold(code != nil && code != .internal, "an error that is none: \(reply)")
            try hold(reply["error"]?["message"]?.text?.isEmpty == false, "an error without a word")
        }
        if reply["op"] == .string("step"), reply["ok"] == .bool(true) {
            let (seq, steps, next) = (reply["seq"]?.number, reply["steps"]?.number, reply["next_seq"]?.number)
            guard let seq, let steps, let next else { throw Broken("a step without its numbers") }
            try hold(seq >= 0 && steps >= 1 && next == seq + steps, "\(steps) steps from \(seq) lead to \(next)")
            for name in ["count", "expected", "baseline"] {
                try hold(reply[name]?.number ?? -1 >= 0, "\(name) in \(reply)")
            }
            if let incidents = reply["incidents"]?.elements {
                try hold(Double(incidents.count) == reply["count"]?.number, "\(incidents.count) incidents")
                let order = incidents.map { ($0["time"]?.text ?? "", $0["id"]?.number ?? -1) }
                try hold(zip(order, order.dropFirst()).allSatisfy(<), "incidents out of order")
            }
        }
        guard let frame, let asked = try? JSON(parsing: frame), let id = asked["id"]?.text, id.utf8.count <= 128
        else { return reply }
        try hold(reply["id"] == .string(id), "id \(id) comes back as \(reply["id"] ?? .null)")
        return reply
    }

    /// Every run's standing; the next step never goes back.
    private mutating func status() throws(Broken) -> JSON {
        let number = sent
        post(Array(#"{"v":1,"op":"status"}"#.utf8))
        let plain = Self.plain(try answer(to: number, nil))
        var standing: [String: JSON] = [:]
        for run in plain.elements ?? [] {
            guard let name = run["run"]?.text else { throw Broken("a run without a name") }
            try hold(standing.updateValue(run, forKey: name) == nil, "run \(name) is there twice")
            guard let before = self.standing[name], before["start"] == run["start"] else { continue }
            let (was, now) = (before["next_seq"]?.number ?? 0, run["next_seq"]?.number ?? -1)
            let isNew = before["state"] == .string("closed") && run["state"] != .string("closed")
            try hold(now >= was || isNew, "run \(name) went back from \(was) to \(now)")
        }
        self.standing = standing
        return plain
    }

    /// The runs of a reply to `status`, without what is of the process and not of the run.
    private static func plain(_ reply: JSON) -> JSON {
        let passing = ["timings", "stepping", "waiting_for"]
        return .array(
            (reply["runs"]?.elements ?? []).map { run in
                .object((run.members ?? []).filter { !passing.contains($0.name) })
            })
    }

    private static func document(_ frame: [UInt8]) throws(Broken) -> JSON {
        guard let document = try? JSON(parsing: frame) else {
            throw Broken("an answer that is no JSON: \(String(decoding: frame, as: UTF8.self))")
        }
        return document
    }
}
