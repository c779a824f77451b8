import CrimsCore
import Protocol

extension Decoder {
    /// A frame is a request whose fields are in range, or is refused with words and an id that can be sent back.
    static let request = Decoder(name: "request", longest: 1_024) { bytes throws(Broken) in
        let request: Request
        do throws(RequestFailure) {
            request = try Request(frame: bytes)
        } catch {
            switch error.id {
            case nil, .null: break
            case .string(let id): try hold(id.utf8.count <= 128, "an id of \(id.utf8.count) bytes goes back")
            default: throw Broken("an id that is no string goes back")
            }
            return try holdRefusal(error.refusal)
        }
        try holdRange(of: request)
    }

    /// An adjustment as it stands in a file or a list: in range, and the same when read from what is kept of it.
    static let adjustment = Decoder(name: "adjustment", longest: 512) { bytes throws(Broken) in
        guard let document = try? JSON(parsing: bytes) else { return }
        let terms: AdjustmentTerms
        do throws(Refusal) {
            terms = try AdjustmentTerms(document, place: "adjust[0]: ")
        } catch {
            return try holdRefusal(error)
        }
        try holdRange(of: terms)
    }

    static func holdRefusal(_ refusal: Refusal) throws(Broken) {
        let codes: [ErrorCode] = [.badRequest, .limitExceeded, .unsupportedVersion, .unknownOp]
        try hold(codes.contains(refusal.code), "refused with \(refusal.code)")
        try hold(!refusal.message.isEmpty, "refused without a word")
        try hold(refusal.facts.allSatisfy(\.value.isWritable), "facts that cannot be written")
    }

    private static func holdRange(of request: Request) throws(Broken) {
        try hold(request.id?.utf8.count ?? 0 <= 128, "an id of \(request.id?.utf8.count ?? 0) bytes")
        try hold(Protocol.Operation.names.contains(request.operation.name), "op \(request.operation.name)")
        switch request.operation {
        case .open(let open):
            try hold(open.start.minutes >= 0 && open.start < .limit, "start \(open.start)")
            if let end = open.end {
                try hold(end > open.start && end <= .limit, "end \(end)")
                try hold(open.step.count(from: open.start, to: end) ?? 0 > 0, "end \(end) is on no boundary")
            }
            try hold(open.world.seed <= 1 << 53 - 1, "seed \(open.world.seed)")
            try holdName(open.run)
            try holdRange(of: open.participants)
            try hold((try? OpenRequest(open.json)) == open, "read again as something else: \(open.json)")
        case .fork(let fork):
            try holdName(fork.name)
            try holdRange(of: fork.participants)
            try hold((try? ForkRequest(fork.json)) == fork, "read again as something else: \(fork.json)")
        case .step(let step):
            try hold((0...1 << 53 - 1).contains(step.seq ?? 0), "seq \(step.seq ?? 0)")
            try hold((1...10_000_000).contains(step.count ?? 1), "count \(step.count ?? 1)")
            try hold(step.until == nil || step.count ?? 1 == 1, "both count and until")
            for terms in step.adjust { try holdRange(of: terms) }
        case .read(let read):
            try hold((0...1 << 53 - 1).contains(read.seq), "seq \(read.seq)")
            try hold((1...10_000_000).contains(read.count), "count \(read.count)")
            try hold(read.areas != [] && read.categories != [], "an empty list")
        case .adjust(_, let terms):
            try hold((0...1 << 53 - 1).contains(terms.seq ?? 0), "seq \(terms.seq ?? 0)")
            try holdRange(of: terms)
        case .rates(let rates):
            try hold(rates.from < rates.to && rates.to <= .limit, "from \(rates.from) to \(rates.to)")
            try hold(Set(rates.by).count == rates.by.count, "by \(rates.by)")
        case .hello, .describe, .retract, .adjustments, .status, .close, .delete: break
        }
    }

    private static func holdRange(of participants: [Participant]) throws(Broken) {
        try hold(Set(participants.map(\.name)).count == participants.count, "two participants of a name")
        for participant in participants {
            try hold((1...64).contains(participant.name.utf8.count), "a participant named \(participant.name)")
            try hold((1...366 * 86_400_000).contains(participant.timeout ?? 1), "waits for \(participant.timeout ?? 1)")
        }
    }

    private static func holdName(_ name: String?) throws(Broken) {
        guard let name else { return }
        let isPlain = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        try hold(isPlain && (1...64).contains(name.utf8.count), "a run named \(name)")
    }

    private static func holdRange(of terms: AdjustmentTerms) throws(Broken) {
        try hold((0...1_000).contains(terms.factor), "factor \(terms.factor)")
        try hold((0...1).contains(terms.displacement), "displacement \(terms.displacement)")
        try hold(terms.halfLife ?? 1 > 0, "half_life \(terms.halfLife ?? 0)")
        try hold(terms.key?.utf8.count ?? 0 <= 128, "a key of \(terms.key?.utf8.count ?? 0) bytes")
        for list in [terms.areas, terms.categories, terms.codes, terms.descriptions] {
            try hold(list != [], "an empty list")
        }
        if let from = terms.from, let until = terms.until { try hold(from < until, "from \(from) until \(until)") }
        if terms.displacement > 0 {
            try hold(
                terms.mode == .scale && terms.target == .incidence && terms.factor <= 1, "displacement does not fit")
        }
        try hold(JSON.object(terms.given).isWritable, "what is kept of it cannot be written")
        // The journal keeps what was given and reads it again.
        guard let kept = try? JSON(parsing: JSON.object(terms.given).bytes),
            let again = try? AdjustmentTerms(kept, place: "")
        else { throw Broken("cannot be read again: \(terms.given)") }
        var same = terms
        same.seq = nil
        try hold(again.asksTheSame(as: same), "read again as something else: \(terms.given)")
    }
}
