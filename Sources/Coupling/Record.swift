import CrimsCore
import Protocol

/// What was asked of a run and acknowledged. A run is a function of these, in their order, and of nothing else.
public struct Record: Equatable, Sendable {
    public var run: String
    /// Whose key it was asked with, where keys are used.
    public var who: String?
    public var event: Event

    public init(run: String, who: String? = nil, event: Event) {
        self.run = run
        self.who = who
        self.event = event
    }

    public enum Event: Equatable, Sendable {
        case opened(Opening)
        case forked(Fork)
        case stepped(Stepped)
        /// `seq` is the run's next step when it was taken.
        case adjusted(AdjustmentTerms, id: String, seq: Int)
        case retracted(adjustment: String, seq: Int)
        case closed(seq: Int)
        case deleted(seq: Int)
    }

    public struct Opening: Equatable, Sendable {
        public var arguments: OpenRequest
        /// The model's; with another the run would be another.
        public var digest: String
        /// ``Sampler/version`` of the sampler that drew it.
        public var sampler: Int

        public init(arguments: OpenRequest, digest: String, sampler: Int) {
            self.arguments = arguments
            self.digest = digest
            self.sampler = sampler
        }
    }

    public struct Fork: Equatable, Sendable {
        /// `run` is the parent, as it stands at this place in the order.
        public var request: ForkRequest
        /// The fork's first step, and the incidents of the steps before it.
        public var nextSeq: Int
        public var incidents: Int

        public init(request: ForkRequest, nextSeq: Int, incidents: Int) {
            self.request = request
            self.nextSeq = nextSeq
            self.incidents = incidents
        }
    }

    /// One request's steps, with the adjustments that came with it.
    public struct Stepped: Equatable, Sendable {
        public var seq: Int
        public var steps: Int
        /// By participant, in their order; one in a run without.
        public var asked: [Asked]
        public var incidents: Int
        /// Of all its incidents, and of those of its last step.
        public var digest: UInt64
        public var lastDigest: UInt64

        public init(
            seq: Int, steps: Int, asked: [Asked], incidents: Int, digest: UInt64, lastDigest: UInt64
        ) {
            self.seq = seq
            self.steps = steps
            self.asked = asked
            self.incidents = incidents
            self.digest = digest
            self.lastDigest = lastDigest
        }
    }
}

/// One participant's part in a step.
public struct Asked: Equatable, Sendable {
    /// Nil in a run without participants.
    public var participant: String?
    public var adjust: [AdjustmentTerms]
    /// The ids that the list came to; those of earlier adjustments where a key was known.
    public var adjusted: [String]

    /// Of a step that nobody adjusts, in a run without participants: one array for all of them.
    public static let nothing = [Asked()]

    public init(participant: String? = nil, adjust: [AdjustmentTerms] = [], adjusted: [String] = []) {
        self.participant = participant
        self.adjust = adjust
        self.adjusted = adjusted
    }
}

/// Where acknowledged requests are kept.
public protocol Recorder: AnyObject {
    /// Keeps a record for good before it is acknowledged.
    ///
    /// - Throws: `storage`; then nothing is kept, and nothing may be acknowledged.
    func append(_ record: Record) throws(Refusal)

    /// Once a second: puts what was kept in passing where it is to stay.
    func settle()
}

extension Recorder {
    public func settle() {}
}

/// Keeps nothing: runs end with the process.
public final class NoRecorder: Recorder {
    public init() {}
    public func append(_ record: Record) {}
}
