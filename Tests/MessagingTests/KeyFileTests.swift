import Coupling
import Glibc
import Messaging
import Protocol
import Testing

/// A folder that is gone when the test is over.
final class KeyFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/crims-keys-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in names { unlink(path + "/" + file) }
        rmdir(path)
    }

    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode)
        fchmod(descriptor, mode)
        _ = Glibc.write(descriptor, text, text.utf8.count)
        close(descriptor)
    }
}

@Suite struct KeyFileTests {
    static let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

    static func read(_ text: String) throws(KeyProblem) -> KeyFile { try KeyFile(Array(text.utf8), path: "a.key") }

    @Test(arguments: [
        "metadata\n    role = \"policy\"\ncurve\n    public-key = \"\(key)\"\n",
        "# by hand\r\n\r\ncurve\r\n\tpublic-key='\(key)' # its own\r\nmetadata\r\n\trole  =  policy  # for now\r\n",
        "curve\n  public-key = \(key)\n\nmetadata\n  role = policy",
    ])
    func `a certificate is read however it is spelt`(text: String) throws {
        let file = try Self.read(text)
        #expect(file.keys == KeyPair(publicKey: Self.key, secretKey: nil))
        #expect(file.metadata.map(\.name) == ["role"] && file.metadata.map(\.value) == ["policy"])
    }

    @Test(
        arguments: [
            ("", nil, "no public-key"), ("metadata\n", nil, "no public-key"),
            ("curve\n    public-key = \"\(key.dropLast())\"\n", 2, "no key"),
            ("curve\n    public-key = \"\(key.dropLast())~\"\n", 2, "no key"),
            ("curve\n    public-key = \"%%%%%\(key.dropFirst(5))\"\n", 2, "no key"),
            ("curve\n    public-key = \"\(key)\n", 2, "expected"), ("curve\n    public-key\n", 2, "expected"),
            ("curve\n    public-key = \"\(key)\" x\n", 2, "expected"), ("curve\n    public-key =\n", 2, "expected"),
            ("curve\n    pubic-key = \"\(key)\"\n", 2, "pubic-key"), ("curves\n", 1, "expected"),
            ("    role = driver\n", 1, "before"), ("metadata\n    a = 1\n    a = 2\n", 3, "twice"),
            ("curve\n    public-key = \"\(key)\"\n    public-key = \"\(key)\"\n", 3, "twice"),
            ("curve\n    public-key = \"\u{1}\"\n", 2, "text"),
        ] as [(String, Int?, String)])
    func `what is malformed is told by its line`(text: String, line: Int?, word: String) throws {
        let problem = try #require(#expect(throws: KeyProblem.self) { try Self.read(text) })
        #expect(problem.line == line && problem.reason.contains(word), "\(problem)")
    }

    @Test func `bytes that are no text are refused`() throws {
        let problem = try #require(
            #expect(throws: KeyProblem.self) { try KeyFile([10, 0xFF, 0xFE, 10], path: "a.key") })
        #expect("\(problem)" == "a.key:2: it is not text")
    }

    @Test(arguments: [nil, .observer, .policy, .driver] as [Role?])
    func `a new pair is read back`(role: Role?) throws {
        let folder = try KeyFolder()
        let written = try KeyFile.make("alice", role: role, in: folder.path)
        #expect(folder.names == ["alice.key", "alice.key_secret"])
        let open = try KeyFile(public: written.publicPath)
        let secret = try KeyFile(secret: written.secretPath)
        #expect(open.keys.secretKey == nil && secret.keys.secretKey != nil)
        #expect(open.keys.publicKey == secret.keys.publicKey && open.keys.publicKey == written.publicKey)
        for file in [open, secret] {
            #expect(file.metadata.first { $0.name == "role" }?.value == role?.rawValue)
        }
        #expect(throws: KeyProblem.self) { try KeyFile(public: written.secretPath) }
        #expect(throws: KeyProblem.self) { try KeyFile(secret: written.publicPath) }
    }

    @Test func `nothing is overwritten and no half of a pair is left`() throws {
        let folder = try KeyFolder()
        folder.write("alice.key", "mine")
        #expect(throws: MessagingError.self) { try KeyFile.make("alice", role: nil, in: folder.path) }
        #expect(folder.names == ["alice.key"])
    }

    @Test(arguments: [
        ("alice", true), ("Jo.Bloggs_2-x", true), ("", false), (".hidden", false), ("-o", false),
        ("a/b", false), ("a b", false), ("é", false), (String(repeating: "a", count: 65), false),
    ])
    func `names are those of files`(name: String, isGood: Bool) { #expect(KeyFile.isName(name) == isGood) }
}

@Suite struct ClientKeysTests {
    private func certificate(_ key: String, role: String?) -> String {
        "metadata\n" + (role.map { "    role = \"\($0)\"\n" } ?? "") + "curve\n    public-key = \"\(key)\"\n"
    }

    private func key() throws -> String { try KeyPair.make().publicKey }

    @Test func `a folder of certificates is a table of roles`() throws {
        let folder = try KeyFolder()
        let keys = try (0..<3).map { _ in try key() }
        for (role, key) in zip(Role.allCases, keys) {
            folder.write("\(role).key", certificate(key, role: role.rawValue))
        }
        folder.write(".swap.key", "no certificate")
        folder.write("notes.txt", "no certificate")
        let table = try ClientKeys(folder: folder.path)
        #expect(table.problems.isEmpty)
        #expect(
            table.clients
                == Dictionary(
                    uniqueKeysWithValues: zip(keys, Role.allCases).map { ($0, .init(name: "\($1)", role: $1)) }))
    }

    @Test func `a broken file admits nobody and keeps nobody else out`() throws {
        let folder = try KeyFolder()
        let (good, twin) = (try key(), try key())
        folder.write("good.key", certificate(good, role: "observer"))
        for name in ["twin1", "twin2", "twin3"] { folder.write("\(name).key", certificate(twin, role: "driver")) }
        folder.write("boss.key", certificate(try key(), role: "boss"))
        folder.write("none.key", certificate(try key(), role: nil))
        folder.write("open.key", certificate(try key(), role: "driver"), mode: 0o666)
        folder.write("two words.key", certificate(try key(), role: "driver"))
        let table = try ClientKeys(folder: folder.path)
        #expect(table.clients == [good: .init(name: "good", role: .observer)])
        #expect(
            table.problems.map { String($0.path.dropFirst(folder.path.count + 1)) }
                == ["boss.key", "none.key", "open.key", "twin2.key", "twin3.key", "two words.key"])
        #expect(table.problems[0].line == 2)
    }

    @Test func `a folder that is not there or open to all is an error of its own`() throws {
        let folder = try KeyFolder()
        #expect(throws: KeyProblem.self) { try ClientKeys(folder: folder.path + "/none") }
        chmod(folder.path, 0o777)
        #expect(throws: KeyProblem.self) { try ClientKeys(folder: folder.path) }
    }
}

@Suite struct RefusalsTests {
    @Test func `what anybody can cause is logged at a bounded rate and counted in full`() {
        var refusals = Refusals("refused")
        var lines: [Double] = []
        for millisecond in 0..<25_000 {
            refusals.count([])
            refusals.report(now: UInt64(millisecond) * 1_000_000) { lines.append($1[0].value.number ?? 0) }
        }
        #expect(lines == [1, 10_000, 10_000] && refusals.total == 25_000)
        refusals.report(now: 60_000_000_000) { lines.append($1[0].value.number ?? 0) }
        refusals.report(now: 90_000_000_000) { lines.append($1[0].value.number ?? 0) }
        #expect(lines == [1, 10_000, 10_000, 4_999])
    }
}
