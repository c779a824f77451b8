import CrimsCore
import Protocol

extension Hub {
    /// Carries out a request whose run, if it changes one, is free.
    func perform(_ request: Request, from peer: Peer) throws(Refusal) {
        let id = request.id
        switch request.operation {
        case .hello: hello(id, peer)
        case .describe(let model):
            let served = try served(model)
            var writer = begin("describe", id: id)
            served.writeDescription(&writer)
            reply(writer, to: peer)
        case .open(let open): try self.open(open, id, peer)
        case .step(let step): try self.step(step, id, peer)
        case .read(let read):
            let run = try run(read.run)
            let plan = try run.plan(read, id: id, limits: limits)
            let twin = RunTwin(run)
            let elsewhere = ReadingPlan(op: "read") { ReadJob(plan, run: twin.run($0)) }
            try start(elsewhere, here: ReadJob(plan, run: run), id, peer)
        case .adjust(let run, let terms): try adjust(try self.run(run), terms, id, peer)
        case .retract(let run, let adjustment): try retract(try self.run(run), adjustment, id, peer)
        case .adjustments(let name):
            let run = try run(name)
            var writer = begin("adjustments", id: id)
            writer.run(name)
            writer.raw(",\"adjustments\":")
            writer.json(.array(run.adjustments.map { .object(trail($0, at: run.time)) }))
            reply(writer, to: peer)
        case .rates(let rates): try self.rates(rates, id, peer)
        case .fork(let fork): try self.fork(fork, id, peer)
        case .status(let name): try status(name, id, peer)
        case .close(let name):
            if let run = stopped[name] {
                try close(run, peer)
                var writer = begin("close", id: id)
                writer.run(name)
                writer.raw(",\"state\":\"closed\"")
                return reply(writer, to: peer)
            }
            let run = try run(name)
            let first = !run.isClosed
            if first {
                try recorder.append(Record(run: name, who: peer.who, event: .closed(seq: run.nextSeq)))
                run.close()
            }
            reply(standing(of: run, op: "close", id: id, resumed: nil), to: peer)
            if first {
                turnAway(from: run, Refusal(.runClosed, "run '\(name)' was closed: the step is not taken"))
                publish("closed", of: run)
            }
        case .delete(let name):
            let place: (isClosed: Bool, seq: Int)
            if let run = stopped[name] {
                place = (run.isClosed, run.nextSeq)
            } else {
                let run = try run(name)
                place = (run.isClosed, run.nextSeq)
            }
            guard place.isClosed else { throw Refusal(.conflict, "run '\(name)' is not closed: close it first") }
            try recorder.append(Record(run: name, who: peer.who, event: .deleted(seq: place.seq)))
            remove(name)
            var writer = begin("delete", id: id)
            writer.run(name)
            reply(writer, to: peer)
        }
    }

    private func hello(_ id: String?, _ peer: Peer) {
        func list(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
        let members: [JSON.Member] = [
            .init("server", .string("crims")), .init("version", .string(identity.version)),
            .init("protocol", .array([.number(1)])), .init("models", list(source.names())),
            .init(
                "endpoints",
                .object([.init("control", list(identity.control)), .init("events", list(identity.events))])),
            .init("limits", limits.json), .init("role", .string(peer.role.rawValue)),
            .init("journal", .string(identity.journal)), .init("boot", .number(Double(identity.boot))),
        ]
        var writer = begin("hello", id: id)
        for member in members {
            writer.raw(",")
            writer.quoted(member.name)
            writer.raw(":")
            writer.json(member.value)
        }
        reply(writer, to: peer)
    }

    private func rates(_ request: RatesRequest, _ id: String?, _ peer: Peer) throws(Refusal) {
        let run: Run?
        let served: ServedModel
        switch request.subject {
        case .run(let name):
            let found = try self.run(name)
            (run, served) = (found, found.served)
        case .model(let name): (run, served) = (nil, try self.served(name))
        }
        let world = run?.arguments.world ?? World(dispersion: false)
        let schedule = run?.schedule(in: request.from.minutes..<request.to.minutes) ?? []
        let plan = RatesJob.Plan(
            request: request, id: id, served: served, world: world,
            // Whether a suspect is known changes no count.
            schedule: schedule.filter { $0.adjustment.target == .incidence },
            selection: try served.selection(areas: request.areas, categories: request.categories),
            rowsMax: limits.rowsPerReply)
        let elsewhere = ReadingPlan(op: "rates") {
            RatesJob(plan, sampler: Sampler(prepared: plan.served.prepared, world: plan.world, cache: $0))
        }
        try start(
            elsewhere,
            here: RatesJob(
                plan, sampler: run?.sampler ?? Sampler(prepared: served.prepared, world: world, cache: cache)), id, peer
        )
    }

    // MARK: - Runs

    private func open(_ request: OpenRequest, _ id: String?, _ peer: Peer) throws(Refusal) {
        if let stopped = request.run.flatMap({ stopped[$0] }) { throw stopped.refusal }
        let served = try served(request.model)
        try requireFew(request.participants)
        if let name = request.run, let run = runs[name] {
            var same = run.arguments
            same.run = name
            guard same == request, run.served === served else {
                throw Refusal(.runExists, "run '\(name)' exists with other arguments: choose another name, or fork it")
            }
            reply(standing(of: run, op: "open", id: id, resumed: true), to: peer)
            return publish("resumed", of: run)
        }
        let run = Run(name: request.run ?? freshName(), served: served, arguments: request, cache: cache)
        let opening = Record.Opening(arguments: request, digest: served.model.digest, sampler: Sampler.version)
        try add(run, as: .opened(opening), by: peer.who)
        reply(standing(of: run, op: "open", id: id, resumed: false), to: peer)
        publish("opened", of: run)
    }

    private func fork(_ request: ForkRequest, _ id: String?, _ peer: Peer) throws(Refusal) {
        if let stopped = request.name.flatMap({ stopped[$0] }) { throw stopped.refusal }
        if let name = request.name, let existing = runs[name] {
            guard let origin = existing.origin, origin.request == request else {
                throw Refusal(.runExists, "run '\(name)' exists and is not this fork: choose another name")
            }
            return reply(standing(of: existing, op: "fork", id: id, resumed: false, seq: origin.nextSeq), to: peer)
        }
        let parent = try run(request.run)
        try requireFew(request.participants)
        if let seq = request.seq, seq > parent.nextSeq {
            throw .outOfStep(
                expected: parent.nextSeq,
                "run '\(parent.name)' has taken the steps before seq \(parent.nextSeq): fork at it or before it, not at \(seq)"
            )
        }
        let run = Run(name: request.name, of: parent, request: request, cache: cache)
        let known = parent.incidents(before: run.nextSeq).upTo
        guard known < run.nextSeq else { return try finishFork(run, id, peer) }
        start(ForkJob(run, of: parent, uncounted: known..<run.nextSeq, peer: peer, id: id), on: parent)
    }

    private func requireFew(_ participants: [Participant]) throws(Refusal) {
        guard participants.count <= limits.participants else {
            throw .limit(
                "participants", "a run has at most \(limits.participants) participants, not \(participants.count)")
        }
    }

    func finishFork(_ run: Run, _ id: String?, _ peer: Peer) throws(Refusal) {
        if run.name.isEmpty { run.name = freshName() }
        guard let origin = run.origin else { preconditionFailure("a fork has an origin") }
        let fork = Record.Fork(request: origin.request, nextSeq: origin.nextSeq, incidents: run.incidents)
        try add(run, as: .forked(fork), by: peer.who)
        reply(standing(of: run, op: "fork", id: id, resumed: false), to: peer)
        publish("forked", of: run)
    }

    private func close(_ run: StoppedRun, _ peer: Peer) throws(Refusal) {
        guard !run.isClosed else { return }
        try recorder.append(Record(run: run.name, who: peer.who, event: .closed(seq: run.nextSeq)))
        run.close()
    }

    /// Where a run stands; with `seq`, where it stood then.
    private func standing(of run: Run, op: StaticString, id: String?, resumed: Bool?, seq: Int? = nil) -> ByteWriter {
        var writer = begin(op, id: id)
        writer.run(run.name)
        writer.raw(",\"model\":")
        writer.quoted(run.served.model.name)
        writer.raw(",\"digest\":")
        writer.quoted(run.served.model.digest)
        let time = seq.map { run.start(of: $0) } ?? run.time
        writer.raw(",\"time\":")
        writer.quoted(time)
        writer.raw(",\"step\":")
        writer.quoted(TimeText.format(run.arguments.step))
        writer.raw(",\"next_seq\":")
        writer.integer(seq ?? run.nextSeq)
        writer.raw(",\"state\":")
        writer.quoted(seq == nil ? run.state : run.arguments.end == time ? "ended" : "open")
        if let resumed { resumed ? writer.raw(",\"resumed\":true") : writer.raw(",\"resumed\":false") }
        return writer
    }

    private func status(_ name: String?, _ id: String?, _ peer: Peer) throws(Refusal) {
        if let name, !isTaken(name) { _ = try run(name) }
        var writer = begin("status", id: id)
        writer.raw(",\"runs\":")
        writer.json(
            .array(
                (name.map { [$0] } ?? order).compactMap { name in
                    guard let run = runs[name] else { return stopped[name]?.status }
                    let members: [JSON.Member] = [
                        .init("run", .string(run.name)), .init("model", .string(run.served.model.name)),
                        .init("start", .string(TimeText.format(run.arguments.start))),
                        .init("step", .string(TimeText.format(run.arguments.step))),
                        .init("state", .string(run.state)), .init("time", .string(TimeText.format(run.time))),
                        .init("next_seq", .number(Double(run.nextSeq))),
                        .init("incidents", .number(Double(run.incidents))),
                        .init("adjustments", .number(Double(run.adjustments.count))),
                        .init("in_force", .number(Double(run.live.count))),
                        .init("waiting_for", run.barrier.waitingFor(at: now())),
                        .init("stepping", .bool(run.isStepping)),
                        .init("timings", run.timings.json),
                    ]
                    return .object(members + Self.origin(run.origin?.request.run, run.origin?.nextSeq))
                }))
        let peers = peers()
        if name == nil, !peers.isEmpty {
            writer.raw(",\"peers\":")
            writer.json(.object(peers))
        }
        reply(writer, to: peer)
    }

    /// Where a fork comes from, as `status` tells it.
    static func origin(_ run: String?, _ seq: Int?) -> [JSON.Member] {
        [
            .init("forked_from", run.map { .string($0) } ?? .null),
            .init("forked_seq", seq.map { .number(Double($0)) } ?? .null),
        ]
    }

    // MARK: - Adjustments

    private func adjust(
        _ run: Run, _ terms: AdjustmentTerms, _ id: String?, _ peer: Peer
    ) throws(Refusal) {
        // Before anything else is looked at: a key makes a retry safe even after the run has moved on or ended.
        if let key = terms.key, let earlier = run.adjustment(key: key) {
            try Run.checkDuplicate(earlier, terms, run: run.name)
            return reply(answer(earlier, run, id, duplicate: true), to: peer)
        }
        try requireOpen(run)
        if let seq = terms.seq, seq != run.nextSeq {
            throw .outOfStep(
                expected: run.nextSeq, "run '\(run.name)' expects seq \(run.nextSeq), not \(seq): nothing was adjusted")
        }
        let (accepted, _) = try run.resolve([terms], limits: limits)
        try recorder.append(
            Record(run: run.name, who: peer.who, event: .adjusted(terms, id: accepted[0].id, seq: run.nextSeq)))
        run.take(accepted)
        tally.adjustments += 1
        reply(answer(accepted[0], run, id, duplicate: false), to: peer)
        publish(accepted[0], of: run)
    }

    private func answer(_ adjustment: AcceptedAdjustment, _ run: Run, _ id: String?, duplicate: Bool) -> ByteWriter {
        var writer = begin("adjust", id: id)
        writer.run(run.name)
        writer.raw(",\"adjustment\":")
        writer.quoted(adjustment.id)
        writer.raw(",\"effective_from\":")
        writer.quoted(adjustment.scheduled.adjustment.from)
        writer.raw(",\"seq\":")
        writer.integer(adjustment.seq)
        duplicate ? writer.raw(",\"duplicate\":true") : writer.raw(",\"duplicate\":false")
        return writer
    }

    private func retract(_ run: Run, _ adjustment: String, _ id: String?, _ peer: Peer) throws(Refusal) {
        guard let index = run.index(ofAdjustment: adjustment) else {
            throw .unknown(
                .unknownAdjustment, name: adjustment,
                "run '\(run.name)' has no adjustment '\(adjustment)'; it has \(run.adjustments.count) so far")
        }
        let first = run.adjustments[index].retraction == nil
        if first {
            try requireOpen(run)
            try recorder.append(
                Record(
                    run: run.name, who: peer.who, event: .retracted(adjustment: adjustment, seq: run.nextSeq)))
        }
        let retraction = run.retract(index)
        if first { tally.retractions += 1 }
        var writer = begin("retract", id: id)
        writer.run(run.name)
        writer.raw(",\"adjustment\":")
        writer.quoted(adjustment)
        writer.raw(",\"retracted_at\":")
        writer.quoted(retraction.time)
        writer.raw(",\"seq\":")
        writer.integer(retraction.seq)
        reply(writer, to: peer)
        if first { publish(run.adjustments[index], of: run) }
    }

    private func requireOpen(_ run: Run) throws(Refusal) {
        if run.isClosed { throw Refusal(.runClosed, "run '\(run.name)' is closed: it can be read, not adjusted") }
        if run.hasEnded { throw Refusal(.runEnded, "run '\(run.name)' ended at \(TimeText.format(run.time))") }
    }
}
