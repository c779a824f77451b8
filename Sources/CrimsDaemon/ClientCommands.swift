import Messaging
import Protocol

/// The commands that talk to a running daemon, for people.
extension Tool {
    private static let connectOption = CommandSyntax.Option.value(
        "connect", "EP", "the daemon's control endpoint (\(defaultControl))")
    private static let jsonOption = CommandSyntax.Option.flag("json", "the reply as JSON")
    private static let keyOptions = [
        CommandSyntax.Option.value("client-key", "FILE", "of a daemon with keys: your own NAME.key_secret"),
        .value("server-key", "FILE", "the daemon's public key, NAME.key"),
    ]

    private static func ask(_ arguments: Arguments, _ members: [JSON.Member]) throws -> (JSON, [[UInt8]]) {
        try Client(arguments["connect"] ?? defaultControl, try credentials(arguments)).ask(members)
    }

    /// The keys that were given.
    private static func credentials(_ arguments: Arguments) throws -> ClientCredentials? {
        switch (arguments["client-key"], arguments["server-key"]) {
        case (nil, nil): return nil
        case (let key?, let serverKey?): return try ClientCredentials(key: key, serverKey: serverKey)
        case (_, nil): throw UsageError(message: "--client-key needs --server-key, the daemon's public key")
        case (nil, _): throw UsageError(message: "--server-key needs --client-key, your own secret key")
        }
    }

    /// The options that were given, as fields of a request; the daemon checks them.
    private static func fields(
        _ arguments: Arguments, texts: [String] = [], numbers: [String] = [], lists: [String] = []
    ) throws(UsageError) -> [JSON.Member] {
        func field(_ option: String) -> String { option.split(separator: "-").joined(separator: "_") }
        var members: [JSON.Member] = []
        for name in texts {
            if let text = arguments[name] { members.append(.init(field(name), .string(text))) }
        }
        for name in numbers {
            guard let text = arguments[name] else { continue }
            guard let number = Decimal.parse(Array(text.utf8)), number.isFinite else {
                throw UsageError(message: "--\(name) is a number, not '\(text)'")
            }
            members.append(.init(field(name), .number(number)))
        }
        for name in lists where !arguments.all(name).isEmpty {
            members.append(.init(field(name), .array(arguments.all(name).map { .string($0) })))
        }
        return members
    }

    /// A reply's scalar members, one a line.
    private static func show(_ reply: JSON, _ arguments: Arguments) {
        if arguments.has("json") { return printJSON(reply) }
        var lines = ""
        for member in reply.members ?? [] where !["v", "id", "op", "ok", "incidents", "columns"].contains(member.name) {
            var writer = ByteWriter()
            if let text = member.value.text { writer.text(text) } else { writer.json(member.value) }
            lines += "\(member.name): \(String(decoding: writer.bytes, as: UTF8.self))\n"
        }
        Terminal.print(lines)
    }

    // MARK: - status

    static let statusCommand = Command(
        syntax: CommandSyntax(
            name: "status", operands: ["[RUN]"], summary: "show a daemon's runs",
            options: [connectOption, jsonOption] + keyOptions),
        run: { arguments in
            let run = arguments.operands.first.map { [JSON.Member("run", .string($0))] } ?? []
            let (reply, _) = try ask(arguments, [.init("op", .string("status"))] + run)
            if arguments.has("json") { return printJSON(reply) }
            let runs = reply["runs"]?.elements ?? []
            guard !runs.isEmpty else { return Terminal.say("no runs\n") }
            func text(_ run: JSON, _ name: String) -> String {
                guard let value = run[name] else { return "-" }
                var writer = ByteWriter()
                writer.json(value)
                return run[name]?.text ?? String(decoding: writer.bytes, as: UTF8.self)
            }
            let columns = ["run", "model", "state", "time", "next_seq", "incidents", "adjustments", "stepping"]
            Terminal.print(Terminal.table(columns, runs.map { run in columns.map { text(run, $0) } }))
            for run in runs {
                for waiting in run["waiting_for"]?.elements ?? [] {
                    let overdue = waiting["overdue"]?.truth == true ? ", overdue" : ""
                    Terminal.print(
                        "\(text(run, "run")) waits for \(text(waiting, "name")) since \(text(waiting, "since"))\(overdue)\n"
                    )
                }
                if let error = run["error"] {
                    Terminal.print("\(text(run, "run")): \(text(error, "code")): \(text(error, "message"))\n")
                }
            }
        })

    // MARK: - open, step, adjust

    static let openCommand = Command(
        syntax: CommandSyntax(
            name: "open", summary: "open a run on a daemon",
            options: [
                .value("model", "M", "the model's name"), .value("start", "T", "first time, such as 2020-01-01"),
                .value("end", "T", "(open-ended)"), .value("step", "D", "15m, 1h, 8h, 1d, 1mo … (1h)"),
                .value("seed", "N", "(0)"), .value("replicate", "N", "(0)"),
                .value("run", "NAME", "(made by the daemon)"),
                .flag("no-dispersion", "without month-to-month over-dispersion"),
                .flag("no-trend", "without the model's trend"), connectOption, jsonOption,
            ] + keyOptions),
        run: { arguments in
            for name in ["model", "start"] { _ = try arguments.required(name) }
            var members = [JSON.Member("op", .string("open"))]
            members += try fields(
                arguments, texts: ["model", "start", "end", "step", "run"], numbers: ["seed", "replicate"])
            if arguments.has("no-dispersion") { members.append(.init("dispersion", .bool(false))) }
            if arguments.has("no-trend") { members.append(.init("trend", .bool(false))) }
            show(try ask(arguments, members).0, arguments)
        })

    static let stepCommand = Command(
        syntax: CommandSyntax(
            name: "step", operands: ["RUN"], summary: "step a run and print its incidents",
            options: [
                .value("seq", "N", "the first step asked for (the next one)"), .value("count", "N", "steps (1)"),
                .value("until", "T", "all steps until then"),
                .value("format", "F", "csv, records, counts or none (csv)"), connectOption, jsonOption,
            ] + keyOptions),
        run: { arguments in
            let format = arguments["format"] ?? (arguments.has("json") ? "records" : "csv")
            guard format != "columns" else {
                throw UsageError(message: "--format is csv, records, counts or none: columns are for programs")
            }
            var members: [JSON.Member] = [
                .init("op", .string("step")), .init("run", .string(arguments.operands[0])),
                .init("format", .string(format)),
            ]
            members += try fields(arguments, texts: ["until"], numbers: ["seq", "count"])
            let (reply, frames) = try ask(arguments, members)
            if arguments.has("json") || format == "records" { return printJSON(reply) }
            guard let csv = frames.first else { return show(reply, arguments) }
            Terminal.print(String(decoding: csv, as: UTF8.self))
        })

    static let adjustCommand = Command(
        syntax: CommandSyntax(
            name: "adjust", operands: ["RUN"], summary: "change a run's rates from its next step on",
            options: [
                .value("factor", "F", "0 to 1000: multiplies the rate"), .value("mode", "M", "scale or set (scale)"),
                .value("areas", "CODE", many: true, "(all)"), .value("categories", "NAME", many: true, "(all)"),
                .value("codes", "CODE", many: true, "offence codes (all)"),
                .value("descriptions", "TEXT", many: true, "offence descriptions (all)"),
                .value("from", "T", "(now)"), .value("until", "T", "(no end)"),
                .value("half-life", "D", "the effect decays, such as 7d"),
                .value("displacement", "S", "share of what it removes that neighbours get (0)"),
                .value("target", "T", "incidence or suspect (incidence)"),
                .value("key", "TEXT", "makes asking again safe"), .value("source", "TEXT", "for the audit trail"),
                .value("reason", "TEXT", "for the audit trail"), connectOption, jsonOption,
            ] + keyOptions),
        run: { arguments in
            _ = try arguments.required("factor")
            var members: [JSON.Member] = [
                .init("op", .string("adjust")), .init("run", .string(arguments.operands[0])),
            ]
            members += try fields(
                arguments, texts: ["mode", "from", "until", "half-life", "target", "key", "source", "reason"],
                numbers: ["factor", "displacement"], lists: ["areas", "categories", "codes", "descriptions"])
            show(try ask(arguments, members).0, arguments)
        })

    // MARK: - tail

    static let tailCommand = Command(
        syntax: CommandSyntax(
            name: "tail", operands: ["[RUN]"], summary: "print what a daemon publishes, as it happens",
            options: [
                .value("events", "EP", "the daemon's events endpoint (\(defaultEvents))"),
                .value("topic", "PREFIX", many: true, "only topics that begin so, such as incidents/r1/burglary/"),
                .value("count", "N", "end after so many events"),
            ] + keyOptions,
            notes: ["One event a line: its topic, a tab, its JSON. Heartbeats only where --topic asks for them."]),
        run: { arguments in
            var topics = arguments.all("topic")
            let run = arguments.operands.first
            guard run == nil || topics.isEmpty else {
                throw UsageError(message: "give RUN or --topic, not both: a topic names its run, as in step/r1/")
            }
            if topics.isEmpty {
                topics = ["incidents/", "step/", "adjustment/", "run/"].map { $0 + (run.map { $0 + "/" } ?? "") }
            }
            var left = try number(arguments, "count", 1...Int.max) ?? .max
            let endpoint = arguments["events"] ?? defaultEvents
            // A daemon that is there says so every second.
            let credentials = try credentials(arguments)
            let listener = try Listener(endpoint, topics: topics + ["heartbeat/"], credentials)
            var isSilent = false
            while left > 0 {
                guard let event = listener.next(seconds: 3) else {
                    if !isSilent {
                        let silent = MessagingError.silent(endpoint: endpoint, seconds: 3, hasKey: credentials != nil)
                        Terminal.say("crims tail: \(silent)\n")
                    }
                    isSilent = true
                    continue
                }
                isSilent = false
                guard topics.contains(where: { event.topic.hasPrefix($0) }) else { continue }
                Terminal.print("\(event.topic)\t\(String(decoding: event.payload, as: UTF8.self))\n")
                left -= 1
            }
        })
}
