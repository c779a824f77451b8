import Calibration
import CrimsCore
import Protocol

extension Tool {
    /// Prints the account of a calibration if somebody wants it as JSON.
    ///
    /// - Parameter model: What was written; nil if nothing was.
    static func report(_ accounting: Accounting, of model: CrimeModel?, _ arguments: Arguments) {
        guard arguments.has("json") else { return }
        let summary = model.map { model -> JSON in
            .object([
                .init("folder", arguments["output"].map { .string($0) } ?? .null), .init("name", .string(model.name)),
                .init("areas", .number(Double(model.areas.count))),
                .init("categories", .number(Double(model.categories.count))),
                .init("crimes", .number(Double(model.crimes.count))),
                .init("incidents_a_year", .number(PreparedModel(model).expectedPerYear())),
            ])
        }
        printJSON(.object([.init("model", summary ?? .null), .init("account", accounting.json)]))
    }

    /// Prints the account also where `--strict` makes an error of it.
    static func reportingFaults<Value>(
        _ arguments: Arguments, _ body: () throws(CalibrationError) -> Value
    ) throws(CalibrationError) -> Value {
        do {
            return try body()
        } catch {
            if case .faults(let accounting) = error { report(accounting, of: nil, arguments) }
            throw error
        }
    }
}
