import Coupling
import Journal
import Protocol

extension Decoder {
    /// A row of the journal, as a line of its event and numbers and a body after it: it is refused, or it is a record
    /// that comes back the same from the row that is made of it.
    static let record = Decoder(name: "record", longest: 768) { bytes throws(Broken) in
        let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
        let words = parts[0].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard let event = words.first.flatMap({ StoredRecord.EventName(rawValue: $0) }) else { return }
        let numbers = words.dropFirst().map { Int($0) }
        func number(_ index: Int) -> Int? { index < numbers.count ? numbers[index] : nil }
        let row = StoredRecord(
            event: event, seq: number(0) ?? 0, steps: number(1), incidents: number(2), digest: number(3),
            lastDigest: number(4), body: parts.count > 1 ? Array(parts[1]) : nil)
        let record: Record
        do throws(Refusal) {
            record = try row.record(run: "r1")
        } catch {
            return try hold(!error.message.isEmpty, "refused without a word")
        }
        try hold(try JournalRecord.kept(record) == record, "comes back as something else: \(record)")
    }
}

/// A record's way through the journal, without the journal.
enum JournalRecord {
    static func kept(_ record: Record) throws(Broken) -> Record {
        do throws(Refusal) {
            return try StoredRecord(record).record(run: record.run)
        } catch {
            throw Broken("does not come back from the journal: \(error.message); \(record)")
        }
    }
}
