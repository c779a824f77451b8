import Calibration
import CrimsCore
import Models
import Protocol
import Testing

@Suite struct StreetFileTests {
    @Test func `every row is used or rejected with a reason`() throws {
        let fixture = try Fixture()
        let rows: [(String, Accounting.Reason?)] = [
            (Fixture.row("2019-01", "L1", "Burglary"), nil),
            (Fixture.row("2019-01", "\"L1\"", "\"Burglary\""), nil),
            (Fixture.row("2019-01", "L2", "BURGLARY", ""), nil),
            (Fixture.row("2019-01", "L1", "Anti-social behaviour", ""), nil),
            (Fixture.row("2019-01", "", "Burglary"), .noLSOA),
            (Fixture.row("2019-01", "L9", "Burglary"), .unknownLSOA),
            (Fixture.row("2019-01", "L3", "Burglary"), .outsideForce),
            (Fixture.row("2019-01", "L1", "Violent crime"), .unknownCategory),
            (Fixture.row("2019-1", "L1", "Burglary"), .badMonth),
            (Fixture.row("2019-13", "L1", "Burglary"), .badMonth),
            (Fixture.row("", "L1", "Burglary"), .badMonth),
            (Fixture.row("0019-01", "L1", "Burglary"), .badMonth),
            ("too,few\r\n", .malformedRow),
            ("\"0a,2019-01,x\"y,x,x,x,x,L1,x,Burglary,x,\r\n", .malformedRow),
            ("\"0a,2019-01,x,x,x,x,x,L1,x,Burglary,x,\r\n", .malformedRow),
            ("\r\n", nil),
        ]
        var accounting = try fixture.calibrated(Fixture.header + rows.map(\.0).joined())
        #expect(accounting.used == 4)
        for reason in Accounting.Reason.allCases {
            #expect(accounting.rejected(reason) == rows.count { $0.1 == reason }, "\(reason.text)")
        }
        #expect(accounting.rows == rows.count - 1)

        var options = fixture.options([fixture.folder.path + "/street.csv"])
        options.from = CivilMonth(year: 2018, month: 12)
        options.to = CivilMonth(year: 2019, month: 1)
        let later = try fixture.folder.set(
            "later.csv", (Fixture.header + Fixture.row("2019-02", "L1", "Burglary")).utf8)
        options.archives.append(later)
        accounting = try calibrate(options, log: { _ in }).accounting
        #expect(accounting.rejected(.outsidePeriod) == 1)
        #expect(accounting.used == 4 && accounting.rows == rows.count)
        #expect(accounting.missingMonths == [CivilMonth(year: 2018, month: 12)])
    }

    @Test func `the account is kept by month and category`() throws {
        let fixture = try Fixture()
        let path = try fixture.zip(["2019-02", "2019-01"])
        let accounting = try calibrate(fixture.options([path]), log: { _ in }).accounting
        #expect(
            accounting.entries.map { "\($0.month?.text ?? "-") \($0.category ?? "-") \($0.used)" } == [
                "2019-01 anti-social behaviour 2", "2019-01 burglary 6", "2019-01 robbery 4",
                "2019-02 anti-social behaviour 2", "2019-02 burglary 6", "2019-02 robbery 4",
            ])
        #expect(accounting.files == 2)
    }

    @Test func `columns are found by name, late and missing ones too`() throws {
        let fixture = try Fixture()
        let accounting = try fixture.calibrated(
            "\u{FEFF}Crime type,New,LSOA code,Month\nBurglary,x,L1,2019-01\nRobbery,\"a,\nb\",L2,2019-01\n")
        #expect(accounting.used == 2 && accounting.rows == 2)
    }

    @Test func `outcomes that nobody documents are said and taken as unknown`() throws {
        let fixture = try Fixture()
        let accounting = try fixture.calibrated(
            Fixture.header + Fixture.row("2019-01", "L1", "Burglary", "Settled by duel")
                + Fixture.row("2019-01", "L1", "Burglary", "Settled by duel"))
        #expect(accounting.unrecognisedOutcomes.map(\.outcome) == ["Settled by duel"])
        #expect(accounting.unrecognisedOutcomes.map(\.rows) == [2])
        #expect(accounting.used == 2)
    }

    @Test func `a month that two archives hold is counted once`() throws {
        let fixture = try Fixture()
        let first = try fixture.zip(["2019-01", "2019-02"])
        let second = try fixture.zip(["2019-02", "2019-03"], name: "second.zip")
        let accounting = try calibrate(fixture.options([first, second]), log: { _ in }).accounting
        #expect(accounting.files == 3 && accounting.used == 36)
        #expect(accounting.repeatedFiles == ["2019-02-here-street.csv"])
    }

    @Test func `a truncated zip is an error, wherever it is cut`() throws {
        let fixture = try Fixture()
        let whole = try #require(try FileSystem.read(try fixture.zip(["2019-01", "2019-02", "2019-03"])))
        for length in [whole.count / 8, whole.count / 3, whole.count / 2] {
            let path = try fixture.folder.set("cut.zip", whole.prefix(length))
            let error = #expect(throws: CalibrationError.self) {
                try calibrate(fixture.options([path]), log: { _ in })
            }
            guard case .archive(path, let entry, let reason) = try #require(error) else {
                Issue.record("cut at \(length): \(String(describing: error))")
                continue
            }
            #expect(entry != nil)
            #expect(reason.hasPrefix("cannot be read to its end"))
        }
    }

    @Test func `no cut of a zip is taken for less than all of it`() throws {
        let fixture = try Fixture()
        let whole = try #require(try FileSystem.read(try fixture.zip(["2019-01", "2019-02"])))
        // Every few bytes, and exactly before each entry.
        let entries = whole.indices.filter { whole[$0...].starts(with: "PK".utf8) }
        for length in Array(stride(from: 0, to: whole.count, by: 41)) + entries {
            let path = try fixture.folder.set("cut.zip", whole.prefix(length))
            do throws(CalibrationError) {
                // Cut within the directory at its end, the files are all there.
                let accounting = try calibrate(fixture.options([path]), log: { _ in }).accounting
                #expect(accounting.used == 24, "cut at \(length) of \(whole.count)")
            } catch {
                continue
            }
        }
    }

    @Test func `a changed byte in a zip is an error`() throws {
        let fixture = try Fixture()
        var bytes = try #require(try FileSystem.read(try fixture.zip(["2019-01"])))
        bytes[400] ^= 1
        let path = try fixture.folder.set("changed.zip", bytes)
        #expect(throws: CalibrationError.self) { try calibrate(fixture.options([path]), log: { _ in }) }
    }

    @Test(arguments: [
        ("\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n", "a web page"),
        ("  <html>, a, b</html>", "a web page"),
        ("a,b,c\n1,2,3\n", "no column \"Month\""),
        ("Month,Crime type\n", "no column \"LSOA code\""),
        ("\n\n", "it is empty"),
    ])
    func `what is no street file is refused by what it is`(text: String, says: String) throws {
        let fixture = try Fixture()
        let error = #expect(throws: CalibrationError.self) { try fixture.calibrated(text) }
        guard case .notStreetFile(_, nil, let reason) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(says))
    }

    @Test func `archives without the force name the forces they have`() throws {
        let fixture = try Fixture()
        var zip = StoredZip()
        zip.add("2019-01/2019-01-there-street.csv", Fixture.month("2019-01"))
        zip.add("2019-01/2019-01-far-away-street.csv", Fixture.month("2019-01"))
        let path = try fixture.folder.set("others.zip", zip.bytes)
        #expect(throws: CalibrationError.noFiles(force: "here", found: ["far-away", "there"])) {
            try calibrate(fixture.options([path]), log: { _ in })
        }
    }

    @Test func `missing archives, forces and tables are named`() throws {
        let fixture = try Fixture()
        #expect(throws: CalibrationError.self) { try calibrate(fixture.options(["nowhere.zip"]), log: { _ in }) }
        var options = fixture.options([])
        options.force = "nowhere"
        #expect(throws: CalibrationError.unknownForce(name: "nowhere", known: ["here", "there", "england-and-wales"])) {
            try calibrate(options, log: { _ in })
        }
        options = fixture.options([])
        options.from = CivilMonth(year: 2019, month: 2)
        options.to = CivilMonth(year: 2019, month: 1)
        #expect(throws: CalibrationError.period(from: "2019-02", to: "2019-01")) {
            try calibrate(options, log: { _ in })
        }
        try fixture.folder.set("reference/lsoa.csv", "lsoa,msao\n".utf8)
        #expect(throws: CalibrationError.reference(file: "lsoa.csv", line: 1, reason: "no column msoa")) {
            try calibrate(fixture.options([]), log: { _ in })
        }
    }

    @Test func `nothing left is an error that says where it went`() throws {
        let fixture = try Fixture()
        let error = #expect(throws: CalibrationError.self) {
            try fixture.calibrated(Fixture.header + Fixture.row("2019-01", "", "Burglary"))
        }
        #expect("\(try #require(error))".contains("1 rejected: no LSOA"))
    }
}
