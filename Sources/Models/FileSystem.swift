import Glibc

/// The few calls of the file system that models need; `EINTR` is tried again here and nowhere else.
package enum FileSystem {
    package enum Kind {
        case folder
        case file
        case nothing
    }

    package static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .nothing }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    /// A file or folder, whatever path leads to it.
    package struct Identity: Hashable {
        private var device: UInt64
        private var number: UInt64

        fileprivate init(_ status: stat) {
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
        }
    }

    /// Nil if nothing is there.
    package static func identity(of path: String) -> Identity? {
        var status = stat()
        return stat(path, &status) == 0 ? Identity(status) : nil
    }

    /// The whole file, or nil if there is none.
    package static func read(_ path: String) throws(ModelError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("fstat", path) }
        // One byte more than the file has, so that the end is seen without growing; a pipe has no size.
        var bytes = [UInt8](repeating: 0, count: max(Int(status.st_size), 4_095) + 1)
        var filled = 0
        while true {
            if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            }
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw failure("read", path)
            }
            filled += got
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Makes a file that is on the disk when this returns.
    package static func write(_ bytes: [UInt8], to path: String) throws(ModelError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("open", path) }
        var written = 0
        while written < bytes.count {
            let put = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if put < 0 {
                if errno == EINTR { continue }
                let error = failure("write", path)
                close(descriptor)
                throw error
            }
            written += put
        }
        let synced = fsync(descriptor)
        let error = failure("fsync", path)
        guard close(descriptor) == 0 else { throw failure("close", path) }
        guard synced == 0 else { throw error }
    }

    /// Names in a folder, sorted by their bytes, without `.` and `..`; nil if it cannot be opened.
    package static func names(in path: String) -> [String]? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package static func makeFolder(_ path: String) throws(ModelError) {
        guard mkdir(path, 0o777) == 0 else { throw failure("mkdir", path) }
    }

    /// Makes a folder and those above it, as far as they are missing.
    ///
    /// - Returns: Those that were made, the innermost first.
    @discardableResult
    package static func makeFolders(_ path: String) throws(ModelError) -> [String] {
        if path.isEmpty || kind(of: path) == .folder { return [] }
        let above = try makeFolders(parent(of: path))
        if mkdir(path, 0o777) != 0 {
            if errno == EEXIST { return above }
            let error = failure("mkdir", path)
            for folder in above { removeEmptyFolder(folder) }
            throw error
        }
        return [path] + above
    }

    package static func rename(_ old: String, _ new: String) throws(ModelError) {
        guard Glibc.rename(old, new) == 0 else { throw failure("rename", new) }
    }

    /// Removes a folder that holds files only, and says nothing if it cannot: what remains is a hidden folder.
    package static func removeFolder(_ path: String) {
        for name in names(in: path) ?? [] { unlink(path + "/" + name) }
        rmdir(path)
    }

    static func removeEmptyFolder(_ path: String) { rmdir(path) }

    /// Makes a renaming survive a loss of power.
    static func syncFolder(_ path: String) {
        let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The path with symbolic links and dots resolved, or nil if there is nothing there.
    static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    /// Whether two paths lead to the same folder, or would once it is there.
    package static func isSame(_ left: String, _ right: String) -> Bool {
        let left = ModelFolder.trimmed(left.isEmpty ? "." : left)
        let right = ModelFolder.trimmed(right)
        if left == right { return true }
        guard let resolved = resolved(left) else { return false }
        return resolved == self.resolved(right)
    }

    /// All before the last component, without the slash; empty for a bare name.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func lastComponent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    static func failure(_ call: String, _ path: String) -> ModelError {
        let number = errno
        return .system(call: call, path: path, errno: number, reason: String(cString: strerror(number)))
    }
}
