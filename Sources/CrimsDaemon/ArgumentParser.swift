import Protocol

/// What a command takes: the declaration that parsing and `--help` both follow.
struct CommandSyntax: Sendable {
    struct Option: Sendable {
        var name: String
        var short: String?
        /// What follows it; nil for a flag.
        var value: String?
        var isRepeatable = false
        var help: String

        static func flag(_ name: String, _ help: String) -> Option { Option(name: name, value: nil, help: help) }
        static func value(_ name: String, _ value: String, short: String? = nil, many: Bool = false, _ help: String)
            -> Option
        {
            Option(name: name, short: short, value: value, isRepeatable: many, help: help)
        }
    }

    var name: String
    /// Words without dashes, such as `RUN` or `ARCHIVE…`; those in brackets may be left out.
    var operands: [String] = []
    var summary: String
    var options: [Option] = []
    var notes: [String] = []

    var isVariadic: Bool { operands.last?.contains("…") ?? false }
    var requiredOperands: Int { operands.count { !$0.hasPrefix("[") } }

    /// The text of `--help`.
    var help: String {
        var lines = ["\(summary)", "", "usage: crims \(([name] + operands).joined(separator: " ")) [options]", ""]
        let all = options + [.flag("help", "print this and end")]
        let left = all.map { option in
            "  " + (option.short.map { "-\($0), " } ?? "") + "--\(option.name)" + (option.value.map { " \($0)" } ?? "")
        }
        let width = min(30, left.map(\.count).max() ?? 0)
        for (text, option) in zip(left, all) {
            let pad = String(repeating: " ", count: max(1, width - text.count + 2))
            lines.append(text + pad + option.help + (option.isRepeatable ? " (repeatable)" : ""))
        }
        if !notes.isEmpty { lines += [""] + notes }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A command line that does not fit its command's syntax.
struct UsageError: Error {
    var message: String
}

/// A command line that does.
struct Arguments {
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []
    private(set) var operands: [String] = []
    private(set) var wantsHelp = false

    init(_ words: [String], syntax: CommandSyntax) throws(UsageError) {
        var words = words[...]
        while let word = words.popFirst() {
            if word == "--help" || word == "-h" {
                wantsHelp = true
                return
            }
            if word == "--" {
                operands += words
                break
            }
            guard word.hasPrefix("-"), word.count > 1, Double(word) == nil else {
                operands.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let option = try Self.find(parts[0], in: syntax)
            guard let valueName = option.value else {
                guard parts.count == 1 else { throw UsageError(message: "\(parts[0]) takes no value") }
                flags.insert(option.name)
                continue
            }
            guard let value = parts.count > 1 ? parts[1] : words.popFirst() else {
                throw UsageError(message: "\(parts[0]) needs a value: \(valueName)")
            }
            if !option.isRepeatable, values[option.name] != nil {
                throw UsageError(message: "--\(option.name) is given twice")
            }
            values[option.name, default: []].append(value)
        }
        guard operands.count >= syntax.requiredOperands else {
            throw UsageError(message: "\(syntax.operands[operands.count]) is missing")
        }
        guard syntax.isVariadic || operands.count <= syntax.operands.count else {
            throw UsageError(message: "'\(operands[syntax.operands.count])' is one word too many")
        }
    }

    private static func find(_ word: String, in syntax: CommandSyntax) throws(UsageError) -> CommandSyntax.Option {
        let bare = word.hasPrefix("--") ? String(word.dropFirst(2)) : nil
        if let option = syntax.options.first(where: { $0.name == bare || $0.short.map { "-\($0)" } == word }) {
            return option
        }
        let hint =
            Spelling.nearest(to: bare ?? word, in: syntax.options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
        throw UsageError(message: "unknown option \(word)\(hint)")
    }

    subscript(name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }
    func has(_ name: String) -> Bool { flags.contains(name) }

    func required(_ name: String) throws(UsageError) -> String {
        guard let value = self[name] else { throw UsageError(message: "--\(name) is required") }
        return value
    }
}
