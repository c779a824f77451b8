import Glibc
import Protocol

/// The bytes of an archive that have arrived, in `NAME.part`, with what is known about them in `NAME.part.json`. While
/// one process has it no other gets it.
final class PartFile {
    let path: String
    private(set) var length: Int
    /// What is known of the bytes from an earlier time.
    let record: PartRecord?
    private let descriptor: Int32

    private static func recordPath(_ path: String) -> String { path + ".json" }

    /// Takes the part, which is made if there is none.
    ///
    /// - Returns: nil if another process has it.
    static func take(_ path: String) throws(FetchError) -> PartFile? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            if errno == EWOULDBLOCK { return nil }
            throw failure(path)
        }
        var (mine, there) = (stat(), stat())
        guard fstat(descriptor, &mine) == 0, stat(path, &there) == 0,
            // The one who had it may have finished meanwhile: then this is no part any more.
            mine.st_ino == there.st_ino, mine.st_dev == there.st_dev
        else {
            close(descriptor)
            return nil
        }
        return PartFile(path, descriptor, length: Int(mine.st_size))
    }

    private init(_ path: String, _ descriptor: Int32, length: Int) {
        self.path = path
        self.descriptor = descriptor
        self.length = length
        record = length > 0 ? Self.readRecord(Self.recordPath(path)) : nil
    }

    deinit { close(descriptor) }

    /// Throws away what is there; what comes is of the archive that the record is of.
    func replace(by record: PartRecord) throws(FetchError) {
        // First the bytes, so that a record never stands beside those of something else.
        guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path) }
        length = 0
        var members = [JSON.Member("url", .string(record.address))]
        if let size = record.size { members.append(.init("size", .number(Double(size)))) }
        if let etag = record.etag { members.append(.init("etag", .string(etag))) }
        if let date = record.lastModified { members.append(.init("last_modified", .string(date))) }
        var writer = ByteWriter()
        writer.json(.object(members))
        writer.raw("\n")
        let recordPath = Self.recordPath(path)
        let file = open(recordPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw Self.failure(recordPath) }
        defer { close(file) }
        guard write(file, writer.bytes, writer.count) == writer.count else { throw Self.failure(recordPath) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(FetchError) {
        var rest = bytes
        while !rest.isEmpty {
            let put = pwrite(descriptor, rest.baseAddress, rest.count, length)
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { throw Self.failure(path, kept: KeptPart(path: path, bytes: length)) }
            length += put
            rest = UnsafeRawBufferPointer(rebasing: rest[put...])
        }
    }

    /// Gives the part its archive's name, in the place of whatever has it; it is on the disk when this returns.
    func finish(as name: String) throws(FetchError) {
        guard fsync(descriptor) == 0, rename(path, name) == 0 else {
            throw Self.failure(path, kept: KeptPart(path: path, bytes: length))
        }
        unlink(Self.recordPath(path))
        let slash = name.lastIndex(of: "/")
        let folder = open(slash.map { String(name[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Leaves nothing behind of a part that never began.
    func removeIfEmpty() {
        guard length == 0 else { return }
        unlink(path)
        unlink(Self.recordPath(path))
    }

    private static func readRecord(_ path: String) -> PartRecord? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let got = read(descriptor, &bytes, bytes.count)
        guard got > 0, let record = try? JSON(parsing: Array(bytes[..<got])), let address = record["url"]?.text else {
            return nil
        }
        return PartRecord(
            address: address, size: record["size"]?.number.flatMap { Int(exactly: $0) }, etag: record["etag"]?.text,
            lastModified: record["last_modified"]?.text)
    }

    private static func failure(_ path: String, kept: KeptPart? = nil) -> FetchError {
        let reason = String(cString: strerror(errno))
        return .storage(path: path, reason: reason, kept: kept.flatMap { $0.bytes > 0 ? $0 : nil })
    }
}
