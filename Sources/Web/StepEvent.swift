import Coupling
import Protocol

/// A step as a server-sent event: what `step/RUN/` says, and its incidents as rows of numbers.
struct StepEvent {
    private(set) var bytes: [UInt8]

    /// - Parameter frames: the reply to a `read` of this step as `columns`.
    init(_ frames: [[UInt8]], run: String, seq: Int, legend: RunLegend) {
        var writer = ByteWriter(capacity: 1_024 + 3 * frames.dropFirst().reduce(0) { $0 + $1.count })
        writer.text("event: step\nid: \(seq)\ndata: {\"run\":")
        writer.quoted(run)
        writer.raw(",\"seq\":")
        writer.integer(seq)
        let head = frames.first.flatMap { try? JSON(parsing: $0) } ?? .null
        if head["ok"]?.truth == true, frames.count == 6 {
            for name in ["from", "to", "count"] {
                writer.text(",\"\(name)\":")
                writer.json(head[name] ?? .null)
            }
            Self.write(
                frames, legend, to: &writer, expected: head["expected"]?.number, baseline: head["baseline"]?.number)
        } else {
            // Nobody can be given this step, and who follows has to know that it is missing.
            writer.raw(",\"error\":")
            writer.json(head["error"] ?? .null)
        }
        writer.raw("}\n\n")
        bytes = writer.bytes
    }

    private static func write(
        _ frames: [[UInt8]], _ legend: RunLegend, to writer: inout ByteWriter, expected: Double?, baseline: Double?
    ) {
        // The columns' order is the protocol's: id, time, MSOA, crime, suspect.
        let count = frames[5].count
        var byCategory = [Int](repeating: 0, count: legend.categories.count)
        func number<Number: FixedWidthInteger>(_ column: Int, _ row: Int, _: Number.Type) -> Int {
            frames[column].withUnsafeBytes {
                Int(
                    Number(
                        littleEndian: $0.loadUnaligned(fromByteOffset: row * MemoryLayout<Number>.size, as: Number.self)
                    ))
            }
        }
        for row in 0..<count { byCategory[legend.categoryOfCrime[number(4, row, UInt16.self)]] += 1 }
        writer.raw(",\"by_category\":")
        writer.json(.object(zip(legend.categories, byCategory).map { .init($0, .number(Double($1))) }))
        writer.raw(",\"expected\":")
        writer.real(expected ?? 0)
        writer.raw(",\"baseline\":")
        writer.real(baseline ?? 0)
        writer.raw(",\"incidents\":[")
        for row in 0..<count {
            writer.raw(row > 0 ? ",[" : "[")
            writer.integer(number(1, row, Int64.self))
            writer.raw(",")
            writer.integer(number(2, row, Int32.self))
            writer.raw(",")
            writer.integer(number(3, row, UInt16.self))
            writer.raw(",")
            writer.integer(number(4, row, UInt16.self))
            frames[5][row] == 0 ? writer.raw(",0]") : writer.raw(",1]")
        }
        writer.raw("]")
    }
}
