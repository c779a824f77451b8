import Coupling
import Glibc
import Protocol

/// A journal that is looked at and not written: also one that a daemon is writing at the same time.
public struct JournalView {
    private let database: Database
    private let folder: String

    public init(folder: String) throws(JournalError) {
        self.folder = folder
        guard access(folder + "/" + Journal.fileName, F_OK) == 0 else {
            throw .storage(
                path: folder, reason: "there is no journal here: name the folder that 'crims serve' keeps its data in")
        }
        database = try Database(folder + "/" + Journal.fileName, .reading)
        let format = try database.integer("PRAGMA user_version")
        guard format == Journal.format else {
            throw .storage(
                path: database.path,
                reason: "no journal of this release (format \(format)); this one reads format \(Journal.format)")
        }
    }

    /// Hands on all rows in order, each with its run's name.
    ///
    /// - Parameter visit: takes a row, its run's name and what is wrong with the row, if anything.
    public func rows(_ visit: (StoredRecord, _ run: String, _ damage: String?) -> Void) throws(JournalError) {
        var ledger = Ledger()
        try rows(&ledger, visit)
    }

    private func rows(
        _ ledger: inout Ledger, _ visit: (StoredRecord, _ run: String, _ damage: String?) -> Void
    ) throws(JournalError) {
        // The tail first: what a daemon takes out of it afterwards is in the database then.
        let tail = Tail.read(folder + "/" + Tail.name)
        func take(_ row: StoredRecord) {
            let damage = ledger.take(row)
            visit(row, ledger.entries[row.opening]?.name ?? "?", damage)
        }
        let reader = try RowReader(database)
        while let row = try reader.next() { take(row) }
        let kept = ledger.rows + (try database.integer("SELECT coalesce(sum(records), 0) FROM removed"))
        for row in Tail.following(tail, max(kept, ledger.last)) { take(row) }
    }

    /// What a check has found.
    public struct Findings {
        public var records = 0
        public var runs = 0
        /// Requests that took steps, and the steps that they took.
        public var stepRequests = 0
        public var steps = 0
        /// Words for a person, each about one thing that is wrong.
        public var faults: [String] = []
    }

    /// Looks at everything: the database's own structure, every record's hash, that none is missing, and what `verify`
    /// finds by asking for it again.
    ///
    /// - Parameter verify: takes the records of runs that are in order; says what is wrong.
    public func check(_ verify: (Record) -> Refusal?) throws(JournalError) -> Findings {
        var findings = Findings()
        // The mark first: a daemon at work may write more records meanwhile, and never fewer.
        let acknowledged = Acknowledged.number(folder + "/" + Journal.markName)
        let structure = try database.prepare("PRAGMA integrity_check(10)")
        while try structure.next() {
            if let text = structure.text(0), text != "ok" { findings.faults.append("SQLite: \(text)") }
        }
        structure.reset()
        var ledger = Ledger()
        var damaged: Set<Int> = []
        try rows(&ledger) { row, name, damage in
            if let damage {
                findings.faults.append("run '\(name)': \(damage)")
                damaged.insert(row.opening)
            }
            guard !damaged.contains(row.opening) else { return }
            if row.event == .step {
                findings.stepRequests += 1
                findings.steps += row.steps ?? 0
            }
            do throws(Refusal) {
                if let refusal = verify(try row.record(run: name)) { throw refusal }
            } catch {
                findings.faults.append("record \(row.number): \(error.message)")
            }
        }
        findings.records = ledger.rows
        findings.runs = ledger.live.count
        let total = ledger.rows + (try database.integer("SELECT coalesce(sum(records), 0) FROM removed"))
        let known = max(ledger.last, acknowledged ?? 0)
        if total < known { findings.faults.append("\(known - total) of \(known) records are missing") }
        return findings
    }
}
