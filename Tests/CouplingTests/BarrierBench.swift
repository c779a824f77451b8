import Coupling
import Protocol
import Testing

extension Bench {
    /// A run with participants: a JSON list, or names without time-outs.
    func share(_ run: String = "r1", _ names: [String] = ["police", "courts", "abm"], _ more: String = "")
        throws
    {
        try open(run, #","participants":[\#(names.map { #"{"name":"\#($0)"}"# }.joined(separator: ","))]\#(more)"#)
    }

    /// Asks for a step and works; the replies that came of it, by id.
    func step(
        _ participant: String, _ more: String = "", run: String = "r1", id: String? = nil
    ) throws -> [String: JSON] {
        try answers {
            send(
                #"{"v":1,"id":"\#(id ?? participant)","op":"step","run":"\#(run)","participant":"\#(participant)"\#(more)}"#
            )
        }
    }

    /// What is answered while something is done, by id.
    func answers(_ change: () throws -> Void) throws -> [String: JSON] {
        let before = replies.count
        try change()
        hub.work { false }
        var answers: [String: JSON] = [:]
        for reply in replies.dropFirst(before) {
            let json = try JSON(parsing: reply.frames[0])
            let id = json["id"]?.text ?? ""
            #expect(answers[id] == nil, "one request has one answer")
            answers[id] = json
        }
        return answers
    }

    func status(_ run: String = "r1") throws -> JSON {
        try #require(try ask(#""op":"status","run":"\#(run)""#)["runs"]?.elements?[0])
    }

    func waitingFor(_ run: String = "r1") throws -> [String] {
        try status(run)["waiting_for"]?.elements?.compactMap { $0["name"]?.text } ?? []
    }

    func trail(_ run: String = "r1") throws -> [JSON] {
        try ask(#""op":"adjustments","run":"\#(run)""#)["adjustments"]?.elements ?? []
    }
}

extension JSON {
    func strings(_ name: String) -> [String]? { self[name]?.elements?.compactMap(\.text) }
}
