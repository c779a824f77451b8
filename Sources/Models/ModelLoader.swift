import CrimsCore
import Protocol

/// Reads a model folder's files and lists everything that is wrong with them.
///
/// ``ModelFolder/read(_:)`` and ``ModelFolder/check(_:)`` both are this, so that what passes the one passes the other.
struct ModelLoader {
    /// Pairs of an area and a category: ten times those of England and Wales.
    static let cellsMax = 1 << 20

    private(set) var problems = ProblemList()
    private(set) var header: ModelHeader?

    var areas: [CrimeModel.Area] = []
    var areaIndex = CodeIndex()
    var categories: [String] = []
    var categoryIndex = CodeIndex()
    var crimes: [CrimeModel.Crime] = []
    var crimeIndex = CodeIndex()
    var rates: [Double] = []
    var suspect: [Double] = []
    var profiles: [Double] = []
    var profileOfCrime: [Int] = []
    var neighbours: [[Int]] = []
    var dispersion: [CrimeModel.Dispersion] = []
    var trend: [CrimeModel.Trend] = []

    private let files: [(file: ModelFile, bytes: [UInt8]?)]

    /// - Parameter files: One for each ``ModelFile``, in their order; nil for one that is not there.
    init(files: [(file: ModelFile, bytes: [UInt8]?)]) { self.files = files }

    /// Reads all files; afterwards ``problems`` is complete.
    mutating func load() {
        for (file, bytes) in files where bytes == nil && !file.isOptional {
            problems.error(file, nil, "the file is missing")
        }
        if let bytes = bytes(of: .model) { header = ModelHeader(bytes, &problems) }
        // The other files speak of areas and crimes: without these, only noise could be said of them.
        let hasAreas = read(.areas) { loader, table, problems in loader.readAreas(&table, &problems) }
        let hasCrimes = read(.crimes) { loader, table, problems in loader.readCrimes(&table, &problems) }
        guard hasAreas, hasCrimes, !areas.isEmpty, !crimes.isEmpty else { return }
        // Two short files can ask for more memory than there is.
        guard areas.count * categories.count <= Self.cellsMax else {
            problems.error(
                .crimes, nil,
                "\(categories.count) categories in \(areas.count) areas; at most \(Self.cellsMax) pairs are possible")
            return
        }
        dispersion = Array(repeating: CrimeModel.Dispersion(), count: categories.count)
        trend = Array(repeating: CrimeModel.Trend(), count: categories.count)
        read(.rates) { loader, table, problems in loader.readRates(&table, &problems) }
        read(.profile) { loader, table, problems in loader.readProfile(&table, &problems) }
        read(.suspect) { loader, table, problems in loader.readSuspect(&table, &problems) }
        read(.neighbours) { loader, table, problems in loader.readNeighbours(&table, &problems) }
        read(.dispersion) { loader, table, problems in loader.readDispersion(&table, &problems) }
        read(.trend) { loader, table, problems in loader.readTrend(&table, &problems) }
    }

    /// The model, once ``load()`` has found no error.
    func model(name: String, digest: String) -> CrimeModel? {
        guard problems.firstError == nil, let header else { return nil }
        return CrimeModel(
            name: name, title: header.title, period: header.period, digest: digest, areas: areas,
            categories: categories, crimes: crimes, rates: rates, profiles: profiles, profileOfCrime: profileOfCrime,
            suspect: suspect, neighbours: neighbours, dispersion: dispersion, trend: trend,
            profileMean: header.profileMean)
    }

    private func bytes(of file: ModelFile) -> [UInt8]? { files.first { $0.file == file }?.bytes }

    /// Opens a table and has it read; false if it is missing or has no usable header.
    @discardableResult
    private mutating func read(
        _ file: ModelFile, _ body: (inout ModelLoader, inout ModelTable, inout ProblemList) -> Void
    ) -> Bool {
        guard let bytes = bytes(of: file) else { return false }
        var found = problems
        defer { problems = found }
        guard var table = ModelTable(file, bytes, &found) else { return false }
        body(&self, &table, &found)
        return true
    }
}
