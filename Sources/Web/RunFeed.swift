import Coupling
import CrimsCore
import Protocol

/// What there is to tell of one run, for all who follow it: steps by their number, and what else happens in between.
struct RunFeed {
    /// A step as it was drawn, or as it is told to all.
    enum Step {
        case drawn(TakenStep)
        case told([UInt8])

        var bytes: Int {
            switch self {
            // What it will have, roughly: each incident is a row of numbers.
            case .drawn(let step): 512 + 32 * step.incidents.count
            case .told(let bytes): bytes.count
            }
        }
    }

    let run: String
    let legend: RunLegend
    private(set) var place: RunPlace
    /// Nothing more will come after what is there.
    private(set) var isOver: Bool
    /// The run is no more: nobody can draw the steps that are not here.
    private(set) var isGone = false
    var followers = 0
    /// Steps that were asked for and have not come.
    var asked: Set<Int> = []
    private var steps: [Int: Step] = [:]
    /// In the order in which they came.
    private var order: [Int] = []
    private var bytes = 0
    /// The last notes, and how many there were before them. Each is told once this many steps are.
    private var notes: [(steps: Int, event: [UInt8])] = []
    private var forgotten = 0

    private static let bytesMax = 4 << 20
    private static let stepsMin = 64
    private static let notesMax = 1_000

    init(_ run: String, _ place: RunPlace, _ legend: RunLegend) {
        (self.run, self.place, self.legend) = (run, place, legend)
        isOver = place.state == "closed"
    }

    // MARK: - What happens

    /// Takes where the run stands now.
    ///
    /// - Returns: whether that is news.
    mutating func stand(_ now: RunPlace?) -> Bool {
        guard !isGone, now != place else { return false }
        guard let now, now.identity == place.identity, now.nextSeq >= place.nextSeq else {
            if !isOver { tell("deleted") }
            (isOver, isGone) = (true, true)
            return true
        }
        let before = place.state
        place = now
        if now.state != before { tell(now.state) }
        isOver = now.state == "closed"
        return true
    }

    private mutating func tell(_ event: String) {
        note(
            "run",
            .object([
                .init("run", .string(run)), .init("event", .string(event)),
                .init("next_seq", .number(Double(place.nextSeq))), .init("time", .string(TimeText.format(place.time))),
            ]))
    }

    private mutating func note(_ name: String, _ json: JSON) {
        var writer = ByteWriter()
        writer.json(json)
        note(name, writer.bytes)
    }

    /// Something that is told after the steps that were taken by now.
    mutating func note(_ name: String, _ json: [UInt8]) {
        notes.append((place.nextSeq, Array("event: \(name)\ndata: ".utf8) + json + Array("\n\n".utf8)))
        guard notes.count > Self.notesMax else { return }
        notes.removeFirst()
        forgotten += 1
    }

    mutating func keep(_ seq: Int, _ step: Step) {
        asked.remove(seq)
        if let old = steps[seq] { bytes -= old.bytes } else { order.append(seq) }
        steps[seq] = step
        bytes += step.bytes
        while bytes > Self.bytesMax, order.count > Self.stepsMin {
            if let gone = steps.removeValue(forKey: order.removeFirst()) { bytes -= gone.bytes }
        }
    }

    func has(_ seq: Int) -> Bool { steps[seq] != nil }

    // MARK: - What is told

    /// The number of the next note.
    var notesEnd: Int { forgotten + notes.count }

    /// The next note after so many, if it belongs before step `seq`; and how many there were then.
    func note(after count: Int, before seq: Int) -> (event: [UInt8], count: Int)? {
        let index = max(0, count - forgotten)
        guard index < notes.count, notes[index].steps <= seq else { return nil }
        return (notes[index].event, forgotten + index + 1)
    }

    /// A step as it is told; nil if it is not here.
    mutating func event(of seq: Int) -> [UInt8]? {
        switch steps[seq] {
        case nil: return nil
        case .told(let event): return event
        case .drawn(let step):
            let event = StepEvent(step, run: run, legend: legend).bytes
            keep(seq, .told(event))
            return event
        }
    }
}
