import Geometry
import Testing

@Suite struct AreaCellsTests {
    /// A square grid: the cell in its middle is the square around it.
    @Test func `a cell is what is nearer to its own place than to any other`() throws {
        var places: [(x: Double, y: Double)] = []
        for number in 0..<25 { places.append((x: Double(number % 5), y: Double(number / 5))) }
        let cells = try AreaCells.geometries(around: places)
        #expect(cells.count == 25)
        let numbers = cells[12].split { !"-.0123456789".contains($0) }.compactMap { Double($0) }
        #expect(numbers.count == 10, "a ring of four corners")
        #expect(numbers.allSatisfy { abs($0 - 1.5) < 1e-9 || abs($0 - 2.5) < 1e-9 })
        #expect(Set(cells).count == 25)
    }

    @Test(arguments: [1, 2, 3]) func `few places, in a line, have cells too`(count: Int) throws {
        var places: [(x: Double, y: Double)] = []
        for number in 0..<count { places.append((x: 0, y: 51 + Double(number) / 10)) }
        let cells = try AreaCells.geometries(around: places)
        #expect(cells.count == count)
        #expect(cells.allSatisfy { $0.contains("Polygon") && $0.contains("51.") })
        #expect(try AreaCells.geometries(around: []).isEmpty)
    }

    @Test func `places on one another share a cell`() throws {
        var places: [(x: Double, y: Double)] = []
        for x in [0.0, 0.2, 0.0] { places.append((x: x, y: 51 + x / 2)) }
        let cells = try AreaCells.geometries(around: places)
        #expect(cells[0] == cells[2] && cells[0] != cells[1])
    }

    @Test func `the same places give the same bytes`() throws {
        var places: [(x: Double, y: Double)] = []
        for number in 0..<500 {
            let (x, y) = (Double(number * 7919 % 1000), Double(number * 104_729 % 1000))
            places.append((x: x / 1000, y: 51 + y / 1000))
        }
        let once = try AreaCells.geometries(around: places)
        #expect(once == (try AreaCells.geometries(around: places)))
        #expect(once.count == 500)
    }
}
