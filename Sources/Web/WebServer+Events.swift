import CMicroHTTPD
import Coupling
import Protocol

/// One stream's place in ``Streams``, for libmicrohttpd to hold.
private final class Follower {
    let streams: Streams
    let number: Int
    init(_ streams: Streams, _ number: Int) { (self.streams, self.number) = (streams, number) }
}

extension WebServer {
    /// Begins a stream, or says why there is none.
    func sendEvents(
        of run: String, after: Int?, _ said: Said, _ exchange: Exchange, _ connection: ConnectionHandle
    ) -> Bool {
        switch said {
        case .run(let place, let legend):
            let first = after.map { $0 + 1 } ?? place.nextSeq
            guard first <= place.nextSeq else {
                var refusal = WebRefusal(
                    .conflict,
                    "run '\(run)' has taken the steps before seq \(place.nextSeq), so nobody has heard \(first - 1)",
                    facts: [.init("expected_seq", .number(Double(place.nextSeq)))])
                refusal.code = ErrorCode.outOfStep.rawValue
                return send(Reply(refusal), exchange, connection)
            }
            // It says to a browser that it need not come again.
            if place.state == "closed", first == place.nextSeq {
                return send(Reply(.noContent, .events, []), exchange, connection)
            }
            guard
                let number = streams.enter(
                    run, from: first, place, legend, connection, descriptor: exchange.visitor?.descriptor ?? -1)
            else {
                return send(
                    Reply(.unavailable("\(Streams.max) streams are followed already: ask again later", seconds: 5)),
                    exchange, connection)
            }
            return sendStream(number, exchange, connection)
        case .noRun:
            var refusal = WebRefusal(
                .notFound, "there is no run '\(run)' that goes on; '/api/v1/runs' lists them",
                facts: [.init("name", .string(run))])
            refusal.code = ErrorCode.unknownRun.rawValue
            return send(Reply(refusal), exchange, connection)
        default: return send(Reply(Self.ending), exchange, connection)
        }
    }

    private func sendStream(_ number: Int, _ exchange: Exchange, _ connection: ConnectionHandle) -> Bool {
        exchange.stage = .answered
        let follower = Unmanaged.passRetained(Follower(streams, number))
        let response = MHD_create_response_from_callback(
            .max, 16_384,
            { context, _, room, count in
                guard let context, let room else { return -1 }
                let follower = Unmanaged<Follower>.fromOpaque(context).takeUnretainedValue()
                let bytes = UnsafeMutableRawBufferPointer(start: room, count: count)
                return follower.streams.pull(follower.number, into: bytes) ?? -1
            }, follower.toOpaque(),
            { context in
                guard let context else { return }
                let follower = Unmanaged<Follower>.fromOpaque(context).takeRetainedValue()
                follower.streams.leave(follower.number)
            })
        guard let response else {
            streams.leave(number)
            follower.release()
            return false
        }
        defer { MHD_destroy_response(response) }
        add([], .events, to: response)
        MHD_add_response_header(response, "Cache-Control", "no-store")
        tally.reply(Status.ok.rawValue)
        return MHD_queue_response(connection.pointer, UInt32(Status.ok.rawValue), response) == .YES
    }
}
