import CCurl
import Glibc

/// What takes an answer as it comes.
protocol TransferSink: AnyObject {
    /// - Returns: Whether the body is wanted.
    func begins(_ head: AnswerHead) -> Bool
    /// - Returns: Whether more is wanted.
    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// Called every tenth of a second at least.
    func ticks()
}

/// One request over libcurl, and its answer. Certificates are checked, redirects lead from https to nothing else, and
/// proxies are those of the environment (`https_proxy`, `no_proxy`), but never on the way to this machine.
final class Transfer {
    enum End: Equatable {
        case complete
        /// The sink had enough.
        case stopped
        case unreachable(String)
        case broken(String)
        case failed(String)
        case interrupted
    }

    /// libcurl's own state, made once.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    // Safety: not nil from `init` to `deinit`; used on one thread.
    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let reason: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?
    // The sink owns what owns this.
    private unowned let sink: any TransferSink
    private let stallSeconds: Double
    private var received = 0
    private var hasBegun = false
    private var isStopped = false

    init(_ request: RangeRequest, _ options: FetchOptions, sink: any TransferSink) {
        guard Self.isReady, let easy = curl_easy_init(), let multi = curl_multi_init() else {
            preconditionFailure("libcurl: out of memory")
        }
        (self.easy, self.multi, self.sink, stallSeconds) = (easy, multi, sink, options.stallSeconds)
        reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
        reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        crims_curl_set_reason_buffer(easy, reason)
        crims_curl_set_text(easy, CURLOPT_URL, request.address)
        let isSecure = request.address.lowercased().hasPrefix("https:")
        crims_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        crims_curl_set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, isSecure ? "https" : "http,https")
        crims_curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 1)
        crims_curl_set_number(easy, CURLOPT_MAXREDIRS, 5)
        crims_curl_set_text(easy, CURLOPT_USERAGENT, options.agent)
        crims_curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(stallSeconds * 1_000))
        crims_curl_set_number(easy, CURLOPT_NOSIGNAL, 1)
        if let file = options.certificates { crims_curl_set_text(easy, CURLOPT_CAINFO, file) }
        // An end must not wait for a name to be looked up.
        crims_curl_set_number(easy, CURLOPT_QUICK_EXIT, 1)
        crims_curl_set_number(easy, CURLOPT_BUFFERSIZE, 1 << 18)
        if ArchiveSite.isLoopback(request.address) { crims_curl_set_text(easy, CURLOPT_PROXY, "") }
        if request.start > 0 {
            crims_curl_set_text(easy, CURLOPT_RANGE, "\(request.start)-")
            if let mark = request.ifRange {
                headers = curl_slist_append(nil, "If-Range: \(mark)")
                crims_curl_set_headers(easy, headers)
            }
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        crims_curl_set_sink(
            easy,
            { bytes, _, count, context in
                guard let bytes, let context else { return 0 }
                let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                return transfer.take(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
            }, context)
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
        curl_slist_free_all(headers)
        reason.deallocate()
    }

    /// Sends the request and gives the answer to the sink.
    func run(until interruption: Interruption) -> End {
        curl_multi_add_handle(multi, easy)
        var stall = StallWatch(limit: stallSeconds, at: Self.seconds())
        while interruption.signal == nil {
            var running: Int32 = 0
            let code = curl_multi_perform(multi, &running)
            guard code == CURLM_OK else { return .failed(String(cString: curl_multi_strerror(code))) }
            if running == 0 { return end() }
            if stall.hasStalled(at: Self.seconds(), bytes: received) {
                return .broken("nothing came for \(Amount.time(stallSeconds))")
            }
            sink.ticks()
            curl_multi_poll(multi, nil, 0, 100, nil)
        }
        return .interrupted
    }

    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard begin() else { return false }
        received += bytes.count
        if !sink.takes(bytes) { isStopped = true }
        return !isStopped
    }

    /// Shows the sink the head, once.
    private func begin() -> Bool {
        if hasBegun { return !isStopped }
        hasBegun = true
        let head = AnswerHead(
            status: Int(crims_curl_status(easy)), retryAfter: Int(crims_curl_retry_after(easy)),
            header: { name in crims_curl_header(self.easy, name).map { String(cString: $0) } })
        isStopped = !sink.begins(head)
        return !isStopped
    }

    private func end() -> End {
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left) else { return .failed("libcurl says nothing") }
        let code = message.pointee.data.result
        // An answer without a body has a head all the same.
        if code == CURLE_OK { _ = begin() }
        if isStopped { return .stopped }
        if code == CURLE_OK { return .complete }
        let said = String(cString: reason)
        let words = said.isEmpty ? String(cString: curl_easy_strerror(code)) : said
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT: return .unreachable(words)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_OPERATION_TIMEDOUT,
            CURLE_SSL_CONNECT_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return .broken("the connection broke off (\(words))")
        default: return .failed(words)
        }
    }
}
