import CrimsCore
import Protocol

/// The protocol as docs/protocol.md has it, one request after the other: no slices, no jobs, nothing that waits but for
/// the barrier. Whoever drives it says when a request came and when a reply; it says what is wrong with the reply.
///
/// Requests that change a run take effect in the order in which they came, each when its reply comes; others see what
/// was replied to when they came. Where a request has several faults, any of them may be told.
final class ReferenceDaemon {
    /// What is wrong with a reply; nil if nothing is.
    typealias Check = (JSON, [[UInt8]]) -> String?

    struct Fault {
        let code: String
        var fact: (name: String, value: JSON)?
    }

    var runs: [String: ReferenceRun] = [:]
    private(set) var problems: [String] = []
    /// Seconds.
    var clock = 0
    let limits: (incidents: Int, inForce: Int)
    let prepared: PreparedModel
    let cache = MonthCache()
    /// Requests of a run that have not taken effect, in the order in which they came.
    var queues: [String: [Ask]] = [:]
    /// Replies that an effect entails and that have not come yet.
    var due: [String: [(ask: Ask, check: Check)]] = [:]
    private var looks: [Int: Check] = [:]
    private var asks: [Int: Ask] = [:]
    /// Requests that are never answered: others of the same participant took their place.
    var replaced: Set<Int> = []

    init(model: CrimeModel, limits: (incidents: Int, inForce: Int)) {
        prepared = PreparedModel(model)
        self.limits = limits
    }

    // MARK: - What happens

    /// - Parameter isIdle: whether the daemon has done all that came so far; then it also must know who waits.
    func deliver(_ ask: Ask, isIdle: Bool) {
        asks[ask.number] = ask
        guard let name = ask.changes else {
            looks[ask.number] = look(ask, isIdle)
            return
        }
        queues[name, default: []].append(ask)
        settle(name)
    }

    func answered(_ number: Int, client: UInt8, _ reply: JSON, _ frames: [[UInt8]]) {
        guard let ask = asks[number] else { return problems.append("\(number) was answered twice, or never asked") }
        asks[number] = nil
        if client != ask.client { problems.append("\(number) was answered to client \(client)") }
        if let check = looks.removeValue(forKey: number) { return judge(ask, check, reply, frames) }
        guard let name = ask.changes else { return }
        if due[name, default: []].isEmpty {
            guard let head = queues[name]?.first else { return problems.append("\(ask.text) was answered too early") }
            queues[name]?.removeFirst()
            due[name] = execute(head, reply)
        }
        guard let place = due[name]?.firstIndex(where: { $0.ask.number == number }) else {
            return problems.append("\(ask.text) was answered out of order, before \(due[name]?.first?.ask.text ?? "")")
        }
        let check = due[name]?.remove(at: place).check
        if let check { judge(ask, check, reply, frames) }
        if due[name, default: []].isEmpty { settle(name) }
    }

    /// When the daemon has to look whether somebody is lost, in seconds.
    var deadline: Int? { runs.values.compactMap(\.deadline?.at).min() }

    /// The time has come; the daemon is told so, and its replies follow.
    func expire() {
        for (name, run) in runs {
            guard let deadline = run.deadline, deadline.at <= clock else { continue }
            due[name] = turnAway(name, [Fault(code: "participant_lost", fact: ("name", .string(deadline.lost)))])
        }
    }

    /// After the last request, when the daemon has nothing left to do.
    func finish() {
        for (name, list) in due where !list.isEmpty { problems.append("replies are missing in run \(name)") }
        for (name, queue) in queues where !queue.isEmpty { problems.append("\(queue[0].text) waits in run \(name)") }
        let waiting = Set(runs.values.flatMap { $0.waiting.compactMap { $0?.ask.number } })
        let silent = Set(asks.keys).subtracting(waiting).subtracting(replaced)
        if let number = silent.min(), let ask = asks[number] { problems.append("\(ask.text) was never answered") }
    }

    func require(_ isTrue: Bool, _ what: String) {
        if !isTrue { problems.append(what) }
    }

    func judge(_ ask: Ask, _ check: Check, _ reply: JSON, _ frames: [[UInt8]]) {
        guard let wrong = check(reply, frames) else { return }
        problems.append("\(ask.text): \(wrong); the reply is \(String(decoding: frames[0].prefix(400), as: UTF8.self))")
    }

    // MARK: - Requests that read

    func look(_ ask: Ask, _ isIdle: Bool) -> Check {
        switch ask.what {
        case .read(let name, let seq, let count, let format, let area):
            guard let run = runs[name] else { return unknownRun(name) }
            var faults: [Fault] = []
            if seq + count > run.next { faults.append(outOfStep(run)) }
            if area == 9 { faults.append(Fault(code: "unknown_area", fact: ("name", .string("E9")))) }
            guard faults.isEmpty else { return refused(faults) }
            let drawn = draw(run, seq..<seq + count)
            let adjusted = run.requests.filter { (seq..<seq + count).contains($0.seq) }.flatMap(\.adjusted)
            return stepped(run, drawn, seq..<seq + count, format: format, adjusted: adjusted, area: area)
        case .adjustments(let name):
            guard let run = runs[name] else { return unknownRun(name) }
            return { reply, _ in
                let lines = reply["adjustments"]?.elements ?? []
                guard lines.count == run.adjustments.count else { return "\(run.adjustments.count) lines, not these" }
                for (line, adjustment) in zip(lines, run.adjustments) {
                    var members: [(String, JSON)] = [
                        ("adjustment", .string(adjustment.id)), ("effective_from", .string(time(adjustment.from))),
                        ("seq", .number(Double(adjustment.from / run.arguments.step))),
                        ("state", .string(run.state(of: adjustment))), ("factor", .number(adjustment.change.factor)),
                    ]
                    if let retracted = adjustment.retracted {
                        members.append(("retracted_at", .string(time(retracted * run.arguments.step))))
                    }
                    if let wrong = has(line, members) { return "\(adjustment.id): \(wrong)" }
                }
                return nil
            }
        case .status(let name):
            guard let run = runs[name] else { return unknownRun(name) }
            let clock = clock
            return { reply, _ in
                guard let told = reply["runs"]?.elements?.first else { return "a run" }
                let members: [(String, JSON)] = [
                    ("run", .string(name)), ("forked_from", run.parent.map { .string($0) } ?? .null),
                    ("forked_seq", run.origin.map { .number(Double($0.next)) } ?? .null),
                    ("state", .string(run.state)), ("time", .string(time(run.time))),
                    ("next_seq", .number(Double(run.next))), ("adjustments", .number(Double(run.adjustments.count))),
                    ("in_force", .number(Double(run.live))),
                    ("incidents", .number(Double(run.counts.reduce(0, +)))),
                ]
                if let wrong = has(told, members) { return wrong }
                guard isIdle else { return nil }
                let missing = run.since == nil ? [] : run.missing
                let lines = told["waiting_for"]?.elements ?? []
                guard lines.map({ $0["name"]?.text }) == missing.map(\.name) else { return "who is waited for" }
                for (line, part) in zip(lines, missing) {
                    let waited = clock - (run.since ?? 0)
                    let isOverdue = part.timeout.map { waited >= $0 } ?? false
                    if let wrong = has(line, [("seconds", .number(Double(waited))), ("overdue", .bool(isOverdue))]) {
                        return wrong
                    }
                }
                return nil
            }
        default: return { _, _ in "not a request that reads" }
        }
    }

    // MARK: - Requests that change

    /// Carries a request out. `reply` is looked at for a name that the daemon made.
    func execute(_ ask: Ask, _ reply: JSON) -> [(ask: Ask, check: Check)] {
        func one(_ check: @escaping Check) -> [(ask: Ask, check: Check)] { [(ask, check)] }
        switch ask.what {
        case .open(let name, let arguments):
            if let run = runs[name] {
                guard run.arguments == arguments else { return one(refused([Fault(code: "run_exists")])) }
                return one(standing(run, resumed: true))
            }
            let run = ReferenceRun(name: name, arguments: arguments)
            runs[name] = run
            return one(standing(run, resumed: false))
        case .fork(let parent, let seq, let name, let parts):
            return one(fork(ask, parent, seq, name, parts, reply))
        case .step(let name, let step): return self.step(ask, name, step)
        case .adjust(let name, let change): return one(adjust(name, change))
        case .retract(let name, let adjustment): return one(retract(name, adjustment))
        case .close(let name):
            guard let run = runs[name] else { return one(unknownRun(name)) }
            let others = turnAway(name, [Fault(code: "run_closed")])
            runs[name]?.isClosed = true
            var closed = run
            closed.isClosed = true
            return one(standing(closed, resumed: nil)) + others
        case .delete(let name):
            guard let run = runs[name] else { return one(unknownRun(name)) }
            guard run.isClosed else { return one(refused([Fault(code: "conflict")])) }
            runs[name] = nil
            return one { reply, _ in has(reply, [("ok", .bool(true)), ("run", .string(name))]) }
        case .read, .adjustments, .status: return []
        }
    }

    func fork(
        _ ask: Ask, _ parentName: String, _ seq: Int?, _ name: String?, _ parts: [Ask.Part], _ reply: JSON
    ) -> Check {
        if let name, let existing = runs[name] {
            guard let origin = existing.origin, origin.what == ask.what else {
                return refused([Fault(code: "run_exists")] + (runs[parentName] == nil ? [unknown(parentName)] : []))
            }
            var then = existing
            then.next = origin.next
            then.isClosed = false
            return standing(then, resumed: false)
        }
        guard let parent = runs[parentName] else { return unknownRun(parentName) }
        if let seq, seq > parent.next { return refused([outOfStep(parent)]) }
        let made = name ?? reply["run"]?.text ?? ""
        guard runs[made] == nil, !made.isEmpty else { return { _, _ in "a name of its own" } }
        let run = ReferenceRun(name: made, forkOf: parent, at: seq, parts, what: ask.what)
        runs[made] = run
        return standing(run, resumed: false)
    }

    func adjust(_ name: String, _ change: Ask.Change) -> Check {
        guard let run = runs[name] else { return unknownRun(name) }
        let isKnown = change.key.map { key in run.adjustments.contains { $0.change.key == key } } ?? false
        var faults: [Fault] = []
        if !isKnown {
            if run.isClosed { faults.append(Fault(code: "run_closed")) }
            if run.hasEnded { faults.append(Fault(code: "run_ended")) }
            if let seq = change.seq, seq != run.next { faults.append(outOfStep(run)) }
        }
        let resolved = resolve(run, [[change]])
        faults += resolved.faults
        guard faults.isEmpty else { return refused(faults) }
        runs[name]?.adjustments += resolved.new
        let id = resolved.ids[0][0]
        guard let taken = runs[name]?.adjustments.first(where: { $0.id == id }) else { return { _, _ in "an id" } }
        return { reply, _ in
            has(
                reply,
                [
                    ("run", .string(name)), ("adjustment", .string(id)), ("effective_from", .string(time(taken.from))),
                    ("seq", .number(Double(taken.from / run.arguments.step))), ("duplicate", .bool(isKnown)),
                ])
        }
    }

    func retract(_ name: String, _ id: String) -> Check {
        guard let run = runs[name] else { return unknownRun(name) }
        guard let index = run.adjustments.firstIndex(where: { $0.id == id }) else {
            return refused([Fault(code: "unknown_adjustment", fact: ("name", .string(id)))])
        }
        if run.adjustments[index].retracted == nil {
            if run.isClosed { return refused([Fault(code: "run_closed")]) }
            if run.hasEnded { return refused([Fault(code: "run_ended")]) }
            runs[name]?.retract(index)
        }
        let seq = run.adjustments[index].retracted ?? run.next
        return { reply, _ in
            has(
                reply,
                [
                    ("adjustment", .string(id)), ("retracted_at", .string(time(seq * run.arguments.step))),
                    ("seq", .number(Double(seq))),
                ])
        }
    }
}
