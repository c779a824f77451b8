import Calibration
import Glibc
import Journal
import Messaging
import Models
import Protocol

/// One of the tool's commands.
struct Command: Sendable {
    var syntax: CommandSyntax
    var run: @Sendable (Arguments) throws -> Void
}

/// A failure that has been told to the person already.
struct ReportedFailure: Error {}

/// The command `crims`: data on stdout, words on stderr; exit 0, 1 (failed) or 2 (wrong usage).
enum Tool {
    static let version = "0.1.0"

    static let commands = [
        serveCommand, runCommand, fetchCommand, calibrateCommand, backtestCommand, modelsCommand, journalCommand,
        keysCommand, statusCommand, openCommand, stepCommand, adjustCommand, tailCommand,
    ]

    static func run(_ words: [String]) -> Int32 {
        // A file that may not grow any more is an error of write(), to be told and cleaned up after, and no sudden end.
        signal(SIGXFSZ, SIG_IGN)
        guard let word = words.first else {
            Terminal.say(overview)
            return 2
        }
        if word == "--help" || word == "-h" || word == "help" {
            Terminal.print(overview)
            return 0
        }
        if word == "--version" {
            Terminal.print("crims \(version)\n")
            return 0
        }
        guard let command = commands.first(where: { $0.syntax.name == word }) else {
            let hint =
                Spelling.nearest(to: word, in: commands.map(\.syntax.name)).map { "did you mean 'crims \($0)'?" }
                ?? "'crims --help' lists the commands"
            Terminal.say("crims: unknown command '\(word)'; \(hint)\n")
            return 2
        }
        do {
            let arguments = try Arguments(Array(words.dropFirst()), syntax: command.syntax)
            if arguments.wantsHelp {
                Terminal.print(command.syntax.help)
                return 0
            }
            try command.run(arguments)
            return 0
        } catch let error as UsageError {
            Terminal.say("crims \(word): \(error.message)\n'crims \(word) --help' says how it is used\n")
            return 2
        } catch is ReportedFailure {
            return 1
        } catch let error as Refusal {
            Terminal.say("crims \(word): \(error.message)\n")
            return 1
        } catch {
            Terminal.say("crims \(word): \(error)\n")
            return 1
        }
    }

    private static var overview: String {
        let width = commands.map(\.syntax.name.count).max() ?? 0
        let list = commands.map { command in
            let pad = String(repeating: " ", count: width - command.syntax.name.count + 2)
            return "  \(command.syntax.name)\(pad)\(command.syntax.summary)"
        }
        return """
            crims \(version): a crime microsimulation that police models step and steer

            usage: crims COMMAND [options]

            \(list.joined(separator: "\n"))

            'crims COMMAND --help' says more about one.

            """
    }
}
