import Coupling
import Messaging
import Protocol

extension Tool {
    static let keysCommand = Command(
        syntax: CommandSyntax(
            name: "keys", operands: ["new|list", "[NAME|FOLDER]"],
            summary: "make keys for a daemon and its clients, or list those admitted",
            options: [
                .value("role", "ROLE", "of a client: observer, policy or driver (a daemon's own keys have none)"),
                .value("output", "FOLDER", short: "o", "where to put NAME.key and NAME.key_secret (.)"),
                .flag("json", "as JSON"),
            ],
            notes: [
                "'new' writes two files: NAME.key may be known to anybody, NAME.key_secret only to its owner.",
                "'list' shows who a folder of client keys admits, and what is wrong with it.",
            ]),
        run: keys)

    private static func keys(_ arguments: Arguments) throws {
        let operand = arguments.operands.count > 1 ? arguments.operands[1] : nil
        switch arguments.operands[0] {
        case "new":
            guard let operand else { throw UsageError(message: "the new key's NAME is missing") }
            try newKeys(operand, arguments)
        case "list":
            guard let operand else { throw UsageError(message: "the FOLDER of client keys is missing") }
            for name in ["role", "output"] where arguments[name] != nil {
                throw UsageError(message: "--\(name) is for 'new'")
            }
            try listKeys(operand, arguments)
        default:
            let hint = Spelling.nearest(to: arguments.operands[0], in: ["new", "list"]).map {
                "; did you mean '\($0)'?"
            }
            throw UsageError(message: "there is 'new' and 'list', not '\(arguments.operands[0])'\(hint ?? "")")
        }
    }

    private static func newKeys(_ name: String, _ arguments: Arguments) throws {
        guard KeyFile.isName(name) else { throw UsageError(message: "a key's name is \(KeyFile.nameRule)") }
        let role: Role? = try choice(arguments, "role")
        let written = try KeyFile.make(name, role: role, in: arguments["output"] ?? "")
        if arguments.has("json") {
            return printJSON(
                .object([
                    .init("name", .string(name)), .init("role", role.map { .string($0.rawValue) } ?? .null),
                    .init("public", .string(written.publicPath)), .init("secret", .string(written.secretPath)),
                    .init("public_key", .string(written.publicKey)),
                ]))
        }
        Terminal.print("\(written.publicPath)\n\(written.secretPath)\n")
        if role == nil {
            Terminal.say(
                """
                The daemon's own keys. Start it with
                  crims serve --server-key \(written.secretPath) --client-keys FOLDER
                where FOLDER has the clients' public files ('crims keys new NAME --role ROLE'), and give every client
                \(written.publicPath), by which it knows this daemon.

                """)
        } else {
            Terminal.say(
                """
                Put \(written.publicPath) into the daemon's folder of client keys and send the daemon SIGHUP.
                Its owner keeps \(written.secretPath), and nobody else, and connects with
                  crims status --client-key \(written.secretPath) --server-key SERVER.key

                """)
        }
    }

    private static func listKeys(_ folder: String, _ arguments: Arguments) throws {
        let keys: ClientKeys
        do throws(KeyProblem) {
            keys = try ClientKeys(folder: folder)
        } catch {
            throw MessagingError.keys([error])
        }
        let clients = keys.clients.sorted { $0.value.name < $1.value.name }
        if arguments.has("json") {
            printJSON(
                .object([
                    .init(
                        "clients",
                        .array(
                            clients.map { key, client in
                                .object([
                                    .init("name", .string(client.name)), .init("role", .string(client.role.rawValue)),
                                    .init("public_key", .string(key)),
                                ])
                            })), .init("problems", .array(keys.problems.map { .string("\($0)") })),
                ]))
        } else if clients.isEmpty {
            Terminal.say("\(folder) admits nobody\n")
        } else {
            Terminal.print(
                Terminal.table(
                    ["name", "role", "public key"], clients.map { [$0.value.name, $0.value.role.rawValue, $0.key] }))
        }
        guard keys.problems.isEmpty else { throw MessagingError.keys(keys.problems) }
    }
}
