import Coupling
import CrimsCore
import Glibc
import Messaging
import Models
import Protocol

extension Tool {
    static let runCommand = Command(
        syntax: CommandSyntax(
            name: "run", summary: "draw a run without a daemon, to CSV or JSON lines",
            options: [
                .value("model", "M", "the model's name"),
                .value("start", "T", "first time, such as 2020-01-01 or 2020-01-01T06:00"),
                .value("end", "T", "the time it ends before"),
                .value("step", "D", "that start and end must fit, such as 1h, 1d or 1mo (1h)"),
                .value("seed", "N", "(0)"), .value("replicate", "N", "(0)"),
                .flag("no-dispersion", "without month-to-month over-dispersion"),
                .flag("no-trend", "without the model's trend"),
                .value(
                    "adjust", "FILE", "adjustments: a JSON list, or one object a line, as in 'adjust' of the protocol"),
                .value("format", "F", "csv or jsonl (csv)"), .value("output", "FILE", short: "o", "(stdout)"),
                modelsOption, .flag("json", "the summary as JSON"),
            ],
            notes: ["The incidents are those that a daemon gives for the same arguments. A summary goes to stderr."]),
        run: runOffline)

    private static func runOffline(_ arguments: Arguments) throws {
        let request = try openRequest(arguments)
        let format = arguments["format"] ?? "csv"
        guard format == "csv" || format == "jsonl" else {
            throw UsageError(message: "--format is csv or jsonl, not '\(format)'")
        }
        let catalog = ModelCatalog(folders: ModelCatalog.standardFolders(extra: arguments.all("models")))
        let served = ServedModel(try CatalogSource(catalog: catalog).load(request.model))
        let terms = try arguments["adjust"].map { try readAdjustments($0) } ?? []
        var run = try OfflineRun(served: served, arguments: request, adjustments: terms)
        var output = try OutputFile(arguments["output"])
        if format == "csv" { output.writer.raw(IncidentFragments.csvHeader) }
        var columns = IncidentColumns(origin: request.start)
        var (count, expected, baseline) = (0, 0.0, 0.0)
        var progress = ProgressBar("crims run")
        let length = Double((request.end ?? request.start) - request.start)
        while true {
            columns.clear(origin: request.start)
            guard let part = try run.next(into: &columns) else { break }
            count += columns.count
            expected += part.expected
            baseline += part.baseline
            if format == "csv" {
                served.fragments.writeCSV(columns, 0..<columns.count, to: &output.writer)
            } else {
                served.fragments.writeJSONLines(columns, 0..<columns.count, to: &output.writer)
            }
            try output.flush(above: 1 << 18)
            progress.show(Double(run.time - request.start) / length)
        }
        try output.finish()
        progress.finish()
        summarise(arguments, request, count: count, expected: expected, baseline: baseline)
    }

    private static func summarise(
        _ arguments: Arguments, _ request: OpenRequest, count: Int, expected: Double, baseline: Double
    ) {
        var writer = ByteWriter()
        if arguments.has("json") {
            writer.raw("{\"model\":")
            writer.quoted(request.model)
            writer.raw(",\"from\":")
            writer.quoted(request.start)
            writer.raw(",\"to\":")
            writer.quoted(request.end ?? request.start)
            writer.raw(",\"count\":")
            writer.integer(count)
            writer.raw(",\"expected\":")
            writer.real(expected)
            writer.raw(",\"baseline\":")
            writer.real(baseline)
            writer.raw("}\n")
        } else {
            writer.text(
                "\(count) incidents; \(Decimal.fixed(expected, places: 1)) expected, "
                    + "\(Decimal.fixed(baseline, places: 1)) without adjustments\n")
        }
        Terminal.write(writer.bytes, to: STDERR_FILENO)
    }

    /// The arguments of a run, checked as the daemon checks them.
    private static func openRequest(_ arguments: Arguments) throws -> OpenRequest {
        var members = [
            JSON.Member("v", .number(1)), .init("op", .string("open")),
            .init("model", .string(try arguments.required("model"))),
            .init("start", .string(try arguments.required("start"))),
            .init("end", .string(try arguments.required("end"))),
            .init("dispersion", .bool(!arguments.has("no-dispersion"))),
            .init("trend", .bool(!arguments.has("no-trend"))),
        ]
        if let step = arguments["step"] { members.append(.init("step", .string(step))) }
        for name in ["seed", "replicate"] {
            guard let text = arguments[name] else { continue }
            guard let number = Double(text) else {
                throw UsageError(message: "--\(name) is a whole number, not '\(text)'")
            }
            members.append(.init(name, .number(number)))
        }
        var writer = ByteWriter()
        writer.json(.object(members))
        do throws(RequestFailure) {
            let request = try Request(frame: writer.bytes)
            guard case .open(let open) = request.operation else { preconditionFailure("an open request was written") }
            return open
        } catch {
            throw UsageError(message: error.refusal.message)
        }
    }

    private static func readAdjustments(_ path: String) throws -> [AdjustmentTerms] {
        guard let bytes = try FileSystem.read(path) else {
            throw Refusal(.badRequest, "\(path): no such file")
        }
        if let whole = try? JSON(parsing: bytes), let elements = whole.elements {
            return try elements.enumerated().map { try AdjustmentTerms($1, place: "\(path): adjustment \($0 + 1): ") }
        }
        var terms: [AdjustmentTerms] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) else { continue }
            let object: JSON
            do throws(JSONSyntaxError) {
                object = try JSON(parsing: line)
            } catch {
                throw Refusal(.badRequest, "\(path):\(index + 1): at byte \(error.offset): \(error.reason)")
            }
            terms.append(try AdjustmentTerms(object, place: "\(path):\(index + 1): "))
        }
        return terms
    }
}

/// Where a run's incidents go. A file appears under its name when it is whole, and not before.
private struct OutputFile {
    private let descriptor: Int32
    private let name: String
    /// What is written until then; nil for stdout and for what is no plain file.
    private let part: String?
    var writer = ByteWriter(capacity: 1 << 19)

    init(_ path: String?) throws {
        name = path ?? "stdout"
        guard let path else {
            (descriptor, part) = (STDOUT_FILENO, nil)
            return
        }
        var status = stat()
        let isPlain = stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
        part = isPlain ? path + ".part" : nil
        descriptor = open(part ?? path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("cannot be written") }
    }

    mutating func flush(above limit: Int) throws {
        guard writer.count > limit else { return }
        guard Terminal.write(writer.bytes, to: descriptor) else {
            let failure = failure("not all of it could be written")
            if let part { unlink(part) }
            throw failure
        }
        writer.clear()
    }

    mutating func finish() throws {
        try flush(above: 0)
        if let part, rename(part, name) != 0 { throw failure("cannot be written") }
    }

    private func failure(_ what: String) -> Refusal {
        Refusal(.storage, "\(name): \(what): \(String(cString: strerror(errno)))")
    }
}
