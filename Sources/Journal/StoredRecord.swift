import CrimsCore
import Coupling
import Hashing
import Protocol

/// A row of the journal: a record, its place, and the hash that chains it to the one before it of the same run.
public struct StoredRecord: Equatable, Sendable {
    /// From 1, one more with every record of the journal, also if records are removed.
    public var number: Int
    /// The number of the record that opened its run.
    public var opening: Int
    public var event: EventName
    /// The run's next step when it was asked.
    public var seq: Int
    public var steps: Int?
    public var incidents: Int?
    public var digest: Int?
    public var lastDigest: Int?
    /// Seconds since 1970, universal time: for people who look at it, and for nothing else.
    public var at: Int
    public var who: [UInt8]?
    /// What was asked, as JSON.
    public var body: [UInt8]?
    public var hash: BLAKE2b.Digest

    public enum EventName: String, CaseIterable, Sendable {
        case open, fork, step, adjust, retract, close, delete

        /// Its first letter.
        var code: UInt8 { rawValue.utf8.first ?? 0 }

        private static let byCode: [EventName?] = (0..<256).map { code in allCases.first { Int($0.code) == code } }

        init?(code: UInt8) {
            guard let event = Self.byCode[Int(code)] else { return nil }
            self = event
        }
    }

    /// Writes what its hash is of, after the hash of the record before it in its run; the first comes after none.
    func write(after previous: BLAKE2b.Digest?, to bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { head in
            var end = 0
            func add(_ value: Int) {
                head.storeBytes(of: Int64(value).littleEndian, toByteOffset: end, as: Int64.self)
                end += 8
            }
            func add(optional part: Int?) {
                head[end] = part == nil ? 0 : 1
                end += 1
                add(part ?? 0)
            }
            if let previous, let start = head.baseAddress {
                previous.copy(to: start)
                end = BLAKE2b.byteCount
            }
            add(number)
            add(opening)
            head[end] = event.code
            end += 1
            add(seq)
            // Each optional part says whether it is there, and how long it is: no two rows give the same bytes.
            add(optional: steps)
            add(optional: incidents)
            add(optional: digest)
            add(optional: lastDigest)
            add(at)
            bytes.append(contentsOf: head[..<end])
        }
        Self.add(text: who, &bytes)
        Self.add(text: body, &bytes)
    }

    private static func add(text: [UInt8]?, _ bytes: inout [UInt8]) {
        add(text?.count ?? -1, &bytes)
        if let text { bytes += text }
    }

    private static func add(_ value: Int, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: Int64(value).littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension StoredRecord {
    /// A row without a place.
    package init(
        event: EventName, seq: Int, steps: Int?, incidents: Int?, digest: Int?, lastDigest: Int?, body: [UInt8]?
    ) {
        self.init(
            number: 0, opening: 0, event: event, seq: seq, steps: steps, incidents: incidents, digest: digest,
            lastDigest: lastDigest, at: 0, who: nil, body: body, hash: .zero)
    }

    /// The row's part that a record gives; number, opening, time and hash are the journal's.
    package init(_ record: Record) {
        self.init(
            number: 0, opening: 0, event: .open, seq: 0, steps: nil, incidents: nil, digest: nil, lastDigest: nil,
            at: 0,
            who: record.who.map { Array($0.utf8) }, body: nil, hash: .zero)
        switch record.event {
        case .opened(let opening):
            body = Self.bytes([
                .init("run", .string(record.run)), .init("digest", .string(opening.digest)),
                .init("sampler", .number(Double(opening.sampler))), .init("open", opening.arguments.json),
            ])
        case .forked(let fork):
            event = .fork
            (seq, incidents) = (fork.nextSeq, fork.incidents)
            body = Self.bytes([.init("run", .string(record.run)), .init("fork", fork.request.json)])
        case .stepped(let step):
            event = .step
            (seq, steps, incidents) = (step.seq, step.steps, step.incidents)
            (digest, lastDigest) = (Int(bitPattern: UInt(step.digest)), Int(bitPattern: UInt(step.lastDigest)))
            if step.asked.contains(where: { $0.participant != nil }) {
                body = Self.bytes([.init("asked", .array(step.asked.map { .object(Self.members($0)) }))])
            } else if let asked = step.asked.first, !asked.adjust.isEmpty {
                body = Self.bytes(Self.members(asked))
            }
        case .adjusted(let terms, let id, let seq):
            event = .adjust
            self.seq = seq
            let meant = terms.seq.map { [JSON.Member("seq", .number(Double($0)))] } ?? []
            body = Self.bytes(meant + [.init("adjust", .object(terms.given)), .init("adjusted", .string(id))])
        case .retracted(let adjustment, let seq):
            event = .retract
            self.seq = seq
            body = Self.bytes([.init("adjustment", .string(adjustment))])
        case .closed(let seq):
            event = .close
            self.seq = seq
        case .deleted(let seq):
            event = .delete
            self.seq = seq
        }
    }

    private static func members(_ asked: Asked) -> [JSON.Member] {
        (asked.participant.map { [.init("participant", .string($0))] } ?? []) + [
            .init("adjust", .array(asked.adjust.map { .object($0.given) })),
            .init("adjusted", .array(asked.adjusted.map { .string($0) })),
        ]
    }

    private func asked(_ document: JSON) throws(Refusal) -> Asked {
        var asked = Asked(participant: document["participant"]?.text)
        for element in document["adjust"]?.elements ?? [] {
            asked.adjust.append(try AdjustmentTerms(element, place: "record \(number): "))
        }
        let ids = document["adjusted"]?.elements ?? []
        asked.adjusted = ids.compactMap(\.text)
        guard ids.count == asked.adjust.count, asked.adjusted.count == ids.count else { throw unreadable }
        return asked
    }

    private static func bytes(_ members: [JSON.Member]) -> [UInt8] {
        var writer = ByteWriter()
        writer.json(.object(members))
        return writer.bytes
    }

    /// The hash as lower-case hexadecimal digits.
    public var hashText: String { hash.text }

    /// What was asked, with its parts to look at; an empty object where there is nothing.
    public var document: JSON { body.flatMap { try? JSON(parsing: $0) } ?? .object([]) }

    /// The record that the row was made of.
    ///
    /// - Parameter run: the name of its run; an opening and a fork name it themselves.
    /// - Throws: `storage` if it is none that this release could have written.
    package func record(run: String) throws(Refusal) -> Record {
        let event: Record.Event
        switch self.event {
        case .open:
            let document = document
            guard let arguments = document["open"], let digest = document["digest"]?.text,
                let sampler = document["sampler"]?.number.flatMap({ Int(exactly: $0) })
            else { throw unreadable }
            event = .opened(
                .init(arguments: try OpenRequest(arguments), digest: digest, sampler: sampler))
        case .fork:
            guard let request = document["fork"], let incidents else { throw unreadable }
            event = .forked(.init(request: try ForkRequest(request), nextSeq: seq, incidents: incidents))
        case .step:
            guard let steps, let incidents, let digest, let lastDigest else { throw unreadable }
            var asked = Asked.nothing
            if body != nil {
                let document = document
                asked = []
                let parts = document["asked"]?.elements
                for part in parts ?? [document] { asked.append(try self.asked(part)) }
                // As they are written: each has a name, or there is one who has none and adjusts.
                let isWhole =
                    parts == nil
                    ? asked[0].participant == nil && !asked[0].adjust.isEmpty
                    : !asked.isEmpty && asked.allSatisfy { $0.participant != nil }
                guard isWhole else { throw unreadable }
            }
            event = .stepped(
                .init(
                    seq: seq, steps: steps, asked: asked, incidents: incidents,
                    digest: UInt64(UInt(bitPattern: digest)), lastDigest: UInt64(UInt(bitPattern: lastDigest))))
        case .adjust:
            let document = document
            guard let given = document["adjust"], let id = document["adjusted"]?.text else { throw unreadable }
            var terms = try AdjustmentTerms(given, place: "record \(number): ")
            if let meant = document["seq"] {
                guard let seq = meant.number.flatMap({ Int(exactly: $0) }) else { throw unreadable }
                terms.seq = seq
            }
            event = .adjusted(terms, id: id, seq: seq)
        case .retract:
            guard let adjustment = document["adjustment"]?.text else { throw unreadable }
            event = .retracted(adjustment: adjustment, seq: seq)
        case .close: event = .closed(seq: seq)
        case .delete: event = .deleted(seq: seq)
        }
        return Record(run: run, who: who.map { String(decoding: $0, as: UTF8.self) }, event: event)
    }

    var unreadable: Refusal { Refusal(.storage, "record \(number) of the journal is none of this release") }
}
