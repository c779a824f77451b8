import Calibration
import CrimsCore
import Glibc
import Models
import Protocol
import Reporting
import Testing

@Suite struct CalibrateTests {
    private static let months = (1...12).map { "2019-" + ($0 < 10 ? "0" : "") + String($0) }

    @Test func `the model has the force's areas, pairs and offences`() throws {
        let fixture = try Fixture()
        let (model, information, _) = try calibrate(fixture.options([try fixture.zip(Self.months)]), log: { _ in })
        #expect(model.name == "here")
        #expect(model.title == "Here, 2019-01 to 2019-12")
        #expect(model.areas.map(\.code) == ["M1", "M2"])
        #expect(model.neighbours == [[1], [0]])
        #expect(model.categories == ["anti-social behaviour", "burglary", "possession of weapons", "robbery"])
        // 31 has no count here; weapons have none at all here, so the shares are those of all forces.
        #expect(model.crimes.map(\.code) == ["ASB", "30", "W1", "W2", "34A", "34B"])
        #expect(model.crimes.map(\.share) == [1, 1, 0.75, 0.25, 0.25, 0.75])
        #expect(information.notes.contains { $0.contains("possession of weapons") })
        #expect(information.notes[0].hasPrefix("police.uk publishes the month of a crime and nothing finer"))
        #expect(!information.sources.isEmpty)
    }

    @Test func `expected totals, weighted by recency, are the counted ones, over the hours that a run goes through`()
        throws
    {
        let fixture = try Fixture()
        let (model, information, _) = try calibrate(fixture.options([try fixture.zip(Self.months)]), log: { _ in })
        let halfLife = try #require(information.settings.first { $0.name == "halfLifeOfLevel" }?.value.number)
        var expected = [0.0, 0, 0, 0]
        var counted = expected
        for month in 1...12 {
            let recency = exp2(-Double(12 - month) / halfLife)
            let start = CivilMonth(year: 2019, month: month).start.hour
            for hour in start..<CivilMonth(year: 2019, month: month).next.start.hour {
                for crime in model.crimes.indices {
                    let weight = model.profiles[model.profileOfCrime[crime] * 168 + CivilMinute.hourOfWeek(hour: hour)]
                    for area in model.areas.indices {
                        let rate = model.rate(area: area, category: model.crimes[crime].category, month: month)
                        expected[model.crimes[crime].category] +=
                            rate * model.crimes[crime].share * weight / 24 * recency
                    }
                }
            }
            for (category, count) in [2.0, 6, 0, 4].enumerated() { counted[category] += count * recency }
        }
        #expect(zip(expected, counted).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    @Test func `a missing month counts for nothing`() throws {
        let fixture = try Fixture()
        let archive = try fixture.zip(Self.months.filter { $0 != "2019-05" && $0 != "2019-06" })
        let (model, information, accounting) = try calibrate(fixture.options([archive]), log: { _ in })
        #expect(accounting.missingMonths.map(\.text) == ["2019-05", "2019-06"])
        #expect(information.notes.contains("No records of 2019-05: left out of the exposure."))
        let daily = model.areas.indices.reduce(0) { $0 + model.rate(area: $1, category: 1, month: 5) }
        #expect(abs(daily - 60.0 / 304) < 0.01)
    }

    @Test func `suspects are counted among known outcomes, and anti-social behaviour has none`() throws {
        let fixture = try Fixture()
        let (model, _, _) = try calibrate(fixture.options([try fixture.zip(Self.months)]), log: { _ in })
        let categories = model.categories.count
        #expect(model.suspect[0] == 0 && model.suspect[categories] == 0)
        // Burglary: 2 of 4 in M1, 2 of 2 in M2, each month; shrunk towards 4 of 6.
        #expect(model.suspect[1] > 0.5 && model.suspect[1] < 0.67)
        #expect(model.suspect[categories + 1] > 0.67 && model.suspect[categories + 1] < 1)
        // Robbery has unknown outcomes only: the force's share over all categories.
        #expect(abs(model.suspect[3] - 2.0 / 3) < 1e-9)
    }

    @Test func `the same archives give the same bytes`() throws {
        let fixture = try Fixture()
        let archive = try fixture.zip(Self.months)
        var digests: [String] = []
        for folder in ["first", "second"] {
            let (model, information, _) = try calibrate(fixture.options([archive]), log: { _ in })
            let path = fixture.folder.path + "/" + folder + "/here"
            try ModelFolder.write(model, information: information, to: path)
            #expect(ModelFolder.check(path).isEmpty)
            digests.append(try ModelFolder.read(path).digest)
        }
        #expect(digests[0] == digests[1])
    }

    @Test func `the account is told in sentences`() throws {
        let fixture = try Fixture()
        var lines: [String] = []
        _ = try calibrate(fixture.options([try fixture.zip(Self.months)])) { lines.append($0) }
        #expect(lines.first == "144 rows in 12 files: 144 used, 0 rejected")
        #expect(lines.contains { $0.hasPrefix("burglary: 72 counted, ") })
    }
}

/// On the records of a whole force, where they are to be had.
@Suite struct RealRecordsTests {
    private static let archive: String = {
        let data = getenv("CRIMS_DATA").map { String(cString: $0) } ?? "../shared/data"
        return data + "/police-uk/merseyside-2018-01-to-2020-12.zip"
    }()
    private static let isThere = FileSystem.kind(of: archive) == .file && FileSystem.kind(of: "reference") == .folder

    @Test(.enabled(if: isThere, "needs the records in CRIMS_DATA or ../shared/data, and the reference tables"))
    func `Merseyside's two years come back`() throws {
        var options = CalibrationOptions(archives: [Self.archive], force: "merseyside", reference: "reference")
        options.from = CivilMonth(year: 2018, month: 1)
        options.to = CivilMonth(year: 2019, month: 12)
        var facts: CalibrationFacts?
        let (model, information, accounting) = try calibrate(options, facts: { facts = $0 }, log: { _ in })
        #expect(model.areas.count == 184 && model.categories.count == 14)
        #expect(accounting.rows == 504_439 && accounting.files == 36 && accounting.used == 330_861)
        #expect(accounting.missingMonths.isEmpty && accounting.unrecognisedOutcomes.isEmpty)
        #expect(model.neighbours.allSatisfy { !$0.isEmpty })
        #expect(model.dispersion.allSatisfy { $0.shared < 0.1 && $0.own < 0.3 })
        var yearly = 0.0
        for area in model.areas.indices {
            for category in model.categories.indices {
                for month in 1...12 {
                    let days = Double(CivilMonth(year: 2019, month: month).days)
                    yearly += model.rate(area: area, category: category, month: month) * days
                }
            }
        }
        // Not the mean of two years but the level at their end.
        #expect(abs(yearly * 2 / Double(accounting.used) - 1) < 0.05)

        let folder = TemporaryFolder()
        try ModelFolder.write(model, information: information, to: folder.path + "/merseyside")
        #expect(ModelFolder.check(folder.path + "/merseyside").isEmpty)
        if FileSystem.kind(of: "models/merseyside") == .folder {
            let shipped = try ModelFolder.read("models/merseyside").digest
            #expect(try ModelFolder.read(folder.path + "/merseyside").digest == shipped, "the shipped model is stale")
            let page = try #require(try FileSystem.read("models/merseyside/" + ModelFolder.reportFile))
            // It says which version made it; what a version changes shows elsewhere.
            let text = String(decoding: page, as: UTF8.self)
            let version = try #require(text.split(separator: "content=\"crims ").last?.prefix { $0 != "\"" })
            let report = CalibrationReport(try #require(facts), version: String(version))
            let isSame = report.html == page
            #expect(isSame, "the shipped report is stale")
        }
    }
}
