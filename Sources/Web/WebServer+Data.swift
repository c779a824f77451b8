import CMicroHTTPD
import Coupling

extension WebServer {
    /// A force's incidents, as they are drawn.
    func sendData(
        _ question: DataQuestion, _ exchange: Exchange, _ connection: ConnectionHandle, method: String
    ) throws(WebRefusal) -> Bool {
        let place = try enterData()
        return try wait(exchange, connection) { waiting in
            data.prepare(question, for: place) { waiting.finish(.prepared($0)) }
        } then: { said in
            guard case .prepared(let refusal) = said else { return self.send(Reply(Self.ending), exchange, connection) }
            if let refusal { return self.send(Reply(refusal), exchange, connection) }
            return self.stream(
                question.format == .csv ? .csv : .json, from: place, exchange, connection, isHead: method == "HEAD")
        }
    }

    /// A page with a map of a force's incidents.
    func sendMap(
        _ question: DataQuestion, _ exchange: Exchange, _ connection: ConnectionHandle
    ) throws(WebRefusal) -> Bool {
        let place = try enterData()
        return try wait(exchange, connection) { waiting in
            data.page(question, for: place, options.boundaries) { waiting.finish(.reply($0)) }
        } then: { said in
            withExtendedLifetime(place) {
                guard case .reply(let reply) = said else { return self.send(Reply(Self.ending), exchange, connection) }
                return self.send(reply, exchange, connection)
            }
        }
    }

    private func enterData() throws(WebRefusal) -> DataService.Place {
        guard let place = data.enter() else {
            throw .unavailable("\(DataService.max) replies are being drawn already: ask again later")
        }
        return place
    }

    private func stream(
        _ type: MediaType, from place: DataService.Place, _ exchange: Exchange, _ connection: ConnectionHandle,
        isHead: Bool
    ) -> Bool {
        exchange.stage = .answered
        let held = Unmanaged.passRetained(place)
        let response = MHD_create_response_from_callback(
            .max, 32_768,
            { context, _, room, count in
                guard let context, let room else { return WebServer.isBroken }
                let place = Unmanaged<DataService.Place>.fromOpaque(context).takeUnretainedValue()
                let bytes = UnsafeMutableRawBufferPointer(start: room, count: count)
                switch place.service.pull(place, into: bytes) {
                case .bytes(let count): return count
                case .whole: return WebServer.isWhole
                case .broken: return WebServer.isBroken
                }
            }, held.toOpaque(),
            { context in if let context { Unmanaged<DataService.Place>.fromOpaque(context).release() } })
        guard let response else {
            held.release()
            return false
        }
        defer { MHD_destroy_response(response) }
        data.begin(place, connection)
        add([], type, to: response)
        MHD_add_response_header(response, "Cache-Control", "no-store")
        // libmicrohttpd sends the last chunk of a body that it does not send: what follows would begin with that.
        if isHead { MHD_add_response_header(response, "Connection", "close") }
        tally.reply(Status.ok.rawValue)
        return MHD_queue_response(connection.pointer, UInt32(Status.ok.rawValue), response) == .YES
    }

    /// MHD_CONTENT_READER_END_OF_STREAM and MHD_CONTENT_READER_END_WITH_ERROR, macros with casts. After the second, the
    /// connection ends without the last chunk, by which a client sees that something is missing.
    private static let isWhole = -1
    private static let isBroken = -2
}
