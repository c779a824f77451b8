import Coupling
import CrimsCore
import Glibc
import Journal
import Protocol
import Testing

/// A new folder below one that is removed by the system some day.
func freshFolder() throws -> String {
    var template = Array("/tmp/crims-data-XXXXXX".utf8CString)
    return String(cString: try #require(mkdtemp(&template)))
}

extension Record {
    static func opened(_ run: String) -> Record {
        let arguments = OpenRequest(
            model: "m", start: CivilMinute(year: 2020, month: 1, day: 1), world: World(seed: 1 << 53 - 1), run: run)
        return Record(run: run, who: "abm", event: .opened(.init(arguments: arguments, digest: "d", sampler: 1)))
    }

    static func stepped(_ run: String, _ seq: Int, adjust: [AdjustmentTerms] = []) -> Record {
        Record(
            run: run,
            event: .stepped(
                .init(
                    seq: seq, steps: 1, asked: [Asked(adjust: adjust, adjusted: adjust.indices.map { "a\($0 + 1)" })],
                    incidents: 3,
                    digest: .max - UInt64(seq), lastDigest: 7)))
    }

    static func forked(_ run: String, from parent: String, seq: Int) -> Record {
        Record(
            run: run,
            event: .forked(
                .init(request: ForkRequest(run: parent, seq: seq, name: run), nextSeq: seq, incidents: 3 * seq)))
    }

    static func deleted(_ run: String) -> [Record] {
        [Record(run: run, event: .closed(seq: 0)), Record(run: run, event: .deleted(seq: 0))]
    }
}

/// What a journal tells at its start.
struct Start {
    var records: [Record] = []
    var damaged: [String] = []
    var notices: [Journal.Notice] = []
    var error: JournalError?
    var journal: Journal?

    init(_ folder: String, sync: Journal.Sync = .process) {
        do throws(JournalError) {
            let journal = try Journal(folder: folder, sync: sync)
            self.journal = journal
            (records, damaged) = ([], [])
            var found: [Record] = []
            var broken: [String] = []
            notices = try journal.load {
                found.append($0)
            } damaged: { run, _ in
                broken.append(run)
            }
            (records, damaged) = (found, broken)
        } catch {
            self.error = error
            journal = nil
        }
    }
}

@Suite struct JournalTests {
    private func terms(_ text: String) throws -> AdjustmentTerms {
        try AdjustmentTerms(try JSON(parsing: Array(text.utf8)), place: "")
    }

    /// Writes records into a new folder and ends.
    private func write(_ records: [Record]) throws -> String {
        let folder = try freshFolder()
        let start = Start(folder)
        let journal = try #require(start.journal)
        for record in records { try journal.append(record) }
        // As at the end of a daemon that is asked to end.
        journal.settle()
        return folder
    }

    /// Runs SQL on a journal behind its back. The tail may have the last records still, and would put it right.
    private func tamper(_ folder: String, _ sql: String) throws {
        unlink(folder + "/journal.tail")
        try Database(folder + "/journal.sqlite", .writing).run(sql)
    }

    @Test(arguments: Journal.Sync.allCases) func `records come back as they were, in their order`(sync: Journal.Sync)
        throws
    {
        let folder = try freshFolder()
        let adjust = try terms(
            #"{"factor":0.1,"areas":["E1"],"key":"","half_life":"36h","reason":"a \"b\" \u0000 é","displacement":0.25}"#
        )
        var meant = adjust
        meant.seq = 1
        let records: [Record] = [
            .opened("a"), .stepped("a", 0, adjust: [adjust, adjust]),
            Record(run: "a", who: "", event: .adjusted(meant, id: "a3", seq: 1)),
            Record(run: "a", event: .retracted(adjustment: "a3", seq: 1)), .forked("b", from: "a", seq: 1),
            .stepped("b", 1), Record(run: "a", event: .closed(seq: 1)),
            Record(
                run: "c",
                event: .forked(
                    .init(
                        request: ForkRequest(run: "a", participants: [Participant(name: "x", timeout: 500)]),
                        nextSeq: 1,
                        incidents: 3))),
            Record(
                run: "b", who: "x, y",
                event: .stepped(
                    .init(
                        seq: 2, steps: 3,
                        asked: [
                            Asked(participant: "x"), Asked(participant: "y", adjust: [adjust], adjusted: ["a1"]),
                        ], incidents: 0, digest: 1, lastDigest: 1 << 63))),
        ]
        for record in records {
            let start = Start(folder, sync: sync)
            #expect(start.error == nil && start.notices.isEmpty)
            try #require(start.journal).append(record)
        }
        #expect(Start(folder).records == records)
    }

    @Test func `a deleted run is gone, but for what its forks are made of`() throws {
        let parents = [Record.opened("a"), .stepped("a", 0), .forked("b", from: "a", seq: 1)]
        let kept = try write(parents + Record.deleted("a") + [.opened("a")])
        #expect(Start(kept).records == parents + Record.deleted("a") + [.opened("a")])

        let gone = try write(parents + Record.deleted("a") + [.stepped("b", 1)] + Record.deleted("b"))
        #expect(Start(gone).records.isEmpty && Start(gone).error == nil)

        let alone = try write([.opened("c")] + parents + Record.deleted("b"))
        #expect(Start(alone).records == [.opened("c")] + parents.prefix(2))
        try #require(Start(alone).journal).append(.stepped("c", 0))
        #expect(Start(alone).records.last == .stepped("c", 0))
    }

    @Test func `a record that is not what was written stops its run and no other`() throws {
        for change in [
            "UPDATE record SET seq = 1 WHERE number = 3", "UPDATE record SET incidents = NULL WHERE number = 3",
            "UPDATE record SET at = at + 1 WHERE number = 3", "UPDATE record SET who = '' WHERE number = 3",
            "UPDATE record SET hash = zeroblob(32) WHERE number = 3", "UPDATE record SET run = 2 WHERE number = 3",
        ] {
            let folder = try write([.opened("a"), .opened("b"), .stepped("a", 0), .stepped("b", 0), .stepped("a", 1)])
            try tamper(folder, change)
            let start = Start(folder)
            #expect(start.damaged.contains("a") || start.damaged.contains("b"), "\(change)")
            let harmed = change.contains("run") ? "b" : "a"
            #expect(start.records.contains { $0.run != harmed && $0.event != Record.opened("b").event }, "\(change)")
        }
    }

    @Test func `a missing record is noticed wherever it was`() throws {
        for number in 1...5 {
            let folder = try write([.opened("a"), .opened("b"), .stepped("a", 0), .stepped("b", 0), .stepped("a", 1)])
            try tamper(folder, "DELETE FROM record WHERE number = \(number)")
            let start = Start(folder)
            #expect(start.error != nil, "\(number)")
            guard case .damaged(_, let reason)? = start.error else { continue }
            #expect(reason.contains("back-up"))
        }
    }

    @Test func `removing the mark is the way on without what is missing`() throws {
        let folder = try write([.opened("a"), .stepped("a", 0)])
        try tamper(folder, "DELETE FROM record WHERE number = 2")
        #expect(Start(folder).error != nil)
        unlink(folder + "/acknowledged")
        #expect(Start(folder).records == [.opened("a")])
        #expect(Start(folder).error == nil)
    }

    @Test func `another release's journal is not touched`() throws {
        let folder = try write([.opened("a")])
        try tamper(folder, "PRAGMA user_version = 2")
        guard case .storage(_, let reason)? = Start(folder).error else { return #expect(Bool(false), "refused") }
        #expect(reason.contains("format 2"))
    }

    @Test func `what is kept is its owner's alone`() throws {
        let folder = try write([.opened("a")])
        for name in ["journal.sqlite", "journal.tail", "acknowledged"] {
            var status = stat()
            #expect(stat(folder + "/" + name, &status) == 0 && status.st_mode & 0o077 == 0, "\(name)")
        }
    }
}

@Suite struct JournalViewTests {
    @Test func `a journal can be looked at while it is written`() throws {
        let folder = try freshFolder()
        let journal = try #require(Start(folder).journal)
        for record in [Record.opened("a"), .stepped("a", 0)] { try journal.append(record) }
        var asked: [Record] = []
        let findings = try JournalView(folder: folder).check {
            asked.append($0)
            return nil
        }
        #expect(findings.faults.isEmpty && findings.records == 2 && findings.steps == 1 && findings.runs == 1)
        #expect(asked == [.opened("a"), .stepped("a", 0)])
        try journal.append(.stepped("a", 1))
        #expect(try JournalView(folder: folder).check { _ in nil }.records == 3)
    }

    @Test func `what comes of asking again is told with its record`() throws {
        let folder = try freshFolder()
        try #require(Start(folder).journal).append(.opened("a"))
        let findings = try JournalView(folder: folder).check { _ in Refusal(.modelChanged, "another model") }
        #expect(findings.faults == ["record 1: another model"])
    }
}
