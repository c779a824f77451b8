import Coupling
import Protocol

/// Who may connect and what each may do, once the daemon has keys.
///
/// Nothing is kept with a connection but the public key that it was made with: what that key may do is looked up with
/// every request, so that a change of the folder acts at once, on open connections too.
public final class Access {
    public typealias Log = (_ event: String, _ facts: [JSON.Member]) -> Void

    let server: KeyPair
    private let folder: String
    private let log: Log
    private(set) var keys: ClientKeys
    /// Handshakes that were refused, and requests of keys that are no longer admitted.
    private var strangers = Refusals("handshakes refused")
    private var revoked = Refusals("requests of revoked keys dropped")
    private var cutConnections = 0

    /// - Parameters:
    ///   - serverKey: the server's secret certificate.
    ///   - folder: public certificates of the clients; it may be empty.
    ///   - log: for the person who looks after the daemon.
    /// - Throws: ``MessagingError/keys(_:)`` with all that is wrong.
    public init(serverKey: String, clientKeys folder: String, log: @escaping Log) throws(MessagingError) {
        do throws(KeyProblem) {
            server = try KeyFile(secret: serverKey).keys
            keys = try ClientKeys(folder: folder)
        } catch {
            throw .keys([error])
        }
        guard keys.problems.isEmpty else { throw .keys(keys.problems) }
        self.folder = folder
        self.log = log
    }

    /// How many have been turned away since the start, for `status`.
    var counts: [JSON.Member] {
        [("refused_handshakes", strangers.total), ("cut_revoked", cutConnections), ("dropped_requests", revoked.total)]
            .map { .init($0.0, .number(Double($0.1))) }
    }

    /// What the daemon knows at its start, for the log.
    public var facts: [JSON.Member] {
        [.init("clients", .array(keys.clients.values.map(\.name).sorted().map { .string($0) }))]
    }

    func client(_ key: String?) -> ClientKeys.Client? { key.flatMap { keys.clients[$0] } }

    /// Reads the folder again. A file that is not in order admits nobody and keeps nobody else out; if the folder itself
    /// cannot be read, all stays as it was.
    ///
    /// - Returns: whether a key that was admitted is no longer.
    func reload() -> Bool {
        let new: ClientKeys
        do throws(KeyProblem) {
            new = try ClientKeys(folder: folder)
        } catch {
            log("client keys not read, the former ones hold", [.init("problem", .string("\(error)"))])
            return false
        }
        let old = keys
        keys = new
        let removed = old.clients.filter { new.clients[$0.key] == nil }
        let added = new.clients.filter { old.clients[$0.key] == nil }
        let changed = new.clients.filter { client in old.clients[client.key].map { $0 != client.value } ?? false }
        func names(_ clients: [String: ClientKeys.Client]) -> JSON {
            .array(clients.values.map(\.name).sorted().map { .string($0) })
        }
        log(
            "client keys read",
            facts + [
                .init("added", names(added)), .init("changed", names(changed)), .init("removed", names(removed)),
                .init("problems", .array(new.problems.map { .string("\($0)") })),
            ])
        return !removed.isEmpty
    }

    func refuseHandshake(key: String?, address: String, now: UInt64) {
        let facts = [JSON.Member("last_key", key.map { .string($0) } ?? .null)]
        strangers.count(facts + [.init("last_address", .string(address))])
        report(now: now)
    }

    /// Connections of revoked keys have been ended.
    func cut(_ count: Int) {
        cutConnections += count
        log("connections of revoked keys cut", [.init("count", .number(Double(count)))])
    }

    func dropRequest(now: UInt64) {
        revoked.count([])
        report(now: now)
    }

    /// Logs what has been turned away, at a bounded rate; to be called once a second as well.
    func report(now: UInt64) {
        strangers.report(now: now, to: log)
        revoked.report(now: now, to: log)
    }
}

/// Things of a kind that anybody can cause as often as they like: counted, and logged now and then.
package struct Refusals {
    private let event: String
    package private(set) var total = 0
    private var untold = 0
    private var last: [JSON.Member] = []
    private var nextReport: UInt64 = 0
    private static let pauseNanoseconds: UInt64 = 10_000_000_000

    package init(_ event: String) { self.event = event }

    /// - Parameter facts: about this one; they are logged if it is the last one before a line.
    package mutating func count(_ facts: [JSON.Member]) {
        total += 1
        untold += 1
        last = facts
    }

    /// Logs how many there have been since the last line: the first at once, then one line in ten seconds at most.
    package mutating func report(now: UInt64, to log: Access.Log) {
        guard untold > 0, now >= nextReport else { return }
        log(event, [.init("count", .number(Double(untold))), .init("total", .number(Double(total)))] + last)
        untold = 0
        nextReport = now + Self.pauseNanoseconds
    }
}
