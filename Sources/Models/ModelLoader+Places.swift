import CrimsCore

extension ModelLoader {
    /// `areas.csv`: an area keeps its place even if something in its row is wrong, so that its code stays known.
    mutating func readAreas(_ table: inout ModelTable, _ problems: inout ProblemList) {
        while table.next(&problems) {
            let code = table.code(0, &problems)
            let name = table.text(1, &problems)
            let longitude = table.number(2, in: -180...180, expecting: "degrees from -180 to 180", &problems)
            let latitude = table.number(3, in: -90...90, expecting: "degrees from -90 to 90", &problems)
            let population = table.number(
                4, in: 0...1e9, expecting: "a whole number of residents, 0 or more,", &problems)
            if population != population.rounded(.towardZero) {
                problems.error(
                    .areas, table.line, "population is \"\(table.shown(4))\"; a whole number of residents is expected")
            }
            let isImputed = table.has(5) && table.flag(5, &problems)
            guard areaIndex.add(code) else {
                problems.error(.areas, table.line, "area \"\(code)\" is there twice")
                continue
            }
            areas.append(
                .init(
                    code: code, name: name, longitude: longitude, latitude: latitude, population: Int(population),
                    isImputed: isImputed))
        }
        if table.rows == 0 { problems.error(.areas, nil, "no areas; at least one is expected") }
        if areas.count > CrimeModel.areasMax {
            problems.error(.areas, nil, "\(areas.count) areas; at most \(CrimeModel.areasMax) are possible")
        }
    }

    /// `neighbours.csv`: a pair in one direction or in both; either way each area gets the other.
    mutating func readNeighbours(_ table: inout ModelTable, _ problems: inout ProblemList) {
        neighbours = Array(repeating: [], count: areas.count)
        var seen: Set<Int> = []
        while table.next(&problems) {
            let area = area(table, column: 0, &problems)
            let neighbour = area.flatMap { _ in self.area(table, column: 1, &problems) }
            guard let area, let neighbour else { continue }
            guard area != neighbour else {
                problems.error(.neighbours, table.line, "area \"\(areas[area].code)\" cannot be its own neighbour")
                continue
            }
            guard seen.insert(area * areas.count + neighbour).inserted else {
                problems.error(
                    .neighbours, table.line,
                    "the pair \"\(areas[area].code)\", \"\(areas[neighbour].code)\" is there twice")
                continue
            }
            if !seen.contains(neighbour * areas.count + area) {
                neighbours[area].append(neighbour)
                neighbours[neighbour].append(area)
            }
        }
        for index in neighbours.indices {
            neighbours[index].sort()
            if neighbours[index].isEmpty, areas.count > 1 {
                problems.warning(
                    .neighbours, nil, "area \"\(areas[index].code)\" has no neighbour, so nothing can move there")
            }
        }
    }

    /// The area that a row speaks of; reported if there is none.
    mutating func area(_ table: ModelTable, column: Int, _ problems: inout ProblemList) -> Int? {
        if let index = areaIndex.index(of: table.bytes(column)) { return index }
        problems.error(table.file, table.line, "area \"\(table.shown(column))\" is not in areas.csv")
        return nil
    }
}
