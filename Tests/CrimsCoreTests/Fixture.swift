import CrimsCore

/// A small force: six areas in a ring, three categories, five crimes, rates and weights that differ everywhere.
enum Fixture {
    static let categories = ["burglary", "drugs", "other theft"]

    /// - Parameters:
    ///   - scale: multiplies all rates.
    ///   - tilt: multiplies the rates of May alone; for negative controls.
    static func model(
        scale: Double = 1, tilt: Double = 1, dispersion: CrimeModel.Dispersion = .init(), growth: Double = 0
    ) -> CrimeModel {
        let areas = 6
        var rates: [Double] = []
        for area in 0..<areas {
            for category in 0..<3 {
                for month in 1...12 {
                    let season = Double((month * 5) % 12) * 0.2
                    let base = 2 + Double(area) * 0.7 + Double(category) * 1.3 + season
                    rates.append(base * scale * (month == 5 ? tilt : 1))
                }
            }
        }
        // Nobody deals in drugs in the last two areas.
        for area in 4..<6 { for month in 0..<12 { rates[(area * 3 + 1) * 12 + month] = 0 } }
        var profiles: [Double] = []
        for row in 0..<3 {
            let weights = (0..<168).map { hour -> Double in
                let wave = (hour * (row + 3)) % 24 - 12
                return 1 + Double(wave) / 15
            }
            let mean = weights.reduce(0, +) / 168
            profiles += weights.map { $0 / mean }
        }
        return CrimeModel(
            name: "ring", title: "A ring of six areas",
            period: (CivilMonth(year: 2018, month: 1), CivilMonth(year: 2019, month: 12)), digest: "",
            areas: (0..<areas).map {
                .init(code: "E0\($0)", name: "Area \($0)", longitude: -3, latitude: 53, population: 7_000)
            },
            categories: categories,
            crimes: [
                .init(code: "28E", description: "Burglary Residential", category: 0, severity: 465, share: 0.7),
                .init(code: "30C", description: "Burglary Business", category: 0, severity: 123, share: 0.3),
                .init(code: "92E", description: "Possession", category: 1, severity: 2, share: 1),
                .init(code: "49", description: "Other theft", category: 2, severity: 37, share: 0.95),
                .init(code: "35", description: "Blackmail", category: 2, severity: 786, share: 0.05),
            ],
            rates: rates, profiles: profiles, profileOfCrime: [0, 0, 1, 2, 2],
            suspect: (0..<areas * 3).map { Double($0) / 20 },
            neighbours: (0..<areas).map { [($0 + 1) % areas, ($0 + areas - 1) % areas].sorted() },
            dispersion: .init(repeating: dispersion, count: 3),
            trend: .init(repeating: .init(growth: growth, damping: 0.9), count: 3))
    }

    static func sampler(_ model: CrimeModel = model(), _ world: World = World(seed: 7, dispersion: false)) -> Sampler {
        Sampler(prepared: PreparedModel(model), world: world, cache: MonthCache())
    }

    static func hours(_ from: CivilMinute, _ to: CivilMinute) -> [Range<Int>] {
        stride(from: from.minutes, to: to.minutes, by: 60).map { $0..<$0 + 60 }
    }
}

/// An incident with all its columns and its absolute time.
struct Incident: Hashable {
    var id: Int64
    var time: Int
    var area: Int
    var crime: Int
    var suspect: UInt8

    static func all(_ columns: IncidentColumns) -> [Incident] {
        (0..<columns.count).map {
            Incident(
                id: columns.id[$0], time: columns.origin.minutes + Int(columns.time[$0]), area: Int(columns.area[$0]),
                crime: Int(columns.crime[$0]), suspect: columns.suspect[$0])
        }
    }
}

extension Sampler {
    /// Draws some windows one after the other.
    func incidents(_ windows: [Range<Int>], _ adjustments: [Adjustment] = []) throws -> (
        incidents: [Incident], expected: Double, baseline: Double, capped: Bool
    ) {
        var columns = IncidentColumns(origin: CivilMinute(minutes: windows[0].lowerBound))
        let schedule = adjustments.map { ScheduledAdjustment($0) }
        var (expected, baseline, capped) = (0.0, 0.0, false)
        for window in windows {
            let part = try draw(window: window, schedule: schedule, into: &columns)
            expected += part.expected
            baseline += part.baseline
            capped = capped || part.capped
        }
        return (Incident.all(columns), expected, baseline, capped)
    }

    func adjustment(
        _ factor: Double, mode: Adjustment.Mode = .scale, target: Adjustment.Target = .incidence, areas: [Int]? = nil,
        crimes: [Int]? = nil, from: CivilMinute, until: CivilMinute? = nil, halfLife: Int? = nil,
        displacement: Double = 0
    ) -> Adjustment {
        Adjustment(
            factor: factor, mode: mode, target: target, areas: areas, crimes: crimes, from: from, until: until,
            halfLife: halfLife, displacement: displacement, model: prepared)
    }
}

/// Numbers that look random and are the same every time.
struct Dice {
    var counter: UInt32 = 0

    mutating func unit() -> Double {
        counter += 1
        return Double(Philox(key0: 99, key1: 0).block(counter, 0, 0, 0).0) * 0x1p-32
    }

    mutating func below(_ limit: Int) -> Int { Int(unit() * Double(limit)) }

    mutating func subset(_ count: Int) -> [Int]? {
        let chosen = (0..<count).filter { _ in unit() < 0.4 }
        return chosen.isEmpty ? nil : chosen
    }
}

/// The chi-square statistic as a standard normal deviate (Wilson & Hilferty 1931); 4.75 is p = 10⁻⁶.
func deviate(chiSquare: Double, degrees: Int) -> Double {
    let k = Double(degrees)
    let root = Numerics.exp(Numerics.log(max(chiSquare, 1e-9) / k) / 3)
    return (root - (1 - 2 / (9 * k))) / (2 / (9 * k)).squareRoot()
}
