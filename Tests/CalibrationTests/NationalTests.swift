import Calibration
import CrimsCore
import Models
import Protocol
import Testing

@Suite struct NationalTests {
    private static func near(_ values: [Double], _ value: Double) -> Bool {
        values.allSatisfy { abs($0 / value - 1) < 1e-9 }
    }

    @Test func `a force without records has the others' rate for each of its residents, and is flagged`() throws {
        let (model, information, account) = try NationalFixture().calibrated(NationalFixture.burglaries())
        #expect(model.areas.map(\.code) == ["F1", "G1", "G2", "M1", "M2", "N1", "N2"])
        #expect(model.areas.map(\.isImputed) == [false, true, true, false, false, false, false])
        // One a day for a thousand residents, of which there are 5,000 and 7,000.
        #expect(Self.near(model.rates("G1", "burglary"), 5))
        #expect(Self.near(model.rates("G2", "burglary"), 7))
        #expect(Self.near(model.rates("M1", "M2", "burglary"), 9))
        #expect(Self.near(model.rates("F1", "burglary"), 4))
        #expect(model.rates("G1", "robbery").allSatisfy { $0 == 0 })
        #expect(model.title == "England and Wales, 2018-10 to 2019-09")
        #expect(information.settings.text("imputedForces") == ["gone"])
        #expect(information.settings.text("imputedMonths") == ["mar", "apr", "may", "jun"])
        #expect(information.settings.text("monthsMissing") == ["2019-03", "2019-04", "2019-05", "2019-06"])
        #expect(information.notes.contains { $0.contains("GONE: their 2 areas are imputed") })
        #expect(account.all == account.used && account.used.records == 40)
        // The absent force's offences count like everybody's.
        #expect(model.crimes.map(\.code) == ["ASB", "30", "34"])
    }

    @Test func `the season is that of like forces, so a large one that lacks a month does not move it`() throws {
        let fixture = try NationalFixture()
        let rows = NationalFixture.burglaries().filter { $0.force != "mid" || $0.month != "2018-10" }
        let (model, information, _) = try fixture.calibrated(rows)
        #expect(Self.near(model.rates("G1", "burglary"), 5))
        // The month that it lacks is that of all.
        #expect(Self.near(model.rates("M1", "M2", "burglary"), 9))
        let cell = try #require(information.settings.first { $0.name == "forceMonthsMissing" }?.value.elements?.first)
        #expect(cell["force"]?.text == "mid" && cell["month"]?.text == "2018-10")
        #expect(information.notes.contains { $0.hasPrefix("MID has no records of 2018-10") })
    }

    @Test func `a season is followed by all, imputed forces and months included`() throws {
        let season = ["2018-12": 1_500, "2019-01": 1_500, "2019-07": 750, "2019-08": 750]
        let (model, _, _) = try NationalFixture().calibrated(
            NationalFixture.burglaries { _, month in season[month] ?? 1_000 })
        let imputed = model.rates("G1", "burglary")
        let counted = model.rates("M1", "M2", "burglary")
        #expect(imputed[0] > 1.9 * imputed[6] && imputed[0] < 2 * imputed[6])
        #expect(zip(imputed, counted).allSatisfy { abs($0 / $1 * 9 / 5 - 1) < 0.01 })
        // Between February and July, on the way from the one to the other.
        #expect(imputed[2...5].allSatisfy { $0 < imputed[0] && $0 > imputed[6] })
        #expect(zip(imputed[2...], imputed[3...5]).allSatisfy { $0 > $1 })
    }

    @Test func `recent months weigh more`() throws {
        let months = ["2018", "2019"].flatMap { year in (1...12).map { "\(year)-\($0 < 10 ? "0" : "")\($0)" } }
        let (model, _, _) = try NationalFixture().calibrated(
            NationalFixture.burglaries(months) { _, month in month < "2019" ? 500 : 1_500 })
        // One a day for a thousand in the mean, a half first and one and a half last, for five thousand residents.
        let mean = model.rates("G1", "burglary").reduce(0, +) / 12
        #expect(mean > 5.5 && mean < 7.5, "\(mean)")
    }

    @Test func `a month with half the records is left out, as if it were not there`() throws {
        let fixture = try NationalFixture()
        let half = NationalFixture.burglaries { force, month in force == "mid" && month == "2018-12" ? 500 : 1_000 }
        let (model, information, _) = try fixture.calibrated(half)
        let (without, _, _) = try fixture.calibrated(half.filter { $0.force != "mid" || $0.month != "2018-12" })
        #expect(model.rates == without.rates)
        #expect(Self.near(model.rates("M1", "M2", "burglary"), 9))
        let cell = try #require(information.settings.first { $0.name == "forceMonthsLeftOut" }?.value.elements?.first)
        #expect(cell["force"]?.text == "mid" && cell["month"]?.text == "2018-12")
        let share = try #require(cell["ofExpected"]?.number)
        #expect(abs(share - 0.5) < 0.01)
    }

    @Test func `a month with most of the records is used, and said`() throws {
        let (model, information, _) = try NationalFixture().calibrated(
            NationalFixture.burglaries { force, month in force == "mid" && month == "2018-12" ? 750 : 1_000 })
        #expect(information.settings.first { $0.name == "forceMonthsLeftOut" }?.value.elements?.isEmpty == true)
        #expect(information.notes.contains("MID 2018-12 has 75 % of the records to be expected: used all the same."))
        #expect(model.rates("M1", "M2", "burglary").allSatisfy { $0 < 9 })
    }

    @Test func `a category that a force stops counting is not taken for everybody's season`() throws {
        let rows =
            NationalFixture.burglaries { _, _ in 5_000 }
            + NationalFixture.burglaries().map { row in
                let n = row.force == "mid" && row.month >= "2019-07" ? row.n / 20 : row.n
                return (row.force, row.area, row.month, "Robbery", n, 0)
            }
        let (model, information, _) = try NationalFixture().calibrated(rows)
        #expect(Self.near(model.rates("G1", "robbery"), 5))
        #expect(model.rates("M1", "M2", "robbery")[7] < 0.6 * 9)
        #expect(
            information.notes.contains { $0.hasPrefix("MID counts 5 %, 5 %, 5 % of the usual robbery in 2019-07, ") })
    }

    @Test func `a force with fewer than three months is imputed`() throws {
        let rows = NationalFixture.burglaries { force, _ in force == "far" ? 3_000 : 1_000 }
            .filter { $0.force != "far" || $0.month >= "2019-08" }
        let (model, information, _) = try NationalFixture().calibrated(rows)
        #expect(Self.near(model.rates("F1", "burglary"), 4))
        #expect(information.settings.text("imputedForces") == ["far", "gone"])
    }

    @Test func `suspects are counted in the months that have settled, of all incidents`() throws {
        let late = ["2019-07": 0.8, "2019-08": 0.5, "2019-09": 0.2]
        let halves = NationalFixture.burglaries { _, _ in 2_000 }.map { row -> NationalFixture.Row in
            let share = (row.force == "mid" ? 0.5 : 0.25) * (late[row.month] ?? 1)
            return (row.force, row.area, row.month, row.category, row.n, Int(Double(row.n) * share))
        }
        // A crime type that has no outcomes, whatever the table says.
        let nuisance = halves.map { ($0.force, $0.area, $0.month, "Anti-social behaviour", $0.n, $0.n) }
        let fixture = try NationalFixture()
        let (model, information, _) = try fixture.calibrated(halves + nuisance)
        #expect(
            information.settings.text("suspectMonths") == ["2018-10", "2018-11", "2018-12", "2019-01", "2019-02"])
        // 9,000 residents with a half, 7,000 with a quarter; a few are lost where n is not even.
        #expect(abs(model.suspect("G1", "burglary") - (9 * 0.5 + 7 * 0.25) / 16) < 0.005)
        #expect(abs(model.suspect("M1", "burglary") - 0.5) < 0.01 && abs(model.suspect("N1", "burglary") - 0.25) < 0.01)
        #expect(model.suspect("M1", "anti-social behaviour") == 0 && model.suspect("G1", "anti-social behaviour") == 0)
        // What nobody knows anything of is that of all: 0 of 0.
        #expect(model.suspect("M1", "robbery") == 0)

        let period = (from: CivilMonth(year: 2019, month: 9), to: CivilMonth(year: 2019, month: 10))
        let asked = try fixture.calibrated(halves, suspects: period)
        #expect(asked.information.settings.text("suspectMonths") == ["2019-09"])
        #expect(abs(asked.model.suspect("M1", "burglary") - 0.1) < 0.01)
        let none = (from: CivilMonth(year: 2020, month: 1), to: CivilMonth(year: 2020, month: 2))
        #expect {
            try fixture.calibrated(halves, suspects: none)
        } throws: {
            "\($0)".hasPrefix("no records from 2020-01 to 2020-02 to count suspects in; there are: 2018-10, ")
        }
    }

    @Test func `the same table gives the same bytes, and the folder is in order`() throws {
        let fixture = try NationalFixture()
        let rows = NationalFixture.burglaries { force, _ in force == "near" ? 1_700 : 900 }
        var digests: [String] = []
        for (folder, rows) in [("first", rows), ("second", rows.reversed())] {
            let result = try fixture.calibrated(rows)
            let path = fixture.folder.path + "/\(folder)/england-and-wales"
            try ModelFolder.write(result.model, information: result.information, to: path)
            #expect(ModelFolder.check(path).isEmpty)
            let read = try ModelFolder.read(path)
            #expect(read.areas == result.model.areas)
            digests.append(read.digest)
        }
        #expect(digests[0] == digests[1])
    }
}

extension [JSON.Member] {
    /// The strings of a list.
    func text(_ name: String) -> [String] { first { $0.name == name }?.value.elements?.compactMap(\.text) ?? [] }
}
