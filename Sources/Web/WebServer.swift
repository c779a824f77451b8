import CMicroHTTPD
import CSystem
import Coupling
import Glibc
import Locking
import Models
import Protocol
import Synchronization

/// Serves HTTP on a thread of its own, by libmicrohttpd. What has to do with runs goes through the ``Door``.
public final class WebServer: Sendable {
    let options: WebOptions
    let door: Door
    public let address: WebAddress
    let hosts: HostRule
    let files: PageFiles
    let visitors: Visitors
    let now: @Sendable () -> UInt64
    private let buckets: Locked<TokenBuckets>
    let tally = WebTally()
    private let cache = ReplyCache()
    let streams: Streams
    let data: DataService
    private let description: Reply
    private let isReady = Atomic<Bool>(false)
    let isEnding = Atomic<Bool>(false)
    private let hasStoodBack = Atomic<Bool>(false)
    /// Answers that are waited for, and not given back yet.
    private let waiting = Locked<[ObjectIdentifier: Waiting]>([:])
    private let daemon = Locked<DaemonHandle?>(nil)
    let ticker = Ticker()
    /// Bytes of replies that nobody has taken yet, above which nothing large is asked for.
    static let unreadMax = 256 << 20

    // Safety: used by `init` and `stop` alone.
    private struct DaemonHandle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    public var urls: [String] { [address.url] }

    /// Binds and serves; until ``becomeReady()``, what is not about the server itself is answered with 503.
    ///
    /// To be made after signals are blocked, since its threads inherit the mask.
    ///
    /// - Parameters:
    ///   - models: what is drawn from without a run.
    ///   - now: nanoseconds of a monotonic clock.
    public init(
        _ options: WebOptions, door: Door, models: ModelShelf, now: @escaping @Sendable () -> UInt64
    ) throws(WebError) {
        let listener: Int32
        (listener, address) = try options.address.listen()
        (self.options, self.door, self.now) = (options, door, now)
        hosts = HostRule(bound: [address.host], names: options.names)
        files = PageFiles(folders: options.pageFolders)
        visitors = Visitors(max: options.connections)
        streams = Streams(door: door, now: now)
        data = DataService(models, now: now)
        description = Reply(json: OpenAPI.document(version: options.version))
        buckets = Locked(TokenBuckets(rate: options.rate))
        var settings = crims_http_options()
        settings.listener = listener
        settings.connections = UInt32(options.connections)
        settings.connection_bytes = 32_768
        settings.timeout_seconds = 15
        settings.context = Unmanaged.passUnretained(self).toOpaque()
        settings.begin = beginExchange
        settings.handle = handleExchange
        settings.complete = completeExchange
        settings.connection = noticeConnection
        guard let started = crims_http_start(&settings) else {
            close(listener)
            throw .system(call: "MHD_start_daemon", address: address.url, reason: "no thread, or no memory")
        }
        daemon.withLock { $0 = DaemonHandle(pointer: started) }
        door.reader.start()
        data.thread.start()
        ticker.start(news: streams.bell, now: now) { [unowned self] in
            visitors.sweep(now: now())
            streams.tick(now: now())
            forgetTheGone()
            if visitors.crowdHasLeft() { crims_give_memory_back() }
        } hear: { [streams] in
            streams.takeUp()
        }
    }

    /// All runs are there.
    public func becomeReady() { isReady.store(true, ordering: .releasing) }

    var hasRuns: Bool { isReady.load(ordering: .acquiring) && !isEnding.load(ordering: .acquiring) }

    /// Takes no more connections, tells those who wait that they wait in vain, and ends.
    public func stop() {
        guard let handle = daemon.withLock({ $0.take() }) else { return }
        isEnding.store(true, ordering: .releasing)
        door.shut()
        ticker.stop()
        streams.stop()
        data.stop()
        let listener = MHD_quiesce_daemon(handle.pointer)
        for waiting in waiting.withLock({ Array($0.values) }) { waiting.finish(.nothing) }
        // What was answered has this long to leave.
        for _ in 0..<20 where tally.atHand > 0 { usleep(10_000) }
        MHD_stop_daemon(handle.pointer)
        if listener >= 0 { close(listener) }
    }

    // MARK: - On libmicrohttpd's thread

    /// Steps come first where there are more threads than processors.
    func standBack() {
        if !hasStoodBack.exchange(true, ordering: .relaxed) { crims_stand_back() }
    }

    func enter(_ connection: OpaquePointer) -> Visitor {
        visitors.enter(
            crims_http_descriptor(connection), address: WebAddress.key(of: crims_http_address(connection)), now: now())
    }

    /// What comes of a request, or of its next part.
    func handle(
        _ exchange: Exchange, _ connection: ConnectionHandle, method: String, part: UnsafeRawBufferPointer
    ) -> Bool {
        switch exchange.stage {
        case .fresh:
            exchange.stage = .reading
            tally.begin()
            do throws(WebRefusal) {
                try admit(exchange, connection, method: method)
            } catch {
                return send(Reply(error), exchange, connection)
            }
            return true
        case .reading where !part.isEmpty:
            // What is too much is read and forgotten up to twice the bound, so that the answer can be seen.
            if exchange.body.count + part.count > Exchange.bodyMax {
                guard exchange.refusal == nil else { return false }
                exchange.refusal = WebRefusal(.tooLarge, "a body has at most \(Exchange.bodyMax) bytes")
                exchange.body = []
            }
            exchange.body.append(contentsOf: part)
            return true
        case .reading:
            exchange.visitor?.waitingSince.store(0, ordering: .relaxed)
            do throws(WebRefusal) {
                if let refusal = exchange.refusal { throw refusal }
                // Not before: whom libmicrohttpd has an answer for at once, it takes no further request from.
                if method == "GET", hasRuns, let reply = cache.reply(to: exchange.target, holds: door.holds) {
                    return send(reply, exchange, connection)
                }
                return try answer(exchange, connection, method: method)
            } catch {
                return send(Reply(error), exchange, connection)
            }
        case .waiting(let waiting, let then): return finish(waiting, then)
        case .answered: return true
        }
    }

    static let ending = WebRefusal.unavailable("the daemon is ending, or has too much to do: ask again later")

    /// Looks at what can be said before the body is there.
    private func admit(_ exchange: Exchange, _ connection: ConnectionHandle, method: String) throws(WebRefusal) {
        let host = connection.header("Host")
        try hosts.require(host: host)
        if method == "POST" || method == "DELETE" {
            try hosts.requireSameSite(
                host: host, origin: connection.header("Origin"), fetchSite: connection.header("Sec-Fetch-Site"))
        }
        // Whoever looks after the daemon may always ask how it is.
        guard exchange.target != "/healthz", exchange.target != "/readyz" else { return }
        if let seconds = buckets.withLock({ $0.take(exchange.visitor?.address ?? "", now: now()) }) {
            throw WebRefusal(
                .tooManyRequests, "more than \(options.rate) requests a second: wait \(seconds) s",
                headers: [.init("Retry-After", "\(seconds)")])
        }
        guard options.readToken != nil else { return }
        guard options.mayRead(connection.header("Authorization"), password: connection.password) else {
            throw WebRefusal(
                .unauthorized, "this takes a token: send it as 'Authorization: Bearer TOKEN', or as a password",
                headers: [.init("WWW-Authenticate", "Basic realm=\"crims\", charset=\"UTF-8\"")])
        }
    }

    private func answer(_ exchange: Exchange, _ connection: ConnectionHandle, method: String) throws(WebRefusal) -> Bool
    {
        let route = try Route(
            method, try RequestTarget(exchange.target), body: exchange.body,
            lastEventID: connection.header("Last-Event-ID"))
        switch route {
        case .file(let path):
            return send(try files.reply(path, ifNoneMatch: connection.header("If-None-Match")), exchange, connection)
        case .healthy: return send(health, exchange, connection)
        case .ready:
            try requireReady()
            return send(Reply(json: .object([.init("ready", .bool(true))])), exchange, connection)
        case .ask(let question):
            try requireReady()
            if question.changes { try requireToken(connection, method: method) }
            return try ask(question, exchange, connection, method: method)
        case .metrics:
            try requireReady()
            return try wait(exchange, connection) { waiting in
                door.send { waiting.finish(.snapshot(HubSnapshot($0))) }
            } then: { said in
                guard case .snapshot(let snapshot) = said else {
                    return self.send(Reply(Self.ending), exchange, connection)
                }
                return self.send(self.metrics(snapshot), exchange, connection)
            }
        case .openAPI: return send(description, exchange, connection)
        case .data(let question): return try sendData(question, exchange, connection, method: method)
        case .map(let question): return try sendMap(question, exchange, connection)
        case .events(let run, let after):
            try requireReady()
            return try wait(exchange, connection) { waiting in
                door.send { hub in
                    guard let place = hub.place(of: run), let legend = hub.legend(of: run) else {
                        return waiting.finish(.noRun)
                    }
                    waiting.finish(.run(place, legend))
                }
            } then: { said in
                self.sendEvents(of: run, after: after, said, exchange, connection)
            }
        }
    }

    private func requireReady() throws(WebRefusal) {
        guard hasRuns else { throw .unavailable("runs are being brought back, or the daemon is ending: ask again") }
    }

    private func requireToken(_ connection: ConnectionHandle, method: String) throws(WebRefusal) {
        guard options.token != nil else {
            throw WebRefusal(
                .forbidden, "nothing can be changed over HTTP here: the daemon was started without --http-token-file")
        }
        guard options.admits(connection.header("Authorization")) else {
            throw WebRefusal(
                .unauthorized, "this takes the daemon's token: send it as 'Authorization: Bearer TOKEN'",
                headers: [.init("WWW-Authenticate", "Bearer realm=\"crims\"")])
        }
        // No form of another site can send this type.
        let type = connection.header("Content-Type") ?? ""
        guard method != "POST" || type.lowercased().hasPrefix("application/json") else {
            throw WebRefusal(.unsupportedMediaType, "the body is JSON: say 'Content-Type: application/json'")
        }
    }

    private func ask(
        _ question: Question, _ exchange: Exchange, _ connection: ConnectionHandle, method: String
    ) throws(WebRefusal) -> Bool {
        guard tally.unreadBytes < Self.unreadMax else { throw Self.ending }
        let role: Role = question.changes ? .policy : .observer
        let isKept = method == "GET" && question.endurance != .none
        return try wait(exchange, connection) { waiting in
            waiting.ticket = door.ask(question.frame, role: role, isShared: question.endurance != .none) {
                waiting.finish(.frames($0, holdsAt: $1))
            }
            return waiting.ticket != nil
        } then: { said in
            guard case .frames(let frames, let holdsAt) = said else {
                return self.send(Reply(Self.ending), exchange, connection)
            }
            // Who asked the same may have been answered just before.
            if isKept, let reply = self.cache.reply(to: exchange.target, holds: { $0 == holdsAt }) {
                return self.send(reply, exchange, connection)
            }
            let reply = question.reply(to: frames, boundaries: self.options.boundaries)
            guard let made = self.make(reply) else { return false }
            if isKept, reply.status == .ok, question.endurance == .forGood || holdsAt != nil {
                self.cache.keep(
                    made, to: exchange.target, holdsAt: question.endurance == .forGood ? nil : holdsAt)
            }
            return self.send(made, exchange, connection)
        }
    }

    /// Lets the connection stand still until something is said on the hub's thread.
    func wait(
        _ exchange: Exchange, _ connection: ConnectionHandle, for begin: (Waiting) -> Bool,
        then: @escaping (Said) -> Bool
    ) throws(WebRefusal) -> Bool {
        let waiting = Waiting(connection, descriptor: exchange.visitor?.descriptor ?? -1)
        guard begin(waiting) else { throw Self.ending }
        exchange.stage = .waiting(waiting, then: then)
        self.waiting.withLock { $0[ObjectIdentifier(waiting)] = waiting }
        // Whoever ends the server sees this one in the list, or this sees that it is ending.
        if isEnding.load(ordering: .acquiring) { waiting.finish(.nothing) }
        return waiting.suspend() || finish(waiting, then)
    }

    private func finish(_ waiting: Waiting, _ then: (Said) -> Bool) -> Bool {
        guard let said = waiting.take() else { return true }
        _ = self.waiting.withLock { $0.removeValue(forKey: ObjectIdentifier(waiting)) }
        if case .gone = said { return false }
        return then(said)
    }

    /// Takes back what was asked by those who have gone since. libmicrohttpd does not look at connections that wait.
    private func forgetTheGone() {
        let all = waiting.withLock { Array($0.values) }.filter { $0.tick() }
        guard !all.isEmpty else { return }
        var gone = [UInt8](repeating: 0, count: all.count)
        crims_look_for_gone(all.map(\.descriptor), &gone, all.count)
        for (waiting, isGone) in zip(all, gone) where isGone != 0 {
            if let ticket = waiting.ticket { door.forget(ticket) }
            waiting.finish(.gone)
        }
    }

    /// The poll loop turns once a second at least, but for the time in which a model is read.
    private var health: Reply {
        let seconds = door.silence.map { Int($0 / 1_000_000_000) }
        let isWell = seconds.map { $0 < 30 } ?? true
        return Reply(
            isWell ? .ok : .unavailable,
            json: .object([
                .init("healthy", .bool(isWell)), .init("ready", .bool(hasRuns)),
                .init("version", .string(options.version)),
            ]))
    }

    /// Ends of exchanges.
    func complete(_ exchange: Exchange) {
        if case .fresh = exchange.stage {} else { tally.end() }
        // One whose client left while it waited holds itself: by what is to be done once the answer is there.
        if case .waiting(let waiting, _) = exchange.stage {
            _ = self.waiting.withLock { $0.removeValue(forKey: ObjectIdentifier(waiting)) }
        }
        exchange.stage = .answered
        exchange.visitor?.waitingSince.store(now(), ordering: .relaxed)
    }
}
