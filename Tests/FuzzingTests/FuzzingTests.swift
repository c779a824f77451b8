import Fuzzing
import Models
import Testing

/// The short form of fuzzing: every decoder's properties on its seeds, and on a fixed number of changed ones.
@Suite struct FuzzingTests {
    private static func seeds(_ name: String) throws -> [[UInt8]] {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(folder)/Fuzzing/Corpus/\(name).txt"
        let seeds = Seeds.parse(try #require(try FileSystem.read(path)))
        try #require(!seeds.isEmpty)
        return seeds
    }

    /// Inputs of each decoder; those that go through files or a hub take a hundred times as long as the others.
    private static func count(_ name: String) -> Int {
        switch name {
        case "street", "counts", "reference", "archive": 60
        case "hub", "model": 300
        default: 20_000
        }
    }

    @Test(arguments: Decoder.all.map(\.name))
    func `what must hold of every input holds of the seeds and of a number of changed ones`(_ name: String) throws {
        let decoder = try #require(Decoder.named(name))
        let seeds = try Self.seeds(name)
        var mutator = Mutator(seed: 1, of: seeds)
        let changed = (0..<Self.count(name)).lazy.map { _ in mutator.next(longest: decoder.longest) }
        for input in Array(seeds) + Array(changed) {
            do throws(Broken) {
                try decoder.check(input)
            } catch {
                Issue.record("\(name): \(error); the input: \(String(decoding: input, as: UTF8.self).debugDescription)")
                return
            }
        }
    }
}
