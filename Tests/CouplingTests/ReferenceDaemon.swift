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

    private(set) var runs: [String: ReferenceRun] = [:]
    private(set) var problems: [String] = []
    /// Seconds.
    var clock = 0
    let limits: (incidents: Int, inForce: Int)
    private let prepared: PreparedModel
    private let cache = MonthCache()
    /// Requests of a run that have not taken effect, in the order in which they came.
    private var queues: [String: [Ask]] = [:]
    /// Replies that an effect entails and that have not come yet.
    private var due: [String: [(ask: Ask, check: Check)]] = [:]
    private var looks: [Int: Check] = [:]
    private var asks: [Int: Ask] = [:]
    /// Requests that are never answered: others of the same participant took their place.
    private var replaced: Set<Int> = []

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

    private func judge(_ ask: Ask, _ check: Check, _ reply: JSON, _ frames: [[UInt8]]) {
        guard let wrong = check(reply, frames) else { return }
        problems.append("\(ask.text): \(wrong); the reply is \(String(decoding: frames[0].prefix(400), as: UTF8.self))")
    }

    // MARK: - Requests that read

    private func look(_ ask: Ask, _ isIdle: Bool) -> Check {
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
                    ("run", .string(name)), ("state", .string(run.state)), ("time", .string(time(run.time))),
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
    private func execute(_ ask: Ask, _ reply: JSON) -> [(ask: Ask, check: Check)] {
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

    private func fork(
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

    private func adjust(_ name: String, _ change: Ask.Change) -> Check {
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

    private func retract(_ name: String, _ id: String) -> Check {
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

    // MARK: - Steps

    /// Lets in what waits for others: that is not answered, so it takes effect as soon as it is its turn.
    private func settle(_ name: String) {
        while due[name, default: []].isEmpty, let head = queues[name]?.first, case .step(_, let step) = head.what,
            let run = runs[name], !run.isRetry(step), let place = run.place(step.participant),
            run.waiting.indices.contains(where: { $0 != place && run.waiting[$0] == nil }),
            stepFaults(run, step, place).isEmpty,
            resolve(run, run.lists(with: step.adjust, at: place)).faults.isEmpty
        {
            queues[name]?.removeFirst()
            enter(head, step, name, place)
        }
    }

    private func enter(_ ask: Ask, _ step: Ask.StepAsk, _ name: String, _ place: Int) {
        if let earlier = runs[name]?.waiting[place] { replaced.insert(earlier.ask.number) }
        runs[name]?.waiting[place] = (ask, step)
        if runs[name]?.since == nil { runs[name]?.since = clock }
    }

    private func turnAway(_ name: String, _ faults: [Fault]) -> [(ask: Ask, check: Check)] {
        let all = runs[name]?.waiting.compactMap { $0 } ?? []
        runs[name]?.clearWaiting()
        return all.map { ($0.ask, refused(faults)) }
    }

    private func step(_ ask: Ask, _ name: String, _ step: Ask.StepAsk) -> [(ask: Ask, check: Check)] {
        guard let run = runs[name] else { return [(ask, unknownRun(name))] }
        guard let place = run.place(step.participant) else {
            return [(ask, refused([Fault(code: "bad_request", fact: ("field", .string("participant")))]))]
        }
        if let last = run.last, run.isRetry(step) {
            let steps = run.steps(step, from: last.seq)
            guard steps > 0 else { return [(ask, refused([badUntil]))] }
            guard steps == last.steps, step.adjust == last.asked[place].adjust else {
                return [(ask, refused([Fault(code: "conflict")]))]
            }
            let range = last.seq..<last.seq + steps
            let drawn = draw(run, range)
            return [
                (ask, stepped(run, drawn, range, format: step.format, adjusted: last.asked[place].ids, area: nil))
            ]
        }
        let faults = stepFaults(run, step, place)
        let lists = run.lists(with: step.adjust, at: place)
        let resolved = resolve(run, lists)
        guard faults.isEmpty else { return [(ask, refused(faults + resolved.faults))] }
        guard resolved.faults.isEmpty else {
            // What the others have asked for may be at odds with what came since.
            let others = resolve(run, run.lists(with: [], at: place)).faults
            guard !others.isEmpty else { return [(ask, refused(resolved.faults))] }
            if let earlier = run.waiting[place] {
                replaced.insert(earlier.ask.number)
                runs[name]?.waiting[place] = nil
            }
            return turnAway(name, others) + [(ask, refused(others))]
        }
        enter(ask, step, name, place)
        let all = runs[name]?.waiting.compactMap { $0 } ?? []
        runs[name]?.clearWaiting()
        let range = run.next..<run.next + run.steps(step, from: run.next)
        var after = run
        after.clearWaiting()
        after.adjustments += resolved.new
        let drawn = draw(after, range)
        if drawn.count > limits.incidents, all.contains(where: { Self.carries($0.step.format) }) {
            return all.map { ($0.ask, tooMany) }
        }
        after.take(range, drawn.counts, lists, resolved.ids)
        runs[name] = after
        return zip(all, resolved.ids).map { asking, ids in
            (asking.ask, stepped(after, drawn, range, format: asking.step.format, adjusted: ids, area: nil))
        }
    }

    private func stepFaults(_ run: ReferenceRun, _ step: Ask.StepAsk, _ place: Int) -> [Fault] {
        var faults: [Fault] = []
        if run.isClosed { faults.append(Fault(code: "run_closed")) }
        if let seq = step.seq, seq != run.next { faults.append(outOfStep(run)) }
        if run.hasEnded { faults.append(Fault(code: "run_ended")) }
        let steps = run.steps(step, from: run.next)
        if steps < 1 { faults.append(badUntil) }
        if let length = run.arguments.length, run.next + steps > length { faults.append(Fault(code: "run_ended")) }
        let others = run.waiting.indices.filter { $0 != place }.compactMap { run.waiting[$0]?.step }
        if others.contains(where: { run.steps($0, from: run.next) != steps }) { faults.append(Fault(code: "conflict")) }
        return faults
    }

    /// What lists of adjustments come to that act one after the other from now on.
    private func resolve(
        _ run: ReferenceRun, _ lists: [[Ask.Change]]
    ) -> (faults: [Fault], new: [ReferenceRun.Adjustment], ids: [[String]]) {
        var faults: [Fault] = []
        var new: [ReferenceRun.Adjustment] = []
        let ids = lists.map { list in
            list.map { change in
                if let key = change.key, let known = (run.adjustments + new).first(where: { $0.change.key == key }) {
                    if known.change != change { faults.append(Fault(code: "conflict")) }
                    return known.id
                }
                if change.area == 9 { faults.append(Fault(code: "unknown_area", fact: ("name", .string("E9")))) }
                let from = change.from ?? run.time
                if from < run.time || change.until ?? .max <= from { faults.append(Fault(code: "too_late")) }
                let adjustment = Adjustment(
                    factor: change.factor, mode: change.isSet ? .set : .scale,
                    target: change.ofSuspects ? .suspect : .incidence,
                    areas: change.area.map { $0 == 9 ? [] : [$0] },
                    crimes: change.category.flatMap { prepared.categoryIndex[$0] }.map {
                        prepared.crimesOfCategory[$0]
                    },
                    from: Ask.start + from, until: change.until.map { Ask.start + $0 }, halfLife: change.halfLife,
                    displacement: change.displacement, model: prepared)
                let id = "a\(run.adjustments.count + new.count + 1)"
                new.append(
                    .init(
                        id: id, change: change, from: from, acceptedSeq: run.next,
                        scheduled: ScheduledAdjustment(adjustment)))
                return id
            }
        }
        if !new.isEmpty, run.live + new.count > limits.inForce {
            faults.append(Fault(code: "limit_exceeded", fact: ("limit", .string("adjustments_in_force"))))
        }
        return (faults, new, ids)
    }

    // MARK: - Incidents

    struct Drawn {
        var ids: [Int64] = []
        var areas: [UInt16] = []
        var categories: [Int] = []
        /// By step.
        var counts: [Int] = []
        var expectation = Expectation()
        var count: Int { ids.count }
    }

    private func draw(_ run: ReferenceRun, _ steps: Range<Int>) -> Drawn {
        let sampler = Sampler(prepared: prepared, world: World(seed: UInt64(run.arguments.seed)), cache: cache)
        let first = Ask.start.minutes + steps.lowerBound * run.arguments.step
        let window = first..<Ask.start.minutes + steps.upperBound * run.arguments.step
        let schedule = run.adjustments.map(\.scheduled).filter { $0.acts(in: window) }
        var drawn = Drawn()
        var columns = IncidentColumns(origin: CivilMinute(minutes: first))
        for step in steps {
            var minute = Ask.start.minutes + step * run.arguments.step
            let end = minute + run.arguments.step
            let before = columns.count
            while minute < end {
                let part = minute..<min((minute / 60 + 1) * 60, end)
                if let more = try? sampler.draw(window: part, schedule: schedule, into: &columns) {
                    drawn.expectation.expected += more.expected
                    drawn.expectation.baseline += more.baseline
                    drawn.expectation.capped = drawn.expectation.capped || more.capped
                }
                minute = part.upperBound
            }
            drawn.counts.append(columns.count - before)
        }
        drawn.expectation.inForce = schedule.count
        drawn.ids = Array(columns.id[..<columns.count])
        drawn.areas = Array(columns.area[..<columns.count])
        drawn.categories = columns.crime[..<columns.count].map { prepared.model.crimes[Int($0)].category }
        return drawn
    }

    private static func carries(_ format: String) -> Bool { ["records", "csv", "columns"].contains(format) }

    private func stepped(
        _ run: ReferenceRun, _ drawn: Drawn, _ steps: Range<Int>, format: String, adjusted: [String], area: Int?
    ) -> Check {
        let kept = drawn.ids.indices.filter { area == nil || area == Int(drawn.areas[$0]) }
        if kept.count > limits.incidents, Self.carries(format) { return tooMany }
        let categories = prepared.model.categories
        return { reply, frames in
            var members: [(String, JSON)] = [
                ("ok", .bool(true)), ("run", .string(run.name)), ("seq", .number(Double(steps.lowerBound))),
                ("steps", .number(Double(steps.count))),
                ("from", .string(time(steps.lowerBound * run.arguments.step))),
                ("to", .string(time(steps.upperBound * run.arguments.step))), ("count", .number(Double(kept.count))),
                ("in_force", .number(Double(drawn.expectation.inForce))), ("capped", .bool(drawn.expectation.capped)),
                ("adjusted", .array(adjusted.map { .string($0) })), ("next_seq", .number(Double(steps.upperBound))),
                ("ended", .bool(run.arguments.length == steps.upperBound)),
            ]
            if format == "counts" {
                members.append(
                    (
                        "by_category",
                        .object(
                            categories.indices.map { category in
                                .init(
                                    categories[category],
                                    .number(Double(kept.count { drawn.categories[$0] == category })))
                            })
                    ))
            }
            if let wrong = has(reply, members) { return wrong }
            if area == nil {
                for (name, value) in [
                    ("expected", drawn.expectation.expected), ("baseline", drawn.expectation.baseline),
                ] {
                    guard let told = reply[name]?.number, abs(told - value) <= 1e-8 * max(value, 1) else {
                        return "'\(name)' is \(value)"
                    }
                }
            }
            let ids = kept.map { drawn.ids[$0] }
            switch format {
            case "records":
                let told = reply["incidents"]?.elements?.map { Int64($0["id"]?.number ?? 0) }
                return told == ids && frames.count == 1 ? nil : "other incidents"
            case "csv":
                guard frames.count == 2 else { return "two frames" }
                let lines = frames[1].split(separator: UInt8(ascii: "\n")).dropFirst()
                let told = lines.map { Int64(String(decoding: $0.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)) }
                return told == ids ? nil : "other incidents"
            case "columns":
                guard frames.count == 6 else { return "six frames" }
                return frames[1] == ids.flatMap { id in (0..<8).map { UInt8(truncatingIfNeeded: id >> ($0 * 8)) } }
                    ? nil : "other incidents"
            default: return frames.count == 1 && reply["incidents"] == nil ? nil : "no incidents"
            }
        }
    }

    // MARK: - Checks

    private func standing(_ run: ReferenceRun, resumed: Bool?) -> Check {
        let lengths = [30: "30m", 60: "1h", 90: "90m", 480: "8h"]
        return { reply, _ in
            let wrong = has(
                reply,
                [
                    ("ok", .bool(true)), ("run", .string(run.name)), ("model", .string("ring")),
                    ("digest", .string("d")),
                    ("time", .string(time(run.time))), ("step", .string(lengths[run.arguments.step] ?? "")),
                    ("next_seq", .number(Double(run.next))), ("state", .string(run.state)),
                ])
            return wrong ?? (reply["resumed"] == resumed.map { .bool($0) } ? nil : "'resumed'")
        }
    }

    private func refused(_ faults: [Fault]) -> Check {
        { reply, frames in
            guard reply["ok"] == .bool(false), frames.count == 1, let code = reply.code else {
                return "to be refused as \(faults.map(\.code))"
            }
            let fits = faults.contains { fault in
                fault.code == code && fault.fact.map { reply["error"]?[$0.name] == $0.value } ?? true
            }
            return fits ? nil : "to be refused as \(faults.map { "\($0.code) \($0.fact.map { "\($0)" } ?? "")" })"
        }
    }

    private var tooMany: Check {
        refused([Fault(code: "limit_exceeded", fact: ("limit", .string("incidents_per_reply")))])
    }
    private var badUntil: Fault { Fault(code: "bad_request", fact: ("field", .string("until"))) }
    private func unknown(_ run: String) -> Fault { Fault(code: "unknown_run", fact: ("name", .string(run))) }
    private func unknownRun(_ run: String) -> Check { refused([unknown(run)]) }
    private func outOfStep(_ run: ReferenceRun) -> Fault {
        Fault(code: "out_of_step", fact: ("expected_seq", .number(Double(run.next))))
    }
}

/// Whether an object has members with these values; says which it has not.
private func has(_ object: JSON, _ members: [(String, JSON)]) -> String? {
    for (name, value) in members where object[name] != value { return "'\(name)' is \(value)" }
    return nil
}
