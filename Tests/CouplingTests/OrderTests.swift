import Coupling
import CrimsCore
import Glibc
import Protocol
import Testing

/// Random schedules of four clients against the protocol's sequential model: whatever the order in which requests come
/// and however the work on them is cut into slices, each reply is the one that docs/protocol.md promises.
@Suite struct OrderTests {
    /// The seeds to play: one of CRIMS_SEED alone, 10,000 with CRIMS_LONG=1, else 500.
    private static var seeds: ClosedRange<UInt64> {
        if let text = getenv("CRIMS_SEED"), let seed = UInt64(String(cString: text)) { return seed...seed }
        return 1...(getenv("CRIMS_LONG").map { String(cString: $0) } == "1" ? 10_000 : 500)
    }

    @Test func `every reply of a random schedule is the one of the sequential model`() throws {
        var failed = 0
        var seen = Tally()
        for seed in Self.seeds {
            let schedule = try RandomSchedule(seed: seed, isTold: Self.seeds.count == 1)
            schedule.play()
            seen.add(schedule.tally)
            guard let problem = schedule.reference.problems.first else { continue }
            Issue.record("\(problem)\nalone: CRIMS_SEED=\(seed) swift test --filter OrderTests")
            failed += 1
            if failed == 3 { break }
        }
        print(
            "order: \(Self.seeds.count) schedules, \(seen.replies) replies of which \(seen.refusals) are refusals and "
                + "\(seen.shared) are of steps of several participants; \(failed) schedules failed")
        // That the schedules are worth playing: they get to where it is difficult.
        guard Self.seeds.count > 1 else { return }
        #expect(seen.replies > 25 * Self.seeds.count)
        #expect(seen.replies > 2 * seen.refusals)
        #expect(seen.shared > Self.seeds.count)
        for code in [
            "bad_request", "unknown_run", "unknown_area", "unknown_adjustment", "run_exists", "run_closed", "run_ended",
            "out_of_step", "conflict", "too_late", "participant_lost", "limit_exceeded",
        ] { #expect(seen.codes.contains(code), "\(code) was never told") }
    }
}

/// What came of schedules.
struct Tally {
    var replies = 0
    var refusals = 0
    /// Replies to steps of several participants.
    var shared = 0
    var codes: Set<String> = []

    mutating func add(_ other: Tally) {
        replies += other.replies
        refusals += other.refusals
        shared += other.shared
        codes.formUnion(other.codes)
    }
}

/// One schedule: requests made up as it goes, from what the model knows, delivered between slices of any length.
final class RandomSchedule {
    let reference: ReferenceDaemon
    private(set) var tally = Tally()
    private var hub: Hub!
    private var random: SeededGenerator
    private var clock = 0
    private var number = 0
    private let isTold: Bool

    private static let names = ["x", "y", "z", "f", "g"]
    private static let formats = ["records", "csv", "columns", "counts", "none"]

    init(seed: UInt64, isTold: Bool) throws {
        random = SeededGenerator(state: seed)
        self.isTold = isTold
        var model = try Ring().load("ring")
        model.rates = model.rates.map { $0 * 2 }
        var limits = Limits()
        limits.incidentsPerReply = random.pick([40, 1_000_000])
        limits.adjustmentsInForce = random.pick([6, 10_000])
        reference = ReferenceDaemon(model: model, limits: (limits.incidentsPerReply, limits.adjustmentsInForce))
        hub = Hub(
            source: Served(model: model), limits: limits, identity: Identity(version: "0", journal: "j", boot: 1),
            now: { [unowned self] in UInt64(clock) * 1_000_000_000 }, calendar: { 0 },
            emit: { [unowned self] in take($0) })
        // Publications make a run busy for longer than its reply.
        if random.chance(50) { hub.subscribe(Array("step/".utf8), true) }
    }

    private struct Served: ModelSource {
        let model: CrimeModel
        func names() -> [String] { ["ring"] }
        func load(_ name: String) -> CrimeModel { model }
    }

    func play() {
        for _ in 0..<120 where reference.problems.isEmpty {
            switch random.below(100) {
            case 0..<55: deliver()
            case 55..<95: work(slice: random.below(6))
            default: if !hub.hasWork { passTime() }
            }
        }
        while hub.hasWork, reference.problems.isEmpty { work(slice: random.below(40)) }
        reference.finish()
    }

    private func deliver() {
        number += 1
        let ask = Ask(number: number, client: UInt8(random.below(4)), what: what())
        if isTold { print(ask.text) }
        reference.deliver(ask, isIdle: !hub.hasWork)
        Array(ask.text.utf8).withUnsafeBytes {
            hub.receive(frame: $0, from: Peer(route: [ask.client], enveloped: false))
        }
        if random.chance(50) { hub.drawAhead() }
    }

    private func work(slice: Int) {
        var left = slice
        if isTold { print("-- \(slice)") }
        hub.work {
            left -= 1
            return left < 0
        }
    }

    private func passTime() {
        clock += 1 + random.below(2)
        reference.clock = clock
        if isTold { print("-- \(clock) s") }
        reference.require(
            hub.nextDeadline == reference.deadline.map { UInt64($0) * 1_000_000_000 }, "the next deadline")
        reference.expire()
        hub.expire()
    }

    private func take(_ action: Action) {
        guard case .reply(let peer, let frames) = action else { return }
        let reply = (try? JSON(parsing: frames[0])) ?? .null
        if isTold { print("   ", String(decoding: frames[0].prefix(300), as: UTF8.self)) }
        tally.replies += 1
        if let code = reply.code {
            tally.refusals += 1
            tally.codes.insert(code)
        } else if reply["op"] == .string("step"), let run = reply["run"]?.text.flatMap({ reference.runs[$0] }),
            run.arguments.participants.count > 1
        {
            tally.shared += 1
        }
        let id = reply["id"]?.text.flatMap { Int($0) } ?? -1
        reference.answered(id, client: peer.route.first ?? 255, reply, frames)
    }

    // MARK: - Requests

    private func what() -> Ask.What {
        let known = reference.runs.keys.sorted()
        guard !known.isEmpty else { return open(random.pick(Self.names)) }
        let name = random.chance(4) ? random.pick(Self.names) : random.pick(known)
        let run = reference.runs[name]
        let next = run?.next ?? 0
        switch random.below(100) {
        case 0..<7: return open(random.pick(Self.names))
        case 7..<54: return .step(run: name, step(run))
        case 54..<63:
            let area = random.chance(30) ? (random.chance(10) ? 9 : random.below(4)) : nil
            return .read(
                run: name, seq: random.below(next + 1), count: 1 + random.below(3), format: random.pick(Self.formats),
                area: area)
        case 63..<76:
            var change = change(run)
            if random.chance(25) { change.seq = random.chance(80) ? next : random.below(next + 2) }
            return .adjust(run: name, change)
        case 76..<81: return .retract(run: name, adjustment: "a\(1 + random.below((run?.adjustments.count ?? 0) + 1))")
        case 81..<84: return .adjustments(run: name)
        case 84..<91:
            if random.chance(20), let again = known.compactMap({ reference.runs[$0]?.origin?.what }).last {
                return again
            }
            return .fork(
                run: name, seq: random.chance(50) ? nil : random.below(next + 2),
                name: random.chance(75) ? random.pick(Self.names) : nil, random.chance(35) ? parts() : [])
        case 91..<95: return .status(run: name)
        case 95..<98: return .close(run: name)
        default: return .delete(run: known.first { reference.runs[$0]?.isClosed ?? false } ?? name)
        }
    }

    private func open(_ name: String) -> Ask.What {
        if let run = reference.runs[name], random.chance(70) { return .open(run: name, run.arguments) }
        return .open(
            run: name,
            .init(
                step: random.pick([30, 60, 90, 480]), length: random.chance(50) ? nil : 3 + random.below(10),
                seed: random.below(3), participants: random.chance(60) ? parts() : []))
    }

    private func parts() -> [Ask.Part] {
        var names = ["a", "b", "c"]
        names.shuffle(using: &random)
        return names.prefix(1 + random.below(3)).map {
            Ask.Part(name: $0, timeout: random.chance(40) ? 1 + random.below(4) : nil, fails: random.chance(70))
        }
    }

    private func step(_ run: ReferenceRun?) -> Ask.StepAsk {
        var step = Ask.StepAsk(format: random.pick(Self.formats), adjust: [])
        guard let run else { return step }
        let names = run.arguments.participants.map(\.name)
        if !names.isEmpty {
            let missing = run.missing.map(\.name)
            step.participant = random.pick(random.chance(75) && !missing.isEmpty ? missing : names)
        }
        if random.chance(3) { step.participant = random.pick([nil, "nobody", "a"]) }
        if random.chance(12), let last = run.last {
            step.seq = last.seq
            step.count = random.chance(90) ? last.steps : 1 + random.below(4)
            if random.chance(85) { step.adjust = last.asked[run.place(step.participant) ?? 0].adjust }
            return step
        }
        switch random.below(100) {
        case 0..<6: step.seq = random.below(run.next + 3)
        case 6..<20: break
        default: step.seq = run.next
        }
        let agreed = run.waiting.compactMap { $0 }.first.map { run.steps($0.step, from: run.next) }
        let count = random.chance(88) ? agreed ?? random.pick([1, 1, 2, 4]) : 1 + random.below(4)
        if random.chance(25) {
            step.until = (run.next + count) * run.arguments.step + (random.chance(4) ? 7 : 0)
        } else if count > 1 || random.chance(30) {
            step.count = count
        }
        if random.chance(45) { step.adjust = (0...random.below(2)).map { _ in change(run) } }
        return step
    }

    private func change(_ run: ReferenceRun?) -> Ask.Change {
        let now = run?.time ?? 0
        if random.chance(30) {
            // Few keys, and mostly the same fields with them.
            let key = random.below(3)
            let factor = random.chance(85) ? [0.5, 2, 0.9][key] : 1.5
            return Ask.Change(factor: factor, area: key, key: "k\(key)")
        }
        var change = Ask.Change(factor: random.pick([0, 0.25, 0.5, 0.9, 1.5, 2, 4]))
        if random.chance(40) { change.area = random.chance(4) ? 9 : random.below(4) }
        if random.chance(30) { change.category = random.pick(["burglary", "other theft"]) }
        if random.chance(14) { change.from = now + random.pick([-30, 0, 45, 60, 200]) }
        if random.chance(25) {
            change.until =
                change.from == nil && random.chance(10)
                ? now - 10 : max(now, change.from ?? 0) + random.pick([30, 61, 300])
        }
        change.ofSuspects = random.chance(10)
        change.isSet = random.chance(12)
        guard !change.isSet else { return change }
        if random.chance(20) { change.halfLife = random.pick([30, 60, 240]) }
        if random.chance(20), change.factor <= 1, !change.ofSuspects { change.displacement = random.pick([0.5, 1]) }
        return change
    }
}
