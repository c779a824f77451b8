import CSystem
import Glibc

/// How far the journal had come when a request was last acknowledged, in a page of memory that is a file: storing it
/// is no system call, and it outlives the process.
///
/// SQLite takes what lies behind a damaged frame of its write-ahead log for never written, in silence. Held against
/// this mark, it is noticed.
final class Acknowledged {
    struct Mark: Equatable {
        /// The number of the last record that was acknowledged.
        var number = 0
        /// Whether a record after it could not be committed and was refused: SQLite may yet bring it back.
        var hasRefused = false
    }

    private let page: UnsafeMutableRawPointer
    private var slot: Int
    /// Of the mark that was stored last, from 1: a refusal has the number of the acknowledgement before it.
    private var serial: UInt64
    private static let size = 4_096
    private static let slotSize = 64

    /// An id that is new whenever the machine is started.
    let machine: [UInt8]
    /// The mark that was found, and the machine's start that it is from.
    let found: (mark: Mark, machine: [UInt8])?

    init(_ path: String) throws(JournalError) {
        machine = Self.machineStart()
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
        guard let page = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), page != MAP_FAILED
        else { throw Self.failure("mmap", path) }
        self.page = page
        let latest = Self.latest(in: page)
        slot = 1 - latest.slot
        serial = latest.serial
        let stored = Array(UnsafeRawBufferPointer(start: page + 2 * Self.slotSize, count: 36))
        found = latest.mark.map { ($0, stored) }
    }

    /// The first mark of this start.
    func begin(_ mark: Mark) {
        store(mark)
        memcpy(page + 2 * Self.slotSize, machine, machine.count)
    }

    deinit { munmap(page, Self.size) }

    /// The two slots are written in turn, so that one is whole at any moment.
    func store(_ mark: Mark) {
        let place = (page + slot * Self.slotSize).assumingMemoryBound(to: UInt64.self)
        serial &+= 1
        place[0] = UInt64(bitPattern: Int64(mark.number))
        place[1] = mark.hasRefused ? 1 : 0
        place[2] = serial
        place[3] = Self.check(mark, serial)
        slot = 1 - slot
    }

    /// What a file of marks says was acknowledged; nil if it says nothing.
    static func number(_ path: String) -> Int? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            guard let page = bytes.baseAddress, pread(descriptor, page, size, 0) == size else { return nil }
            return latest(in: page).mark?.number
        }
    }

    private static func latest(in page: UnsafeMutableRawPointer) -> (slot: Int, serial: UInt64, mark: Mark?) {
        let marks = (0..<2).map { mark(in: page + $0 * slotSize) }
        let latest = (marks[0]?.serial ?? 0) >= (marks[1]?.serial ?? 0) ? 0 : 1
        return (latest, marks[latest]?.serial ?? 0, marks[latest]?.mark)
    }

    private static func mark(in slot: UnsafeMutableRawPointer) -> (serial: UInt64, mark: Mark)? {
        let place = slot.assumingMemoryBound(to: UInt64.self)
        let mark = Mark(number: Int(truncatingIfNeeded: place[0]), hasRefused: place[1] != 0)
        return place[3] == check(mark, place[2]) ? (place[2], mark) : nil
    }

    /// Never 0, which an empty slot has.
    private static func check(_ mark: Mark, _ serial: UInt64) -> UInt64 {
        var check: UInt64 = 0x5EED
        for value in [UInt64(bitPattern: Int64(mark.number)), mark.hasRefused ? 1 : 0, serial] {
            let product = (check ^ value).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            check = product.high ^ product.low &+ 1
        }
        return check | 1
    }

    private static func machineStart() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 36)
        let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return bytes }
        _ = read(descriptor, &bytes, bytes.count)
        close(descriptor)
        return bytes
    }

    private static func failure(_ call: String, _ path: String) -> JournalError {
        .storage(path: path, reason: "\(call): \(String(cString: strerror(errno)))")
    }
}
