import CrimsCore

/// Requests written as they could have been sent: what is kept of them is read back by the same rules.
extension OpenRequest {
    public var json: JSON {
        var members: [JSON.Member] = [
            .init("model", .string(model)), .init("start", .string(TimeText.format(start))),
            .init("step", .string(TimeText.format(step))), .init("seed", .number(Double(world.seed))),
            .init("replicate", .number(Double(world.replicate))), .init("dispersion", .bool(world.dispersion)),
            .init("trend", .bool(world.trend)), .init("publish", .bool(publish)),
        ]
        if let end { members.append(.init("end", .string(TimeText.format(end)))) }
        if let run { members.append(.init("run", .string(run))) }
        if !participants.isEmpty { members.append(.init("participants", .array(participants.map(\.json)))) }
        return .object(members)
    }

    public init(_ json: JSON) throws(Refusal) {
        try self.init(try FieldReader(json.members ?? [], allowing: Self.fields))
    }
}

extension ForkRequest {
    public var json: JSON {
        var members: [JSON.Member] = [.init("run", .string(run))]
        if let seq { members.append(.init("seq", .number(Double(seq)))) }
        if let name { members.append(.init("as", .string(name))) }
        if !participants.isEmpty { members.append(.init("participants", .array(participants.map(\.json)))) }
        return .object(members)
    }

    public init(_ json: JSON) throws(Refusal) {
        try self.init(try FieldReader(json.members ?? [], allowing: Self.fields))
    }

    static let fields = ["run", "seq", "as", "participants"]

    init(_ reader: FieldReader) throws(Refusal) {
        run = try reader.required("run", try reader.string("run"))
        seq = try reader.integer("seq", 0...Request.maxExact)
        name = try Request.runName(reader, field: "as")
        participants = try Participant.list(reader)
    }
}
