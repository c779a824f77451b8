import CrimsCore
import Journal
import Protocol

/// Prints rows as they come: a line each, and one for steps that nothing came between.
struct AuditTrail {
    let clock: Bool
    let asJSON: Bool
    /// How each run was opened, for the times of its steps.
    private var openings: [Int: OpenRequest] = [:]
    private var names: [String: Int] = [:]
    /// Plain steps of one run that are yet to be printed.
    private var steps: (run: String, opening: Int, first: Int, next: Int, incidents: Int)?

    init(clock: Bool, asJSON: Bool) {
        self.clock = clock
        self.asJSON = asJSON
    }

    /// Learns how a run is stepped.
    mutating func note(_ row: StoredRecord) {
        switch row.event {
        case .open:
            if let open = row.document["open"], let arguments = try? OpenRequest(open) {
                openings[row.number] = arguments
            }
        case .fork:
            if let parent = row.document["fork"]?["run"]?.text {
                openings[row.number] = names[parent].flatMap { openings[$0] }
            }
        default: return
        }
        if let name = row.document["run"]?.text { names[name] = row.number }
    }

    mutating func add(_ row: StoredRecord, run: String) {
        note(row)
        if asJSON { return printLine(row, run) }
        if row.event == .step, row.body == nil, !clock {
            if var pending = steps, pending.opening == row.opening {
                pending.next = row.seq + (row.steps ?? 1)
                pending.incidents += row.incidents ?? 0
                return steps = pending
            }
            finish()
            return steps = (run, row.opening, row.seq, row.seq + (row.steps ?? 1), row.incidents ?? 0)
        }
        finish()
        let what: String
        let document = row.document
        switch row.event {
        case .open: what = "open \(text(document["open"]))"
        case .fork: what = "fork \(text(document["fork"]))"
        case .step:
            let adjusted = zip(document["adjusted"]?.elements ?? [], document["adjust"]?.elements ?? []).map {
                "; adjust \($0.text ?? "") \(text($1))"
            }
            what =
                "\(span(row.seq, row.seq + (row.steps ?? 1))), \(row.incidents ?? 0) incidents\(adjusted.joined())"
        case .adjust: what = "adjust \(document["adjusted"]?.text ?? "") \(text(document["adjust"]))"
        case .retract: what = "retract \(document["adjustment"]?.text ?? "")"
        case .close: what = "close"
        case .delete: what = "delete"
        }
        line(run, row.opening, row.seq, what, row)
    }

    /// Prints steps that have been held back.
    mutating func finish() {
        guard let pending = steps else { return }
        steps = nil
        line(
            pending.run, pending.opening, pending.first,
            "\(span(pending.first, pending.next)), \(pending.incidents) incidents", nil)
    }

    private func span(_ first: Int, _ next: Int) -> String {
        next - first == 1 ? "step \(first)" : "steps \(first) to \(next - 1)"
    }

    private func line(_ run: String, _ opening: Int, _ seq: Int, _ what: String, _ row: StoredRecord?) {
        let time = openings[opening].map { TimeText.format($0.step.advance($0.start, by: seq)) + "  " } ?? ""
        let who = row?.who.map { "  by \(String(decoding: $0, as: UTF8.self))" } ?? ""
        let asked = row.flatMap { clock ? "\(Terminal.universal(seconds: $0.at))  " : nil } ?? ""
        Terminal.print("\(asked)\(run)  \(time)\(what)\(who)\n")
    }

    private func text(_ json: JSON?) -> String {
        var writer = ByteWriter()
        writer.json(json ?? .null)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func printLine(_ row: StoredRecord, _ run: String) {
        var members: [JSON.Member] = [
            .init("record", .number(Double(row.number))), .init("run", .string(run)),
            .init("event", .string(row.event.rawValue)), .init("seq", .number(Double(row.seq))),
        ]
        if let opening = openings[row.opening] {
            members.append(.init("time", .string(TimeText.format(opening.step.advance(opening.start, by: row.seq)))))
        }
        if let steps = row.steps { members.append(.init("steps", .number(Double(steps)))) }
        if let incidents = row.incidents { members.append(.init("incidents", .number(Double(incidents)))) }
        if let digest = row.digest {
            members.append(.init("digest", .string(String(UInt(bitPattern: digest), radix: 16))))
        }
        if let who = row.who { members.append(.init("who", .string(String(decoding: who, as: UTF8.self)))) }
        members += (row.document.members ?? []).filter { $0.name != "run" }
        if clock {
            members.append(.init("asked", .string(Terminal.universal(seconds: row.at))))
            members.append(.init("hash", .string(row.hashText)))
        }
        Tool.printJSON(.object(members))
    }
}
