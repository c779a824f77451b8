/// Incidents in columns, sorted by time, then id.
public struct IncidentColumns: Sendable {
    /// The minute that ``time`` is counted from.
    public private(set) var origin: CivilMinute
    public private(set) var count = 0
    /// The columns are as long as their capacity; only the first ``count`` values mean anything.
    public private(set) var id: [Int64] = []
    /// Minutes since ``origin``.
    public private(set) var time: [Int32] = []
    /// Index into the model's areas.
    public private(set) var area: [UInt16] = []
    /// Index into the model's crimes.
    public private(set) var crime: [UInt16] = []
    /// 1 where a suspect has been identified.
    public private(set) var suspect: [UInt8] = []

    public init(origin: CivilMinute) { self.origin = origin }

    /// Empties the columns, which keep their memory.
    public mutating func clear(origin: CivilMinute) {
        self.origin = origin
        count = 0
    }

    /// A candidate that happens, before the incidents of its hour are put in order.
    struct Entry {
        /// The lower 32 bits of the id.
        var low: UInt32
        var area: UInt16
        var crime: UInt16
        var minute: UInt8
        var suspect: UInt8
    }

    /// Appends one hour's entries, which come with ascending ids, in the order of their minutes.
    ///
    /// - Parameters:
    ///   - minuteCounts: how many entries each of the 60 minutes has; used up.
    ///   - entry: the entry of each place below `count`.
    @inline(__always)
    mutating func append(
        hour: Int, count number: Int, minuteCounts: UnsafeMutablePointer<UInt32>, entry: (Int) -> Entry
    ) {
        guard number > 0 else { return }
        reserve(count + number)
        // Counts become places: where the next entry of each minute goes.
        let places = minuteCounts
        var sum = UInt32(0)
        for minute in 0..<60 {
            let entriesOfMinute = places[minute]
            places[minute] = sum
            sum &+= entriesOfMinute
        }
        let base = count
        let high = Int64(hour) << 32
        let start = Int32(truncatingIfNeeded: hour * 60 - origin.minutes)
        id.withUnsafeMutableBufferPointer { id in
            time.withUnsafeMutableBufferPointer { time in
                area.withUnsafeMutableBufferPointer { area in
                    crime.withUnsafeMutableBufferPointer { crime in
                        suspect.withUnsafeMutableBufferPointer { suspect in
                            for index in 0..<number {
                                let entry = entry(index)
                                let minute = Int(entry.minute)
                                let place = base &+ Int(places[minute])
                                places[minute] &+= 1
                                id[place] = high | Int64(entry.low)
                                time[place] = start &+ Int32(entry.minute)
                                area[place] = entry.area
                                crime[place] = entry.crime
                                suspect[place] = entry.suspect
                            }
                        }
                    }
                }
            }
        }
        count += number
    }

    /// Appends one incident of other columns with the same origin.
    public mutating func append(_ other: borrowing IncidentColumns, at index: Int) {
        reserve(count + 1)
        id[count] = other.id[index]
        time[count] = other.time[index]
        area[count] = other.area[index]
        crime[count] = other.crime[index]
        suspect[count] = other.suspect[index]
        count += 1
    }

    private mutating func reserve(_ needed: Int) {
        guard needed > id.count else { return }
        let grown = max(needed, 2 * id.count, 64) - id.count
        id.append(contentsOf: repeatElement(0, count: grown))
        time.append(contentsOf: repeatElement(0, count: grown))
        area.append(contentsOf: repeatElement(0, count: grown))
        crime.append(contentsOf: repeatElement(0, count: grown))
        suspect.append(contentsOf: repeatElement(0, count: grown))
    }
}
