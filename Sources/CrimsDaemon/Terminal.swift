import CrimsCore
import Glibc
import Protocol

/// Writing for people and for other programs.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// Whether a line can be drawn over another.
    static var canRedraw: Bool { getenv("TERM").map { String(cString: $0) != "dumb" } ?? true }

    /// Columns of the terminal on stderr.
    static var width: Int {
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), columns > 0 { return columns }
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Data, on stdout.
    static func print(_ text: String) {
        guard write(Array(text.utf8), to: STDOUT_FILENO) else {
            // A reader that has seen enough wants no words about it.
            if errno != EPIPE { say("crims: stdout: \(String(cString: strerror(errno)))\n") }
            exit(1)
        }
    }

    /// Words, on stderr.
    static func say(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }

    /// - Returns: false if not all could be written; errno says why.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let put = Glibc.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
                if put < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                offset += put
            }
            return true
        }
    }

    /// A log line on stderr: text on a terminal, a JSON line otherwise.
    static func log(_ event: String, _ facts: [JSON.Member] = []) {
        if errorIsTerminal {
            let text = facts.map { member -> String in
                var writer = ByteWriter()
                writer.json(member.value)
                return "\(member.name)=\(String(decoding: writer.bytes, as: UTF8.self))"
            }
            say("crims: \(event)\(text.isEmpty ? "" : " " + text.joined(separator: " "))\n")
            return
        }
        var writer = ByteWriter()
        writer.json(.object([.init("time", .string(timestamp())), .init("event", .string(event))] + facts))
        writer.raw("\n")
        write(writer.bytes, to: STDERR_FILENO)
    }

    /// Universal time, for logs alone.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return universal(seconds: now.tv_sec)
    }

    /// Seconds since 1970 as `2020-01-31T23:00:59Z`.
    static func universal(seconds: Int) -> String {
        let minute = TimeText.format(CivilMinute(minutes: seconds / 60)).dropLast(2)
        return "\(minute)\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)Z"
    }

    /// A table with aligned columns; numbers, by their first character, to the right.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            let cells = zip(row, widths).map { cell, width in
                let pad = String(repeating: " ", count: width - cell.count)
                return cell.first?.isNumber == true ? pad + cell : cell + pad
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }
}

/// A bar on a terminal that says how far something is; nothing elsewhere.
struct ProgressBar {
    private var shown = -1
    private let title: String

    init(_ title: String) { self.title = title }

    /// - Parameter share: 0…1.
    mutating func show(_ share: Double) {
        let percent = Int(share * 100)
        guard Terminal.errorIsTerminal, percent != shown else { return }
        shown = percent
        let filled = percent * 30 / 100
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        Terminal.say("\r\(title) [\(bar)] \(percent) %")
    }

    /// Takes the bar away.
    func finish() {
        if shown >= 0 { Terminal.say("\r\u{1B}[K") }
    }
}
