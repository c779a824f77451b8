import Glibc
import Protocol

/// The service manager that started this process (systemd, or another that speaks its notification protocol), told
/// when the daemon is ready, alive and ending.
///
/// The protocol is one datagram of `NAME=VALUE` lines to the socket named in the environment. libsystemd would be a
/// dependency of every build and every container for what follows here.
public final class ServiceManager {
    private let descriptor: Int32
    private let address: sockaddr_un
    private let addressLength: socklen_t
    /// Between two signs of life: half of what the manager waits for one; nil where it does not watch.
    private let beatNanoseconds: UInt64?
    /// When the next sign of life is due; never where nobody watches.
    private(set) var nextBeat: UInt64

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET` (a path, or `@` and an abstract name), `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///   - process: this process, which may not be the one that `WATCHDOG_PID` means.
    /// - Returns: nil where there is no service manager.
    /// - Throws: ``MessagingError`` for an address that cannot be used.
    public static func find(
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }, process: Int32 = getpid()
    ) throws(MessagingError) -> ServiceManager? {
        guard let name = environment("NOTIFY_SOCKET") else { return nil }
        let isMeant = environment("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = isMeant ? environment("WATCHDOG_USEC").flatMap { UInt64($0) } ?? 0 : 0
        return try ServiceManager(name, watchdogMicroseconds: microseconds)
    }

    /// - Parameter watchdogMicroseconds: how long a silence the manager takes for death; 0 if it does not watch.
    init(_ name: String, watchdogMicroseconds: UInt64) throws(MessagingError) {
        var bytes = Array(name.utf8)
        let room = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard bytes.first == UInt8(ascii: "/") || bytes.first == UInt8(ascii: "@"), bytes.count < room else {
            throw .endpoint(name, reason: "NOTIFY_SOCKET is a path or @NAME of less than \(room) bytes")
        }
        // An abstract name begins with a zero, and its length alone says where it ends.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw .system(call: "socket", endpoint: name, reason: String(cString: strerror(errno)))
        }
        // A manager that does not read may delay what is said once, and by no more than this.
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        self.address = address
        addressLength = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let half = min(watchdogMicroseconds, 3_600_000_000) * 500
        beatNanoseconds = half > 0 ? half : nil
        nextBeat = beatNanoseconds == nil ? .max : 0
    }

    deinit { close(descriptor) }

    /// Says that requests are answered from now on, and what the daemon is doing, in one line for a person.
    ///
    /// - Throws: ``MessagingError`` if the manager cannot be reached; it will then not take the daemon for started.
    public func ready(status: String) throws(MessagingError) {
        guard send("READY=1\nSTATUS=\(status)") else {
            throw .system(call: "sendto", endpoint: "NOTIFY_SOCKET", reason: String(cString: strerror(errno)))
        }
    }

    /// Says that the daemon is alive, if that is due. For the poll loop: what hangs anywhere is silent here.
    func beat(now: UInt64) {
        guard let beatNanoseconds, now >= nextBeat else { return }
        // One that is not taken is tried again soon; waiting for the manager would be a hang of our own.
        let isTaken = send("WATCHDOG=1", Int32(MSG_DONTWAIT))
        nextBeat = now + (isTaken ? beatNanoseconds : min(beatNanoseconds, 100_000_000))
    }

    /// Says that settings are being read again, does that, and says that it is done.
    func reload(_ read: () -> Void) {
        _ = send("RELOADING=1\nMONOTONIC_USEC=\(Clock.now() / 1_000)")
        read()
        _ = send("READY=1")
    }

    /// Says that the daemon is ending because it was asked to.
    func stopping() { _ = send("STOPPING=1\nSTATUS=finishing the steps at hand") }

    private func send(_ text: String, _ flags: Int32 = 0) -> Bool {
        var address = address
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.utf8.count, flags | Int32(MSG_NOSIGNAL), $0, addressLength)
            }
        } == text.utf8.count
    }
}
