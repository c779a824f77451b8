import Coupling
import Glibc
import Hashing
import Protocol

/// What has been acknowledged, in an SQLite database with a write-ahead log and one writer, and what came last in a
/// ``Tail`` in front of it: each record is kept before it is answered.
///
/// What there are most of, steps and adjustments, goes into the tail, where that outlives what is asked for: the
/// process. It is put into the database when it is full, before any other record, and once a second.
public final class Journal: Recorder {
    /// What an acknowledgement outlives.
    public enum Sync: String, CaseIterable, Sendable {
        /// The end of the process, however it ends. After a failure of the machine, the last requests may be gone.
        case process
        /// That of the machine, too, as far as its disk keeps what it says it has kept.
        case power
    }

    /// What is told at the start.
    public enum Notice: Equatable {
        /// Requests that were acknowledged before the machine was restarted, and are not there.
        case lost(records: Int)
        /// The last record had been refused when it could not be committed, and has been taken out.
        case refusedRecordRemoved(number: Int)
    }

    public static let fileName = "journal.sqlite"
    static let markName = "acknowledged"
    /// Of the tables below.
    static let format = 1

    private let database: Database
    private let insertion: Statement
    private let mark: Acknowledged
    private let tail: Tail
    /// Whether a commit has failed since one was done: what it wrote may lie in SQLite's log, and would come back with
    /// the number of a record that were in the tail alone.
    private var isLogInDoubt = false
    private let sync: Sync
    private var ledger = Ledger()
    /// The number of the last record, those that were removed included.
    private var number = 0
    /// Why nothing can be written until the daemon is started again.
    private var failure: String?

    /// Opens the journal of a data folder, which must be locked, or makes it.
    public init(folder: String, sync: Sync = .process) throws(JournalError) {
        self.sync = sync
        // SQLite gives its other files the database's mode: what researchers do is theirs.
        let path = folder + "/" + Self.fileName
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        database = try Database(path, .writing)
        try database.run("PRAGMA locking_mode = NORMAL")
        guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw .storage(path: database.path, reason: "this file system cannot hold a write-ahead log: give another")
        }
        try database.run("PRAGMA synchronous = \(sync == .power ? "FULL" : "NORMAL")")
        switch try database.integer("PRAGMA user_version") {
        case 0: try database.run(Self.schema)
        case Self.format: break
        case let other:
            throw .storage(
                path: database.path,
                reason: "written by another release (format \(other)); this one reads format \(Self.format)")
        }
        insertion = try database.prepare("INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")
        mark = try Acknowledged(folder + "/" + Self.markName)
        tail = try Tail(folder + "/" + Tail.name)
    }

    private static let schema = """
        BEGIN;
        CREATE TABLE record(
            number INTEGER PRIMARY KEY, run INTEGER NOT NULL, event TEXT NOT NULL, seq INTEGER NOT NULL, steps INTEGER,
            incidents INTEGER, digest INTEGER, last_digest INTEGER, at INTEGER NOT NULL, who TEXT, body TEXT,
            hash BLOB NOT NULL) STRICT;
        CREATE TABLE removed(run INTEGER PRIMARY KEY, name TEXT NOT NULL, records INTEGER NOT NULL) STRICT;
        PRAGMA user_version = \(format);
        COMMIT;
        """

    /// Reads all that is kept, in order, and hands it on; once, before anything is appended.
    ///
    /// - Parameters:
    ///   - visit: takes the records of runs that are in order.
    ///   - damaged: is told the name of a run of which a record is not what was written, and why.
    public func load(
        _ visit: (Record) -> Void, damaged: (_ run: String, _ refusal: Refusal) -> Void
    ) throws(JournalError) -> [Notice] {
        var notices = try removeRefused()
        let rows = try RowReader(database)
        while let row = try rows.next() { try take(row, visit, damaged) }
        number = ledger.rows + (try database.integer("SELECT coalesce(sum(records), 0) FROM removed"))
        guard number >= ledger.last else {
            throw .damaged(
                path: database.path,
                reason: "of \(ledger.last) records \(ledger.last - number) are missing; \(Self.wayOut)")
        }
        for row in tail.resume(after: number) {
            try take(row, visit, damaged)
            number = row.number
        }
        if let lost = try recordsLost() { notices.append(.lost(records: lost)) }
        tail.eraseRest()
        mark.begin(.init(number: number))
        settle()
        try removeDeleted()
        return notices
    }

    private func take(
        _ row: StoredRecord, _ visit: (Record) -> Void, _ damaged: (_ run: String, _ refusal: Refusal) -> Void
    ) throws(JournalError) {
        let reason = ledger.take(row)
        if let reason, ledger.entries[row.opening] == nil {
            throw .damaged(path: database.path, reason: "\(reason); \(Self.wayOut)")
        }
        let entry = ledger.entry(row.opening)
        let name = entry?.name ?? ""
        do throws(Refusal) {
            if let reason { throw Refusal(.storage, "\(reason): run '\(name)' is stopped; \(Self.wayOut)") }
            if entry?.damage == nil || row.event == .close || row.event == .delete {
                visit(try row.record(run: name))
            }
        } catch {
            damaged(name, error)
        }
    }

    private static let wayOut = "put a back-up of the data folder back ('crims journal verify' tells all that is wrong)"

    /// Takes out a last record that was not acknowledged, if one was refused after the last that was: it may be that
    /// one, which could not be committed and lay in the log already.
    private func removeRefused() throws(JournalError) -> [Notice] {
        guard let found = mark.found?.mark, found.hasRefused else { return [] }
        let last = try database.integer("SELECT max(number) FROM record")
        guard last == found.number + 1 else { return [] }
        try database.run("DELETE FROM record WHERE number = \(last)")
        return [.refusedRecordRemoved(number: last)]
    }

    /// How many records were acknowledged and are not there, where that can be without damage.
    private func recordsLost() throws(JournalError) -> Int? {
        guard let (found, machine) = mark.found, number < found.number else { return nil }
        let lost = found.number - number
        guard sync == .process, machine != mark.machine else {
            throw .damaged(
                path: database.path,
                reason:
                    "\(lost) records that were acknowledged are missing at its end; \(Self.wayOut), or remove the file "
                    + "'\(Self.markName)' beside it to go on without them")
        }
        return lost
    }

    // MARK: - Writing

    public func append(_ record: Record) throws(Refusal) {
        if let failure { throw Refusal(.storage, failure) }
        var row = StoredRecord(record)
        row.number = number + 1
        let opens = row.event == .open || row.event == .fork
        guard let opening = opens ? row.number : ledger.live[record.run] else {
            throw Refusal(.internal, "the journal knows no run '\(record.run)'")
        }
        row.opening = opening
        row.at = time(nil)
        row.hash = ledger.hash(of: row)
        if try appendToTail(row) {
            ledger.takeOwn(row)
            number = row.number
            return mark.store(.init(number: number))
        }
        do throws(JournalError) {
            try fold()
            try insert(row)
            isLogInDoubt = false
        } catch {
            if !database.isIdle { try? database.run("ROLLBACK") }
            isLogInDoubt = true
            // Its frames may lie in the log already, to be found by the next start.
            mark.store(.init(number: number, hasRefused: true))
            throw refusal(error)
        }
        _ = ledger.take(row)
        number = row.number
        mark.store(.init(number: number))
        guard row.event == .delete else { return }
        do throws(JournalError) {
            try removeDeleted()
        } catch {
            // That the run is deleted is kept; its records go with the next one, or at the next start.
            if !database.isIdle { try? database.run("ROLLBACK") }
            isLogInDoubt = true
            _ = refusal(error)
        }
    }

    /// Whether a record is in the tail now: those that there are many of, as long as what the tail outlives is enough.
    ///
    /// - Throws: if the tail is full and the database does not take what is in it.
    private func appendToTail(_ row: StoredRecord) throws(Refusal) -> Bool {
        guard sync == .process, !isLogInDoubt else { return false }
        switch row.event {
        case .step, .adjust, .retract: break
        case .open, .fork, .close, .delete: return false
        }
        if tail.append(row) { return true }
        do throws(JournalError) {
            try fold()
        } catch {
            if !database.isIdle { try? database.run("ROLLBACK") }
            isLogInDoubt = true
            throw refusal(error)
        }
        return tail.append(row)
    }

    /// Puts what is in the tail into the database, so that whoever looks there sees it. If that fails, it stays where it
    /// is, and is tried again.
    public func settle() {
        do throws(JournalError) {
            try fold()
        } catch {
            if !database.isIdle { try? database.run("ROLLBACK") }
            isLogInDoubt = true
            _ = refusal(error)
        }
    }

    /// In a transaction of its own: all of it was acknowledged, and none of what follows.
    private func fold() throws(JournalError) {
        guard !tail.isEmpty else { return }
        let kept = try database.integer("SELECT max(number) FROM record")
        try database.run("BEGIN IMMEDIATE")
        for row in tail.rows where row.number > kept { try insert(row) }
        try database.run("COMMIT")
        tail.clear()
        isLogInDoubt = false
    }

    private func refusal(_ error: JournalError) -> Refusal {
        // After a failed sync the system may count pages as written that are not: no later sync can be believed.
        if case .unsynced = error, sync == .power {
            failure =
                "the disk failed to keep the journal (\(error)): nothing can be changed until the daemon has been "
                + "started again; reading goes on"
            return Refusal(.storage, failure ?? "")
        }
        return Refusal(
            .storage,
            "the journal cannot be written, so nothing was done (\(error)): make room and ask again; reading "
                + "goes on")
    }

    private func insert(_ row: StoredRecord) throws(JournalError) {
        insertion.bind(1, row.number)
        insertion.bind(2, row.opening)
        insertion.bind(3, text: row.event.rawValue)
        insertion.bind(4, row.seq)
        insertion.bind(5, row.steps)
        insertion.bind(6, row.incidents)
        insertion.bind(7, row.digest)
        insertion.bind(8, row.lastDigest)
        insertion.bind(9, row.at)
        insertion.bind(10, text: row.who)
        insertion.bind(11, text: row.body)
        row.hash.withBytes { insertion.bind(12, blob: $0) }
        try insertion.finish()
    }

    /// Removes the records of deleted runs that no fork needs: after the deletion was kept, in a transaction of its own,
    /// so that a deletion that is refused is a last record like any other.
    private func removeDeleted() throws(JournalError) {
        let gone = ledger.disposable
        guard !gone.isEmpty else { return }
        try database.run("BEGIN IMMEDIATE")
        for opening in gone {
            guard let entry = ledger.entries[opening] else { continue }
            // All of a run's records lie between its first and its last.
            let removal = try database.prepare("DELETE FROM record WHERE number BETWEEN ?1 AND ?2 AND run = ?1")
            removal.bind(1, opening)
            removal.bind(2, entry.last)
            try removal.finish()
            let note = try database.prepare("INSERT INTO removed VALUES (?, ?, ?)")
            note.bind(1, opening)
            note.bind(2, text: Array(entry.name.utf8))
            note.bind(3, entry.records)
            try note.finish()
        }
        try database.run("COMMIT")
        ledger.dispose(of: gone)
    }
}
