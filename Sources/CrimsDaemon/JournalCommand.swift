import Coupling
import CrimsCore
import Journal
import Messaging
import Models
import Protocol

extension Tool {
    static let journalCommand = Command(
        syntax: CommandSyntax(
            name: "journal", operands: ["verify|show", "[DIR]"],
            summary: "check what a daemon keeps, or print its audit trail",
            options: [
                modelsOption,
                .value("run", "NAME", "show: of this run alone"),
                .flag("clock", "show: with the date and time at which each was asked, and its hash"),
                .flag("no-draw", "verify: do not draw the steps again"),
                .flag("json", "as JSON; show: a line a record"),
            ],
            notes: [
                "DIR is a data folder of 'crims serve' ($XDG_STATE_HOME/crims, or ~/.local/state/crims). A daemon may be",
                "using it. 'verify' exits with 1 when something is wrong.",
            ]),
        run: journal)

    private static func journal(_ arguments: Arguments) throws {
        let view = { try JournalView(folder: try dataPath(arguments.operands.count > 1 ? arguments.operands[1] : nil)) }
        switch arguments.operands[0] {
        case "verify": try verify(try view(), arguments)
        case "show": try show(try view(), arguments)
        case let other: throw UsageError(message: "there is 'verify' and 'show', not '\(other)'")
        }
    }

    private static func verify(_ view: JournalView, _ arguments: Arguments) throws {
        let catalog = ModelCatalog(folders: ModelCatalog.standardFolders(extra: arguments.all("models")))
        var stopped: [String] = []
        let hub = Hub(
            source: CatalogSource(catalog: catalog), limits: Limits(),
            identity: Identity(version: version, journal: "", boot: 0), now: Clock.now
        ) { action in
            if case .log(_, let facts) = action {
                stopped += facts.filter { $0.name == "message" }.compactMap(\.value.text)
            }
        }
        let draws = !arguments.has("no-draw")
        // A run that is stopped says so once, and not with each of its records.
        var told: Set<String> = []
        var findings = try view.check { record in
            guard draws, let refusal = hub.verify(record), told.insert(refusal.message).inserted else { return nil }
            return refusal
        }
        findings.faults += stopped.filter { !told.contains($0) }
        if arguments.has("json") {
            printJSON(
                .object([
                    .init("ok", .bool(findings.faults.isEmpty)), .init("records", .number(Double(findings.records))),
                    .init("runs", .number(Double(findings.runs))), .init("steps", .number(Double(findings.steps))),
                    .init("drawn_again", .bool(draws)),
                    .init("faults", .array(findings.faults.map { .string($0) })),
                ]))
        } else {
            let drawn = draws ? ", drawn again" : ""
            Terminal.print(
                "\(findings.records) records, \(findings.runs) runs, \(findings.steps) steps by \(findings.stepRequests) "
                    + "requests\(drawn): " + (findings.faults.isEmpty ? "all in order\n" : "not in order\n"))
            for fault in findings.faults { Terminal.say("crims journal: \(fault)\n") }
        }
        if !findings.faults.isEmpty { throw ReportedFailure() }
    }

    private static func show(_ view: JournalView, _ arguments: Arguments) throws {
        let chosen = arguments["run"]
        var trail = AuditTrail(clock: arguments.has("clock"), asJSON: arguments.has("json"))
        var found = false
        try view.rows { row, run, _ in
            guard chosen == nil || run == chosen else { return trail.note(row) }
            found = true
            trail.add(row, run: run)
        }
        trail.finish()
        if let chosen, !found { throw Refusal(.unknownRun, "there are no records of a run '\(chosen)'") }
    }
}
