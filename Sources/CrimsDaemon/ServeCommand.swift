import Coupling
import CrimsCore
import Glibc
import Journal
import Messaging
import Models
import Protocol

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
                .value("data", "DIR", "keep the daemon's id, start count and lock here"),
                modelsOption,
                .value("max-incidents", "N", "incidents in one reply at most (1000000)"),
                .value("max-runs", "N", "runs at once at most (1000)"),
            ],
            notes: [
                "Prints one line of JSON when it is ready. Runs are kept in memory and end with the process.",
                "SIGTERM and SIGINT finish the step at hand and end it.",
            ]),
        run: serve)

    private static func serve(_ arguments: Arguments) throws {
        var limits = Limits()
        limits.incidentsPerReply = try number(arguments, "max-incidents", 1...100_000_000) ?? limits.incidentsPerReply
        limits.runs = try number(arguments, "max-runs", 1...1_000_000) ?? limits.runs
        let data = try arguments["data"].map { try DataFolder($0) }
        let control = arguments.all("control").isEmpty ? [defaultControl] : arguments.all("control")
        let events = arguments.all("events").isEmpty ? [defaultEvents] : arguments.all("events")
        // libzmq lets a second daemon take over an ipc path without a word.
        let locks = try (control + events).filter { $0.hasPrefix("ipc://") }.map {
            try FileLock($0.dropFirst(6) + ".lock", of: $0)
        }
        let server = try Server(control: control, events: events, limits: limits)
        let identity = Identity(
            version: version, journal: try data?.journal ?? DataFolder.newID(), boot: data?.boot ?? 1,
            control: server.controlEndpoints, events: server.eventEndpoints)
        let catalog = ModelCatalog(folders: ModelCatalog.standardFolders(extra: arguments.all("models")))
        let hub = Hub(
            source: CatalogSource(catalog: catalog), limits: limits, identity: identity, now: Clock.now,
            emit: server.perform)

        func list(_ endpoints: [String]) -> JSON { .array(endpoints.map { .string($0) }) }
        var ready = ByteWriter()
        ready.json(
            .object([
                .init("ready", .bool(true)), .init("control", list(server.controlEndpoints)),
                .init("events", list(server.eventEndpoints)), .init("http", .array([])),
            ]))
        ready.raw("\n")
        guard Terminal.write(ready.bytes, to: STDOUT_FILENO) else { return }
        Terminal.log(
            "ready",
            [
                .init("version", .string(version)), .init("models", list(catalog.names())),
                .init("journal", .string(identity.journal)), .init("boot", .number(Double(identity.boot))),
            ])
        let manager = serviceManager(tells: server.controlEndpoints)
        server.run(hub, manager: manager)
        // Folder and paths are held until the last reply has been given.
        withExtendedLifetime((data, locks)) { Terminal.log("ended") }
    }

    /// The service manager, told that the daemon is ready. One that cannot be told is no reason not to serve.
    private static func serviceManager(tells endpoints: [String]) -> ServiceManager? {
        do throws(MessagingError) {
            let manager = try ServiceManager.find()
            try manager?.ready(status: "takes requests on \(endpoints.joined(separator: ", "))")
            return manager
        } catch {
            Terminal.log("service_manager_not_told", [.init("reason", .string("\(error)"))])
            return nil
        }
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
