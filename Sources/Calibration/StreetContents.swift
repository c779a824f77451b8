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
            guard let file = StreetFileName(FileSystem.lastComponent(of: entry)) else { continue }
            forces.insert(file.force)
            guard file.force == force else { continue }
            months.insert(file.month)
            if checksums(file.month) { try archive.readThrough() }
        }
    }
}
