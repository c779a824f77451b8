import CArchive
import Glibc
import Models

/// Reads a zip file, or a plain (perhaps gzipped) file as the only entry of one, in constant memory.
///
/// Nothing is ever unpacked to a disk. A name that would climb out of a folder is refused all the same: who packs
/// such an archive means harm, and what else is in it should not become a model.
struct ArchiveReader: ~Copyable {
    /// What no download comes near (a month of the largest force has 25 MB, an archive of three years 5,000 entries), so
    /// that a small file cannot make endless work. Bytes are those of an entry, unpacked.
    private static let bytesMax = 1 << 30
    private static let entriesMax = 100_000

    let path: String
    /// The current entry's name; nil in a plain file.
    private(set) var entry: String?
    /// The current entry's number, 0 for the first.
    private(set) var ordinal = -1
    /// Of the current entry, so far.
    private var bytes = 0
    private let descriptor: Int32
    // Safety: not nil from `init` to `deinit`; only this owner uses it.
    private let archive: OpaquePointer

    init(_ path: String) throws(CalibrationError) {
        self.path = path
        let descriptor = try Self.open(path)
        guard let archive = archive_read_new() else {
            close(descriptor)
            throw .archive(path: path, entry: nil, reason: "archive_read_new: out of memory")
        }
        archive_read_support_format_zip(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_filter_gzip(archive)
        guard archive_read_open_fd(archive, descriptor, 1 << 16) == ARCHIVE_OK else {
            let reason = Self.reason(archive)
            archive_read_free(archive)
            close(descriptor)
            throw .archive(path: path, entry: nil, reason: reason)
        }
        self.descriptor = descriptor
        self.archive = archive
    }

    deinit {
        archive_read_free(archive)
        close(descriptor)
    }

    /// Opens a file, and nothing that would block or has no end.
    private static func open(_ path: String) throws(CalibrationError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw .archive(path: path, entry: nil, reason: String(cString: strerror(errno)))
        }
        var status = stat()
        var refusal: String?
        if fstat(descriptor, &status) != 0 {
            refusal = "fstat: \(String(cString: strerror(errno)))"
        } else if status.st_mode & S_IFMT != S_IFREG {
            refusal = "neither a file nor a folder; a zip is read from its end, so save it first"
        } else if status.st_size == 0 {
            refusal = "it is empty"
        }
        if let refusal {
            close(descriptor)
            throw .archive(path: path, entry: nil, reason: refusal)
        }
        return descriptor
    }

    /// Moves to the next entry; false after the last.
    mutating func next() throws(CalibrationError) -> Bool {
        var header: OpaquePointer?
        switch archive_read_next_header(archive, &header) {
        case ARCHIVE_EOF: return false
        case ARCHIVE_OK, ARCHIVE_WARN: break
        // It is what lies between the entry before and this one that cannot be read.
        default: throw failure("cannot be read to its end: \(Self.reason(archive))")
        }
        ordinal += 1
        bytes = 0
        // A plain file has no entries; libarchive makes one and calls it "data".
        guard archive_format(archive) != ARCHIVE_FORMAT_RAW else { return true }
        let name = archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header)
        entry = name.map { String(cString: $0) } ?? ""
        if ordinal >= Self.entriesMax { throw failure("more than \(Self.entriesMax) entries") }
        if Self.climbs(entry ?? "") {
            throw failure("the name leads out of the archive's folder; nothing of this archive is used")
        }
        return true
    }

    /// Whether a path leads to somewhere else than below where it starts.
    static func climbs(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        let isDrive = bytes.count > 1 && bytes[1] == UInt8(ascii: ":")
        let parts = bytes.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\")
        }
        return isDrive || parts.count > 1 && parts[0].isEmpty || parts.contains { $0.elementsEqual("..".utf8) }
    }

    /// Gives the reader the next piece of the current entry; false at the entry's end.
    mutating func readPiece(into reader: inout CSVReader) throws(CalibrationError) -> Bool {
        var piece: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        switch archive_read_data_block(archive, &piece, &count, &offset) {
        case ARCHIVE_EOF: return false
        case ARCHIVE_OK: break
        default:
            if archive_read_has_encrypted_entries(archive) > 0 { throw failure("it is encrypted; unpack it first") }
            throw failure("cannot be read to its end: \(Self.reason(archive))")
        }
        bytes += count
        if bytes > Self.bytesMax {
            throw failure("larger than \(Self.bytesMax) bytes unpacked, which no street file is")
        }
        // libarchive lends the piece until the next call; the reader copies it.
        reader.append(UnsafeRawBufferPointer(start: piece, count: count))
        return true
    }

    /// Reads the current entry to its end, which holds its checksum against it.
    func readThrough() throws(CalibrationError) {
        var piece: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        while true {
            switch archive_read_data_block(archive, &piece, &count, &offset) {
            case ARCHIVE_EOF: return
            case ARCHIVE_OK: break
            default: throw failure("cannot be read to its end: \(Self.reason(archive))")
            }
        }
    }

    private func failure(_ reason: String) -> CalibrationError { .archive(path: path, entry: entry, reason: reason) }

    private static func reason(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? "libarchive gives no reason"
    }
}
