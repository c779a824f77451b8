import CrimsCore

/// That many months in a row.
func trainingMonths(_ count: Int, from first: CivilMonth = .init(year: 2016, month: 1)) -> [CivilMonth] {
    (0..<count).map { CivilMonth(index: first.index + $0) }
}
