/// Suggestions for misspelt words.
public enum Spelling {
    /// The candidate that is at most two letters (or a third of the word) away, the nearest first.
    public static func nearest(to word: String, in candidates: [String]) -> String? {
        // Nobody misspells a word of this length; somebody may send one to keep us busy.
        guard word.utf8.count <= 64 else { return nil }
        let limit = min(2, max(1, word.count / 3))
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(Array(word.lowercased()), Array(candidate.lowercased()))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
    static func distance(_ from: [Character], _ to: [Character]) -> Int {
        var rows = [[Int]](repeating: Array(0...to.count), count: from.count + 1)
        for row in 0...from.count { rows[row][0] = row }
        guard !from.isEmpty, !to.isEmpty else { return max(from.count, to.count) }
        for row in 1...from.count {
            for column in 1...to.count {
                let same = from[row - 1] == to[column - 1]
                var cost = min(rows[row - 1][column] + 1, rows[row][column - 1] + 1)
                cost = min(cost, rows[row - 1][column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, from[row - 1] == to[column - 2], from[row - 2] == to[column - 1] {
                    cost = min(cost, rows[row - 2][column - 2] + 1)
                }
                rows[row][column] = cost
            }
        }
        return rows[from.count][to.count]
    }
}
