import Calibration
import CrimsCore
import Models
import Protocol

extension Tool {
    /// `crims calibrate --force england-and-wales`: a table of counts in place of archives.
    static func calibrateEnglandAndWales(
        _ options: CalibrationOptions, _ arguments: Arguments, to output: String
    ) throws {
        guard options.method == .shrunk else {
            throw UsageError(message: "--method \(options.method.rawValue) is of one force, not of \(options.force)")
        }
        for flag in ["strict", "dry-run", "json"] where arguments.has(flag) {
            throw UsageError(message: "--\(flag) is of one force's street files, not of \(options.force)")
        }
        if arguments["report"] != nil {
            throw UsageError(message: "--report is of one force; a model of \(options.force) has no report yet")
        }
        let suspects = try arguments["suspects"] != nil ? period("suspects", arguments) : nil
        let result = try Calibration.calibrateEnglandAndWales(options, suspects: suspects) { Terminal.say($0 + "\n") }
        try ModelFolder.write(result.model, information: result.information, to: output)
        sayWritten(result.model, to: output)
    }
}
