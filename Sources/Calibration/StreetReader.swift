import CrimsCore
import Models
import Protocol

/// Finds the street files of one force in archives, folders and plain files, and reads them.
struct StreetReader {
    private(set) var rows: RowCounter
    private(set) var files: [StreetFile] = []
    private(set) var emptyFiles: [String] = []
    private(set) var repeatedFiles: [String] = []
    /// Months that the archives' file names tell, of whatever force.
    private(set) var monthsNamed: Set<CivilMonth> = []

    private let options: CalibrationOptions
    private var seenNames: Set<String> = []
    private var seenPlainFiles: Set<FileSystem.Identity> = []
    private var foundForces: Set<String> = []

    init(options: CalibrationOptions, reference: Reference) {
        self.options = options
        rows = RowCounter(
            places: reference.places, areas: reference.areas.count, categories: reference.categories,
            from: options.from, to: options.to)
    }

    /// Reads all archives.
    ///
    /// - Throws: ``CalibrationError/archive(path:entry:reason:)`` for one that cannot be read to its end,
    ///   ``CalibrationError/notStreetFile(path:entry:reason:)``, ``CalibrationError/noFiles(force:found:)``.
    mutating func readAll() throws(CalibrationError) {
        for path in options.archives {
            if FileSystem.kind(of: path) == .folder {
                for file in try StreetSources.files(below: path) { try find(in: file) }
            } else {
                try find(in: path)
            }
        }
        guard !files.isEmpty else { throw .noFiles(force: options.force, found: foundForces.sorted()) }
        try readFiles()
    }

    /// Notes the street files in an archive, or a plain file.
    private mutating func find(in path: String) throws(CalibrationError) {
        var archive = try ArchiveReader(path)
        while try archive.next() {
            let name = FileSystem.lastComponent(of: archive.entry ?? path)
            let told = StreetFileName(name)
            var isNew = true
            if let told {
                foundForces.insert(told.force)
                monthsNamed.insert(told.month)
                guard told.force == options.force else { continue }
                isNew = seenNames.insert(name).inserted
            } else if archive.entry != nil {
                // Outcome and stop-and-search files lie beside the street files.
                continue
            } else if let identity = FileSystem.identity(of: path) {
                isNew = seenPlainFiles.insert(identity).inserted
            }
            if isNew {
                files.append(StreetFile(path: path, ordinal: archive.ordinal, name: name, told: told))
            } else {
                repeatedFiles.append(name)
            }
        }
    }

    /// Threads that read: unpacking takes most of the time, and of one file it cannot be shared.
    private static let threads = 2

    /// A share that a thread works on.
    private final class Work: @unchecked Sendable {
        // Safety: the thread alone touches it until it has ended.
        var share: StreetShare
        init(_ share: StreetShare) { self.share = share }
    }

    private mutating func readFiles() throws(CalibrationError) {
        let works = (0..<min(Self.threads, files.count)).map { first in
            Work(StreetShare(of: files, from: first, by: Self.threads, rows: rows))
        }
        let threads = works.dropFirst().map { work in (WorkThread { work.share.read() }, work) }
        works[0].share.read()
        for (thread, work) in threads {
            // Without a thread it is this one's to do.
            if let thread { thread.join() } else { work.share.read() }
        }
        let shares = works.map(\.share)
        // The files are shared out in turn and each share stops at its first fault, so this is the first of all.
        if let first = shares.compactMap(\.failure).min(by: { $0.file < $1.file }) { throw first.error }
        for share in shares { rows.add(share.rows) }
        emptyFiles = shares.flatMap(\.emptyFiles).sorted().map { files[$0].name }
    }
}
