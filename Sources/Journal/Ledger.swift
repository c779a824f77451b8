import Hashing
import Protocol

/// The runs of a journal as its rows tell them, one after the other: each run's chain, name and parent.
struct Ledger {
    final class Entry {
        let name: String
        /// The run that it was forked from.
        let parent: Int?
        /// Of its last record.
        var hash: BLAKE2b.Digest
        var records = 1
        /// The number of its last record.
        var last: Int
        var isDeleted = false
        /// Why what is kept of it cannot be used; nil if it can.
        var damage: String?
        /// Forks of it that are still kept.
        var children = 0

        init(name: String, parent: Int?, hash: BLAKE2b.Digest, last: Int) {
            self.name = name
            self.parent = parent
            self.hash = hash
            self.last = last
        }
    }

    /// By the number of the opening record.
    private(set) var entries: [Int: Entry] = [:]
    /// The runs that there are, by name.
    private(set) var live: [String: Int] = [:]
    /// The number of the last record.
    private(set) var last = 0
    /// How many rows have been taken.
    private(set) var rows = 0

    /// What a hash is taken of; kept for its memory.
    private var bytes: [UInt8] = []
    /// The run of the row before: the next one is mostly of the same.
    private var latest: (opening: Int, entry: Entry)?

    /// The hash that a run's next record has.
    mutating func hash(of row: StoredRecord) -> BLAKE2b.Digest {
        row.write(after: entry(row.opening)?.hash, to: &bytes)
        return BLAKE2b.hash(bytes)
    }

    private mutating func isChained(_ row: StoredRecord, after previous: BLAKE2b.Digest?) -> Bool {
        row.write(after: previous, to: &bytes)
        return BLAKE2b.hash(bytes) == row.hash
    }

    /// The run that a record opened.
    mutating func entry(_ opening: Int) -> Entry? {
        if latest?.opening != opening { latest = entries[opening].map { (opening, $0) } }
        return latest?.entry
    }

    /// Takes the next row.
    ///
    /// - Returns: what is wrong with it; its run is damaged from then on.
    mutating func take(_ row: StoredRecord) -> String? {
        rows += 1
        guard row.number > last else { return "record \(row.number) comes after record \(last)" }
        last = row.number
        if row.event == .open || row.event == .fork { return open(row) }
        guard let entry = entry(row.opening) else {
            return "record \(row.number) is of a run whose opening, record \(row.opening), is not there"
        }
        let damage = isChained(row, after: entry.hash) ? nil : Self.altered(row)
        count(row, of: entry)
        if entry.damage == nil { entry.damage = damage }
        // Records of a deleted run are removed, so a row that was altered into a deletion is none.
        if row.event == .delete, damage == nil, !entry.isDeleted {
            entry.isDeleted = true
            live[entry.name] = nil
        }
        return damage
    }

    private func count(_ row: StoredRecord, of entry: Entry) {
        entry.hash = row.hash
        entry.records += 1
        entry.last = row.number
    }

    /// Takes a row that was made with ``hash(of:)`` just now, and neither opens nor deletes a run.
    mutating func takeOwn(_ row: StoredRecord) {
        rows += 1
        last = row.number
        if let entry = entry(row.opening) { count(row, of: entry) }
    }

    private mutating func open(_ row: StoredRecord) -> String? {
        let document = row.document
        guard row.opening == row.number, isChained(row, after: nil), let name = document["run"]?.text else {
            return Self.altered(row)
        }
        let parent = document["fork"]?["run"]?.text.flatMap { live[$0] }
        if let parent { entries[parent]?.children += 1 }
        entries[row.number] = Entry(name: name, parent: parent, hash: row.hash, last: row.number)
        live[name] = row.number
        return nil
    }

    private static func altered(_ row: StoredRecord) -> String {
        "record \(row.number) is not what was written, or one before it is missing"
    }

    /// The runs that can go: those that are deleted and of which no fork is kept that does not go, too.
    var disposable: [Int] {
        var gone: [Int] = []
        var children: [Int: Int] = [:]
        // Forks come after what they were made of.
        for (opening, entry) in entries.sorted(by: { $0.key > $1.key })
        where entry.isDeleted && entry.children == children[opening, default: 0] {
            gone.append(opening)
            if let parent = entry.parent { children[parent, default: 0] += 1 }
        }
        return gone
    }

    mutating func dispose(of openings: [Int]) {
        for opening in openings {
            if let parent = entries[opening]?.parent { entries[parent]?.children -= 1 }
            entries[opening] = nil
        }
        latest = nil
    }
}
