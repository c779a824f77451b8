import Protocol

/// The methods that anything here takes; `HEAD` is `GET` whose body is not sent.
enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case delete = "DELETE"
}

/// What a path leads to.
package enum Route: Equatable, Sendable {
    /// A file of the page, by its path.
    case file(String)
    case healthy
    case ready
    case metrics
    case openAPI
    case ask(Question)
    /// A run's events, after this step where one is named.
    case events(run: String, after: Int?)
    /// What the predecessor's path of that name answers.
    case data(DataQuestion)
    case map(DataQuestion)

    /// - Parameters:
    ///   - method: as it came.
    ///   - lastEventID: what a client says that it has heard last.
    package init(_ method: String, _ target: RequestTarget, body: [UInt8] = [], lastEventID: String? = nil)
        throws(WebRefusal)
    {
        let path = target.path
        let (allowed, make) = try Self.place(path, target)
        guard let method = Method(rawValue: method), allowed.contains(method) else {
            let words = allowed.map(\.rawValue).joined(separator: ", ")
            throw WebRefusal(
                .methodNotAllowed, "'/\(path.joined(separator: "/"))' takes \(words)", headers: [.init("Allow", words)])
        }
        self = try make(method, body, lastEventID)
    }

    private typealias Maker = (Method, [UInt8], String?) throws(WebRefusal) -> Route

    private static func place(
        _ path: [String], _ target: RequestTarget
    ) throws(WebRefusal) -> (allowed: [Method], make: Maker) {
        let reading: [Method] = [.get, .head]
        func fixed(_ route: Route) -> (allowed: [Method], make: Maker) {
            (
                reading,
                { (_, _, _) throws(WebRefusal) in
                    _ = try QueryReader(target.query, known: [])
                    return route
                }
            )
        }
        func drawn(_ known: [String], _ route: @escaping (DataQuestion) -> Route) -> (allowed: [Method], make: Maker) {
            (
                reading,
                { (_, _, _) throws(WebRefusal) in
                    route(try DataQuestion(try QueryReader(target.query, known: known)))
                }
            )
        }
        switch path.first {
        case nil: return fixed(.file("index.html"))
        case "status" where path.count == 1: return fixed(.file("status.html"))
        case "static": return fixed(.file(path.dropFirst().joined(separator: "/")))
        case "healthz" where path.count == 1: return fixed(.healthy)
        case "readyz" where path.count == 1: return fixed(.ready)
        case "metrics" where path.count == 1: return fixed(.metrics)
        case "data" where path.count == 1:
            return drawn(DataQuestion.parameters + ["format"]) { .data($0) }
        case "map" where path.count == 1: return drawn(DataQuestion.parameters) { .map($0) }
        case "api" where path.count > 1 && path[1] == "v1":
            if path.count == 3, path[2] == "openapi.json" { return fixed(.openAPI) }
            if let place = api(Array(path.dropFirst(2)), target.query) { return place }
        default: break
        }
        throw WebRefusal(.notFound, "there is no '/\(path.joined(separator: "/"))'; '/api/v1/' lists what there is")
    }

    private static func api(_ path: [String], _ query: [RequestTarget.Parameter]) -> (allowed: [Method], make: Maker)? {
        let reading: [Method] = [.get, .head]
        func asking(_ known: [String] = [], _ question: @escaping (QueryReader) throws(WebRefusal) -> Question) -> (
            allowed: [Method], make: Maker
        ) {
            (reading, { (_, _, _) throws(WebRefusal) in .ask(try question(try QueryReader(query, known: known))) })
        }
        switch (path.first, path.count) {
        case (nil, _):
            return asking { _ in
                Question(op: "hello", shape: .members(["server", "version", "models", "journal", "boot"]))
            }
        case ("status", 1): return asking { _ in Question(op: "status") }
        case ("models", 1): return asking { _ in Question(op: "hello", shape: .members(["models"])) }
        case ("models", 2): return asking { _ in Question(op: "describe", [("model", path[1])]) }
        case ("models", 3) where path[2] == "areas.geojson":
            return asking { _ in Question(op: "describe", [("model", path[1])], shape: .areas) }
        case ("models", 3) where path[2] == "rates":
            return asking(ratesFields) { query throws(WebRefusal) in try rates("model", path[1], query) }
        case ("runs", 1): return asking { _ in Question(op: "status", shape: .members(["runs"])) }
        case ("runs", 2): return asking { _ in Question(op: "status", [("run", path[1])], shape: .onlyRun) }
        case ("runs", 3) where path[2] == "steps":
            return asking(["seq", "count", "format", "areas", "categories"]) { query throws(WebRefusal) in
                try steps(path[1], query)
            }
        case ("runs", 3) where path[2] == "rates":
            return asking(ratesFields) { query throws(WebRefusal) in try rates("run", path[1], query) }
        case ("runs", 3) where path[2] == "adjustments":
            return (
                reading + [.post],
                { (method, body, _) throws(WebRefusal) in
                    _ = try QueryReader(query, known: [])
                    return .ask(
                        method == .post ? try adjust(path[1], body) : Question(op: "adjustments", [("run", path[1])]))
                }
            )
        case ("runs", 4) where path[2] == "adjustments":
            return (
                [.delete],
                { (_, _, _) throws(WebRefusal) in
                    _ = try QueryReader(query, known: [])
                    return .ask(
                        Question(op: "retract", [("run", path[1]), ("adjustment", path[3])], changes: true))
                }
            )
        case ("runs", 3) where path[2] == "events":
            return (
                [.get],
                { (_, _, lastEventID) throws(WebRefusal) in
                    let query = try QueryReader(query, known: ["after"])
                    // A browser that connects again asks for the same address and says where it was.
                    guard let lastEventID, !lastEventID.isEmpty else {
                        return .events(run: path[1], after: try query.number("after"))
                    }
                    guard let after = QueryReader.wholeNumber(lastEventID) else {
                        throw .badRequest("'Last-Event-ID' is the number of a step, not '\(lastEventID)'")
                    }
                    return .events(run: path[1], after: after)
                }
            )
        default: return nil
        }
    }

    // MARK: - Questions with fields

    private static let ratesFields = ["from", "to", "by", "areas", "categories"]

    private static func rates(_ kind: String, _ name: String, _ query: QueryReader) throws(WebRefusal) -> Question {
        var fields: [JSON.Member] = [.init(kind, .string(name))]
        for field in ["from", "to"] {
            if let text = query.text(field) { fields.append(.init(field, .string(text))) }
        }
        for field in ["by", "areas", "categories"] {
            if let names = query.list(field) { fields.append(.init(field, .array(names.map { .string($0) }))) }
        }
        return Question(op: "rates", fields: fields, shape: .object)
    }

    private static func steps(_ run: String, _ query: QueryReader) throws(WebRefusal) -> Question {
        let formats: [String: (word: String, shape: Question.Shape)] = [
            "json": ("records", .object), "csv": ("csv", .csv), "columns": ("columns", .columns),
            "counts": ("counts", .object), "none": ("none", .object),
        ]
        let name = query.text("format") ?? "json"
        guard let format = formats[name] else {
            throw .badRequest("'format' is json, csv, columns, counts or none, not '\(name)'", field: "format")
        }
        var fields: [JSON.Member] = [
            .init("run", .string(run)), .init("seq", .number(Double(try query.number("seq") ?? 0))),
            .init("count", .number(Double(try query.number("count") ?? 1))), .init("format", .string(format.word)),
        ]
        for field in ["areas", "categories"] {
            if let names = query.list(field) { fields.append(.init(field, .array(names.map { .string($0) }))) }
        }
        return Question(op: "read", fields: fields, shape: format.shape)
    }

    /// An adjustment's fields are those of the wire, but for those that the path says.
    private static func adjust(_ run: String, _ body: [UInt8]) throws(WebRefusal) -> Question {
        let parsed: JSON
        do throws(JSONSyntaxError) {
            parsed = try JSON(parsing: body)
        } catch {
            throw .badRequest("the body is not JSON: \(error.reason) (byte \(error.offset))")
        }
        guard let members = parsed.members else { throw .badRequest("the body is an object, not \(parsed.kind)") }
        for name in ["v", "op", "id", "run"] where members.contains(where: { $0.name == name }) {
            throw .badRequest("'\(name)' is not a field of the body", field: name)
        }
        // What no JSON can say, though Python writes it, would not get through again.
        guard let field = members.first(where: { !isWritable($0.value) }) else {
            return Question(
                op: "adjust", fields: [.init("run", .string(run))] + members, shape: .creation, changes: true)
        }
        throw .badRequest("'\(field.name)' is not a finite number", field: field.name)
    }

    private static func isWritable(_ value: JSON) -> Bool {
        switch value {
        case .number(let number): number.isFinite
        case .array(let elements): elements.allSatisfy(isWritable)
        case .object(let members): members.allSatisfy { isWritable($0.value) }
        default: true
        }
    }
}

extension Question {
    init(op: String, _ texts: [(String, String)] = [], shape: Shape = .object, changes: Bool = false) {
        self.init(
            op: op, fields: texts.map { .init($0.0, .string($0.1)) }, shape: shape, changes: changes)
    }
}
