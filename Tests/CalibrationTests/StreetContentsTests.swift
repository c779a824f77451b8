import Calibration
import CrimsCore
import Models
import Testing

@Suite struct StreetContentsTests {
    @Test func `months of the force and names of all are listed`() throws {
        let folder = TemporaryFolder()
        var zip = StoredZip()
        zip.add("2019-01/2019-01-here-street.csv", "a")
        zip.add("2019-03/2019-03-here-street.csv", "a")
        zip.add("2019-02/2019-02-here-outcomes.csv", "a")
        zip.add("2019-02/2019-02-far-away-street.csv", "a")
        zip.add("2019-04-street.csv", "a")
        let contents = try StreetContents(archive: try folder.set("a.zip", zip.bytes), force: "here")
        #expect(contents.months == [CivilMonth(year: 2019, month: 1), CivilMonth(year: 2019, month: 3)])
        #expect(contents.forces == ["here", "far-away"])
    }

    @Test func `checksums are held against the files that are wanted`() throws {
        let folder = TemporaryFolder()
        var zip = StoredZip()
        zip.add("2019-01/2019-01-here-street.csv", "a")
        zip.add("2019-02/2019-02-here-street.csv", "damaged?")
        var bytes = zip.bytes
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "?")))
        bytes[place] = UInt8(ascii: "!")
        let path = try folder.set("a.zip", bytes)
        let january = CivilMonth(year: 2019, month: 1)
        #expect(try StreetContents(archive: path, force: "here").months.count == 2)
        #expect(try StreetContents(archive: path, force: "here", checksums: { $0 == january }).months.count == 2)
        #expect(throws: CalibrationError.self) {
            try StreetContents(archive: path, force: "here", checksums: { _ in true })
        }
    }

    @Test func `what is no zip file is refused`() throws {
        let folder = TemporaryFolder()
        let path = try folder.set("2019-01-here-street.csv", Fixture.header.utf8)
        #expect(throws: CalibrationError.archive(path: path, entry: nil, reason: "no zip file")) {
            try StreetContents(archive: path, force: "here")
        }
    }

    @Test func `a misspelt force is met with a suggestion`() throws {
        let fixture = try Fixture()
        let reference = fixture.folder.path + "/reference"
        #expect(try nameOfForce("here", reference: reference) == "Here")
        let error = #expect(throws: CalibrationError.self) { try nameOfForce("ther", reference: reference) }
        #expect("\(try #require(error))".contains("did you mean \"there\"?"))
    }
}
