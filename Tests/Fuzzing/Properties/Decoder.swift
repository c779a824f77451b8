/// Something that holds for every input did not hold for this one.
package struct Broken: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What reads bytes from outside, with what must hold whatever they are.
package struct Decoder: Sendable {
    package let name: String
    /// Bytes of the longest input that is worth trying.
    package let longest: Int
    /// Reads the bytes; throws if something about what came of them is not as it should be. A trap is found by whoever runs it.
    package let check: @Sendable (UnsafeRawBufferPointer) throws(Broken) -> Void

    package func check(_ bytes: [UInt8]) throws(Broken) {
        let result: Result<Void, Broken> = bytes.withUnsafeBytes { bytes in
            do throws(Broken) { return .success(try check(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    package static let all = [
        json, decimal, time, request, adjustment, record, csv, model, hub, street, counts, reference, archive, answer,
    ]

    package static func named(_ name: String) -> Decoder? { all.first { $0.name == name } }
}

/// Throws unless it holds; the words are made only then.
func hold(_ holds: Bool, _ words: @autoclosure () -> String) throws(Broken) {
    guard holds else { throw Broken(words()) }
}

extension Result where Failure == Broken {
    /// For closures that the standard library calls, which lose the type of what they throw.
    init(_ body: () throws(Broken) -> Success) {
        do throws(Broken) { self = .success(try body()) } catch { self = .failure(error) }
    }
}
