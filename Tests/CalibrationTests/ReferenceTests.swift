import Calibration
import Testing

/// What is wrong in the tables beside the records ends the calibration with the line.
@Suite struct ReferenceTests {
    @Test(arguments: [
        ("forces.csv", "force,name\nhere,Here\nthere,There\nthere,There\n", 4, "force \"there\" is there twice"),
        ("areas.csv", areas("M1,Two,here,0,53,2000,20"), 3, "area \"M1\" is there twice"),
        ("areas.csv", areas("M2,Two,here,0,53,1e300,20"), 3, "a whole number of residents is expected"),
        ("areas.csv", areas("M2,Two,here,0,53,1.5,20"), 3, "a whole number of residents is expected"),
        ("areas.csv", areas("M2,Two,here,0,53,-1,20"), 3, "a whole number of residents is expected"),
    ])
    func `a table with a row that cannot be is refused`(file: String, text: String, line: Int, says: String) throws {
        let fixture = try NationalFixture(forces: [("here", [("M1", 1)]), ("there", [("M3", 3)])])
        let table = try fixture.table([("here", "M1", "2018-01", "Burglary", 31, 3)])
        try fixture.folder.set("reference/" + file, text.utf8)
        do throws(CalibrationError) {
            _ = try calibrateEnglandAndWales(fixture.options(table), log: { _ in })
            Issue.record("calibrated")
        } catch {
            guard case .reference(let named, let number, let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(named == file && number == line && reason.contains(says), "\(error)")
        }
    }

    private static func areas(_ row: String) -> String {
        "code,name,force,longitude,latitude,population,hectares\nM1,One,here,-1,53,1000,10\n\(row)\n"
            + "M3,Three,there,0,51,3000,30\n"
    }
}
