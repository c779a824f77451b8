import Glibc
import Models

/// A folder of a test's own, gone with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array((P_tmpdir + "/crims-calibration-XXXXXX").utf8CString)
        precondition(mkdtemp(&template) != nil, "mkdtemp failed")
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in FileSystem.names(in: path) ?? [] {
            if FileSystem.kind(of: path + "/" + name) == .folder { remove(path + "/" + name) }
        }
        FileSystem.removeFolder(path)
    }

    /// Makes or replaces a file.
    @discardableResult
    func set(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        unlink(path + "/" + name)
        try FileSystem.write(Array(bytes), to: path + "/" + name)
        return path + "/" + name
    }
}
