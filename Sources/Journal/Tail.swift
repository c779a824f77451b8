import Glibc
import Hashing

/// The records that came last, in a file of fixed size that is mapped: appending one is a copy of some 130 bytes, which
/// is with the kernel from then on and outlives the process as a write would. From time to time they are put into the
/// database all together.
///
/// Records have the numbers that follow one another. What lies behind the last one is older, and is told from it by its
/// number.
final class Tail {
    private let page: UnsafeMutableRawPointer
    /// Where the next record goes.
    private var position = 0
    /// Of the records that are in it.
    private var numbers = 0..<0

    static let name = "journal.tail"
    /// For some 500 steps.
    static let size = 64 << 10
    /// Of the numbers and the hash that each record has; who asked for it and what are behind them.
    private static let headSize = 128
    /// Longer ones would leave no room for others.
    private static let recordMax = size / 8

    init(_ path: String) throws(JournalError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("fstat", path) }
        if status.st_size < Self.size {
            // Blocks are taken now: on a full disk, a store into a hole would end the process.
            let code = posix_fallocate(descriptor, 0, Self.size)
            guard code == 0 else { throw .storage(path: path, reason: String(cString: strerror(code))) }
        }
        guard
            let page = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0),
            page != MAP_FAILED
        else { throw Self.failure("mmap", path) }
        self.page = page
    }

    deinit { munmap(page, Self.size) }

    var isEmpty: Bool { numbers.isEmpty }

    /// Keeps a record; false if there is no room for it.
    func append(_ row: StoredRecord) -> Bool {
        let length = Self.length(of: row)
        guard length <= Self.recordMax, position + length <= Self.size else { return false }
        Self.write(row, length, to: page + position)
        position += length
        numbers = (numbers.isEmpty ? row.number : numbers.lowerBound)..<row.number + 1
        return true
    }

    /// The records that are in it.
    var rows: [StoredRecord] {
        Self.rows(in: UnsafeRawBufferPointer(start: page, count: Self.size), from: numbers.lowerBound)
    }

    /// Forgets all, once the database has it.
    func clear() {
        position = 0
        numbers = 0..<0
    }

    /// Takes up the records that follow a number, as they were found.
    func resume(after number: Int) -> [StoredRecord] {
        let found = Self.rows(in: UnsafeRawBufferPointer(start: page, count: Self.size), from: nil)
        let rows = Self.following(found, number)
        clear()
        guard let first = found.first, let last = rows.last else { return [] }
        position = found.reduce(0) { $0 + Self.length(of: $1) }
        numbers = first.number..<last.number + 1
        return rows
    }

    /// Forgets what lies behind the records that are in it: it may be of a time before a back-up was put back, and have
    /// the numbers that are given next.
    func eraseRest() { memset(page + position, 0, Self.size - position) }

    /// What a file holds at a moment, also while a daemon writes it; none where there is no such file.
    static func read(_ path: String) -> [StoredRecord] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            let count = max(0, pread(descriptor, bytes.baseAddress, size, 0))
            return rows(in: UnsafeRawBufferPointer(rebasing: bytes[..<count]), from: nil)
        }
    }

    /// Those of consecutive records that are behind a number; none if the first of them would not be the next.
    static func following(_ rows: [StoredRecord], _ number: Int) -> [StoredRecord] {
        guard let first = rows.first, first.number <= number + 1 else { return [] }
        return Array(rows.drop { $0.number <= number })
    }

    // MARK: - Bytes

    private static func length(of row: StoredRecord) -> Int {
        (headSize + (row.who?.count ?? 0) + (row.body?.count ?? 0) + 7) & ~7
    }

    /// Words of eight bytes: a check of what follows, length, number, opening, event with a bit for each optional part
    /// that is there, seq, steps, incidents, both digests, time, how long the texts are, and the hash; then the texts.
    private static func write(_ row: StoredRecord, _ length: Int, to place: UnsafeMutableRawPointer) {
        let words = place.assumingMemoryBound(to: Int.self)
        words[1] = length
        words[2] = row.number
        words[3] = row.opening
        var parts = 0
        for (index, part) in [
            row.steps != nil, row.incidents != nil, row.digest != nil, row.lastDigest != nil,
            row.who != nil, row.body != nil,
        ].enumerated() where part { parts |= 256 << index }
        words[4] = Int(row.event.code) | parts
        words[5] = row.seq
        words[6] = row.steps ?? 0
        words[7] = row.incidents ?? 0
        words[8] = row.digest ?? 0
        words[9] = row.lastDigest ?? 0
        words[10] = row.at
        words[11] = (row.who?.count ?? 0) | (row.body?.count ?? 0) << 32
        row.hash.copy(to: place + 96)
        if length > headSize {
            (place + length - 8).storeBytes(of: 0, as: UInt64.self)
            var end = place + headSize
            for text in [row.who, row.body] {
                guard let text else { continue }
                end.copyMemory(from: text, byteCount: text.count)
                end += text.count
            }
        }
        words[0] = check(place, length)
    }

    private static func check(_ place: UnsafeRawPointer, _ length: Int) -> Int {
        var check: UInt64 = 0x7A11
        for offset in stride(from: 8, to: length, by: 8) {
            let product = (check ^ place.load(fromByteOffset: offset, as: UInt64.self))
                .multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            check = product.high ^ product.low &+ 1
        }
        return Int(bitPattern: UInt(check | 1))
    }

    /// The records from the beginning on that are whole and follow one another.
    ///
    /// - Parameter first: the number of the first; nil for any.
    private static func rows(in bytes: UnsafeRawBufferPointer, from first: Int?) -> [StoredRecord] {
        var rows: [StoredRecord] = []
        var offset = 0
        while offset + headSize <= bytes.count, let row = row(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            guard row.number == rows.last.map({ $0.number + 1 }) ?? first ?? row.number else { break }
            rows.append(row)
            offset += length(of: row)
        }
        return rows
    }

    private static func row(_ bytes: UnsafeRawBufferPointer) -> StoredRecord? {
        func word(_ index: Int) -> Int { bytes.load(fromByteOffset: 8 * index, as: Int.self) }
        let length = word(1)
        guard length >= headSize, length <= min(bytes.count, recordMax), length & 7 == 0, let place = bytes.baseAddress,
            word(0) == check(place, length), let event = StoredRecord.EventName(code: UInt8(word(4) & 255))
        else { return nil }
        func optional(_ index: Int, _ part: Int) -> Int? { word(4) & 256 << part == 0 ? nil : word(index) }
        let (who, body) = (word(11) & 0xFFFF_FFFF, word(11) >> 32)
        guard who >= 0, body >= 0, headSize + who + body <= length else { return nil }
        func text(_ from: Int, _ count: Int, _ part: Int) -> [UInt8]? {
            word(4) & 256 << part == 0 ? nil : Array(bytes[from..<from + count])
        }
        return StoredRecord(
            number: word(2), opening: word(3), event: event, seq: word(5), steps: optional(6, 0),
            incidents: optional(7, 1), digest: optional(8, 2), lastDigest: optional(9, 3), at: word(10),
            who: text(headSize, who, 4), body: text(headSize + who, body, 5),
            hash: BLAKE2b.Digest(UnsafeRawBufferPointer(rebasing: bytes[96..<128])) ?? .zero)
    }

    private static func failure(_ call: String, _ path: String) -> JournalError {
        .storage(path: path, reason: "\(call): \(String(cString: strerror(errno)))")
    }
}
