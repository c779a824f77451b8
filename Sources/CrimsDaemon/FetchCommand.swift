import Calibration
import CrimsCore
import Fetching
import Glibc
import Messaging
import Models
import Protocol

extension Tool {
    static let fetchCommand = Command(
        syntax: CommandSyntax(
            name: "fetch", summary: "download what 'calibrate' needs from data.police.uk",
            options: [
                .value("force", "NAME", "as in the archives' file names, such as merseyside"),
                .value("from", "M", "first month, such as 2019-01"), .value("to", "M", "last month"),
                .value("output", "FOLDER", short: "o", "where archives are kept (~/.cache/crims)"),
                .value("base", "URL", "where they come from (\(ArchiveSite.standardBase))"),
                .value("reference", "DIR", "tables about England and Wales, with the names of forces (reference)"),
                .value("timeout", "S", "seconds without a sign of the server before it is tried again (20)"),
                .value("retries", "N", "tries in a row that may fail, after the first (5)"),
                .value("wait", "S", "seconds before the first of these; each further one waits twice as long (1)"),
                .flag("json", "what there is, as JSON"),
            ],
            notes: [
                "An archive has all forces, is 1 to 2.5 GB, and holds the 36 months that end with its name. The fewest that",
                "hold the months are fetched, unless they are in the folder; their paths go to stdout, one a line.",
                "Broken off, the same command goes on where it was. docs/fetching.md says more.",
            ]),
        run: fetch)

    private static func fetch(_ arguments: Arguments) throws {
        let force = try arguments.required("force")
        let months = try fetchedMonths(arguments)
        let options = try fetchOptions(arguments)
        try checkForce(force, reference: arguments["reference"])
        try FileSystem.makeFolders(options.folder)

        let interruption = Interruption()
        let terminal = FetchTerminal()
        let fetcher = Fetcher(options, interruption: interruption, tell: terminal.hear) { path in
            do throws(CalibrationError) {
                // A force's own files are read through: that is what the archive is fetched for.
                _ = try StreetContents(archive: path, force: force) {
                    months.contains($0) && interruption.signal == nil
                }
                return nil
            } catch {
                return "\(error)"
            }
        }
        var archives: [FetchedArchive] = []
        do throws(FetchError) {
            for archive in ArchivePlan(covering: months).archives { archives.append(try fetcher.fetch(archive)) }
        } catch {
            terminal.clear()
            Terminal.say("crims fetch: \(error)\n")
            if case .interrupted = error { interruption.endProcess() }
            throw ReportedFailure()
        }
        // The earliest first, as everybody counts months.
        archives.reverse()
        let missing = try missingMonths(of: force, months, in: archives)
        if arguments.has("json") {
            printJSON(description(archives, force, months, missing))
        } else {
            Terminal.print(archives.map { $0.path + "\n" }.joined())
        }
    }

    private static func fetchedMonths(_ arguments: Arguments) throws(UsageError) -> ClosedRange<CivilMonth> {
        func month(_ name: String) throws(UsageError) -> CivilMonth {
            let text = try arguments.required(name)
            guard let month = CivilMonth(text: text) else {
                throw UsageError(message: "--\(name) is a month like 2019-01, not '\(text)'")
            }
            guard month >= ArchivePlan.firstMonth else {
                throw UsageError(
                    message: "--\(name) is \(text), and data.police.uk begins with \(ArchivePlan.firstMonth.text)")
            }
            return month
        }
        let (from, to) = (try month("from"), try month("to"))
        guard from <= to else { throw UsageError(message: "--from (\(from.text)) is after --to (\(to.text))") }
        return from...to
    }

    private static func fetchOptions(_ arguments: Arguments) throws(UsageError) -> FetchOptions {
        func number(_ name: String, _ standard: Double, _ range: ClosedRange<Double>) throws(UsageError) -> Double {
            guard let text = arguments[name] else { return standard }
            guard let value = Decimal.parse(text.utf8), range.contains(value) else {
                let bounds = [range.lowerBound, range.upperBound].map { Decimal.format($0, significantDigits: 4) }
                throw UsageError(message: "--\(name) is a number, \(bounds[0]) to \(bounds[1]), not '\(text)'")
            }
            return value
        }
        let base = arguments["base"] ?? ArchiveSite.standardBase
        guard let site = ArchiveSite(base: base) else {
            throw UsageError(
                message: "--base is an address like \(ArchiveSite.standardBase), without user and query, not '\(base)'")
        }
        let retries = try number("retries", 5, 0...1_000)
        guard let count = Int(exactly: retries) else {
            throw UsageError(message: "--retries is a whole number, not '\(arguments["retries"] ?? "")'")
        }
        return FetchOptions(
            site: site, folder: try cacheFolder(arguments["output"]),
            stallSeconds: try number("timeout", 20, 0.1...3_600), retries: count,
            firstWait: try number("wait", 1, 0.01...60), agent: "crims/\(version)",
            // What OpenSSL and what is built on it look at: some networks vouch for every site themselves.
            certificates: getenv("SSL_CERT_FILE").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 })
    }

    private static func cacheFolder(_ output: String?) throws(UsageError) -> String {
        func environment(_ name: String) -> String? {
            // What is not absolute is to be ignored, says the XDG Base Directory Specification.
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if var output {
            while output.count > 1, output.last == "/" { output.removeLast() }
            guard !output.isEmpty else { throw UsageError(message: "--output is a folder, not ''") }
            return output
        }
        if let cache = environment("XDG_CACHE_HOME") { return cache + "/crims" }
        guard let home = environment("HOME") else {
            throw UsageError(message: "there is no home folder to keep archives in; give a folder with -o")
        }
        return home + "/.cache/crims"
    }

    /// A misspelt force is found before gigabytes are fetched, where the tables are at hand.
    private static func checkForce(_ force: String, reference: String?) throws(CalibrationError) {
        let folder = reference ?? "reference"
        if reference == nil, FileSystem.kind(of: folder + "/forces.csv") == .nothing { return }
        _ = try nameOfForce(force, reference: folder)
    }

    /// The months that no archive has a street file of; says so.
    private static func missingMonths(
        of force: String, _ months: ClosedRange<CivilMonth>, in archives: [FetchedArchive]
    ) throws -> [CivilMonth] {
        var (held, forces): (Set<CivilMonth>, Set<String>) = ([], [])
        for archive in archives {
            let contents = try StreetContents(archive: archive.path, force: force)
            held.formUnion(contents.months)
            forces.formUnion(contents.forces)
        }
        let missing = (months.lowerBound.index...months.upperBound.index).map(CivilMonth.init(index:))
            .filter { !held.contains($0) }
        let paths = archives.map(\.path).joined(separator: ", ")
        if missing.count == months.upperBound.index - months.lowerBound.index + 1 {
            let reason =
                forces.isEmpty
                ? "they have no street files"
                : forces.contains(force)
                    ? "they have other months of it" : "their forces: \(forces.sorted().joined(separator: ", "))"
            Terminal.say(
                "crims fetch: no street file of \(force), \(months.lowerBound.text) to \(months.upperBound.text), "
                    + "in \(paths); \(reason)\n")
            throw ReportedFailure()
        }
        if !missing.isEmpty {
            Terminal.say(
                "crims fetch: warning: no street file of \(force) for \(ranges(missing)): "
                    + "forces go missing from data.police.uk; what is there can be calibrated on\n")
        }
        return missing
    }

    /// `2019-07 to 2020-12, 2021-03`.
    private static func ranges(_ months: [CivilMonth]) -> String {
        var ranges: [(first: CivilMonth, last: CivilMonth)] = []
        for month in months {
            if let last = ranges.last?.last, last.next == month {
                ranges[ranges.count - 1].last = month
            } else {
                ranges.append((month, month))
            }
        }
        return ranges.map { $0 == $1 ? $0.text : "\($0.text) to \($1.text)" }.joined(separator: ", ")
    }

    private static func description(
        _ archives: [FetchedArchive], _ force: String, _ months: ClosedRange<CivilMonth>, _ missing: [CivilMonth]
    ) -> JSON {
        .object([
            .init("force", .string(force)), .init("from", .string(months.lowerBound.text)),
            .init("to", .string(months.upperBound.text)),
            .init(
                "archives",
                .array(
                    archives.map {
                        .object([
                            .init("path", .string($0.path)), .init("bytes", .number(Double($0.bytes))),
                            .init("fetched", .bool($0.isNew)),
                        ])
                    })),
            .init("missing", .array(missing.map { .string($0.text) })),
        ])
    }
}

/// Tells a person about a fetch: sentences, and on a terminal a line that grows.
private final class FetchTerminal {
    private var line = ProgressLine()
    private var isDrawn = false
    private var drawn = 0.0
    private let isWanted = Terminal.errorIsTerminal && Terminal.canRedraw

    func hear(_ news: FetchNews) {
        switch news {
        case .words(let text):
            clear()
            Terminal.say(text + "\n")
        case .progress(let name, let bytes, let size):
            let now = Double(Clock.now()) * 1e-9
            guard isWanted, now - drawn >= 0.1 else { return }
            drawn = now
            let text = line.text(name: name, bytes: bytes, size: size, at: now, width: Terminal.width - 1)
            Terminal.say("\r\(text)\u{1B}[K")
            isDrawn = true
        }
    }

    /// Takes the line away.
    func clear() {
        if isDrawn { Terminal.say("\r\u{1B}[K") }
        isDrawn = false
    }
}
