import CrimsCore
import Protocol

/// The way of most requests: one step of a run without participants, no longer than an hour. It comes to the same
/// reply, the same record and the same events as the general way, in fewer instructions and without memory of its own;
/// and the next such step is drawn ahead, while the client thinks.
extension Hub {
    public enum PlainAnswer {
        /// ``plainReply`` is to be sent, and then ``finishPlainStep(began:sent:)`` called.
        case taken
        /// The step could not be kept and was not taken.
        case refused(Refusal)
        /// It is for the general way, and nothing has happened.
        case notPlain
    }

    /// Takes a step, if that is what a frame asks for in a plain way.
    ///
    /// - Parameters:
    ///   - who: whose key it was asked with.
    ///   - now: nanoseconds of the monotonic clock.
    public func takePlainStep(_ frame: UnsafeRawBufferPointer, by who: String?, role: Role, now: UInt64) -> PlainAnswer
    {
        guard role >= .driver, frame.count <= limits.requestBytes, let asked = PlainStep(frame),
            let lane = lane(of: UnsafeRawBufferPointer(rebasing: frame[asked.run]))
        else { return .notPlain }
        let run = lane.run
        guard !run.isBusy, run.waiting.isEmpty, run.barrier.participants.isEmpty, run.barrier.isEmpty,
            asked.seq ?? run.nextSeq == run.nextSeq
        else { return .notPlain }
        guard let step = lane.takeDraft(seq: run.nextSeq, format: asked.format) ?? draw(lane, asked.format)
        else { return .notPlain }
        onChange()
        do throws(Refusal) {
            try recorder.append(Record(run: run.name, who: who, event: .stepped(step.step)))
        } catch {
            return .refused(error)
        }
        run.take(step.step)
        let thought = run.timings.repliedAt.map { now - min(now, $0) }
        if let thought { countWaiting(of: run, nanoseconds: thought) }
        lane.countPlainStep(thought: thought ?? 0)
        count(step, of: run)
        plainReply.clear()
        write(asked.id.map { frame[$0] }, lane)
        plainStep = (lane, step)
        return .taken
    }

    /// As above, and answers as to any other request.
    func takesPlainStep(_ frame: UnsafeRawBufferPointer, from peer: Peer) -> Bool {
        let began = now()
        switch takePlainStep(frame, by: peer.who, role: peer.role, now: began) {
        case .notPlain: return false
        case .taken:
            emit(.reply(peer, plainReply.copied))
            finishPlainStep(began: began, sent: now())
        case .refused(let refusal): refuse(refusal, ofPlain: frame, to: peer)
        }
        return true
    }

    /// Refuses what ``takePlainStep(_:by:role:now:)`` could not take.
    public func refuse(_ refusal: Refusal, ofPlain frame: UnsafeRawBufferPointer, to peer: Peer) {
        let id = PlainStep(frame)?.id.map { JSON.string(String(decoding: frame[$0], as: UTF8.self)) }
        refuse(refusal, id: id, op: "step", to: peer)
    }

    private func count(_ step: StepDraft, of run: Run) {
        run.timings.sampling.add(nanoseconds: step.nanoseconds.sampling)
        run.timings.encoding.add(nanoseconds: step.nanoseconds.encoding)
        tally.sampling.add(nanoseconds: step.nanoseconds.sampling)
        tally.encoding.add(nanoseconds: step.nanoseconds.encoding)
        tally.steps += 1
        tally.incidents += step.step.incidents
    }

    /// After the reply was handed over: what listeners are told of it.
    public func finishPlainStep(began: UInt64, sent: UInt64) {
        guard let (lane, step) = plainStep else { return }
        let run = lane.run
        defer { lane.shrink() }
        run.timings.sending.add(nanoseconds: sent - began)
        tally.sending.add(nanoseconds: sent - began)
        run.timings.repliedAt = sent
        tell(step, of: lane)
        guard run.arguments.publish, lane.quietSince != subscriptions.changes else { return }
        guard subscriptions.wantsAny(of: run.topics) else { return lane.quietSince = subscriptions.changes }
        let plan = StepPlan(
            seq: step.seq, steps: 1, window: step.window, accepted: [], asked: [], isRetry: false)
        run.isStepping = true
        start(PublicationJob(StepPublication(run: run, plan: plan, schedule: lane.schedule, hub: self)), on: run)
    }

    /// Whether there is a step to be drawn ahead.
    public var hasDraftToDraw: Bool {
        guard let (lane, step) = plainStep else { return false }
        return lane.draft == nil && !lane.run.isBusy && lane.shouldDraw(after: step)
    }

    /// Draws the next step of the run that was stepped last, as it was asked for last. To be called when nothing waits.
    public func drawAhead() {
        guard hasDraftToDraw, let (lane, step) = plainStep else { return }
        lane.draft = draw(lane, step.format)
        if lane.draft == nil { plainStep = nil }
    }

    // MARK: - Drawing

    /// Draws a lane's next step and writes its reply from the member `seq` on; nil where that is for the general way.
    private func draw(_ lane: StepLane, _ format: Format) -> StepDraft? {
        guard let window = lane.window else { return nil }
        let run = lane.run
        let began = now()
        lane.schedule = run.schedule(in: window)
        lane.columns.clear(origin: CivilMinute(minutes: window.lowerBound))
        guard var expectation = try? run.sampler.draw(window: window, schedule: lane.schedule, into: &lane.columns)
        else { return nil }
        expectation.inForce = lane.schedule.count
        let count = lane.columns.count
        guard count <= limits.incidentsPerReply || !format.carriesIncidents else { return nil }
        var digest = IncidentDigest()
        digest.add(lane.columns, 0..<count)
        let sampled = now()
        run.lastDrawing = (sampled - began, run.live.count)
        lane.body.clear()
        write(format, of: lane, window, expectation)
        let step = Record.Stepped(
            seq: run.nextSeq, steps: 1, asked: Asked.nothing, incidents: count, digest: digest.value,
            lastDigest: digest.value)
        return StepDraft(
            seq: run.nextSeq, format: format, changes: run.changes, window: window, step: step,
            expectation: expectation, bytes: lane.body.bytes.count,
            nanoseconds: (sampled - began, now() - sampled))
    }

    private func write(_ format: Format, of lane: StepLane, _ window: Range<Int>, _ expectation: Expectation) {
        let run = lane.run
        let count = lane.columns.count
        lane.body.bytes.stepHead(
            seq: run.nextSeq, steps: 1, window: window, count: count, expectation: expectation, adjusted: [],
            isLast: false)
        let fragments = run.served.fragments
        switch format {
        case .records:
            lane.body.bytes.raw(",\"incidents\":[")
            fragments.writeJSON(lane.columns, 0..<count, first: true, to: &lane.body.bytes)
            lane.body.bytes.raw("]}")
            lane.body.endFrame()
        case .counts:
            plainCounts.removeAll(keepingCapacity: true)
            plainCounts.append(contentsOf: repeatElement(0, count: run.served.prepared.categoryCount))
            for index in 0..<count {
                plainCounts[run.served.model.crimes[Int(lane.columns.crime[index])].category] += 1
            }
            lane.body.bytes.raw(",\"by_category\":")
            lane.body.bytes.counts(plainCounts, of: run.served.model.categories)
            lane.body.bytes.raw("}")
            lane.body.endFrame()
        case .csv:
            lane.body.bytes.raw("}")
            lane.body.endFrame()
            lane.body.bytes.raw(IncidentFragments.csvHeader)
            fragments.writeCSV(lane.columns, 0..<count, to: &lane.body.bytes)
            lane.body.endFrame()
        case .columns:
            lane.body.bytes.raw(IncidentColumns.legend)
            lane.body.bytes.raw("}")
            lane.body.endFrame()
            lane.columns.pack(into: &lane.body)
        case .none:
            lane.body.bytes.raw("}")
            lane.body.endFrame()
        }
    }

    /// The reply's frames: its first members, then what the lane has.
    private func write(_ id: Slice<UnsafeRawBufferPointer>?, _ lane: StepLane) {
        plainReply.bytes.raw("{\"v\":1")
        if let id {
            plainReply.bytes.raw(",\"id\":\"")
            // Nothing in it has to be escaped, or it would not be plain.
            plainReply.bytes.raw(UnsafeRawBufferPointer(rebasing: id))
            plainReply.bytes.raw("\"")
        }
        plainReply.bytes.raw(lane.head)
        let before = plainReply.bytes.count
        plainReply.bytes.raw(lane.body.bytes.bytes)
        for end in lane.body.ends { plainReply.ends.append(before + end) }
    }

    // MARK: - Lanes

    private func lane(of name: UnsafeRawBufferPointer) -> StepLane? {
        if let lane = lanes[name] { return lane }
        guard let run = runs[String(decoding: name, as: UTF8.self)] else { return nil }
        let lane = StepLane(run)
        lanes.add(lane)
        return lane
    }

    /// Forgets what is at hand for a run that is no more.
    func leaveLane(_ name: String) {
        lanes.remove(name)
        if plainStep?.lane.run.name == name { plainStep = nil }
    }
}

/// What listeners are told of a step that has been answered.
private final class PublicationJob: Job {
    private let publication: StepPublication

    init(_ publication: StepPublication) { self.publication = publication }

    func work(_ hub: Hub, until isOver: () -> Bool) -> Bool { publication.work(hub, until: isOver) }
}

extension ByteWriter {
    /// The members of a reply to `step` and `read` from `seq` on, up to those of a format.
    ///
    /// - Parameter isLast: whether the run ends with it.
    mutating func stepHead(
        seq: Int, steps: Int, window: Range<Int>, count: Int, expectation: Expectation, adjusted: [String], isLast: Bool
    ) {
        raw(",\"seq\":")
        integer(seq)
        raw(",\"steps\":")
        integer(steps)
        raw(",\"from\":")
        quoted(CivilMinute(minutes: window.lowerBound))
        raw(",\"to\":")
        quoted(CivilMinute(minutes: window.upperBound))
        raw(",\"count\":")
        integer(count)
        raw(",\"expected\":")
        real(expectation.expected)
        raw(",\"baseline\":")
        real(expectation.baseline)
        raw(",\"in_force\":")
        integer(expectation.inForce)
        expectation.capped ? raw(",\"capped\":true") : raw(",\"capped\":false")
        raw(",\"adjusted\":[")
        for (index, id) in adjusted.enumerated() {
            if index > 0 { raw(",") }
            quoted(id)
        }
        raw("],\"next_seq\":")
        integer(seq + steps)
        isLast ? raw(",\"ended\":true") : raw(",\"ended\":false")
    }
}

extension IncidentColumns {
    /// What a reply says of the frames that follow it.
    static var legend: StaticString {
        """
        ,"columns":[{"name":"id","type":"i64"},{"name":"time","type":"i32"},{"name":"MSOA","type":"u16"},\
        {"name":"crime","type":"u16"},{"name":"suspect","type":"u8"}]
        """
    }

    /// As ``packed``, one behind the other.
    func pack(into frames: inout ReplyFrames) {
        Self.pack(id, count, &frames)
        Self.pack(time, count, &frames)
        Self.pack(area, count, &frames)
        Self.pack(crime, count, &frames)
        Self.pack(suspect, count, &frames)
    }

    private static func pack<Value: FixedWidthInteger>(_ values: [Value], _ count: Int, _ frames: inout ReplyFrames) {
        #if _endian(little)
            values.withUnsafeBytes {
                frames.bytes.raw(UnsafeRawBufferPointer(rebasing: $0[..<(count * MemoryLayout<Value>.stride)]))
            }
        #else
            for value in values[..<count] { withUnsafeBytes(of: value.littleEndian) { frames.bytes.raw($0) } }
        #endif
        frames.endFrame()
    }
}
