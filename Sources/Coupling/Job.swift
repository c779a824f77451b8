/// Work that may take long and is done in slices, so that heartbeats and other clients get their turn.
protocol Job: AnyObject {
    /// Goes on until done or until `isOver` says that the slice is, at least a little each time.
    ///
    /// - Returns: whether it is done.
    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool
}

/// Goes through a time window in parts that lie within one hour each.
struct WindowCursor {
    let window: Range<Int>
    private(set) var position: Int

    init(_ window: Range<Int>) {
        self.window = window
        position = window.lowerBound
    }

    var isAtEnd: Bool { position >= window.upperBound }

    /// The next part.
    mutating func next() -> Range<Int> {
        let end = min((position / 60 + 1) * 60, window.upperBound)
        defer { position = end }
        return position..<end
    }
}
