import Models

/// A street file to read.
struct StreetFile {
    let path: String
    /// Its number in the archive, 0 in a plain file.
    let ordinal: Int
    /// The last part of its path.
    let name: String
    /// What its name says; nil for a plain file of another name.
    let told: StreetFileName?
}

/// Every so many of the street files, which one thread reads.
struct StreetShare {
    private(set) var rows: RowCounter
    /// Indices of files without a row.
    private(set) var emptyFiles: [Int] = []
    /// The first file that cannot be read, and why; those after it are not read.
    private(set) var failure: (file: Int, error: CalibrationError)?

    private let files: [StreetFile]
    /// Indices of files.
    private let indices: StrideTo<Int>

    init(of files: [StreetFile], from first: Int, by step: Int, rows: RowCounter) {
        self.files = files
        self.rows = rows
        indices = stride(from: first, to: files.count, by: step)
    }

    mutating func read() {
        var indices = Array(indices)[...]
        while let first = indices.first {
            let mine = indices.prefix { files[$0].path == files[first].path }
            indices = indices.dropFirst(mine.count)
            var current = first
            do throws(CalibrationError) {
                var archive = try ArchiveReader(files[first].path)
                for index in mine {
                    current = index
                    while archive.ordinal < files[index].ordinal, try archive.next() {}
                    try read(index, &archive)
                }
            } catch {
                failure = (current, error)
                return
            }
        }
    }

    private mutating func read(_ index: Int, _ archive: inout ArchiveReader) throws(CalibrationError) {
        rows.begin(file: index, name: files[index].name, month: files[index].told?.month)
        var file = StreetFileReader(path: archive.path, entry: archive.entry)
        while try archive.readPiece(into: &file.reader) { try file.countRecords(&rows) }
        file.reader.finish()
        try file.countRecords(&rows)
        if try file.rowCount() == 0 { emptyFiles.append(index) }
    }
}

/// Takes a street file apart.
private struct StreetFileReader {
    let path: String
    let entry: String?
    var reader = CSVReader()
    private var columns: StreetColumns?
    private var count = 0

    init(path: String, entry: String?) {
        self.path = path
        self.entry = entry
    }

    /// Counts the records that the reader has by now.
    mutating func countRecords(_ rows: inout RowCounter) throws(CalibrationError) {
        if columns == nil, reader.next() { columns = try StreetColumns(header: reader, path: path, entry: entry) }
        guard let columns else { return }
        while reader.next() {
            if reader.fault == .tooLong {
                throw failure("line \(reader.line) is longer than \(CSVReader.recordBytesMax) bytes")
            }
            rows.count(reader, columns)
            count += 1
        }
    }

    /// Rows, once all bytes are there; the first line is none.
    func rowCount() throws(CalibrationError) -> Int {
        if columns == nil { throw failure("it is empty") }
        return count
    }

    private func failure(_ reason: String) -> CalibrationError {
        .notStreetFile(path: path, entry: entry, reason: reason)
    }
}
