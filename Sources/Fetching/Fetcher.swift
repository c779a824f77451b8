import CrimsCore
import Glibc

/// How archives are fetched.
public struct FetchOptions: Sendable {
    public var site: ArchiveSite
    /// The folder that archives are kept in; it is there.
    public var folder: String
    /// Seconds without a sign of the server that end an exchange.
    public var stallSeconds: Double
    /// Tries after the first that may fail in a row.
    public var retries: Int
    /// Seconds before the first of them; each further one waits twice as long.
    public var firstWait: Double
    /// What the server is told about who asks.
    public var agent: String
    /// A file of the certificates that are trusted; nil for the system's.
    public var certificates: String?

    public init(
        site: ArchiveSite, folder: String, stallSeconds: Double, retries: Int, firstWait: Double, agent: String,
        certificates: String? = nil
    ) {
        self.site = site
        self.folder = folder
        self.stallSeconds = stallSeconds
        self.retries = retries
        self.firstWait = firstWait
        self.agent = agent
        self.certificates = certificates
    }
}

/// What somebody who waits for an archive is told.
public enum FetchNews: Equatable, Sendable {
    /// A sentence.
    case words(String)
    /// Bytes that are there, and of how many, if that is known.
    case progress(name: String, bytes: Int, size: Int?)
}

/// An archive that is there.
public struct FetchedArchive: Equatable, Sendable {
    public var month: CivilMonth
    public var path: String
    public var bytes: Int
    /// Whether it has been fetched just now.
    public var isNew: Bool
}

/// Fetches archives into a folder, where `YYYY-MM.zip` is whole, and `YYYY-MM.zip.part` the beginning of one.
public struct Fetcher {
    private let options: FetchOptions
    private let interruption: Interruption
    private let tell: (FetchNews) -> Void
    private let fault: (String) -> String?

    /// - Parameters:
    ///   - tell: Gets the news.
    ///   - fault: What is wrong with an archive just fetched, given its path; nil if nothing is. That it looks like a
    ///     whole zip file has been seen already.
    public init(
        _ options: FetchOptions, interruption: Interruption, tell: @escaping (FetchNews) -> Void,
        fault: @escaping (String) -> String?
    ) {
        self.options = options
        self.interruption = interruption
        self.tell = tell
        self.fault = fault
    }

    /// Fetches an archive, unless it is there. If another process is at it, waits for that one.
    public func fetch(_ month: CivilMonth) throws(FetchError) -> FetchedArchive {
        let name = ArchiveSite.name(of: month)
        let path = "\(options.folder)/\(name)"
        if let bytes = sizeIfWhole(path) { return upToDate(month, path, bytes) }
        let part = try take(path + ".part", name)
        defer { part.removeIfEmpty() }
        // The one that was waited for may have brought it.
        if let bytes = sizeIfWhole(path) { return upToDate(month, path, bytes) }
        if access(path, F_OK) == 0, let fault = ZipEnd.fault(of: path) {
            tell(.words("\(path) is no whole archive (\(fault)); it is fetched anew"))
        }
        let exchange = Exchange(part, options, interruption, tell, name: name)
        try exchange.run { ZipEnd.fault(of: part.path) ?? self.fault(part.path) }
        try part.finish(as: path)
        tell(.words("\(name): \(Amount.bytes(part.length)), complete"))
        return FetchedArchive(month: month, path: path, bytes: part.length, isNew: true)
    }

    private func upToDate(_ month: CivilMonth, _ path: String, _ bytes: Int) -> FetchedArchive {
        tell(.words("\(ArchiveSite.name(of: month)): \(Amount.bytes(bytes)), up to date"))
        return FetchedArchive(month: month, path: path, bytes: bytes, isNew: false)
    }

    private func sizeIfWhole(_ path: String) -> Int? {
        var status = stat()
        return ZipEnd.fault(of: path) == nil && stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    private func take(_ path: String, _ name: String) throws(FetchError) -> PartFile {
        var isTold = false
        while true {
            if let part = try PartFile.take(path) { return part }
            if !isTold { tell(.words("\(name): another process is fetching it; waiting for that one")) }
            isTold = true
            interruption.wait(seconds: 0.2)
            if let signal = interruption.signal { throw .interrupted(signal: signal, kept: nil) }
        }
    }
}

/// The requests and answers that make a part whole.
private final class Exchange: TransferSink {
    private let part: PartFile
    private let options: FetchOptions
    private let interruption: Interruption
    private let tell: (FetchNews) -> Void
    private var download: Download
    private let name: String

    /// An archive that will take the place of what is there, once its first bytes have been seen to be one's.
    private var replacement: PartRecord?
    /// Its first bytes, until then.
    private var beginning: [UInt8] = []
    private var contentType: String?
    /// Why the sink had enough, if the answer was not at fault.
    private var storageError: FetchError?
    private var isNoArchive = false

    init(
        _ part: PartFile, _ options: FetchOptions, _ interruption: Interruption,
        _ tell: @escaping (FetchNews) -> Void, name: String
    ) {
        self.part = part
        self.options = options
        self.interruption = interruption
        self.tell = tell
        self.name = name
        let patience = Patience(retries: options.retries, firstWait: options.firstWait, length: part.length)
        download = Download(
            name: name, partPath: part.path, addresses: options.site.addresses(of: name), record: part.record,
            patience: patience)
    }

    /// - Parameter fault: What is wrong with the part when all of it is there.
    func run(fault: () -> String?) throws(FetchError) {
        var step = Download.Step.goOn
        while true {
            switch step {
            case .goOn:
                switch download.next(length: part.length) {
                case .request(let request): step = try exchange(request)
                case .check: step = .check
                }
            case .wait(let seconds, let words):
                tell(.words("\(name): \(words)"))
                interruption.wait(seconds: seconds)
                step = .goOn
            case .check:
                let fault = fault()
                try stopIfInterrupted()
                guard let fault else { return }
                step = download.isNoArchive(fault, length: part.length)
            case .fail(let error): throw error
            }
            try stopIfInterrupted()
        }
    }

    private func stopIfInterrupted() throws(FetchError) {
        guard let signal = interruption.signal else { return }
        throw .interrupted(signal: signal, kept: download.kept(length: part.length))
    }

    private func exchange(_ request: RangeRequest) throws(FetchError) -> Download.Step {
        tell(
            .words(
                "\(name): from \(request.address)" + (request.start > 0 ? ", from byte \(request.start) on" : "")))
        (replacement, beginning, contentType, storageError, isNoArchive) = (nil, [], nil, nil, false)
        let transfer = Transfer(request, options, sink: self)
        let end: Download.End
        switch transfer.run(until: interruption) {
        case .complete: end = replacement == nil ? .complete : .notArchive(shown)
        case .stopped:
            if let storageError { throw storageError }
            end = isNoArchive ? .notArchive(shown) : .discarded
        case .unreachable(let reason): end = .unreachable(reason)
        case .broken(let reason): end = .broken(reason)
        case .failed(let reason): end = .failed(reason)
        case .interrupted: end = .broken("interrupted")
        }
        return download.end(end, length: part.length)
    }

    /// What came instead of an archive.
    private var shown: String {
        let type = contentType.map { "\($0), " } ?? ""
        guard !beginning.isEmpty else { return "\(type)nothing" }
        let text = String(
            decoding: beginning.prefix(32).map { 0x20..<0x7F ~= $0 ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
        return "\(type)beginning \"\(text)\""
    }

    // MARK: - TransferSink

    func begins(_ head: AnswerHead) -> Bool {
        contentType = head.contentType
        switch download.receive(head) {
        case .append: return true
        case .replace(let record):
            replacement = record
            return true
        case .discard: return false
        }
    }

    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(FetchError) {
            guard let replacement else {
                try part.append(bytes)
                return true
            }
            // What is there is not given up for a page that says that the server is closed.
            beginning += bytes
            guard beginning.count >= 4 else { return true }
            guard ZipEnd.isBeginning(beginning[..<4]) else {
                isNoArchive = true
                return false
            }
            try part.replace(by: replacement)
            download.replaced(by: replacement)
            self.replacement = nil
            try beginning.withUnsafeBufferPointer { bytes throws(FetchError) in
                try part.append(UnsafeRawBufferPointer(bytes))
            }
            return true
        } catch {
            storageError = error
            return false
        }
    }

    func ticks() { tell(.progress(name: name, bytes: part.length, size: download.record?.size)) }
}
