import Calibration
import CrimsCore
import Models
import Protocol
import Testing

@Suite struct UpstreamTests {
    private static func months(_ years: ClosedRange<Int>) -> [String] {
        years.flatMap { year in (1...12).map { "\(year)-" + ($0 < 10 ? "0" : "") + String($0) } }
    }

    private static func calibrated(
        _ fixture: Fixture, _ archive: String
    ) throws -> (model: CrimeModel, information: ModelInformation, accounting: Accounting) {
        var options = fixture.options([archive])
        options.method = .upstream
        return try calibrate(options, log: { _ in })
    }

    @Test func `rates are the formula's on the counts of each cell`() throws {
        let fixture = try Fixture()
        // Two Januaries and a July burglary on top of what each month has, in two years.
        var zip = StoredZip()
        for month in Self.months(2018...2019) {
            var text = Fixture.month(month)
            if month == "2018-01" || month == "2019-07" { text += Fixture.row(month, "L1", "Burglary") }
            zip.add("\(month)-here-street.csv", text)
        }
        let model = try Self.calibrated(fixture, try fixture.folder.set("two.zip", zip.bytes)).model
        func rates(_ area: Int, _ category: Int) -> [Double] {
            (1...12).map { model.rate(area: area, category: category, month: $0) }
        }
        // Four burglaries a month in M1, two in M2; robberies in M2 alone.
        let counts = [9, 8, 8, 8, 8, 8, 9, 8, 8, 8, 8, 8]
        #expect(rates(0, 1) == UpstreamRates.daily(counts: counts, years: 2))
        #expect(rates(1, 1) == UpstreamRates.daily(counts: Array(repeating: 4, count: 12), years: 2))
        #expect(rates(1, 3) == UpstreamRates.daily(counts: Array(repeating: 8, count: 12), years: 2))
        #expect(rates(0, 3) == Array(repeating: 0, count: 12))
        #expect(model.dispersion.allSatisfy { $0 == .init() } && model.trend.allSatisfy { $0 == .init() })
        #expect(model.profileMean == .month)
        // The same offences as without the method.
        let shrunk = try calibrate(fixture.options([fixture.folder.path + "/two.zip"]), log: { _ in }).model
        #expect(model.crimes == shrunk.crimes && model.neighbours == shrunk.neighbours)
        #expect(model.rates != shrunk.rates)
    }

    @Test func `a February expects eight per cent less than was counted, as it did with the predecessor`() throws {
        let fixture = try Fixture()
        let model = try Self.calibrated(fixture, try fixture.zip(Self.months(2019...2019))).model
        let sampler = Sampler(prepared: PreparedModel(model), world: World(dispersion: false), cache: MonthCache())
        func expected(_ month: CivilMonth) -> Double {
            var total = 0.0
            for hour in month.start.hour..<month.next.start.hour {
                sampler.expectations(
                    window: hour * 60..<hour * 60 + 60, schedule: [], detail: .init(areas: true, crimes: true)
                ) { area, crime, expected, _ in
                    if area == 0, model.crimes[crime].category == 1 { total += expected }
                }
            }
            return total
        }
        // M1: four burglaries a month, so r = 48 and R = 576; the prior days pull February down by another bit.
        for (month, days) in [(2, 28.0), (3, 31), (4, 30)] {
            let byHand = 576 * (48 + days) / (576 + 365) * days / 365.2475
            let found = expected(CivilMonth(year: 2019, month: month))
            #expect(abs(found - byHand) < 1e-12 * byHand)
        }
        #expect(expected(CivilMonth(year: 2019, month: 2)) / 4 < 0.92)
    }

    @Test(arguments: [
        ("Awaiting court outcome", 1.0), ("Court case unable to proceed", 1), ("Court result unavailable", 1),
        ("Defendant found not guilty", 1), ("Defendant sent to Crown Court", 1), ("Offender deprived of property", 1),
        ("Offender fined", 1), ("Offender given a caution", 1), ("Offender given a drugs possession warning", 1),
        ("Offender given absolute discharge", 1), ("Offender given community sentence", 1),
        ("Offender given conditional discharge", 1), ("Offender given penalty notice", 1),
        ("Offender given suspended prison sentence", 1), ("Offender ordered to pay compensation", 1),
        ("Offender otherwise dealt with", 1), ("Offender sent to prison", 1),
        ("Suspect charged as part of another case", 1), ("Unable to prosecute suspect", 1), ("Suspect charged", 1),
        ("", 0), ("Action to be taken by another organisation", 0), ("Formal action is not in the public interest", 0),
        ("Further action is not in the public interest", 0), ("Further investigation is not in the public interest", 0),
        ("Investigation complete; no suspect identified", 0), ("Local resolution", 0), ("Status update unavailable", 0),
        ("Under investigation", 0), ("Settled by duel", 0),
    ])
    func `a suspect is what the predecessor takes for one`(outcome: String, share: Double) throws {
        let fixture = try Fixture()
        var zip = StoredZip()
        for month in Self.months(2019...2019) {
            zip.add("\(month)-here-street.csv", Fixture.header + Fixture.row(month, "L1", "Robbery", outcome))
        }
        let model = try Self.calibrated(fixture, try fixture.folder.set("one.zip", zip.bytes)).model
        #expect(model.suspect[3] == share)
    }

    @Test func `suspect shares are of all incidents, unshrunk, and no month is left out`() throws {
        let fixture = try Fixture()
        var zip = StoredZip()
        for month in Self.months(2019...2019) {
            var text = Fixture.month(month)
            // A month whose outcomes are mostly unknown, which the other method would leave out.
            if month == "2019-05" { for _ in 0..<40 { text += Fixture.row(month, "L1", "Burglary", "") } }
            zip.add("\(month)-here-street.csv", text)
        }
        let archive = try fixture.folder.set("year.zip", zip.bytes)
        let (model, information, accounting) = try Self.calibrated(fixture, archive)
        #expect(model.suspect[1] == 24.0 / 88)
        #expect(model.suspect[4 + 1] == 1)
        #expect(model.suspect[0] == 0 && model.suspect[4] == 0 && model.suspect[4 + 3] == 0)
        #expect(accounting.outcomeMonthsLeftOut.isEmpty)
        #expect(try !calibrate(fixture.options([archive]), log: { _ in }).accounting.outcomeMonthsLeftOut.isEmpty)
        #expect(information.method == "upstream")
        #expect(information.settings.contains(.init("years", .number(1))))
        #expect(information.settings.contains(.init("daysInYear", .number(365.2475))))
    }

    @Test func `weights are constant within 21 periods of 8 hours`() throws {
        let fixture = try Fixture()
        let model = try Self.calibrated(fixture, try fixture.zip(Self.months(2019...2019))).model
        // Robberies: 2.5 from midnight to 6, 1 for the rest of the day, over a mean of 1.375.
        let robbery = model.profiles[3 * 168..<4 * 168].map { $0 * 1.375 }
        for hour in 0..<168 {
            #expect(abs(robbery[hour] - (hour % 24 < 8 ? (6 * 2.5 + 2) / 8 : 1)) < 1e-12)
        }
        #expect(model.profiles[0..<3 * 168].allSatisfy { abs($0 - 1) < 1e-12 })
    }

    @Test func `a period that is not of whole years is refused, with one that is`() throws {
        let fixture = try Fixture()
        let archive = try fixture.zip(Array(Self.months(2018...2019).dropLast(6)))
        let error = #expect(throws: CalibrationError.self) { try Self.calibrated(fixture, archive) }
        #expect(
            error?.description == "the upstream method takes whole years, and 2018-01 to 2019-06 is 18 months; "
                + "2018-07 to 2019-06 would be whole years")
        var options = fixture.options([archive])
        options.method = .upstream
        options.from = CivilMonth(year: 2018, month: 7)
        #expect(try calibrate(options, log: { _ in }).model.period.from == CivilMonth(year: 2018, month: 7))
        options.to = CivilMonth(year: 2018, month: 7)
        #expect(throws: CalibrationError.notWholeYears(from: options.from!, to: options.to!)) {
            try calibrate(options, log: { _ in })
        }
        // The same archive is good enough for the other method.
        #expect(try calibrate(fixture.options([archive]), log: { _ in }).accounting.files == 18)
    }

    @Test func `missing months are refused by name`() throws {
        let fixture = try Fixture()
        let months = Self.months(2018...2019).filter { $0 != "2018-03" && $0 != "2019-11" }
        let archive = try fixture.zip(months)
        let error = #expect(throws: CalibrationError.self) { try Self.calibrated(fixture, archive) }
        #expect(
            error?.description == "the upstream method needs records of every month of its period; there are none of "
                + "2018-03, 2019-11")
        // Also one that the period asks for and no file has.
        var options = fixture.options([try fixture.zip(Self.months(2019...2019), name: "year.zip")])
        options.method = .upstream
        options.from = CivilMonth(year: 2018, month: 1)
        let early = (1...12).map { CivilMonth(year: 2018, month: $0) }
        #expect(throws: CalibrationError.monthsWithoutRecords(early)) { try calibrate(options, log: { _ in }) }
    }
}
