/// A police force's name in whatever spelling: `Merseyside`, `merseyside police`, `Avon & Somerset`, `London, City of`.
package enum ForceName {
    /// What all spellings of one name have in common: words in lower case with hyphens between them, as the files of
    /// data.police.uk are named.
    package static func slug(_ name: String) -> String {
        var words = name.lowercased().split(separator: ",").map(Self.words)
        // ONS puts some forces' first words last.
        if words.count == 2, words[1].last == "of" { words.reverse() }
        var slug = Array(words.joined())
        if slug.count > 1, slug.first == "the" { slug.removeFirst() }
        while slug.count > 1, let last = slug.last, ["police", "service", "constabulary"].contains(last) {
            slug.removeLast()
        }
        return slug.joined(separator: "-")
    }

    private static func words(_ text: Substring) -> [String] {
        text.split(separator: "&", omittingEmptySubsequences: false).map { side in
            side.split { !($0.isLetter || $0.isNumber) }.map(String.init)
        }
        .joined(separator: ["and"]).map { $0 }
    }

    /// The force that a model's title names: all before the period, as in `Merseyside, 2018-01 to 2019-12`.
    package static func named(inTitle title: String) -> String {
        let parts = title.split(separator: ",", omittingEmptySubsequences: false)
        let force = parts.prefix { part in
            let month = part.drop { $0 == " " }.utf8.prefix(7)
            return !(month.count == 7 && month.enumerated().allSatisfy { $0 == 4 ? $1 == 0x2D : $1 &- 48 < 10 })
        }
        return force.joined(separator: ",")
    }

    /// What a search for a force comes to.
    package enum Match: Equatable {
        case model(String)
        /// None, and what there is instead.
        case none([String])
        case several([String])
    }

    /// The model of a force among others: the one whose own name that is, or else the one whose title names it.
    ///
    /// - Parameter title: of a model, by its name.
    package static func find(_ force: String, among models: [String], title: (String) -> String?) -> Match {
        let wanted = slug(force)
        if let model = models.first(where: { $0 == force }) ?? models.first(where: { slug($0) == wanted }) {
            return .model(model)
        }
        let named = models.filter { title($0).map { slug(Self.named(inTitle: $0)) } == wanted }
        return named.isEmpty ? .none(models) : named.count == 1 ? .model(named[0]) : .several(named)
    }
}
