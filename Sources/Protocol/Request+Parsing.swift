import CrimsCore

/// A frame that is not a request, with the id to answer under, if one could be read.
public struct RequestFailure: Error, Equatable, Sendable {
    /// Null where the frame is no JSON object.
    public var id: JSON?
    /// The operation's name, where one could be read.
    public var op: String?
    public var refusal: Refusal
}

extension Request {
    /// A larger frame is refused unread, unless it is said otherwise.
    public static let bytesMax = 1 << 20

    /// Reads one frame.
    public init(frame: UnsafeRawBufferPointer, bytesMax: Int = bytesMax) throws(RequestFailure) {
        guard frame.count <= bytesMax else {
            throw RequestFailure(
                id: .null, op: nil,
                refusal: .limit("request_bytes", "a request has at most \(bytesMax) bytes, not \(frame.count)"))
        }
        let document: JSON
        do throws(JSONSyntaxError) {
            document = try JSON(parsing: frame)
        } catch {
            throw RequestFailure(
                id: .null, op: nil,
                refusal: .badRequest(
                    field: nil, "a request is one JSON object; at byte \(error.offset): \(error.reason)"))
        }
        guard let members = document.members else {
            throw RequestFailure(
                id: .null, op: nil, refusal: .badRequest(field: nil, "a request is a JSON object, not \(document.kind)")
            )
        }
        let id = document["id"]
        let echo = id.flatMap { value in value.text.flatMap { $0.utf8.count <= 128 ? value : nil } ?? .null }
        do throws(Refusal) {
            self.id = try Self.identity(id)
            operation = try Self.operation(document, members)
        } catch {
            throw RequestFailure(id: echo, op: document["op"]?.text, refusal: error)
        }
    }

    /// Reads one frame.
    public init(frame: [UInt8]) throws(RequestFailure) {
        let result: Result<Request, RequestFailure> = frame.withUnsafeBytes { bytes in
            do throws(RequestFailure) { return .success(try Request(frame: bytes)) } catch { return .failure(error) }
        }
        self = try result.get()
    }

    private static func identity(_ id: JSON?) throws(Refusal) -> String? {
        guard let id, id != .null else { return nil }
        guard let text = id.text, text.utf8.count <= 128 else {
            throw .badRequest(field: "id", "'id' must be a string of at most 128 bytes")
        }
        return text
    }

    private static func operation(_ document: JSON, _ members: [JSON.Member]) throws(Refusal) -> Operation {
        guard let version = document["v"]?.number else {
            throw .badRequest(field: "v", "'v', the protocol's version, is required: the number 1")
        }
        guard version == 1 else {
            throw Refusal(.unsupportedVersion, "this daemon speaks version 1 of the protocol")
        }
        guard let op = document["op"] else {
            throw .badRequest(field: "op", "'op' is required: one of \(Operation.names.joined(separator: ", "))")
        }
        guard let name = op.text else { throw .badRequest(field: "op", "'op' must be a string, not \(op.kind)") }
        guard let fields = fieldsOf[name] else {
            let hint =
                Spelling.nearest(to: name, in: Operation.names).map { "did you mean '\($0)'?" }
                ?? "there are \(Operation.names.joined(separator: ", "))"
            throw Refusal(.unknownOp, "unknown op '\(name)'; \(hint)")
        }
        let reader = try FieldReader(members, allowing: ["v", "id", "op"] + fields)
        func text(_ field: String) throws(Refusal) -> String { try reader.required(field, try reader.string(field)) }
        switch name {
        case "hello": return .hello
        case "describe": return .describe(model: try text("model"))
        case "open": return .open(try OpenRequest(reader))
        case "step": return .step(try StepRequest(reader))
        case "read": return .read(try ReadRequest(reader))
        case "adjust":
            let given = members.filter { AdjustmentTerms.fields.contains($0.name) }
            let run = try text("run")
            var terms = try AdjustmentTerms(reader, given: given)
            terms.seq = try reader.integer("seq", 0...maxExact)
            return .adjust(run: run, terms)
        case "retract": return .retract(run: try text("run"), adjustment: try text("adjustment"))
        case "adjustments": return .adjustments(run: try text("run"))
        case "rates": return .rates(try RatesRequest(reader))
        case "fork":
            return .fork(try ForkRequest(reader))
        case "status": return .status(run: try reader.string("run"))
        case "close": return .close(run: try text("run"))
        default: return .delete(run: try text("run"))
        }
    }

    /// The largest integer that every JSON reader keeps exactly.
    static let maxExact = 1 << 53 - 1

    private static let fieldsOf: [String: [String]] = [
        "hello": [], "describe": ["model"], "open": OpenRequest.fields, "step": StepRequest.fields,
        "read": ReadRequest.fields, "adjust": ["run", "seq"] + AdjustmentTerms.fields,
        "retract": ["run", "adjustment"], "adjustments": ["run"], "rates": RatesRequest.fields,
        "fork": ForkRequest.fields, "status": ["run"], "close": ["run"], "delete": ["run"],
    ]

    static func runName(_ reader: FieldReader, field: String) throws(Refusal) -> String? {
        guard let name = try reader.string(field) else { return nil }
        let allowed = name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 &- 48 < 10 || $0 == UInt8(ascii: "-")
        }
        guard allowed, (1...64).contains(name.utf8.count) else {
            throw reader.refuse(field, "1 to 64 of the characters a-z, 0-9 and '-'")
        }
        return name
    }
}

extension OpenRequest {
    static let fields = [
        "model", "start", "end", "step", "seed", "replicate", "dispersion", "trend", "run", "participants", "publish",
    ]

    init(_ reader: FieldReader) throws(Refusal) {
        model = try reader.required("model", try reader.string("model"))
        start = try reader.required("start", try reader.time("start"))
        step = try reader.duration("step", months: true) ?? .minutes(60)
        end = try reader.time("end")
        world = World(
            seed: UInt64(try reader.integer("seed", 0...Request.maxExact) ?? 0),
            replicate: UInt32(try reader.integer("replicate", 0...Int(UInt32.max)) ?? 0),
            dispersion: try reader.bool("dispersion") ?? true, trend: try reader.bool("trend") ?? true)
        publish = try reader.bool("publish") ?? true
        run = try Request.runName(reader, field: "run")
        participants = try Participant.list(reader)
        guard start < CivilMinute.limit else {
            throw .badRequest(field: "start", "'start' must be before \(TimeText.format(CivilMinute.limit))")
        }
        if case .months = step, start.date.day > 28 {
            throw .badRequest(field: "start", "with a step in months, 'start' must be on day 1 to 28")
        }
        guard let end else { return }
        guard end > start, end <= CivilMinute.limit, step.count(from: start, to: end) != nil else {
            throw .badRequest(
                field: "end", "'end' must be after 'start' by a whole number of steps of \(TimeText.format(step))")
        }
    }
}

extension StepRequest {
    static let fields = ["run", "seq", "count", "until", "format", "participant", "adjust"]
    /// More adjustments in one request than a run may have in force are refused there; this bounds the work of reading.
    public static let adjustMax = 10_000

    init(_ reader: FieldReader) throws(Refusal) {
        run = try reader.required("run", try reader.string("run"))
        seq = try reader.integer("seq", 0...Request.maxExact)
        count = try reader.integer("count", 1...10_000_000)
        until = try reader.time("until")
        format = try reader.choice("format") ?? .records
        participant = try reader.string("participant")
        if until != nil, let count, count != 1 {
            throw .badRequest(field: "until", "give 'count' or 'until', not both")
        }
        adjust = []
        guard let value = reader.value("adjust") else { return }
        guard let elements = value.elements else {
            throw reader.refuse("adjust", "a list of adjustments, not \(value.kind)")
        }
        guard elements.count <= Self.adjustMax else {
            throw .limit("adjustments_per_request", "a request has at most \(Self.adjustMax) adjustments")
        }
        for (index, element) in elements.enumerated() {
            guard let members = element.members else {
                throw reader.refuse("adjust", "a list of objects, but adjust[\(index)] is \(element.kind)")
            }
            let fields = try FieldReader(members, allowing: AdjustmentTerms.fields, place: "adjust[\(index)]: ")
            adjust.append(try AdjustmentTerms(fields, given: members))
        }
    }
}

extension ReadRequest {
    static let fields = ["run", "seq", "count", "format", "areas", "categories"]

    init(_ reader: FieldReader) throws(Refusal) {
        run = try reader.required("run", try reader.string("run"))
        seq = try reader.required("seq", try reader.integer("seq", 0...Request.maxExact))
        count = try reader.integer("count", 1...10_000_000) ?? 1
        format = try reader.choice("format") ?? .records
        areas = try reader.strings("areas")
        categories = try reader.strings("categories")
    }
}

extension RatesRequest {
    static let fields = ["run", "model", "from", "to", "by", "areas", "categories"]

    init(_ reader: FieldReader) throws(Refusal) {
        let run = try reader.string("run")
        let model = try reader.string("model")
        switch (run, model) {
        case (let run?, nil): subject = .run(run)
        case (nil, let model?): subject = .model(model)
        case (nil, nil): throw .badRequest(field: "run", "'run' or 'model' is required")
        default: throw .badRequest(field: "model", "give 'run' or 'model', not both")
        }
        from = try reader.required("from", try reader.time("from"))
        to = try reader.required("to", try reader.time("to"))
        guard to > from, to <= CivilMinute.limit else {
            throw .badRequest(
                field: "to", "'to' must be after 'from' and not after \(TimeText.format(CivilMinute.limit))")
        }
        areas = try reader.strings("areas")
        categories = try reader.strings("categories")
        by = []
        for word in try reader.strings("by", mayBeEmpty: true) ?? [] {
            guard let dimension = Dimension(rawValue: word), !by.contains(dimension) else {
                let names = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.refuse("by", "a list of different words out of \(names); '\(word)' is not")
            }
            by.append(dimension)
        }
    }
}
