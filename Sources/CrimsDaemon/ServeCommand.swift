import Coupling
import CrimsCore
import Glibc
import Journal
import Messaging
import Models
import Protocol
import Web

extension Tool {
    static let defaultControl = "tcp://127.0.0.1:5555"
    static let defaultEvents = "tcp://127.0.0.1:5556"
    static let modelsOption = CommandSyntax.Option.value(
        "models", "DIR", many: true, "look for models here first, then in ./models")

    static let serveCommand = Command(
        syntax: CommandSyntax(
            name: "serve", summary: "serve runs to police models and listeners",
            options: [
                .value("control", "EP", many: true, "where requests are taken (\(defaultControl)); :* picks a port"),
                .value("events", "EP", many: true, "where incidents are published (\(defaultEvents))"),
                .value("data", "DIR", "keep runs here ($XDG_STATE_HOME/crims, or ~/.local/state/crims)"),
                .flag("no-data", "keep nothing: runs end with the process"),
                .value("sync", "WHAT", "what an acknowledgement outlives: 'process' (its end; default) or 'power'"),
                .value("server-key", "FILE", "admit clients with keys alone: the daemon's own NAME.key_secret"),
                .value("client-keys", "DIR", "the admitted clients' public keys, NAME.key, with their roles"),
                .value("http", "ADDR", "serve HTTP on this machine as well, such as 127.0.0.1:8080; :* picks a port"),
                .value("http-host", "NAME", many: true, "a name under which a proxy serves that"),
                .value("http-token-file", "FILE", "who has the token in it may adjust over HTTP; nobody without"),
                .value("http-read-token-file", "FILE", "who has no token, this or that one, may not read either"),
                .value("http-rate", "N", "requests a second of one address over HTTP; 0 for no bound (200)"),
                .value("http-connections", "N", "HTTP connections at once, as far as there are descriptors (10000)"),
                .flag("end-with-input", "end when standard input does, and so with the program that holds it open"),
                modelsOption,
            ]
                + Limits.bounds.map { bound in
                    .value(bound.option, "N", "\(bound.help) (\(Limits()[keyPath: bound.path]))")
                },
            notes: [
                "Prints one line of JSON when it is ready. Started again on the same data, it has the same runs.",
                "SIGTERM and SIGINT finish the step at hand and end it. SIGHUP makes it read --client-keys again.",
                "Without keys it listens on this machine only; 'crims keys new' makes them.",
            ]),
        run: serve)

    private static func serve(_ arguments: Arguments) throws {
        var limits = Limits()
        for bound in Limits.bounds {
            if let number = try number(arguments, bound.option, bound.range) { limits[keyPath: bound.path] = number }
        }
        let data = try dataFolder(arguments)
        let journal = try data.map { try Journal(folder: $0.path, sync: try choice(arguments, "sync") ?? .process) }
        let control = arguments.all("control").isEmpty ? [defaultControl] : arguments.all("control")
        let events = arguments.all("events").isEmpty ? [defaultEvents] : arguments.all("events")
        // libzmq lets a second daemon take over an ipc path without a word.
        let locks = try (control + events).filter { $0.hasPrefix("ipc://") }.map {
            try FileLock($0.dropFirst(6) + ".lock", of: $0)
        }
        let access = try access(arguments)
        var webOptions = try webOptions(arguments)
        webOptions?.fitDescriptors(beside: Server.descriptors(limits))
        let server = try Server(
            control: control, events: events, limits: limits, access: access, keeping: webOptions?.connections ?? 0
        ) {
            Terminal.log($0, $1)
        }
        let identity = Identity(
            version: version, journal: try data?.journal ?? DataFolder.newID(), boot: data?.boot ?? 1,
            control: server.controlEndpoints, events: server.eventEndpoints)
        // Bound before runs are brought back, so that who looks after the daemon can see that it is at it.
        let door = Door(now: Clock.now)
        let web = try webOptions.map { try WebServer($0, door: door, now: Clock.now) }
        defer { web?.stop() }
        let catalog = ModelCatalog(folders: ModelCatalog.standardFolders(extra: arguments.all("models")))
        let hub = Hub(
            source: CatalogSource(catalog: catalog), recorder: journal ?? NoRecorder(), limits: server.limits,
            identity: identity, now: Clock.now, calendar: Clock.calendar
        ) { action in
            if case .log(let event, let facts) = action { return Terminal.log(event, facts) }
            if web == nil || !door.take(action) { server.perform(action) }
        }
        if let journal { try restore(hub, from: journal) }
        web?.becomeReady()

        func list(_ endpoints: [String]) -> JSON { .array(endpoints.map { .string($0) }) }
        var ready = ByteWriter()
        ready.json(
            .object([
                .init("ready", .bool(true)), .init("control", list(server.controlEndpoints)),
                .init("events", list(server.eventEndpoints)), .init("http", list(web?.urls ?? [])),
            ]))
        ready.raw("\n")
        guard Terminal.write(ready.bytes, to: STDOUT_FILENO) else { return }
        Terminal.log(
            "ready",
            [
                .init("version", .string(version)), .init("models", list(catalog.names())),
                .init("journal", .string(identity.journal)), .init("boot", .number(Double(identity.boot))),
            ] + (access?.facts ?? []))
        let manager = serviceManager(tells: server.controlEndpoints)
        server.run(hub, manager: manager, endsWithInput: arguments.has("end-with-input"), door: web == nil ? nil : door)
        web?.stop()
        // Folder and paths are held until the last reply has been given.
        withExtendedLifetime((data, locks)) { Terminal.log("ended") }
    }

    /// Who may connect; nil if no keys are given.
    private static func access(_ arguments: Arguments) throws -> Access? {
        switch (arguments["server-key"], arguments["client-keys"]) {
        case (nil, nil): return nil
        case (let serverKey?, let clientKeys?):
            return try Access(serverKey: serverKey, clientKeys: clientKeys) { Terminal.log($0, $1) }
        case (_, nil): throw UsageError(message: "--server-key needs --client-keys, the folder of those admitted")
        case (nil, _): throw UsageError(message: "--client-keys needs --server-key, the daemon's own secret key")
        }
    }

    /// The service manager, told that the daemon is ready. One that cannot be told is no reason not to serve.
    private static func serviceManager(tells endpoints: [String]) -> ServiceManager? {
        do throws(MessagingError) {
            let manager = try ServiceManager.find()
            try manager?.ready(status: "takes requests on \(endpoints.joined(separator: ", "))")
            return manager
        } catch {
            Terminal.log("service manager not told", [.init("reason", .string("\(error)"))])
            return nil
        }
    }

    /// The folder that is asked for, or the usual one.
    private static func dataFolder(_ arguments: Arguments) throws -> DataFolder? {
        guard !arguments.has("no-data") else {
            for name in ["data", "sync"] where arguments[name] != nil {
                throw UsageError(message: "--no-data keeps nothing: leave --\(name) out")
            }
            return nil
        }
        return try DataFolder(try dataPath(arguments["data"]))
    }

    /// Where runs are kept unless it is said otherwise.
    static func dataPath(_ given: String?) throws -> String {
        if let given { return given }
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let state = variable("XDG_STATE_HOME") { return state + "/crims" }
        if let home = variable("HOME") { return home + "/.local/state/crims" }
        throw UsageError(message: "there is no home folder to keep runs in: give --data DIR, or --no-data")
    }

    private static func restore(_ hub: Hub, from journal: Journal) throws {
        let notices = try journal.load(hub.restore) { hub.stop($0, because: $1) }
        hub.finishRestoring()
        for notice in notices {
            switch notice {
            case .lost(let records):
                Terminal.log(
                    "acknowledged requests lost with the machine", [.init("records", .number(Double(records)))])
            case .refusedRecordRemoved(let number):
                Terminal.log("refused request removed", [.init("record", .number(Double(number)))])
            }
        }
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ arguments: Arguments, _ name: String
    ) throws(UsageError) -> Choice? where Choice.RawValue == String {
        guard let text = arguments[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: " or ")
            throw UsageError(message: "--\(name) is \(words), not '\(text)'")
        }
        return choice
    }

    static func number(_ arguments: Arguments, _ name: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = arguments[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                message: "--\(name) is a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
    }
}

/// The hub's models, from folders.
struct CatalogSource: ModelSource {
    let catalog: ModelCatalog

    func names() -> [String] { catalog.names() }

    func load(_ name: String) throws(Refusal) -> CrimeModel {
        do throws(ModelError) {
            return try catalog.load(name)
        } catch {
            if case .unknownModel(_, []) = error {
                throw .unknown(
                    .unknownModel, name: name,
                    "no model '\(name)', nor any other, in \(catalog.folders.joined(separator: ", ")): "
                        + "name their folder with --models")
            }
            if case .unknownModel(_, let known) = error, let nearest = Spelling.nearest(to: name, in: known) {
                throw .unknown(.unknownModel, name: name, "\(error); did you mean '\(nearest)'?")
            }
            throw .unknown(.unknownModel, name: name, "\(error)")
        }
    }
}
