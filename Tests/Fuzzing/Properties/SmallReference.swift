/// What a calibration has beside its records: two forces with three areas.
enum SmallReference {
    static let files: [String: [UInt8]] = texts.mapValues { Array($0.utf8) }

    static let street = Array(
        (([
            "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
                + "Last outcome category,Context"
        ]
            + (0..<9).map {
                "a\($0),2018-0\($0 % 3 + 1),Here,Here,-1,53,X,L\($0 % 2 + 1),X 001A,Burglary,,"
            }).joined(separator: "\n") + "\n").utf8)

    static let counts = Array(
        ((["force,MSOA,Month,Crime type,n,suspect"]
            + (1...9).flatMap { month in
                ["here,M1", "here,M2", "there,M3"].map { "\($0),2018-0\(month),Burglary,\(30 + month),3" }
            }).joined(separator: "\n") + "\n").utf8)

    private static let texts: [String: String] = [
        "forces.csv": "force,name\nhere,Here\nthere,There\n",
        "areas.csv": """
        code,name,force,longitude,latitude,population,hectares
        M1,"One, north",here,-1,53,1000,10
        M2,Two,here,-1.5,53.5,2000,20
        M3,Three,there,0,51,3000,30

        """,
        "lsoa.csv": "lsoa,msoa\nL1,M1\nL2,M2\nL3,M3\n",
        "neighbours.csv": "area,neighbour\nM1,M2\nM2,M3\n",
        "offences.csv": """
        code,description,category,severity
        34B,Robbery of a person,robbery,350
        30,Burglary,burglary,400
        ASB,Anti-social behaviour,anti-social behaviour,0

        """,
        "offence_counts.csv": "force,code,count\nhere,34B,3\nhere,30,50\nthere,30,20\n",
        "profile.csv":
            (["category," + SmallModel.hours.joined(separator: ",")]
            + ["anti-social behaviour", "burglary", "robbery"].map { $0 + String(repeating: ",1", count: 168) })
            .map { $0 + "\n" }.joined(),
    ]
}
