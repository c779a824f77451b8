import CSQLite
import Glibc
import Hashing

/// Why the journal cannot be had or is not what was written.
public enum JournalError: Error, Equatable, CustomStringConvertible {
    /// What SQLite says to a call.
    case storage(path: String, reason: String)
    /// The disk does not say that it has kept what it was given.
    case unsynced(path: String, reason: String)
    /// The file is not what was written.
    case damaged(path: String, reason: String)

    public var description: String {
        switch self {
        case .storage(let path, let reason), .unsynced(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason)"
        }
    }
}

/// One connection to an SQLite database; used by one thread.
package final class Database {
    let path: String
    private let handle: OpaquePointer

    package enum Mode { case writing, reading }

    package init(_ path: String, _ mode: Mode) throws(JournalError) {
        self.path = path
        let access = mode == .writing ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close(handle)
            throw .storage(path: path, reason: reason)
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
    }

    deinit { sqlite3_close(handle) }

    /// What went wrong last, in SQLite's words and with the system's reason behind them.
    var failure: JournalError {
        let code = sqlite3_errcode(handle)
        // Of a commit that fails, SQLite does not keep the system's reason.
        let system = sqlite3_system_errno(handle) == 0 ? errno : sqlite3_system_errno(handle)
        var reason = String(cString: sqlite3_errmsg(handle))
        if code & 0xFF == SQLITE_IOERR, system != 0 { reason += " (\(String(cString: strerror(system))))" }
        if code == SQLITE_IOERR | 4 << 8 || code == SQLITE_IOERR | 5 << 8 {
            return .unsynced(path: path, reason: reason)
        }
        let isDamage = code & 0xFF == SQLITE_CORRUPT || code & 0xFF == SQLITE_NOTADB
        return isDamage ? .damaged(path: path, reason: reason) : .storage(path: path, reason: reason)
    }

    /// Whether no transaction is open.
    var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

    package func run(_ sql: String) throws(JournalError) {
        errno = 0
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    /// The first column of the first row of a query, as text.
    func text(_ sql: String) throws(JournalError) -> String? {
        let statement = try prepare(sql)
        return try statement.next() ? statement.text(0) : nil
    }

    package func integer(_ sql: String) throws(JournalError) -> Int {
        let statement = try prepare(sql)
        return try statement.next() ? statement.integer(0) : 0
    }

    func prepare(_ sql: String) throws(JournalError) -> Statement {
        var statement: OpaquePointer?
        errno = 0
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw failure }
        return Statement(statement, of: self)
    }
}

/// A prepared statement. Parameters are numbered from 1, columns from 0.
final class Statement {
    private let handle: OpaquePointer
    // A statement ends before its connection.
    private let database: Database

    init(_ handle: OpaquePointer, of database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    func reset() { sqlite3_reset(handle) }

    /// Whether there is another row.
    func next() throws(JournalError) -> Bool {
        errno = 0
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw database.failure
        }
    }

    /// Runs it to its end, so that it can be run again, also after a failure.
    func finish() throws(JournalError) {
        errno = 0
        let code = sqlite3_step(handle)
        // Before the reset, which would repeat the code and lose the system's reason.
        let failure = code == SQLITE_DONE || code == SQLITE_ROW ? nil : database.failure
        sqlite3_reset(handle)
        if let failure { throw failure }
    }

    func bind(_ index: Int32, _ value: Int?) {
        if let value { sqlite3_bind_int64(handle, index, Int64(value)) } else { sqlite3_bind_null(handle, index) }
    }

    /// The bytes are copied.
    func bind(_ index: Int32, text: [UInt8]?) {
        guard let text else { return _ = sqlite3_bind_null(handle, index) }
        // One byte more: an empty array has no address, and without one SQLite would bind null.
        (text + [0]).withUnsafeBytes {
            _ = sqlite3_bind_text(
                handle, index, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), Self.transient)
        }
    }

    func bind(_ index: Int32, text: String) {
        _ = sqlite3_bind_text(handle, index, text, Int32(text.utf8.count), Self.transient)
    }

    func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
        _ = sqlite3_bind_blob(handle, index, blob.baseAddress, Int32(blob.count), Self.transient)
    }

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }

    /// Nil unless it is an integer.
    func optionalInteger(_ column: Int32) -> Int? {
        sqlite3_column_type(handle, column) == SQLITE_INTEGER ? integer(column) : nil
    }

    /// Of a text.
    func firstByte(_ column: Int32) -> UInt8? { sqlite3_column_text(handle, column).map { $0[0] } }

    func isText(_ column: Int32, _ text: String) -> Bool {
        guard let own = sqlite3_column_text(handle, column) else { return false }
        return text.withCString { strcmp(UnsafeRawPointer(own).assumingMemoryBound(to: CChar.self), $0) == 0 }
    }

    func text(_ column: Int32) -> String? { bytes(column).map { String(decoding: $0, as: UTF8.self) } }

    /// A text's or blob's bytes; nil if it is null.
    func bytes(_ column: Int32) -> [UInt8]? {
        guard sqlite3_column_type(handle, column) != SQLITE_NULL else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// A blob that is a hash; zero if it is none.
    func digest(_ column: Int32) -> BLAKE2b.Digest {
        guard let start = sqlite3_column_blob(handle, column) else { return .zero }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        return BLAKE2b.Digest(bytes) ?? .zero
    }

    /// SQLite takes a copy.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
