import Protocol

/// Where a model comes from and how it was made: what `model.json` says beyond title and period.
public struct ModelInformation: Equatable, Sendable {
    /// A publication that the model was made from.
    public struct Source: Equatable, Sendable {
        public var name: String
        public var licence: String
        /// What was taken from it; may be empty.
        public var note: String

        public init(name: String, licence: String, note: String = "") {
            self.name = name
            self.licence = licence
            self.note = note
        }
    }

    public var sources: [Source]
    /// How rates were estimated, `shrunk` for instance.
    public var method: String
    /// The method's settings, in the order in which they are written.
    public var settings: [JSON.Member]
    /// Sentences that a user of the model should read.
    public var notes: [String]

    public init(sources: [Source] = [], method: String, settings: [JSON.Member] = [], notes: [String] = []) {
        self.sources = sources
        self.method = method
        self.settings = settings
        self.notes = notes
    }
}
