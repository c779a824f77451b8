/// The topics that listeners have asked for, so that nothing is made that nobody takes.
struct Subscriptions {
    /// How often each listener has asked for a prefix, by its connection.
    private var prefixes: [[UInt8]: [Int: Int]] = [:]
    /// What each listener has asked for, so that one that goes costs what it had.
    private var prefixesOf: [Int: Set<[UInt8]>] = [:]
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
        guard count > 0 else { return forget(prefix, of: listener) }
        prefixes[prefix, default: [:]][listener] = count
        if count == 1 { prefixesOf[listener, default: []].insert(prefix) }
    }

    private mutating func forget(_ prefix: [UInt8], of listener: Int) {
        prefixes[prefix]?[listener] = nil
        if prefixes[prefix]?.isEmpty == true { prefixes[prefix] = nil }
        prefixesOf[listener]?.remove(prefix)
        if prefixesOf[listener]?.isEmpty == true { prefixesOf[listener] = nil }
    }

    /// Forgets a listener that has gone.
    mutating func remove(_ listener: Int) {
        guard let gone = prefixesOf[listener] else { return }
        changes += 1
        known.removeAll(keepingCapacity: true)
        for prefix in gone { forget(prefix, of: listener) }
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
        // One by one while there are few; there may be a hundred thousand, and a topic has no more beginnings than bytes.
        let answer =
            prefixes.count <= topic.count
            ? prefixes.contains { topic.starts(with: $0) && isHeard(by: $1) }
            : (0...topic.count).contains { prefixes[Array(topic[..<$0])].map(isHeard) ?? false }
        if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
        known[topic] = answer
        return answer
    }

    private func isHeard(by listeners: [Int: Int]) -> Bool { listeners.keys.contains { !deaf.contains($0) } }
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
