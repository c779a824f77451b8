import CrimsCore
import Models
import Protocol

/// A model of four areas in a ring and three crimes, as the files of its folder.
enum SmallModel {
    static let files: [String: [UInt8]] = texts.mapValues { Array($0.utf8) }

    static let model: CrimeModel = {
        do throws(ModelError) {
            return try ModelFolder.read(files, name: "small")
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    static let hours = (0..<168).map { "h" + String(repeating: "0", count: $0 < 10 ? 2 : $0 < 100 ? 1 : 0) + "\($0)" }

    private static let texts: [String: String] = {
        let areas = ["E1", "E2", "E3", "E4"]
        let months = "jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec"
        let cells = areas.flatMap { area in ["burglary", "other theft"].map { "\(area),\($0)" } }
        func table(_ header: String, _ rows: [String]) -> String { ([header] + rows).map { $0 + "\n" }.joined() }
        return [
            "model.json": """
            {"format": 1, "name": "small", "title": "Four areas", "period": {"from": "2018-01", "to": "2019-12"},
             "sources": [{"name": "made up", "licence": "none"}], "method": {"name": "by hand"}}

            """,
            "areas.csv": table("code,name,longitude,latitude,population", areas.map { "\($0),Area,-2.5,53.25,1000" }),
            "crimes.csv": table(
                "code,description,category,severity,share",
                [
                    "28E,\"Burglary, residential\",burglary,465.25,1", "49,Other theft,other theft,37,0.9",
                    "35,Blackmail,other theft,786,0.1",
                ]),
            "rates.csv": table("area,category,\(months)", cells.map { $0 + String(repeating: ",12", count: 12) }),
            "profile.csv": table(
                "crime," + hours.joined(separator: ","),
                ["burglary", "other theft"].map { $0 + String(repeating: ",1", count: 168) }),
            "suspect.csv": table("area,category,probability", cells.map { $0 + ",0.5" }),
            "neighbours.csv": table("area,neighbour", ["E1,E2", "E2,E3", "E3,E4", "E4,E1"]),
            "dispersion.csv": table("category,shared,own", ["burglary,0.02,0.1"]),
            "trend.csv": table("category,growth,damping", ["burglary,-0.01,0.9"]),
        ]
    }()
}
