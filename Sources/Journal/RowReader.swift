/// The rows of a journal in their order.
struct RowReader {
    private let statement: Statement
    private let path: String

    init(_ database: Database) throws(JournalError) {
        path = database.path
        statement = try database.prepare(
            "SELECT number, run, event, seq, steps, incidents, digest, last_digest, at, who, body, hash FROM record "
                + "ORDER BY number")
    }

    func next() throws(JournalError) -> StoredRecord? {
        guard try statement.next() else { return nil }
        let number = statement.integer(0)
        guard let event = statement.firstByte(2).flatMap({ StoredRecord.EventName(code: $0) }),
            statement.isText(2, event.rawValue)
        else {
            throw .damaged(path: path, reason: "record \(number) is of a kind that there is not")
        }
        return StoredRecord(
            number: number, opening: statement.integer(1), event: event, seq: statement.integer(3),
            steps: statement.optionalInteger(4), incidents: statement.optionalInteger(5),
            digest: statement.optionalInteger(6), lastDigest: statement.optionalInteger(7), at: statement.integer(8),
            who: statement.bytes(9), body: statement.bytes(10), hash: statement.digest(11))
    }
}
