import CrimsCore
import Protocol

/// What replies must say.
extension ReferenceDaemon {
    struct Drawn {
        var ids: [Int64] = []
        var areas: [UInt16] = []
        var categories: [Int] = []
        /// By step.
        var counts: [Int] = []
        var expectation = Expectation()
        var count: Int { ids.count }
    }

    func draw(_ run: ReferenceRun, _ steps: Range<Int>) -> Drawn {
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

    static func carries(_ format: String) -> Bool { ["records", "csv", "columns"].contains(format) }

    func stepped(
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

    func standing(_ run: ReferenceRun, resumed: Bool?) -> Check {
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

    func refused(_ faults: [Fault]) -> Check {
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

    var tooMany: Check {
        refused([Fault(code: "limit_exceeded", fact: ("limit", .string("incidents_per_reply")))])
    }
    var badUntil: Fault { Fault(code: "bad_request", fact: ("field", .string("until"))) }
    func unknown(_ run: String) -> Fault { Fault(code: "unknown_run", fact: ("name", .string(run))) }
    func unknownRun(_ run: String) -> Check { refused([unknown(run)]) }
    func outOfStep(_ run: ReferenceRun) -> Fault {
        Fault(code: "out_of_step", fact: ("expected_seq", .number(Double(run.next))))
    }
}

/// Whether an object has members with these values; says which it has not.
func has(_ object: JSON, _ members: [(String, JSON)]) -> String? {
    for (name, value) in members where object[name] != value { return "'\(name)' is \(value)" }
    return nil
}
