/// The topics that listeners have asked for, so that nothing is written that nobody reads.
struct Subscriptions {
    private var prefixes: [[UInt8]: Int] = [:]

    /// Takes a listener's subscription or its end.
    mutating func change(_ prefix: [UInt8], subscribe: Bool) {
        let count = (prefixes[prefix] ?? 0) + (subscribe ? 1 : -1)
        prefixes[prefix] = count > 0 ? count : nil
    }

    func wants(_ topic: [UInt8]) -> Bool { prefixes.keys.contains { topic.starts(with: $0) } }
}
