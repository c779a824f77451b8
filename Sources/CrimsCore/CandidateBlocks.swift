/// The random words of one hour's candidates in layer 0, in memory that is used again.
///
/// A word that chooses from n outcomes is kept as its product with n: the upper 32 bits are the outcome, or the entry of
/// an alias table, and the lower ones are still uniform.
final class CandidateBlocks {
    /// Each as long as there are candidates, rounded up to whole vectors.
    struct Words {
        let crime: UnsafePointer<UInt64>
        let area: UnsafePointer<UInt64>
        let minute: UnsafePointer<UInt64>
        let mark: UnsafePointer<UInt64>
    }

    private typealias Lanes = SIMD2<UInt64>
    private var memory = UnsafeMutablePointer<Lanes>.allocate(capacity: 4 * 64)
    /// Vectors of each of the four words.
    private var capacity = 64

    deinit { memory.deallocate() }

    var words: Words {
        let first = UnsafeRawPointer(memory).assumingMemoryBound(to: UInt64.self)
        let length = capacity * Lanes.scalarCount
        return Words(crime: first, area: first + length, minute: first + 2 * length, mark: first + 3 * length)
    }

    /// Draws the words of an hour's first `number` candidates.
    func draw(_ number: Int, hour: Int, of sampler: Sampler) {
        let vectors = (number + Lanes.scalarCount - 1) / Lanes.scalarCount
        if vectors > capacity {
            capacity = max(vectors, 2 * capacity)
            memory.deallocate()
            memory = .allocate(capacity: 4 * capacity)
        }
        let philox = sampler.incidents
        let hourLanes = Lanes(repeating: UInt64(hour))
        let replicate = Lanes(repeating: UInt64(sampler.world.replicate))
        let crimes = Lanes(repeating: UInt64(sampler.prepared.crimeCount))
        let areas = Lanes(repeating: UInt64(sampler.prepared.areaCount))
        let minutes = Lanes(repeating: 60)
        var ordinals = Lanes(0, 1)
        let (crime, area, minute, mark) = (
            memory, memory + capacity, memory + 2 * capacity, memory + 3 * capacity
        )
        for vector in 0..<vectors {
            let words = philox.blocks((ordinals, .zero, hourLanes, replicate))
            crime[vector] = Self.product(words.0, crimes)
            area[vector] = Self.product(words.1, areas)
            minute[vector] = Self.product(words.2, minutes)
            mark[vector] = words.3 & Lanes(repeating: 0xFFFF_FFFF)
            ordinals &+= Lanes(repeating: 2)
        }
    }

    @inline(__always)
    private static func product(_ words: Lanes, _ outcomes: Lanes) -> Lanes {
        let low = Lanes(repeating: 0xFFFF_FFFF)
        return (words & low) &* (outcomes & low)
    }
}
