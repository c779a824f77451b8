/// How often, and how long after, a failed request is tried again.
package struct Patience: Equatable {
    /// Waits never grow longer than this, in seconds.
    package static let waitMax = 60.0
    /// A server that asks to be left alone for longer, in seconds, is not waited for.
    package static let askedMax = 300

    package enum Decision: Equatable {
        case wait(seconds: Double, attempt: Int)
        case giveUp
        /// The server asks for more seconds than anybody waits.
        case comeBack(after: Int)
    }

    /// Tries after the first that may fail in a row.
    package let retries: Int
    /// Seconds before the first of them; each further one waits twice as long.
    package let firstWait: Double
    private var failures = 0
    private var furthest: Int

    /// - Parameter length: Bytes that are there already.
    package init(retries: Int, firstWait: Double, length: Int = 0) {
        self.retries = retries
        self.firstWait = firstWait
        furthest = length
    }

    /// What to do after a failure.
    ///
    /// - Parameters:
    ///   - length: Bytes that have arrived. A try that got further than all before it begins a new row: a large file
    ///     over a bad line is had in many pieces.
    ///   - asked: Seconds that the server asks for, or 0.
    package mutating func failed(at length: Int, asked: Int = 0) -> Decision {
        if length > furthest {
            furthest = length
            failures = 0
        }
        failures += 1
        if failures > retries { return .giveUp }
        if asked > Self.askedMax { return .comeBack(after: asked) }
        if asked > 0 { return .wait(seconds: Double(asked), attempt: failures) }
        var seconds = firstWait
        for _ in 1..<failures where seconds < Self.waitMax { seconds *= 2 }
        return .wait(seconds: min(seconds, Self.waitMax), attempt: failures)
    }
}

/// Sees when nothing comes any more.
package struct StallWatch {
    /// Fewer bytes than this within the time are nothing: a line that drips never gets anywhere.
    package static let bytesMin = 1_024

    private let limit: Double
    private var mark: (seconds: Double, bytes: Int)

    /// - Parameter limit: Seconds without anything that are too long.
    package init(limit: Double, at seconds: Double) {
        self.limit = limit
        mark = (seconds, 0)
    }

    /// - Parameter bytes: All that have come since the beginning.
    package mutating func hasStalled(at seconds: Double, bytes: Int) -> Bool {
        if bytes - mark.bytes >= Self.bytesMin { mark = (seconds, bytes) }
        return seconds - mark.seconds > limit
    }
}
