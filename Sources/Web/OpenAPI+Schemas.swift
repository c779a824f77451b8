import Protocol

extension OpenAPI {
    static let schemas: [JSON.Member] = [
        .init("Time", ["type": "string", "pattern": #"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:00)?)?$"#]),
        .init("RunName", ["type": "string", "pattern": "^[a-z0-9-]{1,64}$"]),
        .init("Error", object(["error": object(["code": string, "message": string], open: true)])),
        .init("Health", object(["healthy": boolean, "ready": boolean, "version": string])),
        .init("Readiness", object(["ready": boolean])),
        .init(
            "Root",
            object(["server": string, "version": string, "models": strings, "journal": string, "boot": integer])),
        .init("Models", object(["models": strings])),
        .init(
            "Model",
            object([
                "model": string, "title": string, "digest": string, "period": object(["from": string, "to": string]),
                "areas": array(
                    object(
                        ["code": string, "name": string, "x": number, "y": number, "population": integer],
                        optional: ["imputed": boolean])),
                "imputed_areas": integer, "categories": strings,
                "crimes": array(
                    object(["code": string, "description": string, "category": string, "severity": number])),
                "expected_per_year": number,
            ])),
        .init("Runs", object(["runs": array(ref("Run"))])),
        .init(
            "Status",
            object(
                ["runs": array(ref("Run"))], optional: ["peers": ["type": "object", "additionalProperties": integer]])),
        .init(
            "Run",
            object(
                ["run": ref("RunName"), "state": ["type": "string", "enum": ["open", "ended", "closed", "stopped"]]],
                optional: [
                    "model": string, "start": ref("Time"), "step": string,
                    "forked_from": ["anyOf": [ref("RunName"), ["type": "null"]]],
                    "forked_seq": ["type": ["integer", "null"]], "time": ref("Time"), "next_seq": integer,
                    "incidents": integer, "adjustments": integer, "in_force": integer,
                    "waiting_for": array(
                        object(["name": string, "since": string, "seconds": number, "overdue": boolean])),
                    "stepping": boolean,
                    "timings": object([
                        "waiting": ref("Timing"), "sampling": ref("Timing"), "encoding": ref("Timing"),
                        "sending": ref("Timing"),
                    ]),
                    "error": object(["code": string, "message": string], open: true),
                ], open: true)),
        .init("Timing", object(["median_us": orNull, "p99_us": orNull])),
        .init(
            "Incident",
            object([
                "id": integer, "MSOA": string, "crime_category": string, "code": string, "description": string,
                "time": ref("Time"), "suspect": boolean, "severity": number,
            ])),
        .init(
            "Table",
            object([
                "schema": object([
                    "fields": array(object(["name": string, "type": string])), "primaryKey": strings,
                    "pandas_version": string,
                ]),
                "data": array(ref("Incident")),
            ])),
        .init(
            "Steps",
            object(
                [
                    "run": ref("RunName"), "seq": integer, "steps": integer, "from": ref("Time"), "to": ref("Time"),
                    "count": integer, "expected": number, "baseline": number, "in_force": integer, "capped": boolean,
                    "adjusted": strings, "next_seq": integer, "ended": boolean,
                ],
                optional: [
                    "incidents": array(ref("Incident")),
                    "by_category": ["type": "object", "additionalProperties": integer],
                ])),
        .init(
            "Rates",
            object(
                [
                    "from": ref("Time"), "to": ref("Time"),
                    "rows": array(
                        object(
                            ["expected": number, "baseline": number],
                            optional: [
                                "area": string, "category": string, "code": string, "hour": integer,
                                "hour_of_week": integer, "day": string, "month": string,
                            ])),
                ], optional: ["run": string, "model": string])),
        .init(
            "Adjustment",
            object(
                ["factor": ["type": "number", "minimum": 0, "maximum": 1000]],
                optional: [
                    "seq": integer, "mode": ["type": "string", "enum": ["scale", "set"]],
                    "target": ["type": "string", "enum": ["incidence", "suspect"]], "areas": strings,
                    "categories": strings, "codes": strings, "descriptions": strings, "from": ref("Time"),
                    "until": ref("Time"), "half_life": string,
                    "displacement": ["type": "number", "minimum": 0, "maximum": 1], "key": string, "source": string,
                    "reason": string,
                ])),
        .init(
            "Adjustments",
            object([
                "run": ref("RunName"),
                "adjustments": array(
                    object(
                        [
                            "adjustment": string, "effective_from": ref("Time"), "seq": integer,
                            "state": ["type": "string", "enum": ["pending", "in_force", "expired", "retracted"]],
                            "factor": number,
                        ], open: true)),
            ])),
        .init(
            "Adjusted",
            object([
                "run": ref("RunName"), "adjustment": string, "effective_from": ref("Time"), "seq": integer,
                "duplicate": boolean,
            ])),
        .init(
            "Retracted",
            object(["run": ref("RunName"), "adjustment": string, "retracted_at": ref("Time"), "seq": integer])),
    ]

    private static let string: JSON = ["type": "string"]
    private static let integer: JSON = ["type": "integer"]
    private static let number: JSON = ["type": "number"]
    private static let boolean: JSON = ["type": "boolean"]
    private static let strings: JSON = ["type": "array", "items": ["type": "string"]]
    private static let orNull: JSON = ["type": ["number", "null"]]

    private static func array(_ items: JSON) -> JSON { ["type": "array", "items": items] }

    /// - Parameter open: whether there may be members that are not named.
    private static func object(
        _ required: KeyValuePairs<String, JSON>, optional: KeyValuePairs<String, JSON> = [:], open: Bool = false
    ) -> JSON {
        var members: [JSON.Member] = [
            .init("type", "object"), .init("required", .array(required.map { .string($0.key) })),
            .init("properties", .object((Array(required) + Array(optional)).map { .init($0.key, $0.value) })),
        ]
        if !open { members.append(.init("additionalProperties", false)) }
        return .object(members)
    }
}

// Documents that are written out here read as JSON does.
extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements.map { .init($0, $1) }) }
}
