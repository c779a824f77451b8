import Reporting
import Testing

@Suite struct ScaleTests {
    @Test(arguments: [
        (lower: 0.0, upper: 10.0, count: 4, ticks: [0.0, 5, 10]),
        (lower: 0, upper: 100, count: 5, ticks: [0, 20, 40, 60, 80, 100]),
        (lower: 0.73, upper: 1.27, count: 5, ticks: [0.8, 1, 1.2]),
        (lower: -3, upper: 3, count: 3, ticks: [-2, 0, 2]),
        (lower: 0, upper: 0.001, count: 4, ticks: [0, 0.0005, 0.001]),
        (lower: 0, upper: 17_000, count: 4, ticks: [0, 5_000, 10_000, 15_000]),
    ])
    func `ticks are round and within the scale`(lower: Double, upper: Double, count: Int, ticks: [Double]) {
        let found = Scale(lower, upper, from: 0, to: 1).ticks(count)
        #expect(found.count == ticks.count && zip(found, ticks).allSatisfy { abs($0 - $1) < 1e-12 }, "\(found)")
    }

    @Test func `there are never more ticks than asked for, and one`() {
        for power in [1e-6, 1e-3, 1, 1e3, 1e6] {
            for upper in stride(from: 1.0, to: 10, by: 0.37) {
                let ticks = Scale(0, upper * power, from: 0, to: 1).ticks(4)
                #expect((2...5).contains(ticks.count), "\(upper * power): \(ticks)")
            }
        }
    }

    @Test func `positions run from start to end, and no further`() {
        let scale = Scale(10, 20, from: 100, to: 0)
        #expect([10, 15, 20, 5, 99].map { scale($0) } == [100, 50, 0, 100, 0])
        #expect(Scale(3, 3, from: 0, to: 1)(3) == 0)
        #expect(Scale(upTo: 0, from: 0, to: 1)(0) == 0)
    }

    @Test(arguments: [
        ([0.0, 5, 10], 0), ([0, 0.5], 1), ([0.8, 1], 1), ([0, 0.05], 2), ([3], 0), ([0, 0.2, 0.4], 1),
    ])
    func `labels have as many digits as tell ticks apart`(ticks: [Double], places: Int) {
        #expect(Scale.places(ticks) == places)
    }
}

@Suite struct ClassesTests {
    @Test func `classes hold about equal numbers, bounded by values of two digits`() {
        let values = (1...700).map { Double($0 * $0) / 100 }
        let classes = Classes(values)
        #expect(classes.count == 7)
        #expect(classes.bounds.allSatisfy { Classes.rounded($0) == $0 })
        let counts = (0..<7).map { index in values.count { classes($0) == index } }
        #expect(counts.allSatisfy { (85...115).contains($0) }, "\(counts)")
        #expect(values.map { classes.colour($0) } == values.map { classes($0) })
    }

    @Test func `few values have few classes, over all colours`() {
        #expect(Classes([]).count == 1)
        #expect(Classes([0, 0, 0]).count == 1 && Classes([0, 0, 0]).colour(0) == 0)
        #expect(Classes([5, 5, 5]).colour(5) == Classes.most - 1)
        let two = Classes([0, 44.9])
        #expect(two.bounds == [44] && two.colour(0) == 0 && two.colour(44.9) == 6)
    }
}
