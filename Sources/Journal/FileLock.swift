import Glibc

/// A lock on a file that is held until the process ends, however it ends, and says who holds it.
public final class FileLock {
    private let descriptor: Int32

    /// - Parameters:
    ///   - path: the lock's file; it is made, and stays.
    ///   - thing: what is locked, for the message.
    public init(_ path: String, of thing: String) throws(DataFolderError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DataFolder.failure("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = String(decoding: Self.beginning(of: descriptor), as: UTF8.self).prefix {
                $0.isASCII && $0.isNumber
            }
            close(descriptor)
            throw .inUse(path: thing, process: Int(holder) ?? 0)
        }
        let process = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, process, process.count, 0)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The first bytes of a small file.
    static func beginning(of descriptor: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let got = pread(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, got)))
    }
}
