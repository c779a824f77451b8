import Glibc
import Journal
import Testing

@Suite struct DataFolderTests {
    /// A folder that is not there yet, below one that is removed by the system some day.
    private func freshPath() throws -> String {
        var template = Array("/tmp/crims-data-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        return String(cString: made) + "/a/b"
    }

    private func failure(_ path: String) -> DataFolderError? {
        do throws(DataFolderError) {
            _ = try DataFolder(path)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a folder keeps its id and counts its starts`() throws {
        let path = try freshPath()
        let first = try { () throws(DataFolderError) in
            let folder = try DataFolder(path)
            return (folder.journal, folder.boot)
        }()
        #expect(first.0.utf8.count == 32 && first.1 == 1)
        let second = try DataFolder(path)
        #expect(second.journal == first.0 && second.boot == 2)
        #expect(try DataFolder(freshPath()).journal != first.0)
    }

    @Test func `a second daemon on a folder is refused with the first one's process id`() throws {
        let path = try freshPath()
        let first = try DataFolder(path)
        #expect(failure(path) == .inUse(path: path, process: Int(getpid())))
        #expect(first.boot == 1)
    }

    @Test(arguments: [
        "{", #"{"journal":"j","boot":1e300}"#, #"{"journal":"j","boot":-1}"#, #"{"journal":"j","boot":0.5}"#,
    ])
    func `a damaged identity is refused and not replaced`(_ text: String) throws {
        let path = try freshPath()
        _ = try DataFolder(path)
        let file = try #require(fopen(path + "/identity.json", "w"))
        fputs(text, file)
        fclose(file)
        guard case .damaged? = failure(path) else { return #expect(Bool(false), "damaged") }
        guard case .damaged? = failure(path) else { return #expect(Bool(false), "still damaged") }
    }

    @Test func `an identity with another character in it is noticed`() throws {
        let path = try freshPath()
        _ = try DataFolder(path)
        let file = try #require(fopen(path + "/identity.json", "r+"))
        fseek(file, 12, SEEK_SET)
        let character = fgetc(file)
        fseek(file, 12, SEEK_SET)
        fputc(character ^ 1, file)
        fclose(file)
        guard case .damaged? = failure(path) else { return #expect(Bool(false), "damaged") }
    }

    @Test func `a folder that cannot be made is an error that names it`() {
        guard case .system(_, let path, _)? = failure("/proc/none/of/this") else {
            return #expect(Bool(false), "a system error")
        }
        #expect(path.hasPrefix("/proc"))
    }
}
