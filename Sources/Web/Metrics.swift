import Coupling
import Protocol

/// The text that Prometheus reads, version 0.0.4 of its format. No label has an area, a run or a client in it: their
/// number has no bound.
struct Metrics {
    private var writer = ByteWriter(capacity: 8_192)

    var bytes: [UInt8] { writer.bytes }

    enum Kind: String {
        case counter, gauge, histogram
    }

    mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        writer.text("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// - Parameter labels: words without quotes or line ends.
    mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Double) {
        writer.text(name)
        if !labels.isEmpty {
            writer.text("{" + labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",") + "}")
        }
        writer.raw(" ")
        writer.json(.number(value))
        writer.raw("\n")
    }

    mutating func one(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        head(name, kind, help)
        sample(name, [], value)
    }

    /// One stage of a histogram, in seconds.
    mutating func histogram(_ name: String, stage: String, _ times: StageTimes) {
        var sum = 0
        for (count, bound) in zip(times.counts, StageTimes.bounds.map { "\(Double($0) / 1e9)" } + ["+Inf"]) {
            sum += count
            sample(name + "_bucket", [("stage", stage), ("le", bound)], Double(sum))
        }
        sample(name + "_sum", [("stage", stage)], Double(times.nanoseconds) / 1e9)
        sample(name + "_count", [("stage", stage)], Double(sum))
    }

    // MARK: - What there is

    mutating func add(_ snapshot: HubSnapshot) {
        let tally = snapshot.tally
        one("crims_steps_total", .counter, "Steps taken.", Double(tally.steps))
        one("crims_incidents_total", .counter, "Incidents in these steps.", Double(tally.incidents))
        one("crims_adjustments_total", .counter, "Adjustments accepted.", Double(tally.adjustments))
        one("crims_retractions_total", .counter, "Adjustments retracted.", Double(tally.retractions))
        one("crims_step_retries_total", .counter, "Requests for steps answered once more.", Double(tally.retries))
        head("crims_refusals_total", .counter, "Requests refused, by the code of the error.")
        for code in ErrorCode.allCases {
            sample("crims_refusals_total", [("code", code.rawValue)], Double(tally.refusals[code] ?? 0))
        }
        head("crims_runs", .gauge, "Runs, by their state.")
        for (state, runs) in snapshot.runs { sample("crims_runs", [("state", state)], Double(runs)) }
        head("crims_step_stage_seconds", .histogram, "How long each stage of a step took.")
        for (stage, times) in [
            ("waiting", tally.waiting), ("sampling", tally.sampling), ("encoding", tally.encoding),
            ("sending", tally.sending),
        ] { histogram("crims_step_stage_seconds", stage: stage, times) }
        let peers = snapshot.peers
        one("crims_connections", .gauge, "Connections to the sockets of ZeroMQ.", peers["connections"] ?? 0)
        one("crims_listeners", .gauge, "Listeners among them.", peers["listeners"] ?? 0)
        one("crims_unread_bytes", .gauge, "Bytes of replies that are not taken yet.", peers["unread_bytes"] ?? 0)
        one("crims_event_bytes", .gauge, "Bytes of events that are not taken yet.", peers["event_bytes"] ?? 0)
        one(
            "crims_events_dropped_total", .counter, "Events lost to listeners: gaps in what they hear.",
            peers["dropped_events"] ?? 0)
        head("crims_connections_cut_total", .counter, "Connections cut, by the reason.")
        for reason in ["connections", "idle", "malformed", "subscriptions", "stuck", "unread"] {
            sample("crims_connections_cut_total", [("reason", reason)], peers["cut_\(reason)"] ?? 0)
        }
    }

    mutating func add(_ process: ProcessFacts) {
        one("process_cpu_seconds_total", .counter, "Time of processors, of user and system.", process.cpuSeconds)
        one("process_resident_memory_bytes", .gauge, "Memory in use.", Double(process.residentBytes))
        one("process_virtual_memory_bytes", .gauge, "Addresses in use.", Double(process.virtualBytes))
        one("process_open_fds", .gauge, "Open descriptors.", Double(process.openDescriptors))
        one("process_max_fds", .gauge, "Descriptors that there may be.", Double(process.descriptorsMax))
        one("process_start_time_seconds", .gauge, "Start, in seconds since 1970.", process.startSeconds)
    }
}

extension WebServer {
    func metrics(_ snapshot: HubSnapshot) -> Reply {
        var metrics = Metrics()
        metrics.head("crims_build_info", .gauge, "The version that runs.")
        metrics.sample("crims_build_info", [("version", options.version)], 1)
        metrics.add(snapshot)
        metrics.head("crims_http_requests_total", .counter, "Replies over HTTP, by status.")
        for (status, count) in tally.replies {
            metrics.sample("crims_http_requests_total", [("status", "\(status)")], Double(count))
        }
        let (connections, cut) = visitors.counts
        metrics.one("crims_http_connections", .gauge, "Connections over HTTP.", Double(connections))
        metrics.one(
            "crims_http_connections_cut_total", .counter, "Connections cut: no whole request in time.", Double(cut))
        metrics.one("crims_http_streams", .gauge, "Streams of events that are followed.", Double(streams.count))
        metrics.one("crims_http_unread_bytes", .gauge, "Bytes of replies not sent yet.", Double(tally.unreadBytes))
        if let process = ProcessFacts() { metrics.add(process) }
        return Reply(.ok, .metrics, metrics.bytes)
    }
}
