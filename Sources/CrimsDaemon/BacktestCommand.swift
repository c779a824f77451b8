import Calibration
import CrimsCore
import Models
import Protocol

extension Tool {
    static let backtestCommand = Command(
        syntax: CommandSyntax(
            name: "backtest", operands: ["ARCHIVE…"],
            summary: "learn from some months, forecast others, and score it beside baselines",
            options: [
                .value("force", "NAME", "as in the archives' file names, such as merseyside"),
                .value("train", "M..M", "months to learn from, such as 2018-01..2018-12"),
                .value("test", "M..M", "months to forecast, such as 2019-01..2020-02"),
                .value("rolling", "N", "forecast N months at a time, learning from all before them (one split)"),
                halfLivesOption,
                .flag("json", "all scores, also by category and month, as JSON"),
                .value("reference", "DIR", "tables about England and Wales (reference)"),
            ],
            notes: [
                "Every setting is chosen within the months learnt from. Baselines predict at least 0.1 in an area, "
                    + "category and month."
            ]),
        run: backtest)

    static let halfLivesOption = CommandSyntax.Option.value(
        "half-lives", "L,A",
        "months in which the level's and the areas' months lose half their weight, or none (chosen)")

    /// The half-lives of `--half-lives 6,12`; `none` is a half-life that never ends.
    static func recency(_ arguments: Arguments) throws(UsageError) -> Recency? {
        guard let text = arguments["half-lives"] else { return nil }
        let months = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            part == "none" ? Double.infinity : Decimal.parse(part.utf8)
        }
        guard months.count == 2, let level = months[0], let areas = months[1], level >= 1, areas >= 1 else {
            throw UsageError(
                message: "--half-lives is two numbers of months from 1, or none, such as 6,12; not '\(text)'")
        }
        return Recency(level: level, areas: areas)
    }

    /// An option like `2018-01..2018-12`.
    static func period(_ name: String, _ arguments: Arguments) throws(UsageError) -> BacktestPlan.Period {
        let text = try arguments.required(name)
        let parts = text.split(separator: ".", omittingEmptySubsequences: true)
        guard parts.count == 2, text.contains(".."), let from = CivilMonth(text: parts[0].utf8),
            let to = CivilMonth(text: parts[1].utf8)
        else { throw UsageError(message: "--\(name) is like 2018-01..2018-12, not '\(text)'") }
        guard from <= to else { throw UsageError(message: "--\(name) ends before it begins: '\(text)'") }
        return (from, to)
    }

    private static func backtest(_ arguments: Arguments) throws {
        let train = try period("train", arguments)
        let test = try period("test", arguments)
        guard train.to < test.from else {
            throw UsageError(
                message: "--test begins \(test.from.text); it must begin after --train ends, \(train.to.text)")
        }
        var horizon: Int?
        if let text = arguments["rolling"] {
            guard let months = Int(text), (1...120).contains(months) else {
                throw UsageError(message: "--rolling is a number of months from 1 to 120, not '\(text)'")
            }
            horizon = months
        }
        let force = try arguments.required("force")
        guard force != EnglandAndWales.name else {
            throw UsageError(message: "a back-test is of one force, not of \(force)")
        }
        var options = CalibrationOptions(
            archives: arguments.operands, force: force,
            reference: arguments["reference"] ?? "reference")
        options.recency = try recency(arguments)
        let plan = BacktestPlan(train: train, test: test, horizon: horizon)
        let result = try Calibration.backtest(options, plan: plan) { Terminal.say($0 + "\n") }
        if arguments.has("json") {
            printJSON(result.backtest.json)
        } else {
            Terminal.print(result.backtest.text)
        }
    }
}
