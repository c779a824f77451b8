import CrimsCore

/// What a calibration has to know beside the records: a force's areas, the offences and when in the week they happen.
struct Reference {
    struct Offence {
        var code: String
        var description: String
        /// Index into ``Reference/categories``.
        var category: Int
        var severity: Double
        /// Crimes recorded in the force, and in all forces together.
        var count = (force: 0.0, all: 0.0)
    }

    let forceName: String
    /// Those whose areas are here: one, or all, by ``EnglandAndWales/name``.
    let forces: [(force: String, name: String)]
    /// Index into ``forces``, by area.
    private(set) var forceOfArea: [Int] = []
    /// The force's, in the reference's order.
    private(set) var areas: [CrimeModel.Area] = []
    /// Of each area.
    private(set) var hectares: [Double] = []
    let places: Places
    private(set) var neighbours: [[Int]] = []
    /// Lower case, sorted by their bytes.
    let categories: [String]
    private(set) var offences: [Offence] = []
    /// 168 weights for each category.
    private(set) var profile: [Double]

    init(folder: String, force: String) throws(CalibrationError) {
        forces = try Self.forces(named: force, folder)
        forceName = force == EnglandAndWales.name ? "England and Wales" : forces[0].name
        var places = Places()
        let indices = try Self.areas(of: forces.map(\.force), folder, into: &areas, &hectares, &forceOfArea, &places)
        guard !areas.isEmpty else {
            throw .reference(file: "areas.csv", line: nil, reason: "no areas of force \"\(force)\"")
        }

        var table = try ReferenceTable(folder: folder, file: "lsoa.csv", columns: ["lsoa", "msoa"])
        var codes = TextIndex()
        for area in areas { codes.insert(area.code) }
        while try table.next() {
            let place = table.withBytes(1) { codes.number(of: $0) }.map(Places.Place.area) ?? .elsewhere
            table.withBytes(0) { places.add(code: $0, place) }
        }
        self.places = places

        neighbours = Array(repeating: [], count: areas.count)
        table = try ReferenceTable(folder: folder, file: "neighbours.csv", columns: ["area", "neighbour"])
        while try table.next() {
            guard let area = indices[table.text(0)], let other = indices[table.text(1)] else { continue }
            neighbours[area].append(other)
            neighbours[other].append(area)
        }
        for index in neighbours.indices { neighbours[index].sort() }

        table = try ReferenceTable(
            folder: folder, file: "offences.csv", columns: ["code", "description", "category", "severity"])
        var rows: [(category: String, offence: Offence)] = []
        while try table.next() {
            let offence = Offence(
                code: table.text(0), description: table.text(1), category: 0, severity: try table.number(3))
            rows.append((table.text(2), offence))
        }
        categories = Set(rows.map(\.category)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (index, category) in categories.enumerated() {
            for row in rows where row.category == category {
                offences.append(row.offence)
                offences[offences.count - 1].category = index
            }
        }
        profile = Array(repeating: 0, count: categories.count * 168)
        try readCounts(folder, force)
        try readProfile(folder)
    }

    /// The force of that name, or all.
    private static func forces(
        named name: String, _ folder: String
    ) throws(CalibrationError) -> [(force: String, name: String)] {
        var table = try ReferenceTable(folder: folder, file: "forces.csv", columns: ["force", "name"])
        var forces: [(force: String, name: String)] = []
        while try table.next() {
            let force = table.text(0)
            if forces.contains(where: { $0.force == force }) {
                throw table.failure("force \"\(force)\" is there twice")
            }
            forces.append((force, table.text(1)))
            if force == name { return Array(forces.suffix(1)) }
        }
        guard name == EnglandAndWales.name, !forces.isEmpty else {
            throw .unknownForce(name: name, known: forces.map(\.force) + [EnglandAndWales.name])
        }
        return forces
    }

    private static func areas(
        of forces: [String], _ folder: String, into areas: inout [CrimeModel.Area], _ hectares: inout [Double],
        _ forceOfArea: inout [Int], _ places: inout Places
    ) throws(CalibrationError) -> [String: Int] {
        var table = try ReferenceTable(
            folder: folder, file: "areas.csv",
            columns: ["code", "name", "force", "longitude", "latitude", "population", "hectares"])
        var indices: [String: Int] = [:]
        while try table.next() {
            let name = table.text(2)
            let force = forces.firstIndex(of: name)
            table.withBytes(1) { places.add(name: $0, force == nil ? .elsewhere : .area(areas.count)) }
            guard let force else {
                if forces.count > 1 { throw table.failure("force \"\(name)\" is not in forces.csv") }
                continue
            }
            forceOfArea.append(force)
            let code = table.text(0)
            guard indices.updateValue(areas.count, forKey: code) == nil else {
                throw table.failure("area \"\(code)\" is there twice")
            }
            guard let population = Int(exactly: try table.number(5)), (0...1_000_000_000).contains(population) else {
                throw table.failure("population is \"\(table.text(5))\"; a whole number of residents is expected")
            }
            areas.append(
                .init(
                    code: code, name: table.text(1), longitude: try table.number(3), latitude: try table.number(4),
                    population: population))
            let size = try table.number(6)
            guard size > 0 else { throw table.failure("hectares is not above 0") }
            hectares.append(size)
        }
        return indices
    }

    private mutating func readCounts(_ folder: String, _ force: String) throws(CalibrationError) {
        var table = try ReferenceTable(
            folder: folder, file: "offence_counts.csv", columns: ["force", "code", "count"])
        var indices: [String: Int] = [:]
        for (index, offence) in offences.enumerated() { indices[offence.code] = index }
        while try table.next() {
            guard let index = indices[table.text(1)] else {
                throw table.failure("code \"\(table.text(1))\" is not in offences.csv")
            }
            let count = try table.number(2)
            guard count >= 0 else { throw table.failure("count is below 0") }
            offences[index].count.all += count
            if table.text(0) == force { offences[index].count.force += count }
        }
    }

    private mutating func readProfile(_ folder: String) throws(CalibrationError) {
        let hours = (0..<168).map { "h" + String(repeating: "0", count: $0 < 10 ? 2 : $0 < 100 ? 1 : 0) + String($0) }
        var table = try ReferenceTable(folder: folder, file: "profile.csv", columns: ["category"] + hours)
        var missing = Set(categories)
        while try table.next() {
            guard let category = categories.firstIndex(of: table.text(0)) else { continue }
            missing.remove(table.text(0))
            var sum = 0.0
            for hour in 0..<168 {
                let weight = try table.number(1 + hour)
                guard weight >= 0 else { throw table.failure("a weight below 0") }
                profile[category * 168 + hour] = weight
                sum += weight
            }
            guard sum > 0 else { throw table.failure("all weights are 0") }
            for hour in 0..<168 { profile[category * 168 + hour] *= 168 / sum }
        }
        if let category = missing.sorted().first {
            throw .reference(file: table.file, line: nil, reason: "no row for category \"\(category)\"")
        }
    }
}

/// A force's name for people, by its name in data.police.uk's files.
///
/// - Parameter folder: The folder of tables about England and Wales.
/// - Throws: ``CalibrationError/unknownForce(name:known:)``, ``CalibrationError/reference(file:line:reason:)``.
public func nameOfForce(_ force: String, reference folder: String) throws(CalibrationError) -> String {
    var table = try ReferenceTable(folder: folder, file: "forces.csv", columns: ["force", "name"])
    var known: [String] = []
    while try table.next() {
        if table.text(0) == force { return table.text(1) }
        known.append(table.text(0))
    }
    throw .unknownForce(name: force, known: known)
}
