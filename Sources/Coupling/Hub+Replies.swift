import CrimsCore
import Protocol

extension Hub {
    /// A reply's first members; the caller adds its own, each with a comma before it.
    func begin(_ op: StaticString, id: String?) -> ByteWriter {
        ByteWriter.reply(op, id: id)
    }

    /// Ends the object and sends it with the frames that belong to it.
    func reply(_ writer: consuming ByteWriter, _ frames: [[UInt8]] = [], to peer: Peer, run: Run? = nil) {
        writer.raw("}")
        guard let run else { return emit(.reply(peer, [writer.bytes] + frames)) }
        let began = now()
        emit(.reply(peer, [writer.bytes] + frames))
        let sent = now()
        run.timings.sending.add(nanoseconds: sent - began)
        tally.sending.add(nanoseconds: sent - began)
        run.timings.repliedAt = sent
    }

    func refuse(_ refusal: Refusal, id: JSON?, op: String?, to peer: Peer) {
        tally.refusals[refusal.code, default: 0] += 1
        var members: [JSON.Member] = [.init("v", .number(1))]
        if let id { members.append(.init("id", id)) }
        if let op { members.append(.init("op", .string(op))) }
        members.append(.init("ok", .bool(false)))
        let error =
            [
                JSON.Member("code", .string(refusal.code.rawValue)), .init("message", .string(refusal.message)),
            ] + refusal.facts
        members.append(.init("error", .object(error)))
        var writer = ByteWriter()
        writer.json(.object(members))
        emit(.reply(peer, [writer.bytes]))
    }

    // MARK: - Publications

    /// Something that happened to a run.
    func publish(_ event: String, of run: Run) {
        guard run.arguments.publish else { return }
        publish(.object(news(event, of: run)), topic: "run/\(run.name)/")
    }

    private func news(_ event: String, of run: Run) -> [JSON.Member] {
        var members: [JSON.Member] = [
            .init("run", .string(run.name)), .init("event", .string(event)),
            .init("next_seq", .number(Double(run.nextSeq))), .init("time", .string(TimeText.format(run.time))),
        ]
        if let origin = run.origin { members.append(.init("forked_from", .string(origin.request.run))) }
        return members
    }

    func publish(_ adjustment: AcceptedAdjustment, of run: Run) {
        guard run.arguments.publish else { return }
        publish(
            .object([.init("run", .string(run.name))] + trail(adjustment, at: run.time)),
            topic: "adjustment/\(run.name)/")
    }

    private func publish(_ payload: @autoclosure () -> JSON, topic: String) {
        let topic = Array(topic.utf8)
        guard isHeard() || subscriptions.wants(topic) else { return }
        var writer = ByteWriter()
        writer.json(payload())
        emit(.publish(topic: topic, payload: writer.bytes))
    }

    /// A line of the audit trail.
    func trail(_ adjustment: AcceptedAdjustment, at time: CivilMinute) -> [JSON.Member] {
        var members: [JSON.Member] = [
            .init("adjustment", .string(adjustment.id)),
            .init("effective_from", .string(TimeText.format(adjustment.scheduled.adjustment.from))),
            .init("seq", .number(Double(adjustment.seq))), .init("state", .string(adjustment.state(at: time))),
        ]
        members += adjustment.terms.given
        if let retraction = adjustment.retraction {
            members.append(.init("retracted_at", .string(TimeText.format(retraction.time))))
        }
        if adjustment.displacementLostPerDay > 0 {
            // To 9 digits, as all expected counts are written.
            let text = Decimal.format(adjustment.displacementLostPerDay, significantDigits: 9)
            members.append(.init("displacement_lost_per_day", .number(Decimal.parse(text.utf8) ?? 0)))
        }
        return members
    }
}

extension ByteWriter {
    static func reply(_ op: StaticString, id: String?) -> ByteWriter {
        var writer = ByteWriter(capacity: 4_096)
        writer.raw("{\"v\":1")
        if let id {
            writer.raw(",\"id\":")
            writer.quoted(id)
        }
        writer.raw(",\"op\":\"")
        writer.raw(op)
        writer.raw("\",\"ok\":true")
        return writer
    }

    mutating func run(_ name: String) {
        raw(",\"run\":")
        quoted(name)
    }
}
