import Calibration
import Coupling
import CrimsCore
import Models
import Protocol
import Reporting

extension Tool {
    static let modelsCommand = Command(
        syntax: CommandSyntax(
            name: "models", operands: ["list|describe|check", "[MODEL|FOLDER]"],
            summary: "list models, describe one, or check a folder",
            options: [modelsOption, .flag("json", "as JSON")],
            notes: ["'check' lists all that is wrong by file and line; warnings alone are no failure."]),
        run: models)

    private static func models(_ arguments: Arguments) throws {
        let catalog = ModelCatalog(folders: ModelCatalog.standardFolders(extra: arguments.all("models")))
        let action = arguments.operands[0]
        let name = arguments.operands.count > 1 ? arguments.operands[1] : nil
        switch action {
        case "list": try list(catalog, asJSON: arguments.has("json"))
        case "describe":
            guard let name else { throw UsageError(message: "the model to describe is missing") }
            try describe(try CatalogSource(catalog: catalog).load(name), catalog, asJSON: arguments.has("json"))
        case "check":
            guard let name else { throw UsageError(message: "the folder to check is missing") }
            try check(catalog.path(of: name) ?? name, asJSON: arguments.has("json"))
        default:
            throw UsageError(message: "there is 'list', 'describe' and 'check', not '\(action)'")
        }
    }

    private static func list(_ catalog: ModelCatalog, asJSON: Bool) throws {
        let names = catalog.names()
        if asJSON {
            printJSON(.array(names.map { .string($0) }))
        } else if names.isEmpty {
            Terminal.say("no models in \(catalog.folders.joined(separator: ", "))\n")
        } else {
            Terminal.print(names.map { $0 + "\n" }.joined())
        }
    }

    private static func describe(_ model: CrimeModel, _ catalog: ModelCatalog, asJSON: Bool) throws {
        let served = ServedModel(model)
        if asJSON {
            var writer = ByteWriter()
            writer.raw("{\"v\":1")
            served.writeDescription(&writer)
            writer.raw("}\n")
            Terminal.print(String(decoding: writer.bytes, as: UTF8.self))
            return
        }
        let information = try catalog.path(of: model.name).map { path throws(ModelError) in
            try ModelFolder.information(path)
        }
        let perYear = served.prepared.expectedPerYear()
        let imputed = model.areas.count(where: \.isImputed)
        var lines = [
            "\(model.name): \(model.title)",
            "calibrated on  \(model.period.from.text) to \(model.period.to.text)",
            "areas          \(model.areas.count)\(imputed > 0 ? ", \(imputed) of them imputed" : "")",
            "categories     \(model.categories.count)",
            "crimes         \(model.crimes.count)",
            "expected       \(Decimal.fixed(perYear, places: 0)) incidents a year",
            "digest         \(model.digest)",
        ]
        for source in information?.sources ?? [] { lines.append("source         \(source.name) (\(source.licence))") }
        for note in information?.notes ?? [] { lines.append("note           \(note)") }
        Terminal.print(lines.joined(separator: "\n") + "\n")
    }

    private static func check(_ path: String, asJSON: Bool) throws {
        let problems = ModelFolder.check(path)
        if asJSON {
            printJSON(
                .array(
                    problems.map { problem in
                        .object([
                            .init("severity", .string(problem.severity.rawValue)),
                            .init("file", .string(problem.file)),
                            .init("line", problem.line.map { .number(Double($0)) } ?? .null),
                            .init("message", .string(problem.message)),
                        ])
                    }))
        } else if problems.isEmpty {
            Terminal.print("\(path): in order\n")
        } else {
            Terminal.print(problems.map { "\(path)/\($0)\n" }.joined())
        }
        if problems.contains(where: { $0.severity == .error }) { throw ReportedFailure() }
    }

    static func printJSON(_ value: JSON) {
        var writer = ByteWriter()
        writer.json(value)
        writer.raw("\n")
        Terminal.print(String(decoding: writer.bytes, as: UTF8.self))
    }

    // MARK: - calibrate

    static let calibrateCommand = Command(
        syntax: CommandSyntax(
            name: "calibrate", operands: ["ARCHIVE…"], summary: "make a model from data.police.uk records",
            options: [
                .value("force", "NAME", "as in the archives' file names, such as merseyside; or england-and-wales"),
                .value("from", "M", "first month, such as 2018-01 (the first there is)"),
                .value("to", "M", "last month (the last there is)"),
                .value("output", "FOLDER", short: "o", "the model folder to write; its last part is the model's name"),
                .value("method", "M", "shrunk|upstream (shrunk)"),
                halfLivesOption,
                .value("reference", "DIR", "tables about England and Wales (reference)"),
                .value("title", "TEXT", "the model's title"),
                .value(
                    "suspects", "M..M", "of england-and-wales: months to count suspects in (those that have settled)"),
                .flag("strict", "fail, and write nothing, if the records are not whole and faultless"),
                .flag("dry-run", "read and account for the records, and go no further; -o is not needed"),
                .flag("json", "the account as JSON on stdout"),
            ] + ReportOutput.options,
            notes: [
                "An ARCHIVE is a zip as downloaded, a folder that one was unpacked into, or a monthly street file.",
                "For all forces, --force england-and-wales: the ARCHIVE is a CSV table of counts with the columns force, "
                    + "MSOA, Month, Crime type, n, suspect.",
                "Rows are used or rejected for a reason; the account goes to stderr and into the model.",
                "--strict fails on whatever it says but rows outside --from and --to and repeated Crime IDs.",
                "The method upstream repeats the predecessor's formulas, to compare with its results; it takes whole years.",
                "The report is one HTML page: what went in and what was rejected, rates, seasons, a back-test, caveats.",
            ]),
        run: calibrate)

    private static func calibrate(_ arguments: Arguments) throws {
        func month(_ name: String) throws(UsageError) -> CivilMonth? {
            guard let text = arguments[name] else { return nil }
            guard let month = CivilMonth(text: text) else {
                throw UsageError(message: "--\(name) is a month like 2018-01, not '\(text)'")
            }
            return month
        }
        let methodName = arguments["method"] ?? CalibrationOptions.Method.shrunk.rawValue
        guard let method = CalibrationOptions.Method(rawValue: methodName) else {
            let known = CalibrationOptions.Method.allCases.map(\.rawValue).joined(separator: " or ")
            throw UsageError(message: "--method is \(known), not '\(methodName)'")
        }
        if method == .upstream, arguments["report"] != nil {
            throw UsageError(message: "--report: a model by the method upstream has no report")
        }
        let isDry = arguments.has("dry-run")
        let output = isDry ? arguments["output"] ?? "" : try arguments.required("output")
        let reportOutput = isDry ? .none : try ReportOutput(arguments, folder: output)
        let name = output.split(separator: "/").last.map(String.init)
        var options = CalibrationOptions(
            archives: arguments.operands, force: try arguments.required("force"), from: try month("from"),
            to: try month("to"), reference: arguments["reference"] ?? "reference", name: name,
            title: arguments["title"],
            method: method, isStrict: arguments.has("strict"))
        options.recency = try recency(arguments)
        if options.force == EnglandAndWales.name { return try calibrateEnglandAndWales(options, arguments, to: output) }
        if arguments["suspects"] != nil {
            throw UsageError(message: "--suspects is for --force \(EnglandAndWales.name)")
        }
        let log = { (line: String) in Terminal.say(line + "\n") }
        if isDry {
            let options = options
            try reportingFaults(arguments) { () throws(CalibrationError) in
                report(try accountForRecords(options, log: log), of: nil, arguments)
            }
            return
        }
        var facts: CalibrationFacts?
        let result = try reportingFaults(arguments) { () throws(CalibrationError) in
            try Calibration.calibrate(options, facts: reportOutput == .none ? nil : { facts = $0 }, log: log)
        }
        try reportOutput.write(facts.map { CalibrationReport($0, version: version).html }) { page in
            try ModelFolder.write(
                result.model, information: result.information, report: page, to: output,
                exactRates: method == .upstream)
        }
        report(result.accounting, of: result.model, arguments)
        sayWritten(result.model, to: output)
        if facts != nil, let path = reportOutput.path(in: output) { Terminal.say("\(path): the report\n") }
    }

    static func sayWritten(_ model: CrimeModel, to output: String) {
        let perYear = PreparedModel(model).expectedPerYear()
        Terminal.say(
            "\(output): \(model.areas.count) areas, \(model.categories.count) categories, "
                + "\(model.crimes.count) crimes, \(Decimal.fixed(perYear, places: 0)) incidents a year\n")
    }
}
