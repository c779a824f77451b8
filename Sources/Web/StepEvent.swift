import Coupling
import CrimsCore
import Protocol

/// A step as a server-sent event: what `step/RUN/` says, and its incidents as rows of numbers.
struct StepEvent {
    private(set) var bytes: [UInt8]

    init(_ step: TakenStep, run: String, legend: RunLegend) {
        var writer = Self.begin(step.seq, of: run, capacity: 1_024 + 48 * step.incidents.count)
        let incidents = step.incidents
        writer.raw(",\"from\":")
        writer.quoted(step.from)
        writer.raw(",\"to\":")
        writer.quoted(step.to)
        writer.raw(",\"count\":")
        writer.integer(incidents.count)
        var byCategory = [Int](repeating: 0, count: legend.categories.count)
        for row in 0..<incidents.count { byCategory[legend.categoryOfCrime[Int(incidents.crime[row])]] += 1 }
        writer.raw(",\"by_category\":{")
        for (index, category) in legend.categories.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.quoted(category)
            writer.raw(":")
            writer.integer(byCategory[index])
        }
        writer.raw("},\"expected\":")
        writer.real(step.expectation.expected)
        writer.raw(",\"baseline\":")
        writer.real(step.expectation.baseline)
        writer.raw(",\"incidents\":[")
        for row in 0..<incidents.count {
            writer.raw(row > 0 ? ",[" : "[")
            writer.integer(Int(incidents.id[row]))
            writer.raw(",")
            writer.integer(Int(incidents.time[row]))
            writer.raw(",")
            writer.integer(Int(incidents.area[row]))
            writer.raw(",")
            writer.integer(Int(incidents.crime[row]))
            incidents.suspect[row] == 0 ? writer.raw(",0]") : writer.raw(",1]")
        }
        writer.raw("]}\n\n")
        bytes = writer.bytes
    }

    /// Nobody can be given this step, and who follows has to know that it is missing.
    init(_ refusal: Refusal, seq: Int, run: String) {
        var writer = Self.begin(seq, of: run, capacity: 512)
        writer.raw(",\"error\":")
        writer.json(
            .object(
                [.init("code", .string(refusal.code.rawValue)), .init("message", .string(refusal.message))]
                    + refusal.facts))
        writer.raw("}\n\n")
        bytes = writer.bytes
    }

    private static func begin(_ seq: Int, of run: String, capacity: Int) -> ByteWriter {
        var writer = ByteWriter(capacity: capacity)
        writer.raw("event: step\nid: ")
        writer.integer(seq)
        writer.raw("\ndata: {\"run\":")
        writer.quoted(run)
        writer.raw(",\"seq\":")
        writer.integer(seq)
        return writer
    }
}
