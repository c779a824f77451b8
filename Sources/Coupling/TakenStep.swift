import CrimsCore
import Protocol

/// A step as it was drawn, for those who hear of it by another way than the sockets.
public struct TakenStep: Sendable {
    public let seq: Int
    public let from: CivilMinute
    public let to: CivilMinute
    public let expectation: Expectation
    public let incidents: IncidentColumns
}

extension Hub {
    /// Tells of a step whose columns have all of it, which those of a long one have not.
    func tell(_ draw: WindowDraw, seq: Int) {
        guard let hearStep, draw.columns.count == draw.count, draw.count <= limits.incidentsPerReply else { return }
        hearStep(draw.run.name, draw.run.identity, TakenStep(draw, seq: seq))
    }

    /// Tells of a plain step.
    func tell(_ step: StepDraft, of lane: StepLane) {
        guard let hearStep, lane.columns.count <= limits.incidentsPerReply else { return }
        let window = step.window
        hearStep(
            lane.run.name, lane.run.identity,
            TakenStep(
                seq: step.seq, from: CivilMinute(minutes: window.lowerBound),
                to: CivilMinute(minutes: window.upperBound),
                expectation: step.expectation, incidents: lane.columns))
    }

    /// Steps of a run to be drawn again; nil if that run goes on no more, or has not taken them.
    public func plan(_ steps: Range<Int>, of name: String, _ identity: RunIdentity) -> StepsPlan? {
        guard let run = runs[name], run.identity == identity, steps.upperBound <= run.nextSeq else {
            return nil
        }
        let window = run.start(of: steps.lowerBound).minutes..<run.start(of: steps.upperBound).minutes
        return StepsPlan(steps: steps, twin: RunTwin(run), schedule: run.schedule(in: window), limits: limits)
    }
}

extension TakenStep {
    fileprivate init(_ draw: WindowDraw, seq: Int) {
        self.init(
            seq: seq, from: CivilMinute(minutes: draw.window.lowerBound),
            to: CivilMinute(minutes: draw.window.upperBound), expectation: draw.expectation, incidents: draw.columns)
    }
}

/// Steps that were taken, to be drawn again on whatever thread.
public struct StepsPlan: Sendable {
    public let steps: Range<Int>
    fileprivate let twin: RunTwin
    fileprivate let schedule: [ScheduledAdjustment]
    fileprivate let limits: Limits
}

/// Draws steps again, one after the other. Used by one thread at a time.
public final class StepsReading {
    private let plan: StepsPlan
    private let run: Run
    private var seq: Int
    private var draw: WindowDraw?

    public init(_ plan: StepsPlan, _ cache: MonthCache) {
        (self.plan, seq) = (plan, plan.steps.lowerBound)
        run = plan.twin.run(cache)
    }

    /// Goes on until all is drawn or `isOver` says that the slice is.
    ///
    /// - Parameter told: is given each step, or why nobody can be given it.
    /// - Returns: whether all is drawn.
    public func work(until isOver: () -> Bool, _ told: (_ seq: Int, Result<TakenStep, Refusal>) -> Void) -> Bool {
        while seq < plan.steps.upperBound {
            do throws(Refusal) {
                var draw = self.draw ?? begin()
                self.draw = nil
                repeat { try draw.advance(limits: plan.limits, now: { 0 }) } while !draw.isAtEnd && !isOver()
                guard draw.isAtEnd else {
                    self.draw = draw
                    return false
                }
                told(seq, .success(TakenStep(draw, seq: seq)))
            } catch {
                told(seq, .failure(error))
            }
            seq += 1
            if isOver() { break }
        }
        return seq >= plan.steps.upperBound
    }

    private func begin() -> WindowDraw {
        let window = run.start(of: seq).minutes..<run.start(of: seq + 1).minutes
        return WindowDraw(
            run: run, window: window, schedule: plan.schedule.filter { $0.acts(in: window) }, formats: [.columns])
    }
}
