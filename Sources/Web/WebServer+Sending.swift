import CMicroHTTPD

/// A body that libmicrohttpd sends from where it lies, and lets go of when it is sent or its connection has ended.
private final class SharedBody {
    let bytes: [UInt8]
    let tally: WebTally

    init(_ bytes: [UInt8], _ tally: WebTally) {
        (self.bytes, self.tally) = (bytes, tally)
        tally.hold(bytes.count)
    }

    deinit { tally.hold(-bytes.count) }
}

extension WebServer {
    /// Hands a reply to libmicrohttpd.
    ///
    /// - Returns: false if it does not take it; the connection ends then.
    func send(_ reply: Reply, _ exchange: Exchange, _ connection: ConnectionHandle) -> Bool {
        guard let made = make(reply) else { return false }
        return send(made, exchange, connection)
    }

    func send(_ reply: SentReply, _ exchange: Exchange, _ connection: ConnectionHandle) -> Bool {
        exchange.stage = .answered
        tally.reply(reply.status)
        return MHD_queue_response(connection.pointer, UInt32(reply.status), reply.response) == .YES
    }

    /// A reply as libmicrohttpd has it; nil if there is no memory for it.
    func make(_ reply: Reply) -> SentReply? {
        let body = Unmanaged.passRetained(SharedBody(reply.body, tally))
        // An array's elements lie still as long as nobody writes to it, and this one is a constant of its own.
        let start = body.takeUnretainedValue().bytes.withUnsafeBytes { $0.baseAddress }
        let response = MHD_create_response_from_buffer_with_free_callback_cls(
            reply.body.count - reply.skipped, start.map { UnsafeMutableRawPointer(mutating: $0 + reply.skipped) },
            { context in if let context { Unmanaged<SharedBody>.fromOpaque(context).release() } }, body.toOpaque())
        guard let response else {
            body.release()
            return nil
        }
        add(reply.headers, reply.type, to: response)
        if !reply.headers.contains(where: { $0.name == "Cache-Control" }) {
            MHD_add_response_header(response, "Cache-Control", "no-store")
        }
        return SentReply(response, status: reply.status.rawValue, bytes: reply.body.count)
    }

    func add(_ headers: [Header], _ type: MediaType, to response: OpaquePointer) {
        MHD_add_response_header(response, "Content-Type", type.rawValue)
        for header in Header.security { MHD_add_response_header(response, header.name, header.value) }
        for header in headers { MHD_add_response_header(response, header.name, header.value) }
    }
}
