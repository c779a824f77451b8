import Calibration
import CrimsCore
import Models
import Protocol

/// A country of a few forces and the tables of its counts.
struct NationalFixture {
    typealias Row = (force: String, area: String, month: String, category: String, n: Int, suspect: Int)

    let folder = TemporaryFolder()
    /// Months as police.uk's records have them in the real table: four of the year are nowhere.
    static let months = [
        "2018-10", "2018-11", "2018-12", "2019-01", "2019-02", "2019-07", "2019-08", "2019-09",
    ]
    /// Residents in thousands.
    static let forces: [(force: String, areas: [(code: String, thousands: Int)])] = [
        ("far", [("F1", 4)]), ("gone", [("G1", 5), ("G2", 7)]), ("mid", [("M1", 3), ("M2", 6)]),
        ("near", [("N1", 1), ("N2", 2)]),
    ]
    static let header = "force,MSOA,Month,Crime type,n,suspect\n"

    init(forces: [(force: String, areas: [(code: String, thousands: Int)])] = Self.forces) throws {
        try FileSystem.makeFolder(folder.path + "/reference")
        let areas = forces.flatMap { force in force.areas.map { (force.force, $0.code, $0.thousands * 1_000) } }
        func table(_ name: String, _ header: String, _ rows: [String]) throws {
            try folder.set("reference/" + name, ([header] + rows).map { $0 + "\n" }.joined().utf8)
        }
        try table("forces.csv", "force,name", forces.map { "\($0.force),\($0.force.uppercased())" })
        try table(
            "areas.csv", "code,name,force,longitude,latitude,population,hectares",
            areas.map { "\($0.1),Area \($0.1),\($0.0),0,52,\($0.2),10" })
        try table("lsoa.csv", "lsoa,msoa", areas.map { "L\($0.1),\($0.1)" })
        try table("neighbours.csv", "area,neighbour", zip(areas, areas.dropFirst()).map { "\($0.1),\($1.1)" })
        try table(
            "offences.csv", "code,description,category,severity",
            ["ASB,Nuisance,anti-social behaviour,0", "30,Burglary,burglary,400", "34,Robbery,robbery,300"])
        // Nobody counts robberies but the force that has no records.
        try table(
            "offence_counts.csv", "force,code,count",
            [(forces.first?.force ?? "", "30"), ("gone", "34")].map { "\($0.0),\($0.1),10" })
        let hours = (0..<168).map { "h" + String(repeating: "0", count: $0 < 10 ? 2 : $0 < 100 ? 1 : 0) + "\($0)" }
        try table(
            "profile.csv", (["category"] + hours).joined(separator: ","),
            ["anti-social behaviour", "burglary", "robbery"].map { $0 + String(repeating: ",1", count: 168) })
    }

    /// One burglary a day for each thousand residents, in all forces but the absent one.
    static func burglaries(
        _ months: [String] = months, thousandths: (_ force: String, _ month: String) -> Int = { _, _ in 1_000 }
    ) -> [Row] {
        forces.filter { $0.force != "gone" }.flatMap { force in
            force.areas.flatMap { area in
                months.map { month -> Row in
                    let n = days(month) * area.thousands * thousandths(force.force, month) / 1_000
                    return (force.force, area.code, month, "Burglary", n, 0)
                }
            }
        }
    }

    static func days(_ month: String) -> Int { Int(CivilMonth(text: month.utf8)!.days) }

    func table(_ rows: [Row], name: String = "counts.csv") throws -> String {
        let lines = rows.map { "\($0.force),\($0.area),\($0.month),\($0.category),\($0.n),\($0.suspect)\n" }
        return try folder.set(name, (Self.header + lines.joined()).utf8)
    }

    func options(_ table: String) -> CalibrationOptions {
        CalibrationOptions(archives: [table], force: EnglandAndWales.name, reference: folder.path + "/reference")
    }

    typealias Result = (model: CrimeModel, information: ModelInformation, account: CountsAccount)

    func calibrated(_ rows: [Row], suspects: BacktestPlan.Period? = nil) throws -> Result {
        try calibrateEnglandAndWales(options(try table(rows)), suspects: suspects, log: { _ in })
    }
}

extension CrimeModel {
    /// Twelve rates of an area.
    func rates(_ code: String, _ category: String) -> [Double] {
        let area = areas.firstIndex { $0.code == code }!
        let index = categories.firstIndex(of: category)!
        return (1...12).map { rate(area: area, category: index, month: $0) }
    }

    /// Of two areas together, which no leaning of the one on the other moves.
    func rates(_ code: String, _ other: String, _ category: String) -> [Double] {
        zip(rates(code, category), rates(other, category)).map { $0 + $1 }
    }

    func suspect(_ code: String, _ category: String) -> Double {
        suspect[areas.firstIndex { $0.code == code }! * categories.count + categories.firstIndex(of: category)!]
    }
}
