import CrimsCore
import Fetching
import Protocol
import Testing

@Suite struct ArchivePlanTests {
    private func archives(_ from: String, _ to: String) throws -> [String] {
        let from = try #require(CivilMonth(text: from))
        let to = try #require(CivilMonth(text: to))
        return ArchivePlan(covering: from...to).archives.map(\.text)
    }

    @Test func `an archive holds the 36 months that end with it`() throws {
        #expect(try archives("2021-12", "2021-12") == ["2021-12"])
        #expect(try archives("2019-01", "2021-12") == ["2021-12"])
        #expect(try archives("2018-12", "2021-12") == ["2021-12", "2018-12"])
        #expect(try archives("2018-01", "2023-12") == ["2023-12", "2020-12"])
        #expect(try archives("2017-12", "2023-12") == ["2023-12", "2020-12", "2017-12"])
    }

    @Test func `until April 2017 one holds everything`() throws {
        #expect(try archives("2010-12", "2017-04") == ["2017-04"])
        #expect(try archives("2011-06", "2016-06") == ["2016-06"])
        #expect(try archives("2014-06", "2017-05") == ["2017-05"])
        #expect(try archives("2014-05", "2017-05") == ["2017-05", "2014-05"])
        #expect(try archives("2010-12", "2020-03") == ["2020-03", "2017-03"])
    }

    @Test func `what is older than the first archive is in it`() throws {
        #expect(try archives("2011-01", "2012-06") == ["2013-12"])
        #expect(try archives("2010-12", "2010-12") == ["2013-12"])
        #expect(try archives("2010-12", "2019-12") == ["2019-12", "2016-12"])
    }

    @Test func `every month is held, and no archive is for nothing`() {
        let first = ArchivePlan.firstMonth.index
        for last in stride(from: first, through: first + 240, by: 7) {
            for start in stride(from: first, through: last, by: 5) {
                let plan = ArchivePlan(covering: CivilMonth(index: start)...CivilMonth(index: last)).archives
                let held = plan.map(ArchivePlan.months(in:))
                let months = (start...last).map(CivilMonth.init(index:))
                #expect(months.allSatisfy { month in held.contains { $0.contains(month) } })
                for skipped in plan.indices {
                    let others = held.indices.filter { $0 != skipped }.map { held[$0] }
                    #expect(!months.allSatisfy { month in others.contains { $0.contains(month) } })
                }
            }
        }
    }
}

@Suite struct ArchiveSiteTests {
    private func addresses(_ base: String) -> [String]? { ArchiveSite(base: base)?.addresses(of: "a.zip") }

    @Test func `a base is a folder, or a server with archives where data police uk has them`() {
        #expect(addresses(ArchiveSite.standardBase) == ["https://data.police.uk/data/archive/a.zip"])
        #expect(addresses("http://h:80/x//") == ["http://h:80/x/a.zip"])
        for base in ["http://h:80", "http://h:80/"] {
            #expect(addresses(base) == ["http://h:80/data/archive/a.zip", "http://h:80/a.zip"])
        }
        #expect(addresses("HTTPS://H/x") == ["HTTPS://H/x/a.zip"])
    }

    @Test(arguments: [
        "", "h", "h/x", "ftp://h/x", "file:///x", "http://", "http:///x", "https:///", "http://u@h/x", "http://u:p@h",
        "http://h/x?y", "http://h/x#y", "http://h/a b", "http://h/\u{7}", "http://h\n", "http://é/",
    ])
    func `what is no address is refused`(_ base: String) { #expect(ArchiveSite(base: base) == nil) }

    @Test func `this machine is known`() {
        for here in ["http://127.0.0.1/x", "http://127.0.0.1:8/x", "https://LocalHost:8/", "http://[::1]:8/x"] {
            #expect(ArchiveSite.isLoopback(here), "\(here)")
        }
        for elsewhere in ["http://127.0.0.1.example.org/", "http://localhost.example.org", "https://data.police.uk/x"] {
            #expect(!ArchiveSite.isLoopback(elsewhere), "\(elsewhere)")
        }
    }
}
