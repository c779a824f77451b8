import Glibc
import Models

/// What the system tells of this process.
struct ProcessFacts {
    var cpuSeconds: Double
    var residentBytes: Int
    var virtualBytes: Int
    var openDescriptors: Int
    var descriptorsMax: Int
    var startSeconds: Double

    /// Nil where there is no `/proc`.
    init?() {
        func words(_ path: String) -> [Substring]? {
            guard let bytes = try? FileSystem.read(path) else { return nil }
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        }
        guard let statm = words("/proc/self/statm"), statm.count > 1,
            let stat = try? FileSystem.read("/proc/self/stat"),
            let close = stat.lastIndex(of: UInt8(ascii: ")")), let names = FileSystem.names(in: "/proc/self/fd")
        else { return nil }
        // Behind the name, which may have anything in it; fields are numbered from 3 there.
        let fields = String(decoding: stat[(close + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 20, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19])
        else { return nil }
        let page = sysconf(Int32(_SC_PAGESIZE))
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        cpuSeconds = (user + system) / tick
        residentBytes = (Int(statm[1]) ?? 0) * page
        virtualBytes = (Int(statm[0]) ?? 0) * page
        // The folder itself was open.
        openDescriptors = names.count - 1
        descriptorsMax = sysconf(Int32(_SC_OPEN_MAX))
        var now = timespec()
        var up = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        clock_gettime(CLOCK_BOOTTIME, &up)
        startSeconds = Double(now.tv_sec) - Double(up.tv_sec) + start / tick
    }
}
