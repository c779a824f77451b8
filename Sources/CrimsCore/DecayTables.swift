/// What the minutes of an hour leave of an effect, for each half-life in use: 60 numbers, the first of which is 1, and
/// their sum.
final class DecayTables {
    private let values = GrowingBuffer<Double>()
    private var offsets: [Int: Int] = [:]
    /// The last half-life of each of 256 hashes and its offset, before the dictionary is asked.
    private let recent = GrowingBuffer<(halfLife: Int, offset: Int)>(capacity: 256)
    /// Whether each minute leaves at most what the one before left. Of half-lives so long that rounding shows it may
    /// not.
    private(set) var descend = true

    /// 60 numbers, their sum, and room for what is read of it four at a time.
    private static let each = 64

    /// More half-lives than this at a time are a client's whim: they are forgotten when others come.
    private static let most = 4_096

    init() { forgetRecent() }

    var start: UnsafePointer<Double> { UnsafePointer(values.start) }

    private func forgetRecent() { recent.start.update(repeating: (0, 0), count: 256) }

    /// Forgets all where there are many, before offsets are asked for anew.
    func trim() {
        guard offsets.count > Self.most else { return }
        offsets.removeAll(keepingCapacity: true)
        forgetRecent()
        descend = true
    }

    /// Where the numbers of a half-life (minutes) begin.
    func offset(halfLife: Int) -> Int {
        let place = recent.start + (halfLife &* 0x9E37_79B1) >> 16 & 0xFF
        if place.pointee.halfLife == halfLife { return place.pointee.offset }
        let offset = offsets[halfLife] ?? add(halfLife)
        place.pointee = (halfLife, offset)
        return offset
    }

    private func add(_ halfLife: Int) -> Int {
        let offset = offsets.count * Self.each
        offsets[halfLife] = offset
        values.reserve(offset + Self.each, keeping: offset)
        for minute in stride(from: 0, to: 60, by: 4) {
            let minutes = SIMD4<Double>(0, 1, 2, 3) + Double(minute)
            let left = Numerics.exp2(-minutes / Double(halfLife))
            for lane in 0..<4 { values.start[offset + minute + lane] = left[lane] }
        }
        (values.start + offset + 60).update(repeating: 0, count: Self.each - 60)
        values.start[offset + 60] = (0..<60).reduce(0) { $0 + values.start[offset + $1] }
        for minute in 1..<60 where values.start[offset + minute] > values.start[offset + minute - 1] { descend = false }
        return offset
    }
}
