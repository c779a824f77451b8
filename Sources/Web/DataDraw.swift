import Coupling
import CrimsCore
import Protocol

/// The incidents of one question as they are drawn: a piece of text at a time, so that none of it has to be kept.
///
/// Used by one thread.
struct DataDraw {
    private var run: OfflineRun
    private let format: DataQuestion.Format
    private let origin: CivilMinute
    private var columns: IncidentColumns
    private var hasBegun = false
    private var hasRows = false

    /// Incidents in a piece, which is then about 256 KiB long.
    private static let rows = 2_048

    init(_ question: DataQuestion, of model: ServedModel, cache: MonthCache) throws(Refusal) {
        let arguments = question.run(of: model.model)
        run = try OfflineRun(served: model, arguments: arguments, cache: cache)
        format = question.format
        origin = arguments.start
        columns = IncidentColumns(origin: origin)
    }

    /// The next piece of the reply's body, and whether it is the last.
    mutating func next() throws(SamplingError) -> (bytes: [UInt8], isLast: Bool) {
        columns.clear(origin: origin)
        var isLast = false
        while !isLast, columns.count < Self.rows { isLast = try run.next(into: &columns) == nil }
        var writer = ByteWriter(capacity: columns.count * (format == .csv ? 160 : 256) + 1_024)
        if !hasBegun { writer.raw(format == .csv ? IncidentFragments.csvHeader : Self.schema) }
        hasBegun = true
        let range = 0..<columns.count
        switch format {
        case .csv: run.served.fragments.writeCSV(columns, range, to: &writer)
        case .json:
            run.served.fragments.writeJSON(columns, range, first: !hasRows, to: &writer)
            if isLast { writer.raw("]}") }
        }
        hasRows = hasRows || columns.count > 0
        return (writer.bytes, isLast)
    }

    /// How pandas begins a table (`orient="table"`); the version is that of the form, which pandas asks for.
    private static let schema: [UInt8] = {
        let fields = [
            ("id", "integer"), ("MSOA", "string"), ("crime_category", "string"), ("code", "string"),
            ("description", "string"), ("time", "datetime"), ("suspect", "boolean"), ("severity", "number"),
        ]
        var writer = ByteWriter()
        writer.raw(#"{"schema":"#)
        writer.json([
            "fields": .array(fields.map { ["name": .string($0.0), "type": .string($0.1)] }), "primaryKey": ["id"],
            "pandas_version": "1.4.0",
        ])
        writer.raw(#","data":["#)
        return writer.bytes
    }()
}
