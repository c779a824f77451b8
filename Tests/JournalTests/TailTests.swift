import Coupling
import Glibc
import Journal
import Protocol
import Testing

@Suite struct TailTests {
    /// Writes records as a daemon that is killed leaves them.
    private func write(_ records: [Record], settledAfter settled: Int? = nil) throws -> String {
        let folder = try freshFolder()
        let start = Start(folder)
        let journal = try #require(start.journal)
        for (index, record) in records.enumerated() {
            try journal.append(record)
            if index + 1 == settled { journal.settle() }
        }
        return folder
    }

    private func steps(_ range: Range<Int>) -> [Record] { range.map { .stepped("a", $0) } }

    /// How many records are in the database itself.
    private func kept(_ folder: String) throws -> Int {
        try Database(folder + "/journal.sqlite", .reading).integer("SELECT count(*) FROM record")
    }

    /// Flips bits of one byte of the tail.
    private func damage(_ folder: String, at place: Int) throws {
        let file = open(folder + "/journal.tail", O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        var byte: UInt8 = 0
        try #require(pread(file, &byte, 1, place) == 1)
        byte ^= 0x41
        try #require(pwrite(file, &byte, 1, place) == 1)
    }

    @Test func `what is in the tail alone comes back, and is in the database then`() throws {
        let adjust = try AdjustmentTerms(
            try JSON(parsing: Array(#"{"factor":0.1,"areas":["E1"],"reason":"é"}"#.utf8)), place: "")
        let records =
            [Record.opened("a")] + steps(0..<3) + [
                .stepped("a", 3, adjust: [adjust]),
                Record(run: "a", who: "x", event: .adjusted(adjust, id: "a2", seq: 4)),
                Record(run: "a", who: "", event: .retracted(adjustment: "a2", seq: 4)),
            ]
        let folder = try write(records)
        #expect(try kept(folder) == 1)
        #expect(Start(folder).records == records)
        #expect(try kept(folder) == records.count)
        #expect(Start(folder).records == records)
    }

    @Test(arguments: [510, 511, 512, 513, 1_300]) func `more records than the tail has room for`(count: Int) throws {
        let folder = try write([.opened("a")] + steps(0..<count))
        let kept = try kept(folder)
        #expect(kept == 1 + (count - 1) / 512 * 512)
        #expect(Start(folder).records == [.opened("a")] + steps(0..<count))
    }

    @Test func `a record too long for the tail is kept all the same`() throws {
        let long = #"{"factor":0.5,"reason":"\#(String(repeating: "why ", count: 200))"}"#
        let adjust = [AdjustmentTerms](
            repeating: try AdjustmentTerms(try JSON(parsing: Array(long.utf8)), place: ""), count: 40)
        let records = [Record.opened("a"), .stepped("a", 0), .stepped("a", 1, adjust: adjust), .stepped("a", 2)]
        let folder = try write(records)
        #expect(try kept(folder) == 3)
        #expect(Start(folder).records == records)
    }

    @Test func `older records behind the newer ones are not taken for them`() throws {
        let folder = try write([.opened("a")] + steps(0..<9), settledAfter: 7)
        #expect(Start(folder).records == [.opened("a")] + steps(0..<9))
        // As it was when the tail had been put into the database, and the process ended before it was begun anew.
        let all = try write([.opened("a")] + steps(0..<9), settledAfter: 10)
        #expect(Start(all).records == [.opened("a")] + steps(0..<9))
    }

    @Test func `records of a time before a back-up was put back are not taken for newer ones`() throws {
        let folder = try write([.opened("a")] + steps(0..<5), settledAfter: 3)
        try Database(folder + "/journal.sqlite", .writing).run("DELETE FROM record WHERE number > 1")
        unlink(folder + "/acknowledged")
        do {
            let journal = try #require(Start(folder).journal)
            for step in steps(0..<3) {
                // So that the last has the number and the place in the file that the first of those left behind had.
                journal.settle()
                try journal.append(step)
            }
        }
        #expect(Start(folder).records == [.opened("a")] + steps(0..<3))
    }

    @Test func `a power-safe journal keeps nothing in the tail alone, and takes up what is there`() throws {
        let folder = try write([.opened("a")] + steps(0..<3))
        let start = Start(folder, sync: .power)
        #expect(start.records == [.opened("a")] + steps(0..<3))
        try #require(start.journal).append(.stepped("a", 3))
        #expect(try kept(folder) == 5)
    }

    @Test func `a damaged tail is noticed at every byte that counts`() throws {
        let records = [Record.opened("a")] + steps(0..<2)
        for place in stride(from: 0, to: 256, by: 5) {
            let folder = try write(records)
            try damage(folder, at: place)
            guard case .damaged(_, let reason)? = Start(folder).error else {
                return #expect(Bool(false), "byte \(place) is not missed")
            }
            #expect(reason.contains("back-up") && reason.contains(place < 128 ? "2 records" : "1 records"))
            let findings = try JournalView(folder: folder).check { _ in nil }
            #expect(findings.faults.count == 1 && findings.faults[0].contains("missing"))
            unlink(folder + "/acknowledged")
            #expect(Start(folder).records == (place < 128 ? [.opened("a")] : [.opened("a"), .stepped("a", 0)]))
        }
        let folder = try write(records)
        try damage(folder, at: 256)
        #expect(Start(folder).records == records)
    }

    @Test func `a tail that is missing is noticed`() throws {
        let folder = try write([.opened("a")] + steps(0..<2))
        unlink(folder + "/journal.tail")
        guard case .damaged(_, let reason)? = Start(folder).error else {
            return #expect(Bool(false), "it is not missed")
        }
        #expect(reason.contains("2 records"))
    }

    @Test func `whoever looks at a journal sees the tail as well, at any moment`() throws {
        let folder = try freshFolder()
        let journal = try #require(Start(folder).journal)
        try journal.append(.opened("a"))
        for seq in 0..<1_100 {
            try journal.append(.stepped("a", seq))
            if seq == 700 { journal.settle() }
            guard seq % 100 < 2 || (505..<520).contains(seq) else { continue }
            let findings = try JournalView(folder: folder).check { _ in nil }
            #expect(findings.faults.isEmpty && findings.records == seq + 2 && findings.steps == seq + 1)
        }
    }

    @Test func `a database that takes nothing refuses what comes when the tail is full, and nothing is lost`() throws {
        let folder = try freshFolder()
        let journal = try #require(Start(folder).journal)
        try journal.append(.opened("a"))
        let other = try Database(folder + "/journal.sqlite", .writing)
        try other.run("BEGIN IMMEDIATE")
        var kept = 0
        while kept < 2_000, (try? journal.append(.stepped("a", kept))) != nil { kept += 1 }
        #expect(kept == 512)
        journal.settle()
        #expect(throws: Refusal.self) { try journal.append(.stepped("a", kept)) }
        #expect(throws: Refusal.self) { try journal.append(.opened("b")) }
        #expect(try JournalView(folder: folder).check { _ in nil }.records == 513)
        try other.run("ROLLBACK")
        try journal.append(.stepped("a", kept))
        try journal.append(.stepped("a", kept + 1))
        #expect(Start(folder).records == [.opened("a")] + steps(0..<514))
    }
}
