import Glibc

/// Tells a zip file from something else by its beginning, and a whole one from the beginning of one by its end.
package enum ZipEnd {
    /// The end of a zip file is found in its last bytes: a record of 22, and a comment.
    package static let tailMax = 22 + 65_535

    /// Whether the first four bytes are those of a zip file.
    package static func isBeginning(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.elementsEqual([0x50, 0x4B, 3, 4]) || bytes.elementsEqual([0x50, 0x4B, 5, 6])
    }

    /// Where the list of entries is said to be.
    ///
    /// - Parameters:
    ///   - tail: The last bytes of the file, ``tailMax`` of them or all there are.
    ///   - size: Bytes of the file.
    /// - Returns: The list's first byte in the file, or nil for a file too large for this record to say; nothing if
    ///   the file does not end like a zip file.
    package static func directory(tail: [UInt8], size: Int) -> (offset: Int?, entries: Int)? {
        func number(_ index: Int, _ bytes: Int) -> Int {
            (0..<bytes).reduce(0) { $0 | Int(tail[index + $1]) << (8 * $1) }
        }
        guard tail.count >= 22 else { return nil }
        for index in stride(from: tail.count - 22, through: 0, by: -1)
        where number(index, 4) == 0x0605_4B50 && index + 22 + number(index + 20, 2) == tail.count {
            let (entries, length, offset) = (number(index + 10, 2), number(index + 12, 4), number(index + 16, 4))
            if entries == 0xFFFF || length == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
                // Zip64 keeps the numbers in a record of its own, before this one.
                return index >= 20 && number(index - 20, 4) == 0x0706_4B50 ? (nil, entries) : nil
            }
            return offset + length <= size - tail.count + index ? (offset, entries) : nil
        }
        return nil
    }

    /// What is wrong with a file that is to be a whole zip; nil if nothing is.
    package static func fault(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return String(cString: strerror(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is no file" }
        func read(_ count: Int, at offset: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            let got = pread(descriptor, &bytes, count, offset)
            return Array(bytes.prefix(max(0, got)))
        }
        let size = Int(status.st_size)
        let count = min(size, tailMax)
        guard let directory = directory(tail: read(count, at: size - count), size: size) else {
            return "it does not end like a zip file"
        }
        if let offset = directory.offset, directory.entries > 0, read(4, at: offset) != [0x50, 0x4B, 1, 2] {
            return "its list of entries is not where it should be"
        }
        return nil
    }
}
