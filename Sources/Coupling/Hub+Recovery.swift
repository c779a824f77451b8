import CrimsCore
import Protocol

/// Bringing runs back from their records: what was asked is asked again, without drawing or answering.
extension Hub {
    /// Takes the next record, in the order in which they were acknowledged.
    public func restore(_ record: Record) {
        do throws(Refusal) {
            if !stopped.isEmpty, let run = stopped[record.run] {
                if case .deleted = record.event { return remove(record.run) }
                return run.restore(record.event)
            }
            try replay(record)
        } catch {
            stop(record.run, because: error)
        }
    }

    /// Has no more of a run than its name and how far it came, and says why.
    public func stop(_ name: String, because refusal: Refusal) {
        guard let run = runs[name] else { return }
        stop(run, because: refusal)
    }

    func stop(_ run: Run, because refusal: Refusal) {
        turnAway(from: run, refusal)
        insert(StoppedRun(run, refusal: refusal))
        log(refusal, run: run.name)
    }

    /// After the last record: looks whether the last step of each run, drawn again, has the same incidents.
    public func finishRestoring() {
        for name in order {
            guard let run = runs[name], let last = run.last else { continue }
            let window = run.start(of: last.seq + last.steps - 1).minutes..<run.time.minutes
            var draw = WindowDraw(
                run: run, window: window, schedule: run.schedule(in: window), formats: [])
            do throws(Refusal) {
                while !draw.isAtEnd { try draw.advance(limits: limits, now: now) }
                guard draw.digest.value == last.lastDigest else { throw differs(run, seq: last.seq + last.steps - 1) }
            } catch {
                stop(run, because: error)
            }
        }
    }

    /// Holds a last request that was drawn again against what was acknowledged of it, and stops the run if it differs.
    func requireSame(_ draw: WindowDraw, as run: Run) throws(Refusal) {
        guard let last = run.last, draw.digest.value != last.digest else { return }
        let refusal = differs(run, seq: last.seq)
        stop(run, because: refusal)
        throw refusal
    }

    private func differs(_ run: Run, seq: Int) -> Refusal {
        Refusal(
            .modelChanged,
            "step \(seq) of run '\(run.name)', drawn again, does not have the incidents that were answered: the run is "
                + "stopped; 'crims journal verify' says which steps differ")
    }

    private func log(_ refusal: Refusal, run: String) {
        emit(
            .log(
                event: "run stopped",
                facts: [
                    .init("run", .string(run)), .init("code", .string(refusal.code.rawValue)),
                    .init("message", .string(refusal.message)),
                ]))
    }

    /// Draws the steps of a record again before taking it.
    ///
    /// - Returns: why its incidents are not known to be those that were answered; nil if they are, or it has none.
    public func verify(_ record: Record) -> Refusal? {
        defer { restore(record) }
        guard case .stepped(let step) = record.event else { return nil }
        do throws(Refusal) {
            let run = try run(record.run)
            let window = run.time.minutes..<run.start(of: step.seq + step.steps).minutes
            let accepted = try run.resolve(step.asked.map(\.adjust), limits: .none).accepted
            var draw = WindowDraw(
                run: run, window: window,
                schedule: run.schedule(in: window) + accepted.map(\.scheduled).filter { $0.acts(in: window) },
                formats: [])
            while !draw.isAtEnd { try draw.advance(limits: .none, now: now) }
            guard draw.digest.value == step.digest, draw.count == step.incidents else {
                return differs(run, seq: step.seq)
            }
            return nil
        } catch {
            return error
        }
    }

    private func replay(_ record: Record) throws(Refusal) {
        switch record.event {
        case .opened(let opening):
            do throws(Refusal) {
                insert(
                    Run(
                        name: record.run, served: try requireUnchanged(opening, run: record.run),
                        arguments: opening.arguments, cache: cache))
            } catch {
                insert(StoppedRun(name: record.run, arguments: opening.arguments, refusal: error))
                log(error, run: record.run)
            }
        case .forked(let fork):
            if let parent = stopped[fork.request.run] {
                let run = StoppedRun(name: record.run, arguments: parent.arguments, refusal: parent.refusal)
                run.restore(record.event)
                return insert(run)
            }
            let run = Run(name: record.run, of: try self.run(fork.request.run), request: fork.request, cache: cache)
            run.count(fork.incidents - run.incidents)
            insert(run)
        case .stepped(let step): try run(record.run).restore(step)
        case .adjusted(let terms, let id, _):
            let run = try run(record.run)
            let (accepted, ids) = try run.resolve([terms], limits: .none)
            guard ids == [id] else { throw run.renumbered(ids, not: [id]) }
            run.take(accepted)
        case .retracted(let adjustment, _):
            let run = try run(record.run)
            if let index = run.index(ofAdjustment: adjustment) { _ = run.retract(index) }
        case .closed: try run(record.run).close()
        case .deleted: remove(record.run)
        }
    }

    /// The model that a run was opened on, if it is still the same.
    private func requireUnchanged(_ opening: Record.Opening, run: String) throws(Refusal) -> ServedModel {
        let name = opening.arguments.model
        let served: ServedModel
        do throws(Refusal) {
            served = try self.served(name)
        } catch {
            throw Refusal(
                .modelChanged,
                "run '\(run)' was opened on model '\(name)', which is not to be had now: \(error.message)")
        }
        guard served.model.digest == opening.digest else {
            throw Refusal(
                .modelChanged,
                "run '\(run)' was opened on model '\(name)' with digest \(opening.digest.prefix(12))…, and it has "
                    + "\(served.model.digest.prefix(12))… now: put the old model back and start the daemon again, or open "
                    + "a new run")
        }
        guard opening.sampler == Sampler.version else {
            throw Refusal(
                .modelChanged,
                "run '\(run)' was drawn by version \(opening.sampler) of the sampler, and this daemon has version "
                    + "\(Sampler.version): go on with the release that it was opened with, or open a new run")
        }
        return served
    }
}

extension Run {
    /// Takes steps that were acknowledged, without drawing them.
    func restore(_ step: Record.Stepped) throws(Refusal) {
        // Most steps: nobody adjusts with them.
        if step.asked.allSatisfy({ $0.adjust.isEmpty && $0.adjusted.isEmpty }) { return take(step) }
        let (accepted, ids) = try resolve(step.asked.map(\.adjust), limits: .none)
        guard ids == step.asked.map(\.adjusted) else {
            throw renumbered(ids.flatMap { $0 }, not: step.asked.flatMap(\.adjusted))
        }
        take(accepted)
        take(step)
    }

    func renumbered(_ ids: [String], not kept: [String]) -> Refusal {
        Refusal(
            .storage,
            "the adjustments \(kept.joined(separator: ", ")) of run '\(name)' come back as "
                + "\(ids.joined(separator: ", ")): records are missing; put a back-up of the data folder back")
    }
}

extension Limits {
    /// What was acknowledged once is taken again, whatever the bounds are now.
    static var none: Limits {
        var limits = Limits()
        limits.adjustmentsInForce = .max
        limits.incidentsPerReply = .max
        return limits
    }
}
