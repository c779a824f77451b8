import CSystem
import Glibc
import Hashing
import Protocol

/// Why a data folder or a lock cannot be had.
public enum DataFolderError: Error, Equatable, CustomStringConvertible {
    /// Another daemon has it; the process id is 0 if it did not say.
    case inUse(path: String, process: Int)
    case damaged(path: String, reason: String)
    case system(call: String, path: String, reason: String)

    public var description: String {
        switch self {
        case .inUse(let path, let process):
            "\(path) is in use by another daemon (process \(process)): end that one, or give another path"
        case .damaged(let path, let reason): "\(path): \(reason)"
        case .system(let call, let path, let reason): "\(path): \(call) failed: \(reason)"
        }
    }
}

/// What a daemon keeps on disk: an id by which clients know it again, how often it has been started, and a lock that
/// keeps a second daemon out. The journal of runs has its place here.
public final class DataFolder {
    public let path: String
    /// 32 hexadecimal digits, drawn when the folder was made.
    public let journal: String
    /// 1 at the first start.
    public let boot: Int
    private let lock: FileLock

    /// Takes the folder, which is made if it is missing.
    public init(_ path: String) throws(DataFolderError) {
        self.path = path
        try Self.makeFolders(path)
        lock = try FileLock(path + "/lock", of: path)
        (journal, boot) = try Self.start(path)
    }

    /// Counts this start.
    private static func start(_ path: String) throws(DataFolderError) -> (journal: String, boot: Int) {
        let identityPath = path + "/identity.json"
        let earlier = try identity(identityPath)
        let journal: String
        if let earlier { journal = earlier.journal } else { journal = try newID() }
        let boot = (earlier?.boot ?? 0) + 1
        try replace(identityPath, journal: journal, boot: boot)
        return (journal, boot)
    }

    /// An id for a daemon that keeps nothing.
    public static func newID() throws(DataFolderError) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard crims_random(&bytes, bytes.count) == 0 else { throw failure("getrandom", "") }
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static func identity(_ path: String) throws(DataFolderError) -> (journal: String, boot: Int)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard let document = try? JSON(parsing: FileLock.beginning(of: descriptor)),
            let journal = document["journal"]?.text,
            let boot = document["boot"]?.number.flatMap({ Int(exactly: $0) }), (0..<1 << 53).contains(boot),
            // Folders of the first releases have none.
            document["check"].map({ $0.text == check(journal, boot) }) ?? true
        else {
            throw .damaged(path: path, reason: "not the identity of a data folder; restore it, or use a new folder")
        }
        return (journal, boot)
    }

    /// Writes a new file and puts it in the old one's place, so that there is always a whole one.
    private static func replace(_ path: String, journal: String, boot: Int) throws(DataFolderError) {
        var writer = ByteWriter()
        writer.json(
            .object([
                .init("journal", .string(journal)), .init("boot", .number(Double(boot))),
                .init("check", .string(check(journal, boot))),
            ]))
        writer.raw("\n")
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open", new) }
        let written = write(descriptor, writer.bytes, writer.count)
        let synced = fsync(descriptor)
        close(descriptor)
        guard written == writer.count, synced == 0 else { throw failure("write", new) }
        guard rename(new, path) == 0 else { throw failure("rename", path) }
    }

    /// By which a damaged id is told from another's, which clients would go by.
    private static func check(_ journal: String, _ boot: Int) -> String {
        BLAKE2b.hash(Array("\(journal) \(boot)".utf8)).text
    }

    private static func makeFolders(_ path: String) throws(DataFolderError) {
        var status = stat()
        if path.isEmpty || stat(path, &status) == 0 { return }
        if let slash = path.lastIndex(of: "/") { try makeFolders(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir", path) }
    }

    static func failure(_ call: String, _ path: String) -> DataFolderError {
        .system(call: call, path: path, reason: String(cString: strerror(errno)))
    }
}
