import Protocol

/// The description of all paths under OpenAPI 3.1, served as `/api/v1/openapi.json`.
enum OpenAPI {
    static func document(version: String) -> JSON {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "CriMS", "version": .string(version),
                "description": .string(
                    "Runs of a crime microsimulation: read them, follow them, and with the token adjust them. "
                        + "All incidents are synthetic."),
                "license": ["name": "MIT", "identifier": "MIT"],
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas),
                "parameters": .object(parameters),
                "responses": .object(responses),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }

    // MARK: - Paths

    private static let paths: [JSON.Member] = [
        .init(
            "/healthz",
            get("health", "Whether the daemon's loop turns", refused(["200": json("Health"), "503": json("Health")]))),
        .init(
            "/readyz",
            get("readiness", "Whether all runs are there", answers("Readiness"))),
        .init(
            "/metrics",
            get("metrics", "For Prometheus", refused(["200": text("text/plain; version=0.0.4; charset=utf-8")]))),
        .init(
            "/data",
            get(
                "data", "A force's incidents of a month, or of a year, drawn anew",
                refused([
                    "200": [
                        "description": "What pandas reads with read_csv, and with read_json and orient=\"table\"",
                        "content": [
                            "application/json": ["schema": ref("Table")],
                            "text/csv; charset=utf-8; header=present": ["schema": ["type": "string"]],
                        ],
                    ]
                ]), ["force", "month", "year", "seed", "data_format"])),
        .init(
            "/map",
            get(
                "map", "The same on a map, as a page",
                refused(["200": text("text/html; charset=utf-8")]), ["force", "month", "year", "seed"])),
        .init("/api/v1/", get("root", "Who serves this", answers("Root"))),
        .init(
            "/api/v1/openapi.json",
            get(
                "description", "This document",
                refused([
                    "200": [
                        "description": "OpenAPI 3.1", "content": ["application/json": ["schema": ["type": "object"]]],
                    ]
                ]))),
        .init("/api/v1/status", get("status", "All runs, and the connections", answers("Status"))),
        .init("/api/v1/models", get("models", "The models' names", answers("Models"))),
        .init("/api/v1/models/{model}", get("model", "A model's areas and crimes", answers("Model"), ["model"])),
        .init(
            "/api/v1/models/{model}/areas.geojson",
            get(
                "areas", "A model's areas by their boundaries or as cells around their centroids",
                refused([
                    "200": [
                        "description": "GeoJSON",
                        "content": ["application/geo+json": ["schema": ["type": "object"]]],
                    ]
                ]), ["model"])),
        .init(
            "/api/v1/models/{model}/rates",
            get(
                "model_rates", "What a model expects", answers("Rates"),
                ["model", "from", "to", "by", "areas", "categories"])),
        .init("/api/v1/runs", get("runs", "All runs", answers("Runs"))),
        .init("/api/v1/runs/{run}", get("run", "One run", answers("Run"), ["run"])),
        .init(
            "/api/v1/runs/{run}/steps",
            get(
                "steps", "Steps that were taken, drawn again", steps,
                ["run", "seq", "count", "format", "areas", "categories"])),
        .init(
            "/api/v1/runs/{run}/rates",
            get(
                "run_rates", "What a run expects under its adjustments", answers("Rates"),
                ["run", "from", "to", "by", "areas", "categories"])),
        .init(
            "/api/v1/runs/{run}/adjustments",
            [
                "get": operation("adjustments", "The audit trail, oldest first", answers("Adjustments"), ["run"]),
                "post": changing(
                    operation(
                        "adjust", "Adjust rates from the next step on",
                        refused(["200": json("Adjusted"), "201": json("Adjusted")]), ["run"]),
                    body: "Adjustment"),
            ]),
        .init(
            "/api/v1/runs/{run}/adjustments/{adjustment}",
            [
                "delete": changing(
                    operation(
                        "retract", "End an adjustment at the next step", refused(["200": json("Retracted")]),
                        ["run", "adjustment"]))
            ]),
        .init(
            "/api/v1/runs/{run}/events",
            get(
                "events", "What happens, as server-sent events",
                refused([
                    "200": text("text/event-stream"),
                    "204": ["description": "The run is closed, and all of it was told"],
                ]),
                ["run", "after", "last_event"])),
    ]

    private static var steps: JSON {
        refused([
            "200": [
                "description": "The steps",
                "content": [
                    "application/json": ["schema": ref("Steps")],
                    "text/csv; charset=utf-8; header=present": ["schema": ["type": "string"]],
                    "application/vnd.crims.columns": [
                        "schema": ["type": "string", "contentMediaType": "application/octet-stream"]
                    ],
                ],
            ]
        ])
    }

    private static func get(_ id: String, _ summary: String, _ answers: JSON, _ parameters: [String] = []) -> JSON {
        ["get": operation(id, summary, answers, parameters)]
    }

    private static func operation(_ id: String, _ summary: String, _ answers: JSON, _ parameters: [String]) -> JSON {
        var members: [JSON.Member] = [.init("operationId", .string(id)), .init("summary", .string(summary))]
        if !parameters.isEmpty {
            members.append(
                .init("parameters", .array(parameters.map { ["$ref": .string("#/components/parameters/\($0)")] })))
        }
        return .object(members + [.init("responses", answers)])
    }

    private static func changing(_ operation: JSON, body: String? = nil) -> JSON {
        var members = operation.members ?? []
        members.append(.init("security", [["token": []]]))
        if let body {
            members.append(
                .init("requestBody", ["required": true, "content": ["application/json": ["schema": ref(body)]]]))
        }
        return .object(members)
    }

    // MARK: - Answers

    private static func answers(_ schema: String) -> JSON { refused(["200": json(schema)]) }

    /// With the refusals that any path may have, but for what it has of its own.
    private static func refused(_ answers: JSON) -> JSON {
        .object(
            (answers.members ?? [])
                + [
                    "400": "BadRequest", "401": "Unauthorized", "403": "Forbidden", "404": "NotFound",
                    "409": "Conflict",
                    "413": "TooLarge", "421": "WrongHost", "429": "TooMany", "503": "Unavailable",
                ]
                .filter { answers[$0.key] == nil }
                .sorted { $0.key < $1.key }.map { .init($0.key, refusal($0.value)) })
    }

    private static func json(_ schema: String) -> JSON {
        ["description": .string(schema), "content": ["application/json": ["schema": ref(schema)]]]
    }

    private static func text(_ type: String) -> JSON {
        ["description": "Lines of text", "content": .object([.init(type, ["schema": ["type": "string"]])])]
    }

    private static func refusal(_ name: String) -> JSON { ["$ref": .string("#/components/responses/\(name)")] }

    static func ref(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }

    private static let responses: [JSON.Member] = [
        ("BadRequest", "A parameter, or the body, is not in order"), ("Unauthorized", "The token is missing or wrong"),
        ("Forbidden", "Nothing can be changed here, or not by this site"),
        ("NotFound", "There is no such path, run, model, area, crime or adjustment"),
        ("Conflict", "Not now, or not with this run"), ("TooLarge", "Too much for one reply, or one request"),
        ("WrongHost", "Not served under this name"),
        ("TooMany", "Too many requests: Retry-After has the seconds to wait"),
        ("Unavailable", "Not now: ask again"),
    ].map { name, words in
        .init(name, ["description": .string(words), "content": ["application/json": ["schema": ref("Error")]]])
    }

    // MARK: - Parameters

    private static let parameters: [JSON.Member] = [
        path("model", ["type": "string"]), path("run", ref("RunName")),
        path("adjustment", ["type": "string", "pattern": "^a[1-9][0-9]*$"]),
        query("from", ref("Time"), "Required: the first time", required: true),
        query("to", ref("Time"), "Required: the time after the last", required: true),
        list(
            "by", ["type": "string", "enum": ["area", "category", "code", "hour", "hour_of_week", "day", "month"]],
            "What rows are of"),
        query("seq", ["type": "integer", "minimum": 0, "default": 0], "The first step"),
        query("count", ["type": "integer", "minimum": 1, "default": 1], "How many steps"),
        query(
            "format", ["type": "string", "enum": ["json", "csv", "columns", "counts", "none"], "default": "json"],
            "What of the incidents"),
        list("areas", ["type": "string"], "Codes; all without it"),
        list("categories", ["type": "string"], "Names; all without it"),
        query(
            "force", ["type": "string"], "Required: a force that there is a model of, in any spelling", required: true),
        query("month", ["type": "integer", "minimum": 1, "maximum": 12], "The whole year without it"),
        query(
            "year", ["type": "integer", "minimum": 1970, "maximum": 2208],
            "The first that begins after the model's records, without it"),
        query("seed", ["type": "integer", "minimum": 0, "default": 0], "Which of all possible months it is"),
        query(
            "data_format", ["type": "string", "enum": ["json", "csv"], "default": "json"], "A table as JSON, or as CSV",
            name: "format"),
        query("after", ["type": "integer", "minimum": 0], "The step that was heard last"),
        .init(
            "last_event",
            [
                "name": "Last-Event-ID", "in": "header", "schema": ["type": "integer", "minimum": 0],
                "description": "As after, which it goes before",
            ]),
    ]

    private static func path(_ name: String, _ schema: JSON) -> JSON.Member {
        .init(name, ["name": .string(name), "in": "path", "required": true, "schema": schema])
    }

    private static func query(
        _ id: String, _ schema: JSON, _ words: String, required: Bool = false, name: String? = nil
    ) -> JSON.Member {
        .init(
            id,
            [
                "name": .string(name ?? id), "in": "query", "required": .bool(required), "schema": schema,
                "description": .string(words),
            ])
    }

    /// Texts with commas between them.
    private static func list(_ name: String, _ items: JSON, _ words: String) -> JSON.Member {
        .init(
            name,
            [
                "name": .string(name), "in": "query", "style": "form", "explode": false,
                "schema": ["type": "array", "items": items], "description": .string(words),
            ])
    }
}
