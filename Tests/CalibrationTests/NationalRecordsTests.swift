import Calibration
import CrimsCore
import Glibc
import Models
import Protocol
import Testing

/// On the counts of England and Wales, where they are to be had.
@Suite struct NationalRecordsTests {
    private static let table: String = {
        let data = getenv("CRIMS_DATA").map { String(cString: $0) } ?? "../shared/data"
        return data + "/police-uk/england-and-wales-8-months-counts.csv.gz"
    }()
    private static let isThere = FileSystem.kind(of: table) == .file && FileSystem.kind(of: "reference") == .folder
    private static let absent = ["greater-manchester", "metropolitan", "west-midlands", "west-yorkshire"]

    @Test(.enabled(if: isThere, "needs the counts in CRIMS_DATA or ../shared/data, and the reference tables"))
    func `39 forces are estimated, four imputed, and what is odd is found`() throws {
        let options = CalibrationOptions(
            archives: [Self.table], force: EnglandAndWales.name, reference: "reference")
        let (model, information, account) = try calibrateEnglandAndWales(options, log: { _ in })
        #expect(account.all == .init(records: 408_862, incidents: 2_944_276))
        #expect(account.used == .init(records: 383_218, incidents: 2_718_294))
        #expect(account.rejected(.unknownForce).incidents == 138_358)
        #expect(account.rejected(.noArea) == .init(records: 2_173, incidents: 78_612))
        #expect(account.rejected(.outsideForce).incidents == 9_012)

        #expect(model.areas.count == 7_201 && model.areas.count(where: \.isImputed) == 1_983)
        let settings = information.settings
        #expect(settings.text("imputedForces") == Self.absent)
        #expect(settings.text("imputedMonths") == ["mar", "apr", "may", "jun"])
        #expect(settings.first { $0.name == "forcesEstimated" }?.value.number == 39)
        func cells(_ name: String) -> [String] {
            settings.first { $0.name == name }?.value.elements?.map {
                "\($0["force"]?.text ?? "") \($0["month"]?.text ?? "")"
            } ?? []
        }
        #expect(cells("forceMonthsLeftOut") == ["kent 2018-12"])
        #expect(
            cells("forceMonthsMissing") == ["lancashire 2018-10", "northumbria 2018-10", "thames-valley 2019-07"])
        #expect(settings.text("suspectMonths") == ["2018-10", "2018-11", "2018-12", "2019-01", "2019-02"])
        #expect(model.dispersion.allSatisfy { $0.shared < 0.01 && $0.own < 0.4 })
        #expect(model.trend.allSatisfy { $0 == .init() })

        let folder = TemporaryFolder()
        let path = folder.path + "/england-and-wales"
        try ModelFolder.write(model, information: information, to: path)
        // The Isles of Scilly have no neighbour by land.
        #expect(ModelFolder.check(path).map(\.severity) == [.warning])
        #expect(ModelFolder.check(path).first?.message.contains("E02006781") == true)
    }

    @Test(.enabled(if: isThere, "needs the counts in CRIMS_DATA or ../shared/data, and the reference tables"))
    func `expected totals of the months that are there are the counted ones`() throws {
        let options = CalibrationOptions(
            archives: [Self.table], force: EnglandAndWales.name, reference: "reference")
        let (model, information, _) = try calibrateEnglandAndWales(options, log: { _ in })
        let counted = try #require(information.settings.first { $0.name == "incidents" }?.value)
        let months = NationalFixture.months.compactMap { CivilMonth(text: $0.utf8) }
        var all = (expected: 0.0, counted: 0.0)
        for (category, name) in model.categories.enumerated() {
            var expected = 0.0
            for month in months {
                let row = model.profileOfCrime[try #require(model.crimes.firstIndex { $0.category == category })]
                let days = Exposure.days(of: month, weights: model.profiles[row * 168..<(row + 1) * 168])
                for (area, place) in model.areas.enumerated() where !place.isImputed {
                    expected += model.rate(area: area, category: category, month: month.month) * days
                }
            }
            let incidents = try #require(counted[name]?.number)
            // Not their mean but their level at the end, and three forces' months and half of Kent's that are not there.
            #expect(abs(expected / incidents - 1) < 0.08, "\(name): \(expected), \(incidents)")
            all.expected += expected
            all.counted += incidents
        }
        #expect(abs(all.expected / all.counted - 1) < 0.035, "\(all)")
    }
}
