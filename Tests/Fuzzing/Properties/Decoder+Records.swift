import Calibration
import CrimsCore
import Fetching
import Glibc
import Models
import Protocol

extension Decoder {
    /// A street file of one force.
    static let street = Decoder(name: "street", longest: 4_096) { bytes throws(Broken) in
        try scratch.set("street.csv", Array(bytes))
        try holdCalibrated("street.csv", force: "here")
    }

    /// A table of counts of all forces.
    static let counts = Decoder(name: "counts", longest: 4_096) { bytes throws(Broken) in
        try scratch.set("counts.csv", Array(bytes))
        try holdCalibrated("counts.csv", force: EnglandAndWales.name)
    }

    /// The tables that a calibration has beside its records, in the sections that ``model`` has.
    static let reference = Decoder(name: "reference", longest: 4_096) { bytes throws(Broken) in
        var files = SmallReference.files
        for (name, text) in Sections(bytes) {
            if name.hasPrefix("-") { files[String(name.dropFirst())] = nil } else { files[name] = text }
        }
        for name in SmallReference.files.keys { try scratch.set("reference/" + name, files[name]) }
        let result = Result { () throws(Broken) in
            try scratch.set("street.csv", SmallReference.street)
            try holdCalibrated("street.csv", force: "here")
            try scratch.set("counts.csv", SmallReference.counts)
            try holdCalibrated("counts.csv", force: EnglandAndWales.name)
        }
        for (name, text) in SmallReference.files { try scratch.set("reference/" + name, text) }
        try result.get()
    }

    /// A zip file, as libarchive reads it.
    static let archive = Decoder(name: "archive", longest: 4_096) { bytes throws(Broken) in
        try scratch.set("archive.zip", Array(bytes))
        let path = scratch.path + "/archive.zip"
        if let fault = ZipEnd.fault(of: path) { try hold(!fault.isEmpty, "a fault without a word") }
        let contents: StreetContents?
        do throws(CalibrationError) {
            contents = try StreetContents(archive: path, force: "here", checksums: { _ in true })
        } catch {
            contents = nil
            try hold(!"\(error)".isEmpty, "refused without a word")
        }
        if let contents {
            try hold(contents.months.isEmpty || contents.forces.contains("here"), "months of no force")
        }
        try holdCalibrated("archive.zip", force: "here")
        try holdCalibrated("archive.zip", force: EnglandAndWales.name)
    }

    /// What a server says of an archive, a header on each line, and the end of a file.
    static let answer = Decoder(name: "answer", longest: 512) { bytes throws(Broken) in
        let lines = bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        for status in [200, 206, 416] {
            let head = AnswerHead(status: status, retryAfter: 0) { name in
                lines.first { $0.hasPrefix(name + ":") }.map { String($0.dropFirst(name.count + 1)) }
            }
            try hold(head.size ?? 0 >= 0 && head.start ?? 0 >= 0, "\(head)")
        }
        let tail = Array(bytes)
        for size in [tail.count, tail.count + 1_000] {
            guard let directory = ZipEnd.directory(tail: tail, size: size) else { continue }
            try hold((0..<max(1, size)).contains(directory.offset ?? 0), "a list of entries at \(directory)")
        }
    }

    private static let scratch = ScratchFolder()

    private static func holdCalibrated(_ name: String, force: String) throws(Broken) {
        let options = CalibrationOptions(
            archives: [scratch.path + "/" + name], force: force, reference: scratch.path + "/reference")
        let model: CrimeModel
        do throws(CalibrationError) {
            if force == EnglandAndWales.name {
                model = try calibrateEnglandAndWales(options, log: { _ in }).model
            } else {
                model = try calibrate(options, log: { _ in }).model
            }
        } catch {
            return try hold(!"\(error)".isEmpty, "refused without a word")
        }
        try hold(model.rates.allSatisfy { $0.isFinite && $0 >= 0 }, "a rate: \(model.rates)")
        try hold(model.suspect.allSatisfy { (0...1).contains($0) }, "a probability: \(model.suspect)")
        try hold(model.dispersion.allSatisfy { $0.own >= 0 && $0.shared >= 0 }, "a variance: \(model.dispersion)")
    }
}

/// Files for readers that take none but files: in memory where the system has a place for that.
final class ScratchFolder: Sendable {
    let path: String

    init() {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir
        var template = Array((parent + "/crims-fuzzing-XXXXXX").utf8CString)
        precondition(mkdtemp(&template) != nil, "mkdtemp failed")
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        mkdir(path + "/reference", 0o700)
        for (name, text) in SmallReference.files { try? set("reference/" + name, text) }
        // Kept as long as the process: its decoders are.
        Self.removedAtExit = path
        atexit {
            for folder in [ScratchFolder.removedAtExit + "/reference", ScratchFolder.removedAtExit] {
                for name in FileSystem.names(in: folder) ?? [] { unlink(folder + "/" + name) }
                rmdir(folder)
            }
        }
    }

    nonisolated(unsafe) private static var removedAtExit = ""

    func set(_ name: String, _ bytes: [UInt8]?) throws(Broken) {
        guard let bytes else {
            unlink(path + "/" + name)
            return
        }
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let written = write(descriptor, bytes, bytes.count)
        close(descriptor)
        try hold(written == bytes.count, "\(path)/\(name) cannot be written")
    }
}
