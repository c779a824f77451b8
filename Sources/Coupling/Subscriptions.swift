/// The topics that listeners have asked for, so that nothing is made that nobody takes.
struct Subscriptions {
    /// How often each listener has asked for a prefix, by its connection.
    private var prefixes: [[UInt8]: [Int: Int]] = [:]
    /// Listeners that take nothing at present: what is sent to them is lost anyway.
    private var deaf: Set<Int> = []
    /// What was found out about topics since something last changed.
    private var known: [[UInt8]: Bool] = [:]
    private static let knownMax = 10_000
    /// How often anything has changed.
    private(set) var changes = 0

    /// Takes a listener's subscription or its end.
    mutating func change(_ prefix: [UInt8], subscribe: Bool, by listener: Int) {
        changes += 1
        known.removeAll(keepingCapacity: true)
        let count = (prefixes[prefix]?[listener] ?? 0) + (subscribe ? 1 : -1)
        prefixes[prefix, default: [:]][listener] = count > 0 ? count : nil
        if prefixes[prefix]?.isEmpty == true { prefixes[prefix] = nil }
    }

    /// Forgets a listener that has gone.
    mutating func remove(_ listener: Int) {
        changes += 1
        known.removeAll(keepingCapacity: true)
        for prefix in prefixes.filter({ $0.value[listener] != nil }).keys {
            prefixes[prefix]?[listener] = nil
            if prefixes[prefix]?.isEmpty == true { prefixes[prefix] = nil }
        }
    }

    mutating func setDeaf(_ listeners: Set<Int>) {
        guard listeners != deaf else { return }
        deaf = listeners
        changes += 1
        known.removeAll(keepingCapacity: true)
    }

    /// Whether anybody wants steps of a run or incidents in them.
    mutating func wantsAny(of topics: Topics) -> Bool {
        guard !prefixes.isEmpty else { return false }
        if wants(topics.step) { return true }
        for topic in topics.categories where wants(topic) { return true }
        return false
    }

    mutating func wants(_ topic: [UInt8]) -> Bool {
        if let answer = known[topic] { return answer }
        let answer = prefixes.contains { prefix, listeners in
            topic.starts(with: prefix) && listeners.keys.contains { !deaf.contains($0) }
        }
        if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
        known[topic] = answer
        return answer
    }
}

/// The topics of a run's steps.
struct Topics {
    let step: [UInt8]
    /// Of the incidents in them, by category.
    let categories: [[UInt8]]

    init(of run: String, categories: [String]) {
        step = Array("step/\(run)/".utf8)
        self.categories = categories.map { category in
            Array("incidents/\(run)/\(String(category.map { $0 == " " ? "-" : $0 }))/".utf8)
        }
    }
}
