import Fuzzing
import Glibc
import Models

/// `crims-fuzz DECODER SEEDS FOLDER [libFuzzer's options]`: fuzzes a decoder, beginning with the seeds of a text file.
/// Inputs that lead to new code stay in FOLDER, and so does one that breaks something.
enum Driver {
    // Safety: set before libFuzzer, which is one thread, asks for it.
    nonisolated(unsafe) fileprivate static var decoder = Decoder.all[0]

    /// Makes libFuzzer's arguments of ours; ends the process if they are of no use.
    static func begin(_ arguments: [String]) -> [String] {
        guard arguments.count >= 4, let decoder = Decoder.named(arguments[1]) else {
            say("crims-fuzz DECODER SEEDS FOLDER [libFuzzer's options]")
            say("DECODER is one of \(Decoder.all.map(\.name).joined(separator: ", "))")
            exit(2)
        }
        self.decoder = decoder
        let folder = arguments[3]
        do {
            try prepare(folder, seeds: arguments[2])
        } catch {
            say("crims-fuzz: \(error)")
            exit(1)
        }
        let options = [
            "-dict=\(folder)/words", "-artifact_prefix=\(folder)/found-", "-max_len=\(decoder.longest)",
            "-print_final_stats=1", "-rss_limit_mb=4096", "-timeout=20",
        ]
        return [arguments[0]] + options + arguments.dropFirst(4) + [folder + "/inputs"]
    }

    /// Unpacks the seeds and writes the dictionary.
    private static func prepare(_ folder: String, seeds: String) throws(ModelError) {
        guard let text = try FileSystem.read(seeds) else { throw .noFolder(path: seeds) }
        _ = try FileSystem.makeFolders(folder + "/inputs")
        for (number, seed) in Seeds.parse(text).enumerated() {
            let path = "\(folder)/inputs/seed-\(number)"
            unlink(path)
            try FileSystem.write(seed, to: path)
        }
        unlink(folder + "/words")
        try FileSystem.write(Array(Words.dictionary.utf8), to: folder + "/words")
    }

    fileprivate static func say(_ words: String) {
        let line = Array((words + "\n").utf8)
        _ = write(2, line, line.count)
    }
}

/// libFuzzer's first call.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let given = (0..<Int(count.pointee)).compactMap { arguments.pointee[$0].map { String(cString: $0) } }
    let words = Driver.begin(given)
    // Kept as long as the process.
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
    for (index, word) in words.enumerated() { pointers[index] = strdup(word) }
    pointers[words.count] = nil
    count.pointee = CInt(words.count)
    arguments.pointee = pointers
    return 0
}

/// libFuzzer's call for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    do throws(Broken) {
        try Driver.decoder.check(UnsafeRawBufferPointer(start: bytes, count: size))
    } catch {
        Driver.say("crims-fuzz: \(error)")
        abort()
    }
    return 0
}
