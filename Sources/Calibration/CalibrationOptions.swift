import CrimsCore

/// What to calibrate, and on what.
public struct CalibrationOptions: Sendable {
    /// How rates and suspects are estimated.
    public enum Method: String, CaseIterable, Sendable {
        /// Areas lean on the force as far as their counts are few.
        case shrunk
        /// The predecessor's formulas, to compare with what it published.
        case upstream
    }

    /// Zip files as downloaded from data.police.uk, folders that they were unpacked into, or monthly street files. Where
    /// two hold the same month, the first is taken.
    public var archives: [String]
    /// The force as data.police.uk's file names have it, `devon-and-cornwall` for instance.
    public var force: String
    /// First and last month to use; nil for the first and last that the archives hold.
    public var from: CivilMonth?
    public var to: CivilMonth?
    /// The half-lives to weigh months by; nil to choose them within the months used.
    public var recency: Recency?
    /// The folder of tables about England and Wales.
    public var reference: String
    /// The model's name; nil for the force.
    public var name: String?
    /// The model's title; nil for the force's name and the period.
    public var title: String?
    public var method: Method
    /// Whether whatever ``Accounting/Finding/isFault`` ends the calibration.
    public var isStrict: Bool

    public init(
        archives: [String], force: String, from: CivilMonth? = nil, to: CivilMonth? = nil, reference: String,
        name: String? = nil, title: String? = nil, method: Method = .shrunk, isStrict: Bool = false
    ) {
        self.archives = archives
        self.force = force
        self.from = from
        self.to = to
        self.reference = reference
        self.name = name
        self.title = title
        self.method = method
        self.isStrict = isStrict
    }
}
