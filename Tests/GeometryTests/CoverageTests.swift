import Geometry
import Testing

/// Areas side by side, thinned.
@Suite struct CoverageTests {
    private typealias Point = Coverage.Point

    private func point(_ x: Double, _ y: Double) -> Point { Point(longitude: x, latitude: y)! }

    /// Squares of 0.02 degrees whose edges wiggle by some metres, as those of one file do: alike on both sides.
    private func squares(_ columns: Int, _ rows: Int) -> [[Coverage.Polygon]] {
        func edge(_ from: Point, _ to: Point) -> [Point] {
            let (one, other) = (min(from, to), max(from, to))
            let points = (0..<40).map { step -> Point in
                var place = one
                place.x += Int32(Int(other.x - one.x) * step / 40)
                place.y += Int32(Int(other.y - one.y) * step / 40)
                let wiggle = step == 0 ? 0 : Int32((step * 7919 + Int(one.x)) % 9 - 4)
                if one.x == other.x { place.x += wiggle } else { place.y += wiggle }
                return place
            }
            // Without its end, which the next edge begins with.
            return from == one ? points : [from] + points.dropFirst().reversed()
        }
        return (0..<rows).flatMap { row in
            (0..<columns).map { column in
                let (x, y) = (-3 + 0.02 * Double(column), 53 + 0.02 * Double(row))
                let corners = [point(x, y), point(x + 0.02, y), point(x + 0.02, y + 0.02), point(x, y + 0.02)]
                return [[corners.indices.flatMap { edge(corners[$0], corners[($0 + 1) % 4]) }]]
            }
        }
    }

    private func edges(_ areas: [[Coverage.Polygon]]) -> [[Point]: Int] {
        var edges: [[Point]: Int] = [:]
        for ring in areas.joined().joined() {
            for index in ring.indices {
                edges[[ring[index], ring[(index + 1) % ring.count]].sorted(), default: 0] += 1
            }
        }
        return edges
    }

    private func doubleArea(_ ring: Coverage.Ring) -> Int {
        ring.indices.reduce(0) { sum, index in
            let (one, other) = (ring[index], ring[(index + 1) % ring.count])
            return sum + Int(one.x) * Int(other.y) - Int(other.x) * Int(one.y)
        }
    }

    @Test func `neighbours keep what they share`() throws {
        let areas = squares(4, 3)
        let thin = try Coverage.thinned(areas, metres: 20)
        #expect(
            thin.joined().joined().reduce(0) { $0 + $1.count } < areas.joined().joined().reduce(0) { $0 + $1.count } / 5
        )
        let counts = edges(thin)
        // 3 · 3 + 4 · 2 edges between squares, and each side of the whole once.
        #expect(counts.values.allSatisfy { $0 <= 2 })
        #expect(counts.values.count { $0 == 2 } >= 17)
        // What all of them cover is what is within the outer edges: no gap, nothing twice.
        let sum = thin.joined().joined().reduce(0) { $0 + doubleArea($1) }
        let outer = counts.filter { $0.value == 1 }.keys
        let bound = outer.reduce(0) { sum, edge in
            let isForwards = thin.joined().joined().contains { ring in
                ring.indices.contains { ring[$0] == edge[0] && ring[($0 + 1) % ring.count] == edge[1] }
            }
            let (one, other) = isForwards ? (edge[0], edge[1]) : (edge[1], edge[0])
            return sum + Int(one.x) * Int(other.y) - Int(other.x) * Int(one.y)
        }
        #expect(sum == bound)
    }

    @Test func `an island in a lake fits, wherever its ring begins`() throws {
        let island = squares(1, 1)[0][0][0]
        let turned = Array((island[17...] + island[..<17]).reversed())
        let lake = [point(-3.1, 52.9), point(-2.9, 52.9), point(-2.9, 53.1), point(-3.1, 53.1)]
        let thin = try Coverage.thinned([[[lake, turned]], [[island]]], metres: 20)
        #expect(Set(thin[0][0][1]) == Set(thin[1][0][0]))
        #expect(thin[1][0][0].count < island.count / 5)
        #expect(doubleArea(thin[0][0][1]) == -doubleArea(thin[1][0][0]))
    }

    @Test func `what would be no area any more keeps its points`() throws {
        let sliver = [point(-3, 53), point(-2.99, 53.00005), point(-2.98, 53), point(-2.99, 53.0001)]
        #expect(try Set(Coverage.thinned([[[sliver]]], metres: 200)[0][0][0]) == Set(sliver))
    }

    @Test func `what touched itself before is thinned all the same`() throws {
        let squares = squares(2, 2)
        // Two squares that meet in a corner, as one ring.
        let (one, other) = (squares[0][0][0], squares[3][0][0])
        let meeting = point(-2.98, 53.02)
        let (first, second) = (one.firstIndex(of: meeting)!, other.firstIndex(of: meeting)!)
        let ring = Array(one[first...] + one[..<first] + other[second...] + other[..<second])
        let thin = try Coverage.thinned([[[ring]], squares[1], squares[2]], metres: 20)
        #expect(thin[0][0][0].count < ring.count / 5)
        #expect(thin[0][0][0].count { $0 == meeting } == 2)
    }

    @Test func `nothing is nothing`() throws {
        #expect(try Coverage.thinned([], metres: 20).isEmpty)
        #expect(try Coverage.thinned([[]], metres: 20) == [[]])
    }

    @Test(arguments: [(181.0, 0.0), (0, 91), (.nan, 0), (0, -.infinity), (334_512, 390_123)])
    func `what is no place has no point`(longitude: Double, latitude: Double) {
        #expect(Coverage.Point(longitude: longitude, latitude: latitude) == nil)
    }
}
