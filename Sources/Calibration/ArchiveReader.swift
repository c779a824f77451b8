import CArchive
import Models

/// Reads a zip file, or a plain (perhaps gzipped) file as the only entry of one, in constant memory.
struct ArchiveReader: ~Copyable {
    let path: String
    /// The current entry's name; nil in a plain file.
    private(set) var entry: String?
    // Safety: not nil from `init` to `deinit`; only this owner uses it.
    private let archive: OpaquePointer

    init(_ path: String) throws(CalibrationError) {
        self.path = path
        guard let archive = archive_read_new() else {
            throw .archive(path: path, entry: nil, reason: "archive_read_new: out of memory")
        }
        archive_read_support_format_zip(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_filter_gzip(archive)
        guard archive_read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK else {
            let reason = Self.reason(archive)
            archive_read_free(archive)
            throw .archive(path: path, entry: nil, reason: reason)
        }
        self.archive = archive
    }

    deinit { archive_read_free(archive) }

    /// Moves to the next entry; false after the last.
    mutating func next() throws(CalibrationError) -> Bool {
        entry = nil
        var header: OpaquePointer?
        switch archive_read_next_header(archive, &header) {
        case ARCHIVE_EOF: return false
        case ARCHIVE_OK, ARCHIVE_WARN: break
        default: throw failure()
        }
        // A plain file has no entries; libarchive makes one and calls it "data".
        if archive_format(archive) != ARCHIVE_FORMAT_RAW {
            entry = archive_entry_pathname(header).map { String(cString: $0) } ?? ""
        }
        return true
    }

    /// Gives the reader the next piece of the current entry; false at the entry's end.
    func readPiece(into reader: inout CSVReader) throws(CalibrationError) -> Bool {
        var piece: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        switch archive_read_data_block(archive, &piece, &count, &offset) {
        case ARCHIVE_EOF: return false
        case ARCHIVE_OK: break
        default: throw failure()
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
            default: throw failure()
            }
        }
    }

    private func failure() -> CalibrationError {
        .archive(path: path, entry: entry, reason: "cannot be read to its end: \(Self.reason(archive))")
    }

    private static func reason(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? "libarchive gives no reason"
    }
}
