import CrimsCore

/// Which of data.police.uk's monthly archives hold a range of months: as few as will do, a function of the range alone.
///
/// An archive is named after its last month. Until that of April 2017 each held everything from December 2010; since
/// then the last 36 months. The first one is that of December 2013.
public struct ArchivePlan: Equatable, Sendable {
    /// The first month of which street-level crime is published.
    public static let firstMonth = CivilMonth(year: 2010, month: 12)
    static let firstArchive = CivilMonth(year: 2013, month: 12)
    static let firstRolling = CivilMonth(year: 2017, month: 5)
    static let monthsOfRolling = 36

    /// The archives' names, the last month first.
    public let archives: [CivilMonth]

    /// - Parameter months: Not before ``firstMonth``.
    public init(covering months: ClosedRange<CivilMonth>) {
        var archives: [CivilMonth] = []
        var last = months.upperBound
        while last >= months.lowerBound {
            let archive = max(last, Self.firstArchive)
            archives.append(archive)
            last = CivilMonth(index: Self.months(in: archive).lowerBound.index - 1)
        }
        self.archives = archives
    }

    /// The months that an archive holds.
    package static func months(in archive: CivilMonth) -> ClosedRange<CivilMonth> {
        let first =
            archive < firstRolling ? firstMonth : CivilMonth(index: archive.index - monthsOfRolling + 1)
        return first...archive
    }
}
