/// Work that may take long and is done in slices, so that heartbeats and other clients get their turn.
protocol Job: AnyObject {
    /// Goes on until done or until `isOver` says that the slice is, at least a little each time.
    ///
    /// - Returns: whether it is done.
    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool
}

/// A job that changes nothing, for one client alone.
protocol ReadingJob: Job {
    var peer: Peer { get }
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

/// Work in progress: steps and reads in turn, so that a short step never waits for more than one slice of reading,
/// however much there is to read.
struct JobQueue {
    private var steps: [(job: any Job, run: Run)] = []
    /// The reads at work, whose replies are growing, and those that have not begun.
    private var reading: [any ReadingJob] = []
    private var waiting: [any ReadingJob] = []
    private var stepIsNext = true
    /// Each has a reply in memory.
    private static let readingMax = 4

    var isEmpty: Bool { steps.isEmpty && reads == 0 }
    var reads: Int { reading.count + waiting.count }

    mutating func add(_ job: any Job, _ run: Run) { steps.append((job, run)) }

    mutating func add(_ job: any ReadingJob) { waiting.append(job) }

    /// Takes out the job whose turn it is.
    mutating func next() -> (job: any Job, run: Run?)? {
        while reading.count < Self.readingMax, !waiting.isEmpty { reading.append(waiting.removeFirst()) }
        let takeStep = !steps.isEmpty && (stepIsNext || reading.isEmpty)
        stepIsNext = !takeStep
        if takeStep {
            let first = steps.removeFirst()
            return (first.job, first.run)
        }
        guard !reading.isEmpty else { return nil }
        return (reading.removeFirst(), nil)
    }

    /// Puts back a job that is not done.
    mutating func putBack(_ job: any Job, _ run: Run?) {
        if let run { steps.append((job, run)) } else if let job = job as? any ReadingJob { reading.append(job) }
    }

    mutating func dropReads(of connection: Int) {
        reading.removeAll { $0.peer.connection == connection }
        waiting.removeAll { $0.peer.connection == connection }
    }

    mutating func dropReads() {
        reading = []
        waiting = []
    }
}
