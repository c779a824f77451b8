import CrimsCore
import Protocol

/// A reply as frames one behind the other, in memory that the next one takes over.
public struct ReplyFrames {
    public internal(set) var bytes = ByteWriter(capacity: 1_024)
    /// Where each frame ends.
    public internal(set) var ends: [Int] = []

    public init() {}

    mutating func clear() {
        bytes.clear()
        ends.removeAll(keepingCapacity: true)
    }

    mutating func endFrame() { ends.append(bytes.count) }

    /// The frames as arrays of their own.
    public var copied: [[UInt8]] {
        ends.indices.map { Array(bytes.bytes[($0 > 0 ? ends[$0 - 1] : 0)..<ends[$0]]) }
    }
}

/// What a run's next step comes to, drawn and written: taken when it is asked for as expected, and thrown away when
/// anything of the run has changed before. Random numbers have no state, so that drawing changes nothing.
struct StepDraft {
    let seq: Int
    let format: Format
    /// ``Run/changes`` when it was drawn.
    let changes: Int
    let window: Range<Int>
    let step: Record.Stepped
    let expectation: Expectation
    /// The size of what is written of its reply.
    let bytes: Int
    let nanoseconds: (sampling: UInt64, encoding: UInt64)
}

/// A run that is stepped hour by hour, with what its next step needs, so that nothing is looked up or allocated for it.
final class StepLane {
    let run: Run
    fileprivate let name: [UInt8]
    /// The reply's members before `seq`, but for the first and the id.
    let head: [UInt8]
    /// The reply from the member `seq` on, of ``draft``.
    var body = ReplyFrames()
    var draft: StepDraft?
    /// The incidents of the step that was drawn last: of the draft, or of the last step.
    var columns = IncidentColumns(origin: CivilMinute(minutes: 0))
    /// Plain steps that came one after the other; below 0 after a draft that nobody asked for.
    private var streak = 0
    /// Nanoseconds from the last reply but one to the last request: about as long, the client will think again.
    private var thought: UInt64 = 0
    /// ``Subscriptions/changes`` when nobody wanted what the run publishes.
    var quietSince = -1
    /// The adjustments that act in the window that was drawn last.
    var schedule: [ScheduledAdjustment] = []

    /// Plain steps in a row before the next one is drawn ahead; how many more after one that was drawn in vain; the
    /// longest drawing that is, whatever the client does meanwhile; and the largest reply, of which each lane keeps one.
    private static let streakMin = 2
    private static let patience = 16
    private static let draftNanosecondsMax: UInt64 = 300_000
    static let bytesMax = 64 << 10
    private static let incidentsMax = 4_096
    /// With more adjustments in force an hour may take longer than others should wait for it: whether it does is known by
    /// the last one.
    private static let adjustmentsMax = 64
    private static let quickNanoseconds: UInt64 = 5_000_000

    init(_ run: Run) {
        self.run = run
        name = Array(run.name.utf8)
        var writer = ByteWriter()
        writer.raw(",\"op\":\"step\",\"ok\":true")
        writer.run(run.name)
        head = writer.bytes
    }

    private var isQuick: Bool {
        let last = run.lastDrawing
        return run.live.count <= Self.adjustmentsMax
            || run.live.count <= last.adjustments && last.nanoseconds <= Self.quickNanoseconds
    }

    /// The draft, if it is what is asked for.
    func takeDraft(seq: Int, format: Format) -> StepDraft? {
        guard let draft else { return nil }
        self.draft = nil
        if draft.seq == seq, draft.format == format, draft.changes == run.changes { return draft }
        streak = -Self.patience
        return nil
    }

    /// Gives back the memory of a large reply, of which only the next one would have use.
    func shrink() {
        if body.bytes.count > Self.bytesMax { body = ReplyFrames() }
        if columns.count > Self.incidentsMax { columns = IncidentColumns(origin: columns.origin) }
    }

    func countPlainStep(thought: UInt64) {
        streak = min(streak + 1, Self.streakMin)
        self.thought = thought
    }

    /// Whether drawing the next step ahead is likely to be of use, and over before it is asked for.
    func shouldDraw(after step: StepDraft) -> Bool {
        let length = step.nanoseconds.sampling + step.nanoseconds.encoding
        return streak >= Self.streakMin && step.bytes <= Self.bytesMax
            && length <= max(Self.draftNanosecondsMax, min(thought - thought / 4, Self.quickNanoseconds))
    }

    /// The next step's window, if it lies within one hour and neither ends the run nor goes beyond what there is.
    var window: Range<Int>? {
        guard !run.isClosed, !run.hasEnded, isQuick else { return nil }
        let from = run.time.minutes
        let to = run.start(of: run.nextSeq + 1).minutes
        guard from / 60 == (to - 1) / 60, to <= CivilMinute.limit.minutes,
            run.arguments.end.map({ to < $0.minutes }) ?? true
        else { return nil }
        return from..<to
    }
}

/// The lanes of the runs that were stepped last, by the hash of their names: two whose names meet in one place take
/// turns in it.
struct StepLanes {
    private var lanes = [StepLane?](repeating: nil, count: 64)

    private static func place(_ name: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & 63)
    }

    /// The lane of the run with this name, if there is one.
    subscript(name: UnsafeRawBufferPointer) -> StepLane? {
        guard let lane = lanes[Self.place(name)], name.elementsEqual(lane.name) else { return nil }
        return lane
    }

    mutating func add(_ lane: StepLane) { lanes[lane.name.withUnsafeBytes { Self.place($0) }] = lane }

    mutating func remove(_ name: String) {
        let place = Array(name.utf8).withUnsafeBytes { Self.place($0) }
        if lanes[place]?.run.name == name { lanes[place] = nil }
    }
}
