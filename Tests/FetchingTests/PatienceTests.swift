import Fetching
import Testing

@Suite struct PatienceTests {
    @Test func `waits double, up to a minute, until it is given up`() {
        var patience = Patience(retries: 9, firstWait: 1)
        let waits = [1.0, 2, 4, 8, 16, 32, 60, 60, 60]
        for (index, seconds) in waits.enumerated() {
            #expect(patience.failed(at: 0) == .wait(seconds: seconds, attempt: index + 1))
        }
        #expect(patience.failed(at: 0) == .giveUp)
    }

    @Test func `getting further than ever before begins a new row`() {
        var patience = Patience(retries: 2, firstWait: 1, length: 100)
        #expect(patience.failed(at: 100) == .wait(seconds: 1, attempt: 1))
        #expect(patience.failed(at: 101) == .wait(seconds: 1, attempt: 1))
        #expect(patience.failed(at: 50) == .wait(seconds: 2, attempt: 2))
        #expect(patience.failed(at: 101) == .giveUp)
    }

    @Test func `none is none`() {
        var patience = Patience(retries: 0, firstWait: 1)
        #expect(patience.failed(at: 0) == .giveUp)
    }

    @Test func `what the server asks for is kept to, but not for ever`() {
        var patience = Patience(retries: 5, firstWait: 1)
        #expect(patience.failed(at: 0, asked: 7) == .wait(seconds: 7, attempt: 1))
        #expect(patience.failed(at: 0, asked: 300) == .wait(seconds: 300, attempt: 2))
        #expect(patience.failed(at: 0, asked: 301) == .comeBack(after: 301))
    }

    @Test func `a stall is too long a time with next to nothing`() {
        var watch = StallWatch(limit: 10, at: 100)
        #expect(watch.hasStalled(at: 110, bytes: 0) == false)
        #expect(watch.hasStalled(at: 110, bytes: 1_024) == false)
        #expect(watch.hasStalled(at: 120, bytes: 1_024 + 1_023) == false)
        #expect(watch.hasStalled(at: 120.1, bytes: 1_024 + 1_023) == true)
        watch = StallWatch(limit: 10, at: 100)
        for second in 1...1_000 {
            #expect(watch.hasStalled(at: 100 + Double(second), bytes: second * 120) == false)
        }
    }
}
