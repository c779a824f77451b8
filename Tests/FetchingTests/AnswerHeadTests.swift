import Fetching
import Testing

@Suite struct AnswerHeadTests {
    @Test func `the size is that of the whole archive`() {
        func head(_ status: Int, _ headers: [String: String]) -> AnswerHead {
            AnswerHead(status: status, retryAfter: 3) { headers[$0] }
        }
        let whole = head(200, ["Content-Length": "200", "ETag": "\"e\"", "Content-Type": "application/zip"])
        #expect(
            whole == AnswerHead(status: 200, size: 200, etag: "\"e\"", contentType: "application/zip", retryAfter: 3))
        let rest = head(206, ["Content-Length": "100", "Content-Range": "bytes 100-199/200"])
        #expect(rest == AnswerHead(status: 206, size: 200, start: 100, retryAfter: 3))
        #expect(head(206, ["Content-Length": "100"]).size == nil)
        #expect(head(416, ["Content-Range": "bytes */200", "Content-Length": "5"]).size == 200)
    }

    @Test func `ranges are read`() {
        #expect(AnswerHead.range("bytes 100-199/200") == (100, 200))
        #expect(AnswerHead.range("Bytes 0-0/1") == (0, 1))
        #expect(AnswerHead.range("bytes 100-199/*") == (100, nil))
        #expect(AnswerHead.range("bytes */200") == (nil, 200))
        for none in ["", "bytes", "items 1-2/3", "bytes 1-2", "bytes -1-2/3x", "bytes 99999999999999999999-1/x"] {
            #expect(AnswerHead.range(none) == (nil, nil), "\(none)")
        }
    }

    @Test func `a weak tag marks no version`() {
        #expect(PartRecord(address: "", etag: "\"e\"", lastModified: "d").mark == "\"e\"")
        #expect(PartRecord(address: "", etag: "W/\"e\"", lastModified: "d").mark == "d")
        #expect(PartRecord(address: "", etag: "W/\"e\"").mark == nil)
        #expect(!PartRecord(address: "", etag: "W/\"e\"").canGoOn)
        #expect(PartRecord(address: "", size: 1).canGoOn)
    }

    @Test func `versions differ where both say so`() {
        let record = PartRecord(address: "", size: 200, etag: "\"e\"", lastModified: "d")
        #expect(record.agrees(with: AnswerHead(status: 206)))
        #expect(record.agrees(with: AnswerHead(status: 206, size: 200, etag: "\"e\"", lastModified: "d")))
        #expect(!record.agrees(with: AnswerHead(status: 206, size: 201)))
        #expect(!record.agrees(with: AnswerHead(status: 206, etag: "\"f\"")))
        #expect(!record.agrees(with: AnswerHead(status: 206, lastModified: "e")))
    }
}
