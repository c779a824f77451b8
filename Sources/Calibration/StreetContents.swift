import CrimsCore
import Models
import Protocol

/// Which street files an archive holds, without what is in them.
public struct StreetContents: Sendable {
    /// Months of which there is a file of the force.
    public private(set) var months: Set<CivilMonth> = []
    /// All forces of which there is a file.
    public private(set) var forces: Set<String> = []

    /// - Parameters:
    ///   - path: A zip file as downloaded from data.police.uk.
    ///   - force: The force as data.police.uk's file names have it.
    ///   - checksums: Whether to hold the checksum of the force's file of a month against it.
    /// - Throws: ``CalibrationError/archive(path:entry:reason:)`` if the archive is no zip file, or cannot be read.
    public init(
        archive path: String, force: String, checksums: (CivilMonth) -> Bool = { _ in false }
    ) throws(CalibrationError) {
        var archive = try ArchiveReader(path)
        while try archive.next() {
            guard let entry = archive.entry else { throw .archive(path: path, entry: nil, reason: "no zip file") }
            guard let file = Self.file(FileSystem.lastComponent(of: entry)) else { continue }
            forces.insert(file.force)
            guard file.force == force else { continue }
            months.insert(file.month)
            if checksums(file.month) { try archive.readThrough() }
        }
    }

    /// Month and force of `2018-01-merseyside-street.csv`; nil if the name is not made so.
    static func file(_ name: String) -> (month: CivilMonth, force: String)? {
        let name = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        let end = "-street.csv"
        guard name.utf8.count > 8 + end.utf8.count, name.hasSuffix(end),
            let month = CivilMonth(text: name.utf8.prefix(7)), name.utf8.dropFirst(7).first == UInt8(ascii: "-")
        else { return nil }
        return (month, String(name.dropFirst(8).dropLast(end.utf8.count)))
    }
}
