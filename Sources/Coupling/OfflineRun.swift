import CrimsCore
import Protocol

/// The same run without a daemon: its whole time in one go, with adjustments known from the start.
public struct OfflineRun {
    public let served: ServedModel
    private let sampler: Sampler
    /// The adjustments that may still act.
    private var live: [ScheduledAdjustment]
    private var cursor: WindowCursor

    /// - Parameters:
    ///   - arguments: as for `open`; `end` is required.
    ///   - adjustments: in their order; each acts from its `from`, or from the start.
    ///   - cache: months that other runs on this thread have drawn from.
    /// - Throws: what the daemon would answer.
    public init(
        served: ServedModel, arguments: OpenRequest, adjustments: [AdjustmentTerms] = [],
        cache: MonthCache = MonthCache(capacity: 2)
    ) throws(Refusal) {
        guard let end = arguments.end else { throw .badRequest(field: "end", "'end' is required") }
        self.served = served
        sampler = Sampler(prepared: served.prepared, world: arguments.world, cache: cache)
        let run = Run(name: "offline", served: served, arguments: arguments, cache: cache)
        var limits = Limits()
        limits.adjustmentsInForce = .max
        let (accepted, _) = try run.resolve(adjustments, limits: limits)
        live = accepted.map(\.scheduled)
        cursor = WindowCursor(arguments.start.minutes..<end.minutes)
    }

    /// Where it stands.
    public var time: CivilMinute { CivilMinute(minutes: cursor.position) }

    /// Appends the incidents of the next hour, or of what of it belongs to the run.
    ///
    /// - Returns: what was expected; nil at the end.
    public mutating func next(into columns: inout IncidentColumns) throws(SamplingError) -> Expectation? {
        guard !cursor.isAtEnd else { return nil }
        let part = cursor.next()
        if live.contains(where: { $0.end <= part.lowerBound }) { live.removeAll { $0.end <= part.lowerBound } }
        return try sampler.draw(window: part, schedule: live, into: &columns)
    }
}
