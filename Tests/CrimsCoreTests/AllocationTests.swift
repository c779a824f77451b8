import CAllocations
import CrimsCore
import Testing

/// A step of a run that is under way asks for no memory.
@Suite(.enabled(if: crims_allocations() >= 0, "a sanitizer has an allocator of its own")) struct AllocationTests {
    enum Adjusted: CaseIterable, Sendable { case none, lasting, decaying, raising, displacing, sets, suspects }

    private func schedule(_ adjusted: Adjusted, _ sampler: Sampler, from: CivilMinute) -> [ScheduledAdjustment] {
        (0..<60).map { index in
            let areas: [Int]? = [[0], [1, 2], nil, [3]][index % 4]
            let crimes: [Int]? = [[0, 1], nil, [3]][index % 3]
            let factor = 0.5 + Double(index % 7) / 10
            func make(
                _ factor: Double, mode: Adjustment.Mode = .scale, target: Adjustment.Target = .incidence,
                halfLife: Int? = nil, displacement: Double = 0
            ) -> ScheduledAdjustment {
                ScheduledAdjustment(
                    sampler.adjustment(
                        factor, mode: mode, target: target, areas: areas, crimes: crimes, from: from,
                        halfLife: halfLife, displacement: displacement))
            }
            switch adjusted {
            case .none, .lasting: return make(factor)
            case .decaying: return make(factor, halfLife: 20_000 + index)
            case .raising: return make(1 + factor / 4, halfLife: 20_000 + index)
            case .displacing: return make(min(factor, 1), halfLife: 20_000 + index, displacement: 0.5)
            case .sets:
                return make(factor, mode: index % 5 == 0 ? .set : .scale, halfLife: index % 5 == 0 ? nil : 20_000)
            case .suspects: return make(factor, target: .suspect, halfLife: 20_000)
            }
        }
    }

    @Test(arguments: Adjusted.allCases)
    func `hours of a month ask for no memory once a week has been drawn`(adjusted: Adjusted) throws {
        let sampler = Fixture.sampler(Fixture.model(scale: 4))
        let start = CivilMinute(year: 2020, month: 3, day: 1)
        let schedule = adjusted == .none ? [] : schedule(adjusted, sampler, from: start)
        var columns = IncidentColumns(origin: start)
        func step(_ hour: Int) throws {
            let first = start.minutes + hour * 60
            columns.clear(origin: CivilMinute(minutes: first))
            _ = try sampler.draw(window: first..<first + 60, schedule: schedule, into: &columns)
        }
        let before = crims_allocations()
        // The control: tables are made, and memory is found for the busiest hour.
        for hour in 0..<7 * 24 { try step(hour) }
        #expect(crims_allocations() > before)
        // What was busy may be a little busier once; memory then doubles.
        for hour in 7 * 24..<21 * 24 { try step(hour) }
        let warm = crims_allocations()
        for hour in 21 * 24..<28 * 24 { try step(hour) }
        #expect(crims_allocations() == warm)
    }
}
