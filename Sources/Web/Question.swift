import Protocol

/// A request to the hub, and what becomes of the answer.
package struct Question: Equatable, Sendable {
    enum Shape: Equatable, Sendable {
        /// The object as it is.
        case object
        /// One member of it, and of the one element that it has.
        case onlyRun
        /// Only these members of it.
        case members([String])
        /// The second frame, as CSV.
        case csv
        /// All frames, padded and in one.
        case columns
        /// The model's areas, as shapes.
        case areas
        /// As `object`; with 201 unless it says that it was done before.
        case creation
    }

    var op: String
    var fields: [JSON.Member]
    var shape: Shape
    /// Whether it takes the token.
    package var changes = false

    /// How long an answer holds.
    enum Endurance {
        case none
        /// Until something is asked that may change a run.
        case untilChange
        case forGood
    }

    /// Models stay as they were read. What is told of connections changes by itself, as do the folders of models.
    var endurance: Endurance {
        switch op {
        case "describe": .forGood
        case "adjustments": .untilChange
        case "status": shape == .object ? .none : .untilChange
        default: .none
        }
    }

    /// The request as the wire has it.
    package var frame: [UInt8] {
        var writer = ByteWriter()
        writer.json(.object([.init("v", .number(1)), .init("op", .string(op))] + fields))
        return writer.bytes
    }

    /// The reply that an answer becomes.
    func reply(to frames: [[UInt8]], boundaries: Boundaries = Boundaries()) -> Reply {
        guard let first = frames.first else { return Reply(WebRefusal(.internalError, "an answer without a frame")) }
        let said = Reply(said: first, to: op)
        guard said.status == .ok else { return said }
        switch shape {
        case .object: return said
        case .areas:
            guard let model = try? JSON(parsing: said.content) else { return said }
            return AreaShapes.reply(for: model, boundaries)
        case .csv: return frames.count == 2 ? Reply(.ok, .csv, frames[1]) : said
        case .columns: return Reply(.ok, .columns, Self.packed(Array(said.content), Array(frames.dropFirst())))
        case .onlyRun:
            guard let run = (try? JSON(parsing: said.content))?["runs"]?.elements?.first else { return said }
            return Reply(json: run)
        case .members(let names):
            guard let object = (try? JSON(parsing: said.content))?.members else { return said }
            return Reply(json: .object(object.filter { names.contains($0.name) }))
        case .creation:
            var reply = said
            let isOld = (try? JSON(parsing: said.content))?["duplicate"]?.truth ?? false
            if !isOld { reply.status = .created }
            return reply
        }
    }

    /// `application/vnd.crims.columns`: the length of the JSON in 4 bytes, the JSON, and the columns, each part beginning
    /// at a multiple of 8 bytes, so that a browser can lay arrays of numbers over them.
    package static func packed(_ json: [UInt8], _ columns: [[UInt8]]) -> [UInt8] {
        let padded = (json.count + 4 + 7) / 8 * 8 - 4
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + padded + columns.reduce(0) { $0 + $1.count + 7 })
        withUnsafeBytes(of: UInt32(padded).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += json
        bytes += repeatElement(UInt8(ascii: " "), count: padded - json.count)
        for column in columns {
            bytes += column
            bytes += repeatElement(0, count: (8 - column.count % 8) % 8)
        }
        return bytes
    }
}
