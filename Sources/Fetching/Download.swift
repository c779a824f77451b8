/// Decides, request by request, how an archive is got: what to ask for, what to do with an answer, whether to try again.
/// No I/O: what happens is told to it.
package struct Download {
    /// What comes next.
    package enum Next: Equatable {
        case request(RangeRequest)
        /// All bytes are there: look whether they are an archive.
        case check
    }

    /// What becomes of an answer's body.
    package enum Reception: Equatable {
        /// Put it behind what is there.
        case append
        /// Put it in the place of what is there, and say ``Download/replaced(by:)``.
        case replace(PartRecord)
        /// It is not wanted.
        case discard
    }

    /// How an exchange ended.
    package enum End: Equatable {
        case complete
        /// The answer's body was not wanted.
        case discarded
        /// The body begins like no archive.
        case notArchive(String)
        /// There is no way to the server.
        case unreachable(String)
        /// The connection broke or nothing came any more.
        case broken(String)
        /// Something that will be so again.
        case failed(String)
    }

    /// What follows from it.
    package enum Step: Equatable {
        /// Ask again at once.
        case goOn
        /// All bytes are there: look whether they are an archive.
        case check
        case wait(seconds: Double, words: String)
        case fail(FetchError)
    }

    package let name: String
    private let partPath: String
    /// Where it may be, the likelier first.
    private let addresses: [String]
    private var candidate = 0
    package private(set) var record: PartRecord?
    private var patience: Patience
    private var request: RangeRequest?
    private var head: AnswerHead?
    /// Whether what is there is of no use.
    private var startsOver = false
    private var hasAnswered = false
    private var wasDamaged = false

    private var address: String { addresses[candidate] }

    /// - Parameters:
    ///   - record: What is known about the bytes that are there from an earlier time; nil if nothing is.
    ///   - patience: Begun at the number of these bytes.
    package init(name: String, partPath: String, addresses: [String], record: PartRecord?, patience: Patience) {
        self.name = name
        self.partPath = partPath
        self.addresses = addresses
        self.record = record
        self.patience = patience
    }

    /// - Parameter length: Bytes that are there.
    package mutating func next(length: Int) -> Next {
        var wanted = RangeRequest(address: address)
        if let record, length > 0, !startsOver, record.address == address, record.canGoOn, length <= record.size ?? .max
        {
            if length == record.size { return .check }
            wanted.start = length
            wanted.ifRange = record.mark
        }
        request = wanted
        head = nil
        return .request(wanted)
    }

    /// Takes the head of the answer to the last request.
    package mutating func receive(_ head: AnswerHead) -> Reception {
        guard let request else { return .discard }
        self.head = head
        hasAnswered = true
        if head.status == 200 {
            return .replace(PartRecord(address: request.address, head: head))
        }
        if head.status == 206, request.start > 0, head.start == request.start, record?.agrees(with: head) == true {
            if let size = head.size { record?.size = size }
            return .append
        }
        return .discard
    }

    /// Takes that what was there has given way to the archive that the record is of.
    package mutating func replaced(by record: PartRecord) {
        self.record = record
        startsOver = false
    }

    /// Takes the end of the last exchange.
    ///
    /// - Parameter length: Bytes that are there now.
    package mutating func end(_ end: End, length: Int) -> Step {
        switch end {
        case .failed(let reason): return .fail(.failed(address: address, reason: reason))
        case .notArchive(let reason): return .fail(.notArchive(address: address, reason: reason))
        case .unreachable(let reason):
            return hasAnswered ? again(reason, length) : .fail(.unreachable(address: address, reason: reason))
        case .broken(let reason): return again("\(reason) at \(place(length))", length)
        case .complete, .discarded: break
        }
        guard let head, let request else { return again("the server gave no answer", length) }
        switch head.status {
        case 206 where request.start > 0 && end == .discarded:
            startsOver = true
            return again("the archive has changed on the server", length)
        case 200 where end == .complete, 206 where request.start > 0:
            // A server may send less than was asked for.
            return length == record?.size ?? length ? .check : again("the server sent only a part", length)
        case 416 where request.start > 0:
            // It may be that nothing was missing.
            if head.size ?? length == length, !wasDamaged {
                record?.size = length
                return .check
            }
            startsOver = true
            return again("the archive has changed on the server", length)
        case 404, 410:
            if candidate + 1 < addresses.count {
                candidate += 1
                return .goOn
            }
            return .fail(.notPublished(name: name, addresses: addresses))
        case 408, 425, 429, 500...599: return again("the server answers HTTP \(head.status)", length)
        default: return .fail(.refused(address: address, status: head.status))
        }
    }

    /// Takes what was found wrong with the bytes that are there, when all are.
    package mutating func isNoArchive(_ reason: String, length: Int) -> Step {
        // Without a size, a connection that breaks off looks like the end.
        if let record, record.size == nil { return again("it ended too early (\(reason))", length) }
        guard !wasDamaged else { return .fail(.damaged(address: address, reason: reason)) }
        (wasDamaged, startsOver) = (true, true)
        return again("what has come is damaged (\(reason)); it is fetched anew", length)
    }

    /// What is there for the next time.
    package func kept(length: Int) -> KeptPart? {
        length > 0 && record?.canGoOn == true && !startsOver ? KeptPart(path: partPath, bytes: length) : nil
    }

    private mutating func again(_ reason: String, _ length: Int) -> Step {
        switch patience.failed(at: length, asked: head?.retryAfter ?? 0) {
        case .wait(let seconds, let attempt):
            let count = "(\(attempt) of \(patience.retries))"
            return .wait(seconds: seconds, words: "\(reason); trying again in \(Amount.time(seconds)) \(count)")
        case .giveUp:
            return .fail(
                .gaveUp(address: address, reason: reason, tries: patience.retries + 1, kept: kept(length: length)))
        case .comeBack(let seconds):
            return .fail(
                .comeBack(
                    address: address, status: head?.status ?? 0, seconds: seconds, kept: kept(length: length)))
        }
    }

    private func place(_ length: Int) -> String {
        "\(Amount.bytes(length))" + (record?.size.map { " of \(Amount.bytes($0))" } ?? "")
    }
}
