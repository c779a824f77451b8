import Glibc
import Models

/// A folder of a test's own, gone with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array((P_tmpdir + "/crims-models-XXXXXX").utf8CString)
        precondition(mkdtemp(&template) != nil, "mkdtemp failed")
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    static func remove(_ path: String) {
        for name in FileSystem.names(in: path) ?? [] {
            if FileSystem.kind(of: path + "/" + name) == .folder { remove(path + "/" + name) }
        }
        FileSystem.removeFolder(path)
    }

    func text(_ name: String) throws -> String {
        String(decoding: try FileSystem.read(path + "/" + name) ?? [], as: UTF8.self)
    }

    /// Makes or replaces a file; nil removes it.
    func set(_ name: String, _ text: String?) throws {
        unlink(path + "/" + name)
        if let text { try FileSystem.write(Array(text.utf8), to: path + "/" + name) }
    }
}

extension String {
    /// The text with the first `old` replaced.
    func replacing(_ old: String, with new: String) -> String {
        for start in indices where self[start...].hasPrefix(old) {
            return String(self[..<start]) + new + String(self[index(start, offsetBy: old.count)...])
        }
        preconditionFailure("\"\(old)\" is not in the text")
    }

    /// The text with every `old` replaced by `new`, a character each.
    func replacingAll(_ old: Character, with new: String) -> String {
        map { $0 == old ? new : String($0) }.joined()
    }
}
