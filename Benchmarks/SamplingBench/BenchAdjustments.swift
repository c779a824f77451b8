import CrimsCore

/// Adjustments as a model of patrols would send them, drawn from a stream of their own and the same every time.
///
/// - `single`: one area, one category, a factor of 0.4 to 1.6 that decays with a half-life of 30 to 90 days.
/// - `broad`: the same of a half of the areas, each adjustment with another half.
/// - `displacing`: single ones of 0.4 to 1 that give half of what they remove to the neighbours.
/// - `lasting`: single ones that do not decay.
struct BenchAdjustments {
    let model: PreparedModel
    let scope: SamplingOptions.Scope
    private let philox = Philox(key0: 1_000, key1: 0)

    func schedule(_ count: Int, from: CivilMinute) -> [ScheduledAdjustment] {
        (0..<UInt32(count)).map { ScheduledAdjustment(adjustment($0, from: from)) }
    }

    private func adjustment(_ index: UInt32, from: CivilMinute) -> Adjustment {
        let words = philox.block(index, 0, 0, 0)
        func below(_ limit: Int, _ word: UInt32) -> Int { Int((UInt64(word) * UInt64(limit)) >> 32) }
        let share = Double(words.2) * 0x1p-32
        return Adjustment(
            factor: 0.4 + (scope == .displacing ? 0.6 : 1.2) * share,
            areas: scope == .broad ? half(index) : [below(model.areaCount, words.0)],
            crimes: model.crimesOfCategory[below(model.categoryCount, words.1)],
            from: from, halfLife: scope == .lasting ? nil : 24 * 60 * (30 + below(61, words.3)),
            displacement: scope == .displacing ? 0.5 : 0, model: model)
    }

    private func half(_ index: UInt32) -> [Int] {
        (0..<model.areaCount).filter { philox.block(index, UInt32($0), 1, 0).0 & 1 == 1 }
    }
}
