import CrimsCore

/// The adjustments of a run that may still act, in their order of acceptance.
///
/// What acts is looked up when it changes and not in every step; until then it is one array, by whose memory the sampler
/// sees that nothing has changed.
struct LiveAdjustments {
    private var entries: [ScheduledAdjustment] = []
    /// Of each, its place in the run's audit trail.
    private var places: [Int] = []
    /// When the first of them ends.
    private var firstEnd = Int.max
    private var acting: [ScheduledAdjustment] = []
    /// Minutes since 1970: in windows within these, `acting` are those that act, and throughout.
    private var steady = 0..<0

    var count: Int { entries.count }

    mutating func append(_ entry: ScheduledAdjustment, place: Int) {
        entries.append(entry)
        places.append(place)
        firstEnd = min(firstEnd, entry.end)
        steady = 0..<0
    }

    mutating func removeAll(endedBy minute: Int) {
        guard firstEnd <= minute else { return }
        keep { entry, _ in entry.end > minute }
    }

    mutating func remove(place: Int) { keep { $1 != place } }

    private mutating func keep(_ stays: (ScheduledAdjustment, Int) -> Bool) {
        // Not in place: whoever has looked keeps the array as it was.
        var (entries, places): ([ScheduledAdjustment], [Int]) = ([], [])
        entries.reserveCapacity(self.entries.count)
        places.reserveCapacity(self.entries.count)
        for (index, entry) in self.entries.enumerated() where stays(entry, self.places[index]) {
            entries.append(entry)
            places.append(self.places[index])
        }
        (self.entries, self.places) = (entries, places)
        firstEnd = entries.lazy.map(\.end).min() ?? .max
        steady = 0..<0
    }

    /// Those that act in a window that begins no earlier than those that were asked about since the last change.
    mutating func acting(in window: Range<Int>) -> [ScheduledAdjustment] {
        if steady.lowerBound <= window.lowerBound, window.upperBound <= steady.upperBound { return acting }
        var count = 0
        var (first, end) = (window.lowerBound, Int.max)
        for entry in entries {
            if entry.acts(in: window) {
                count += 1
                first = max(first, entry.from)
                end = min(end, entry.end)
            } else if entry.from >= window.upperBound, entry.end > entry.from {
                end = min(end, entry.from)
            }
        }
        acting = count == entries.count ? entries : entries.filter { $0.acts(in: window) }
        steady = first..<max(first, end)
        return acting
    }
}
