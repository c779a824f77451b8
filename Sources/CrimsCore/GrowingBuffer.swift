/// Memory of plain values that is used again and grows when it must, without counting references or checking bounds.
final class GrowingBuffer<Element: BitwiseCopyable> {
    private(set) var start: UnsafeMutablePointer<Element>
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
    }

    deinit { start.deallocate() }

    /// Makes room for `needed` elements, of which the first `kept` stay.
    func reserve(_ needed: Int, keeping kept: Int = 0) {
        guard needed > capacity else { return }
        capacity = max(needed, 2 * capacity)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.update(from: start, count: kept)
        start.deallocate()
        start = larger
    }
}
