import CrimsCore
import Protocol

extension Backtest {
    /// All scores, by method: in total, by category, and by month with its categories.
    public var json: JSON {
        func period(_ period: BacktestPlan.Period) -> JSON {
            .object([.init("from", .string(period.from.text)), .init("to", .string(period.to.text))])
        }
        func list(_ months: [CivilMonth]) -> JSON { .array(months.map { .string($0.text) }) }
        func halfLife(_ months: Double) -> JSON { months.isFinite ? .number(months) : .null }
        func byCategory(_ method: ForecastMethod, _ month: Int?) -> JSON {
            .object(
                categories.enumerated().map { .init($1, Self.json(score(method, category: $0, month: month))) })
        }
        return .object([
            .init(
                "splits",
                .array(
                    splits.map { split in
                        .object([
                            .init("train", period(split.train)), .init("test", period(split.test)),
                            .init("halfLifeOfLevel", halfLife(split.recency.level)),
                            .init("halfLifeOfAreas", halfLife(split.recency.areas)),
                        ])
                    })),
            .init("months", list(months)), .init("missing", list(missing)), .init("breaks", list(breaks)),
            .init(
                "methods",
                .array(
                    ForecastMethod.allCases.map { method in
                        .object([
                            .init("method", .string(method.rawValue)),
                            .init("description", .string(method.description)),
                            .init("total", Self.json(score(method))), .init("byCategory", byCategory(method, nil)),
                            .init(
                                "byMonth",
                                .object(
                                    months.enumerated().map { index, month in
                                        .init(
                                            month.text,
                                            .object([
                                                .init("total", Self.json(score(method, month: index))),
                                                .init("byCategory", byCategory(method, index)),
                                            ]))
                                    })),
                        ])
                    })),
        ])
    }

    private static func json(_ score: ForecastScore) -> JSON {
        func number(_ value: Double) -> JSON {
            .number(Decimal.parse(Decimal.format(value, significantDigits: 7).utf8) ?? value)
        }
        return .object([
            .init("cells", .number(Double(score.cells))), .init("incidents", .number(Double(score.incidents))),
            .init("deviance", number(score.deviance)), .init("mae", number(score.meanAbsoluteError)),
            .init("crps", number(score.meanRankedScore)), .init("logScore", number(score.meanLogScore)),
            .init("pit90", number(score.pit90)), .init("pit50", number(score.pit50)),
            .init("cellCoverage", number(score.cellCoverage)), .init("totals", .number(Double(score.totals))),
            .init("totalCoverage", number(score.totalCoverage)), .init("pai5", number(score.accuracyIndex(0))),
            .init("pai10", number(score.accuracyIndex(1))),
        ])
    }

    /// The scores as tables for people: methods in total, then the deviance by category and by month.
    public var text: String {
        func fixed(_ value: Double, _ places: Int) -> String { Decimal.fixed(value, places: places) }
        let methods = ForecastMethod.allCases
        var lines: [String] = []
        for split in splits {
            func halfLife(_ months: Double) -> String { months.isFinite ? "\(fixed(months, 0)) months" : "none" }
            lines.append(
                "\(split.train.from.text) to \(split.train.to.text) forecasts \(split.test.from.text) to "
                    + "\(split.test.to.text); half-life of the level \(halfLife(split.recency.level)), of the areas' "
                    + "shares \(halfLife(split.recency.areas))")
        }
        if !missing.isEmpty { lines.append("no records, not scored: \(missing.map(\.text).joined(separator: ", "))") }
        lines.append("")
        lines += Self.table(
            ["", "deviance", "MAE", "CRPS", "log", "PIT 90 %", "PIT 50 %", "totals", "cells", "PAI 5 %", "PAI 10 %"],
            methods.map { method in
                let score = score(method)
                return [
                    method.rawValue, fixed(score.deviance, 0), fixed(score.meanAbsoluteError, 3),
                    fixed(score.meanRankedScore, 3), fixed(score.meanLogScore, 3), fixed(score.pit90, 3),
                    fixed(score.pit50, 3), fixed(score.totalCoverage, 3), fixed(score.cellCoverage, 3),
                    fixed(score.accuracyIndex(0), 2), fixed(score.accuracyIndex(1), 2),
                ]
            })
        let devianceHeader =
            ["Poisson deviance"] + methods.filter { $0 != .poisson }.map(\.rawValue)
            + ["PIT 90 %", "PIT 50 %", "totals"]
        func row(_ name: String, category: Int?, month: Int?) -> [String] {
            let model = score(.model, category: category, month: month)
            return [name]
                + methods.filter { $0 != .poisson }.map {
                    fixed(score($0, category: category, month: month).deviance, 0)
                } + [fixed(model.pit90, 3), fixed(model.pit50, 3), "\(model.totalsCovered)/\(model.totals)"]
        }
        lines.append("")
        lines += Self.table(
            devianceHeader, categories.enumerated().map { row($1, category: $0, month: nil) })
        lines.append("")
        lines += Self.table(devianceHeader, months.enumerated().map { row($1.text, category: nil, month: $0) })
        lines.append("")
        lines += [
            "PIT and log scores of the baselines take their counts as Poisson. PIT 90 % and 50 %: the share of counts in the",
            "central 90 % and 50 % of their forecast (0.90 and 0.50 if it is right). totals: the force's totals by category",
            "and month inside their 90 % interval; cells: the same by area. PAI: how much denser incidents are in the 5 % and",
            "10 % of the force's area that were forecast densest.",
        ]
        if !breaks.isEmpty {
            lines.append(
                "A break: half or more of the force's totals lie outside their intervals in "
                    + "\(breaks.map(\.text).joined(separator: ", ")); the months before tell little about those.")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Columns as wide as they need to be; the first to the left, figures to the right.
    private static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, text in
                let pad = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + pad : pad + text
            }.joined(separator: "  ")
        }
    }
}
