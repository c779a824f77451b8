import Calibration
import CrimsCore
import Models

/// A reference of two forces and a few street files, small enough to count by hand.
struct Fixture {
    let folder = TemporaryFolder()

    static let header =
        "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
        + "Last outcome category,Context\r\n"

    init() throws {
        try FileSystem.makeFolder(folder.path + "/reference")
        try folder.set("reference/forces.csv", "force,name,ons_name\nhere,Here,Here\nthere,There,There\n".utf8)
        try folder.set(
            "reference/areas.csv",
            """
            code,name,force,longitude,latitude,population,hectares
            M1,"One, north",here,-1,53,1000,10
            M2,Two,here,-1.5,53.5,2000,20
            M3,Three,there,0,51,3000,30

            """.utf8)
        try folder.set("reference/lsoa.csv", "lsoa,msoa\nL1,M1\nL2,M2\nL3,M3\nL4,M2\n".utf8)
        try folder.set("reference/neighbours.csv", "area,neighbour\nM1,M2\nM2,M3\n".utf8)
        try folder.set(
            "reference/offences.csv",
            """
            code,description,category,severity
            34A,"Robbery, business",robbery,700
            34B,Robbery of a person,robbery,350
            30,Burglary,burglary,400
            31,Burglary never seen,burglary,500
            W1,Weapon one,possession of weapons,10
            W2,Weapon two,possession of weapons,20
            ASB,Anti-social behaviour,anti-social behaviour,0

            """.utf8)
        try folder.set(
            "reference/offence_counts.csv",
            "force,code,count\nhere,34A,1\nhere,34B,3\nhere,30,50\nthere,31,20\nthere,W1,30\nthere,W2,10\n".utf8)
        let hours = (0..<168).map { "h" + String(repeating: "0", count: $0 < 10 ? 2 : $0 < 100 ? 1 : 0) + "\($0)" }
        var profile = "category," + hours.joined(separator: ",") + "\n"
        for category in ["anti-social behaviour", "burglary", "possession of weapons", "robbery"] {
            let weights = (0..<168).map { category == "robbery" && $0 % 24 < 6 ? "2.5" : "1" }
            profile += category + "," + weights.joined(separator: ",") + "\n"
        }
        try folder.set("reference/profile.csv", profile.utf8)
    }

    /// One row as data.police.uk writes it.
    static func row(
        _ month: String, _ lsoa: String, _ category: String, _ outcome: String = "Under investigation"
    ) -> String {
        "0a1b,\(month),Here Police,Here Police,-1.0,53.0,On or near \"X\" Street,\(lsoa),X 001A,\(category),"
            + "\(outcome),\r\n"
    }

    /// Twelve rows of a month that are all right: six burglaries, four robberies, two of anti-social behaviour.
    static func month(_ month: String) -> String {
        var text = header
        for index in 0..<6 {
            let outcome = index < 2 ? "Investigation complete; no suspect identified" : "Unable to prosecute suspect"
            text += row(month, index < 4 ? "L1" : "L2", "Burglary", outcome)
        }
        for _ in 0..<4 { text += row(month, "L4", "Robbery", "Status update unavailable") }
        for _ in 0..<2 { text += row(month, "L2", "Anti-social behaviour", "") }
        return text
    }

    /// A zip of the given months of `here`, and of files that must not be read.
    func zip(_ months: [String], name: String = "archive.zip") throws -> String {
        var zip = StoredZip()
        for month in months {
            zip.add("\(month)/\(month)-here-street.csv", Self.month(month))
            zip.add("\(month)/\(month)-here-outcomes.csv", "not,to,be,read\n")
            zip.add("\(month)/\(month)-there-street.csv", "not,to,be,read\n")
        }
        return try folder.set(name, zip.bytes)
    }

    func options(_ archives: [String]) -> CalibrationOptions {
        CalibrationOptions(archives: archives, force: "here", reference: folder.path + "/reference")
    }

    /// What a calibration of one plain file finds.
    func calibrated(_ text: String, _ name: String = "street.csv") throws(CalibrationError) -> Accounting {
        do {
            let path = try folder.set(name, text.utf8)
            return try calibrate(options([path]), log: { _ in }).accounting
        } catch let error as CalibrationError {
            throw error
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
