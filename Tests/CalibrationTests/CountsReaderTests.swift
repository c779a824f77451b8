import Calibration
import CrimsCore
import Models
import Protocol
import Testing

@Suite struct CountsReaderTests {
    private static func error(_ text: String) throws -> String {
        let fixture = try NationalFixture()
        do {
            let path = try fixture.folder.set("counts.csv", text.utf8)
            _ = try calibrateEnglandAndWales(fixture.options(path), log: { _ in })
            return ""
        } catch {
            return "\(error)".replacing(fixture.folder.path + "/", with: "")
        }
    }

    @Test(arguments: [
        ("near,N1,2019-13,Burglary,2,1", "counts.csv:2: Month is \"2019-13\"; YYYY-MM is expected"),
        ("near,N1,January,Burglary,2,1", "counts.csv:2: Month is \"January\"; YYYY-MM is expected"),
        (
            "near,N1,2019-01,Burglary,-2,0",
            "counts.csv:2: n is \"-2\"; a whole number of incidents, 0 or more, is expected"
        ),
        (
            "near,N1,2019-01,Burglary,2.5,0",
            "counts.csv:2: n is \"2.5\"; a whole number of incidents, 0 or more, is expected"
        ),
        (
            "near,N1,2019-01,Burglary,2,",
            "counts.csv:2: suspect is \"\"; a whole number of incidents, 0 or more, is expected"
        ),
        (
            "near,N1,2019-01,Burglary,2,3",
            "counts.csv:2: suspect is 3, more than the n of 2 incidents that it is part of"
        ),
        ("near,N1,2019-01,Burglary,2", "counts.csv:2: 5 fields where the header has 6"),
        (
            "near,N1,2019-01,Burglary,2000000,0",
            "counts.csv:2: n is 2000000, more than 1000000 incidents in one month of an area"
        ),
        (
            "near,N1,2019-01,Burglary,2,0\nnear,N1,2019-01,burglary,3,0",
            "counts.csv:3: area N1, 2019-01, \"burglary\" is there twice"
        ),
        // Also in a row that would not be used.
        (
            "btp,N1,2019-01,Burglary,2,3",
            "counts.csv:2: suspect is 3, more than the n of 2 incidents that it is part of"
        ),
    ])
    func `a row that cannot be right is an error by line`(row: String, said: String) throws {
        #expect(try Self.error(NationalFixture.header + row + "\n") == said)
    }

    @Test(arguments: [
        ("force,MSOA,Month,n,suspect\n", "no column Crime type in the first line; a table of counts has force, MSOA, "),
        ("a,b\n", "no columns force, MSOA, Month, Crime type, n, suspect in the first line; "),
        (
            "force,MSOA,Month,Crime type,n,suspect,guess\n",
            "column \"guess\" is not known; a table of counts has force, "
        ),
        ("force,MSOA,Month,Crime type,n,suspect,N\n", "column n is there twice"),
        (Fixture.header, "a street file of data.police.uk, which is of one force; england-and-wales takes a table of "),
        ("\n\n", "it is empty"),
    ])
    func `a file that is no table of counts is told`(text: String, said: String) throws {
        let error = try Self.error(text)
        #expect(error.contains(said), "\(error)")
    }

    @Test func `columns are found by name, in any order and case`() throws {
        let fixture = try NationalFixture()
        let rows = NationalFixture.burglaries().map {
            "\($0.suspect),\($0.n),\($0.month),\($0.force),\($0.area),Burglary\n"
        }
        let path = try fixture.folder.set("other.csv", ("suspect,N,month,force,msoa,Crime Type\n" + rows.joined()).utf8)
        let other = try calibrateEnglandAndWales(fixture.options(path), log: { _ in })
        #expect(try other.model.rates == fixture.calibrated(NationalFixture.burglaries()).model.rates)
    }

    @Test func `every record is used or rejected for its first reason, and so are its incidents`() throws {
        let good = NationalFixture.burglaries()
        let bad: [NationalFixture.Row] = [
            ("btp", "N1", "2019-01", "Burglary", 11, 0), ("northern-ireland", "", "2019-01", "Burglary", 13, 1),
            ("near", "", "2019-01", "Burglary", 17, 0), ("near", "E02009999", "2019-01", "Burglary", 19, 0),
            ("near", "M1", "2019-01", "Burglary", 23, 0), ("near", "N1", "2019-01", "Jaywalking", 29, 0),
            ("near", "N1", "2017-01", "Burglary", 31, 0), ("btp", "", "2017-01", "Jaywalking", 37, 0),
        ]
        let fixture = try NationalFixture()
        var options = fixture.options(try fixture.table(good + bad))
        options.from = CivilMonth(year: 2018, month: 1)
        var lines: [String] = []
        let (model, information, account) = try calibrateEnglandAndWales(options) { lines.append($0) }
        func sum(_ records: Int, _ incidents: Int) -> CountsAccount.Sum {
            CountsAccount.Sum(records: records, incidents: incidents)
        }
        #expect(account.rejected(.outsidePeriod) == sum(2, 68))
        #expect(account.rejected(.unknownCategory) == sum(1, 29))
        #expect(account.rejected(.unknownForce) == sum(2, 24))
        #expect(account.rejected(.noArea) == sum(1, 17))
        #expect(account.rejected(.unknownArea) == sum(1, 19))
        #expect(account.rejected(.outsideForce) == sum(1, 23))
        #expect(account.names(.unknownForce) == ["btp", "northern-ireland"])
        let rejected = CountsAccount.Reason.allCases.map { account.rejected($0) }
        #expect(account.all.records == account.used.records + rejected.reduce(0) { $0 + $1.records })
        #expect(account.all.incidents == account.used.incidents + rejected.reduce(0) { $0 + $1.incidents })
        #expect(account.used == sum(good.count, good.reduce(0) { $0 + $1.n }))
        #expect(lines[0].hasSuffix("40 records of \(account.used.incidents) used, 8 of 180 rejected"), "\(lines[0])")
        #expect(
            lines.contains(
                "  2 records of 24 rejected: not a territorial force of England and Wales (btp, northern-ireland)"))
        #expect(
            information.settings.first { $0.name == "recordsRejected" }?.value["no MSOA"]?["incidents"]?.number == 17)
        #expect(try model.rates == fixture.calibrated(good).model.rates)
    }

    @Test func `nothing to go by is said`() throws {
        let two = NationalFixture.burglaries(["2019-01", "2019-02"])
        #expect(throws: CalibrationError.nothingUsed(reason: "no force has 3 months of records")) {
            try NationalFixture().calibrated(two)
        }
        #expect { try NationalFixture().calibrated([]) } throws: {
            "\($0)".hasPrefix("nothing to calibrate on: 0 records")
        }
    }
}
