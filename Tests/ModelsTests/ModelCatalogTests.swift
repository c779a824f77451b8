import CrimsCore
import Models
import Testing

@Suite struct ModelCatalogTests {
    /// Two folders: `a` with north and south, `b` with south (by another title) and west, and things that are no models.
    private func catalog() throws -> (TemporaryFolder, ModelCatalog) {
        let folder = TemporaryFolder()
        var other = SampleModel.model
        other.title = "Of b"
        try ModelFolder.write(SampleModel.model, information: SampleModel.information, to: folder.path + "/a/south")
        try ModelFolder.write(SampleModel.model, information: SampleModel.information, to: folder.path + "/a/north")
        try ModelFolder.write(other, information: SampleModel.information, to: folder.path + "/b/south")
        try ModelFolder.write(other, information: SampleModel.information, to: folder.path + "/b/west")
        try FileSystem.makeFolder(folder.path + "/a/notes")
        try folder.set("a/readme.txt", "")
        let folders = ["/a", "/missing", "/b/"].map { folder.path + $0 }
        return (folder, ModelCatalog(folders: folders))
    }

    @Test func `names are sorted and are of models only`() throws {
        let (folder, catalog) = try catalog()
        #expect(catalog.names() == ["north", "south", "west"])
        _ = folder
    }

    @Test func `the first folder that has a name wins`() throws {
        let (folder, catalog) = try catalog()
        #expect(try catalog.load("south").title == "A sample")
        #expect(try catalog.load("west").title == "Of b")
        #expect(try catalog.load("west").name == "west")
        #expect(catalog.path(of: "south") == folder.path + "/a/south")
    }

    @Test func `an unknown name is refused with the names there are`() throws {
        let (folder, catalog) = try catalog()
        #expect(throws: ModelError.unknownModel(name: "east", known: ["north", "south", "west"])) {
            try catalog.load("east")
        }
        _ = folder
    }

    @Test(arguments: ["", ".", "..", "../b/west", "b/west", "/", "south/", ".hidden", "so..uth", "south\0"])
    func `a name that could lead elsewhere is never looked up`(name: String) throws {
        let (folder, catalog) = try catalog()
        #expect(catalog.path(of: name) == nil)
        #expect(throws: ModelError.self) { try catalog.load(name) }
        _ = folder
    }

    @Test func `models are looked for where they are given, in the checkout and beside the executable`() {
        let folders = ModelCatalog.standardFolders(extra: ["one", "two"])
        #expect(folders.prefix(3) == ["one", "two", "models"])
        #expect(folders.count == 4 && folders[3].hasPrefix("/") && folders[3].hasSuffix("/share/crims/models"))
    }
}
