import Models
import Testing

/// Each rule of the format, broken once in a model that is right otherwise.
@Suite struct ModelCheckTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var file: String
        /// A text of the file and what takes its place.
        var old: String
        var new: String
        /// Where the first problem is said to be, and part of what is said.
        var line: Int?
        var says: String
        var isWarning = false

        init(_ file: String, _ old: String, _ new: String, _ line: Int?, _ says: String, isWarning: Bool = false) {
            (self.file, self.old, self.new, self.line, self.says) = (file, old, new, line, says)
            self.isWarning = isWarning
        }

        var testDescription: String { "\(file): \(says)" }
    }

    static let faults: [Fault] = [
        .init("model.json", "\"format\": 1", "\"format\": 2", 2, "\"format\" must be 1"),
        .init("model.json", "\"A sample\"", "7", 4, "\"title\" must be a string"),
        .init("model.json", "\"name\": \"sample\"", "\"name\": \"\"", 3, "\"name\" must be a string"),
        .init("model.json", "2019-12", "2017-12", 5, "\"period\" must be the first and last month"),
        .init("model.json", "2019-12", "2019-13", 5, "\"period\" must be"),
        .init("model.json", "\"sources\"", "\"profileMean\": \"year\", \"sources\"", 6, "\"profileMean\" must be"),
        .init("model.json", "\"sources\"", "\"profileMean\": 1, \"sources\"", 6, "\"week\""),
        .init("model.json", "\"licence\"", "\"license\"", 6, "\"name\" and \"licence\""),
        .init("model.json", "\"name\": \"made up\"", "\"title\": \"made up\"", 9, "\"method\" must be"),
        .init("model.json", "\"Not \\\"real\\\".\"", "1", nil, "\"notes\" must be strings"),
        .init("model.json", "\"title\":", "\"title\"", 4, "not JSON: ':' is expected"),

        .init("areas.csv", "longitude", "long", 1, "no column longitude"),
        .init("areas.csv", "latitude,population", "latitude,population,population", 1, "is there twice"),
        .init("areas.csv", "E2,Beta,", "E1,Beta,", 3, "area \"E1\" is there twice"),
        .init("areas.csv", "E2,Beta,", ",Beta,", 3, "code is empty"),
        .init("areas.csv", "-2.5,", "-181,", 3, "degrees from -180 to 180"),
        .init("areas.csv", "53.25", "90.5", 3, "degrees from -90 to 90"),
        .init("areas.csv", "53.25,0", "53.25,-1", 3, "residents"),
        .init("areas.csv", "53.25,0", "53.25,1.5", 3, "a whole number of residents"),
        .init("areas.csv", "53.25,0", "53.25,many", 3, "population is \"many\""),
        .init("areas.csv", "53.25,0", "53.25", 3, "4 fields where the header has 5"),
        .init("areas.csv", "E2,Beta", "E2,\"Beta", 3, "a quote is opened and not closed"),
        .init("areas.csv", "E2,Beta", "E2,\"Be\"ta", 3, "follows a closing quote"),

        .init("crimes.csv", "30C", "28E", 3, "crime \"28E\" is there twice"),
        .init("crimes.csv", "30C", "robbery", 3, "is a category too"),
        .init("crimes.csv", ",robbery,", ",Robbery,", 4, "must be in lower case"),
        .init("crimes.csv", "438.1", "-1", 2, "severity is \"-1\""),
        .init("crimes.csv", "0.75", "1.5", 2, "a share from 0 to 1"),
        .init("crimes.csv", "0.75", "0.75001", nil, "shares of category \"burglary\" sum to 1.00001"),

        .init("rates.csv", ",dec", ",december", 1, "no column dec"),
        .init("rates.csv", "E1,robbery,1.71429", "E1,robbery,-1", 3, "jan is \"-1\"; incidents per day"),
        .init("rates.csv", "E1,robbery,1.71429", "E1,robbery,nan", 3, "jan is \"nan\""),
        .init("rates.csv", "E1,robbery,1.71429", "E1,robbery,1e999", 3, "jan is \"1e999\""),
        .init("rates.csv", "E1,robbery,1.71429", "E1,robbery,", 3, "jan is \"\""),
        .init("rates.csv", "E1,robbery", "E9,robbery", 3, "area \"E9\" is not in areas.csv"),
        .init("rates.csv", "E1,robbery", "E1,mischief", 3, "category \"mischief\" is not in crimes.csv"),
        .init("rates.csv", "E1,robbery", "E1,burglary", 3, "is there twice"),

        .init("profile.csv", "h167", "h168", 1, "no column h167"),
        .init("profile.csv", "burglary,0.5,", "burglary,1.5,", 2, "the mean of the weights is"),
        .init("profile.csv", "burglary,0.5,", "burglary,-0.5,", 2, "h000 is \"-0.5\""),
        .init("profile.csv", "30C,", "30X,", 3, "neither a code nor a category"),
        .init("profile.csv", "30C,", "burglary,", 3, "\"burglary\" is there twice"),
        .init("profile.csv", "robbery,", "34A,", 4, "neither a code nor a category"),

        .init("suspect.csv", "E1,robbery,1", "E1,robbery,1.01", 3, "a probability from 0 to 1"),
        .init("suspect.csv", "E1,robbery,1\n", "", nil, "no row for area \"E1\", category \"robbery\""),

        .init("neighbours.csv", "E1,E2", "E1,E1", 2, "cannot be its own neighbour"),
        .init("neighbours.csv", "E1,E2", "E1,E7", 2, "area \"E7\" is not in areas.csv"),
        .init("neighbours.csv", "E1,E2", "E2,E3", 3, "is there twice"),
        .init("neighbours.csv", "E1,E2\n", "", nil, "area \"E1\" has no neighbour", isWarning: true),

        .init("dispersion.csv", "0.02", "-0.02", 2, "a variance of 0 or more"),
        .init("dispersion.csv", "robbery", "burglary", 3, "is there twice"),
        .init("trend.csv", "0.9", "1.1", 2, "a factor from 0 to 1"),
        .init("trend.csv", "growth,damping", "growth,damping,x", 1, "column \"x\"", isWarning: true),
    ]

    @Test(arguments: faults)
    func `a broken rule is reported by file and line`(fault: Fault) throws {
        let (folder, path) = try SampleModel.written()
        let text = try folder.text("sample/" + fault.file).replacing(fault.old, with: fault.new)
        try folder.set("sample/" + fault.file, text)
        let problems = ModelFolder.check(path)
        let problem = try #require(problems.first)
        #expect(problem.file == fault.file)
        #expect(problem.severity == (fault.isWarning ? .warning : .error))
        #expect(problem.message.contains(fault.says), "\(problem)")
        if let line = fault.line { #expect(problem.line == line, "\(problem)") }

        let firstError = problems.first { $0.severity == .error }
        if let firstError {
            #expect(throws: ModelError.invalid(path: path, problem: firstError)) { try ModelFolder.read(path) }
        } else {
            _ = try ModelFolder.read(path)
        }
    }

    @Test(arguments: [
        "model.json", "areas.csv", "crimes.csv", "rates.csv", "profile.csv", "suspect.csv", "neighbours.csv",
    ])
    func `a missing file is reported, and only that`(file: String) throws {
        let (folder, path) = try SampleModel.written()
        try folder.set("sample/" + file, nil)
        #expect(
            ModelFolder.check(path) == [
                ModelProblem(severity: .error, file: file, line: nil, message: "the file is missing")
            ])
    }

    @Test(arguments: ["areas.csv", "crimes.csv", "rates.csv", "profile.csv", "suspect.csv"])
    func `a table without rows is an error`(file: String) throws {
        let (folder, path) = try SampleModel.written()
        let text = try folder.text("sample/" + file)
        try folder.set("sample/" + file, String(text.prefix { $0 != "\n" }))
        #expect(ModelFolder.check(path).first { $0.severity == .error }?.file == file)
    }

    @Test func `text that is not UTF-8 is reported`() throws {
        let (folder, path) = try SampleModel.written()
        var bytes = Array(try folder.text("sample/areas.csv").utf8)
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "B")))
        bytes[place] = 0xFF
        try folder.set("sample/areas.csv", nil)
        try FileSystem.write(bytes, to: path + "/areas.csv")
        #expect(ModelFolder.check(path).map(\.description) == ["areas.csv:3: name is not valid UTF-8"])
    }

    @Test func `all problems are listed, not the first alone`() throws {
        let (folder, path) = try SampleModel.written()
        try folder.set("sample/suspect.csv", "area,category,probability\nE1,burglary,2\nE9,robbery,0\n")
        try folder.set("sample/trend.csv", "category,growth,damping\nrobbery,x,0\n")
        let problems = ModelFolder.check(path)
        #expect(problems.filter { $0.file == "suspect.csv" }.count == 2 + 5)
        #expect(problems.last?.description.hasPrefix("trend.csv:2: growth is \"x\"") == true)
    }

    @Test func `a model that would take more memory than there is is refused before it takes any`() throws {
        let areas = (0..<5_000).map { "A\($0),,0,0,0\n" }.joined()
        let crimes = (0..<5_000).map { "C\($0),,c\($0),0,1\n" }.joined()
        let problems = ModelFolder.check([
            "areas.csv": Array(("code,name,longitude,latitude,population\n" + areas).utf8),
            "crimes.csv": Array(("code,description,category,severity,share\n" + crimes).utf8),
            "rates.csv": Array("area,category,jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec\n".utf8),
        ])
        #expect(problems.contains { $0.message == "5000 categories in 5000 areas; at most 1048576 pairs are possible" })
    }
}
