import Fetching
import Testing

@Suite struct DownloadTests {
    private static let address = "http://h/a.zip"
    private static let head = AnswerHead(status: 200, size: 200, etag: "\"e\"")
    private static let record = PartRecord(address: address, size: 200, etag: "\"e\"")

    private func download(
        _ record: PartRecord? = nil, length: Int = 0, retries: Int = 3, addresses: [String] = [address]
    ) -> Download {
        Download(
            name: "a.zip", partPath: "/d/a.zip.part", addresses: addresses, record: record,
            patience: Patience(retries: retries, firstWait: 1, length: length))
    }

    private enum Kind { case wait, other }

    private func kind(_ step: Download.Step) -> Kind { if case .wait = step { .wait } else { .other } }

    /// A download whose first try has left some bytes.
    private func begun(_ length: Int, _ head: AnswerHead = head, retries: Int = 3) -> Download {
        var download = download(retries: retries)
        _ = download.next(length: 0)
        guard case .replace(let record) = download.receive(head) else { return download }
        download.replaced(by: record)
        _ = download.end(.broken("it broke"), length: length)
        return download
    }

    @Test func `a whole archive comes in one go`() {
        var download = download()
        #expect(download.next(length: 0) == .request(RangeRequest(address: Self.address)))
        #expect(download.receive(Self.head) == .replace(Self.record))
        #expect(download.record == nil)
        download.replaced(by: Self.record)
        #expect(download.end(.complete, length: 200) == .check)
    }

    @Test func `the rest is asked for, of the same version`() {
        var download = begun(120)
        let rest = RangeRequest(address: Self.address, start: 120, ifRange: "\"e\"")
        #expect(download.next(length: 120) == .request(rest))
        #expect(download.receive(AnswerHead(status: 206, size: 200, start: 120, etag: "\"e\"")) == .append)
        #expect(download.end(.complete, length: 200) == .check)
    }

    @Test func `without a mark the size must do, and without either it begins anew`() {
        var download = begun(120, AnswerHead(status: 200, size: 200))
        #expect(download.next(length: 120) == .request(RangeRequest(address: Self.address, start: 120)))
        #expect(download.receive(AnswerHead(status: 206, size: 201, start: 120)) == .discard)
        download = begun(120, AnswerHead(status: 200))
        #expect(download.next(length: 120) == .request(RangeRequest(address: Self.address)))
    }

    @Test(arguments: [
        AnswerHead(status: 206, size: 200, start: 119, etag: "\"e\""),
        AnswerHead(status: 206, size: 200, etag: "\"e\""),
        AnswerHead(status: 206, size: 200, start: 120, etag: "\"f\""),
        AnswerHead(status: 206, size: 300, start: 120, etag: "\"e\""),
    ])
    func `a part of something else is not put behind what is there`(_ head: AnswerHead) {
        var download = begun(120)
        _ = download.next(length: 120)
        #expect(download.receive(head) == .discard)
        #expect(kind(download.end(.discarded, length: 120)) == .wait)
        #expect(download.kept(length: 120) == nil)
        #expect(download.next(length: 120) == .request(RangeRequest(address: Self.address)))
    }

    @Test func `a whole answer to a request for the rest takes the place of what is there`() {
        var download = begun(120)
        _ = download.next(length: 120)
        let other = AnswerHead(status: 200, size: 300, etag: "\"f\"")
        #expect(download.receive(other) == .replace(PartRecord(address: Self.address, size: 300, etag: "\"f\"")))
        // Until it has, what is there is still what it was.
        #expect(kind(download.end(.broken("it broke"), length: 120)) == .wait)
        #expect(
            download.next(length: 120)
                == .request(RangeRequest(address: Self.address, start: 120, ifRange: "\"e\"")))
    }

    @Test func `an earlier part goes on, if it is of the same address`() {
        var same = download(Self.record, length: 120)
        #expect(
            same.next(length: 120) == .request(RangeRequest(address: Self.address, start: 120, ifRange: "\"e\"")))
        var other = download(PartRecord(address: "http://other/a.zip", size: 200), length: 120)
        #expect(other.next(length: 120) == .request(RangeRequest(address: Self.address)))
        var whole = download(Self.record, length: 200)
        #expect(whole.next(length: 200) == .check)
        var longer = download(Self.record, length: 201)
        #expect(longer.next(length: 201) == .request(RangeRequest(address: Self.address)))
    }

    @Test func `nothing more to send means all is there, or too much`() {
        let unsized = PartRecord(address: Self.address, etag: "\"e\"")
        var download = download(unsized, length: 200)
        _ = download.next(length: 200)
        #expect(download.receive(AnswerHead(status: 416, size: 200)) == .discard)
        #expect(download.end(.discarded, length: 200) == .check)
        #expect(kind(download.isNoArchive("it is not", length: 200)) == .wait)
        #expect(download.next(length: 200) == .request(RangeRequest(address: Self.address)))

        download = self.download(unsized, length: 250)
        _ = download.next(length: 250)
        _ = download.receive(AnswerHead(status: 416, size: 200))
        #expect(kind(download.end(.discarded, length: 250)) == .wait)
        #expect(download.next(length: 250) == .request(RangeRequest(address: Self.address)))

        download = self.download()
        _ = download.next(length: 0)
        _ = download.receive(AnswerHead(status: 416))
        #expect(download.end(.discarded, length: 0) == .fail(.refused(address: Self.address, status: 416)))
    }

    @Test func `less than was asked for is asked for again`() {
        var download = begun(120)
        _ = download.next(length: 120)
        #expect(download.receive(AnswerHead(status: 206, size: 200, start: 120)) == .append)
        #expect(kind(download.end(.complete, length: 160)) == .wait)
        #expect(
            download.next(length: 160)
                == .request(RangeRequest(address: Self.address, start: 160, ifRange: "\"e\"")))
    }

    @Test func `an end without a length may be none`() {
        var download = begun(120, AnswerHead(status: 200, etag: "\"e\""))
        _ = download.next(length: 120)
        #expect(download.receive(AnswerHead(status: 200, etag: "\"e\"")) != .discard)
        #expect(download.end(.complete, length: 150) == .check)
        #expect(kind(download.isNoArchive("no end", length: 150)) == .wait)
        #expect(
            download.next(length: 150)
                == .request(RangeRequest(address: Self.address, start: 150, ifRange: "\"e\"")))
    }

    @Test func `what is damaged is fetched anew once`() {
        var download = begun(120)
        for round in 0..<2 {
            _ = download.next(length: 120)
            _ = download.receive(Self.head)
            download.replaced(by: Self.record)
            #expect(download.end(.complete, length: 200) == .check)
            let step = download.isNoArchive("it is not", length: 200)
            if round == 0 {
                #expect(kind(step) == .wait)
                #expect(download.next(length: 200) == .request(RangeRequest(address: Self.address)))
            } else {
                #expect(step == .fail(.damaged(address: Self.address, reason: "it is not")))
            }
        }
    }

    @Test func `another place is looked at before it is said not to be there`() {
        let places = ["http://h/data/archive/a.zip", "http://h/a.zip"]
        var download = download(addresses: places)
        _ = download.next(length: 0)
        _ = download.receive(AnswerHead(status: 404))
        #expect(download.end(.discarded, length: 0) == .goOn)
        #expect(download.next(length: 0) == .request(RangeRequest(address: places[1])))
        _ = download.receive(AnswerHead(status: 404))
        #expect(download.end(.discarded, length: 0) == .fail(.notPublished(name: "a.zip", addresses: places)))
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 599, 400, 401, 403, 405, 206, 204, 304])
    func `trouble passes, refusals do not`(_ status: Int) {
        var download = download()
        _ = download.next(length: 0)
        #expect(download.receive(AnswerHead(status: status)) == .discard)
        let step = download.end(.discarded, length: 0)
        if [408, 425, 429].contains(status) || status >= 500 {
            #expect(kind(step) == .wait)
        } else {
            #expect(step == .fail(.refused(address: Self.address, status: status)))
        }
    }

    @Test func `a server that never answered is not waited for, one that did is`() {
        var download = download()
        _ = download.next(length: 0)
        #expect(
            download.end(.unreachable("refused"), length: 0)
                == .fail(.unreachable(address: Self.address, reason: "refused")))
        download = begun(120)
        _ = download.next(length: 120)
        #expect(kind(download.end(.unreachable("refused"), length: 120)) == .wait)
    }

    @Test func `what is given up says what is kept`() {
        var download = begun(120, retries: 1)
        _ = download.next(length: 120)
        _ = download.receive(AnswerHead(status: 500))
        let kept = KeptPart(path: "/d/a.zip.part", bytes: 120)
        #expect(
            download.end(.discarded, length: 120)
                == .fail(
                    .gaveUp(address: Self.address, reason: "the server answers HTTP 500", tries: 2, kept: kept)))
        download = begun(120)
        _ = download.next(length: 120)
        _ = download.receive(AnswerHead(status: 429, retryAfter: 4_000))
        #expect(
            download.end(.discarded, length: 120)
                == .fail(.comeBack(address: Self.address, status: 429, seconds: 4_000, kept: kept)))
    }
}
