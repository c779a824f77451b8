import CrimsCore
import Models
import Testing

@Suite struct ModelFolderTests {
    @Test func `what is written reads back the same to 6 digits`() throws {
        let (folder, path) = try SampleModel.written()
        let model = try ModelFolder.read(path)
        let sample = SampleModel.model
        #expect(model.name == "sample")
        #expect(model.title == sample.title)
        #expect(model.period == sample.period)
        #expect(model.areas == sample.areas)
        #expect(model.categories == sample.categories)
        #expect(model.crimes == sample.crimes)
        #expect(model.neighbours == sample.neighbours)
        #expect(model.dispersion == sample.dispersion)
        #expect(model.trend == sample.trend)
        #expect(model.suspect == sample.suspect)
        #expect(zip(model.rates, sample.rates).allSatisfy { abs($0 - $1) <= 5e-6 * $1 })
        for crime in sample.crimes.indices {
            let weights = zip(Self.weights(model, crime), Self.weights(sample, crime))
            #expect(weights.allSatisfy { abs($0 - $1) <= 1e-5 })
        }
        #expect(ModelFolder.check(path).isEmpty)
        #expect(try ModelFolder.information(path) == SampleModel.information)
        _ = folder
    }

    private static func weights(_ model: CrimeModel, _ crime: Int) -> ArraySlice<Double> {
        let row = model.profileOfCrime[crime]
        return model.profiles[row * 168..<(row + 1) * 168]
    }

    @Test func `reading and writing again changes no byte`() throws {
        let (folder, path) = try SampleModel.written()
        let model = try ModelFolder.read(path)
        try ModelFolder.write(
            model, information: try ModelFolder.information(path), to: folder.path + "/again/sample")
        #expect(try ModelFolder.read(folder.path + "/again/sample").digest == model.digest)
    }

    @Test func `weights have a mean of exactly 1 after reading`() throws {
        let (folder, path) = try SampleModel.written()
        let model = try ModelFolder.read(path)
        for row in 0..<model.profiles.count / 168 {
            let mean = model.profiles[row * 168..<(row + 1) * 168].reduce(0, +) / 168
            #expect(abs(mean - 1) < 1e-14)
        }
        _ = folder
    }

    @Test func `a model goes by its folder's name`() throws {
        let (folder, path) = try SampleModel.written()
        try FileSystem.rename(path, folder.path + "/copy")
        #expect(try ModelFolder.read(folder.path + "/copy").name == "copy")
        #expect(try ModelFolder.read(folder.path + "/copy//").name == "copy")
        #expect(try ModelFolder.read(folder.path + "/copy/.").name == "copy")
    }

    @Test(arguments: ["areas.csv", "rates.csv", "trend.csv", "model.json"])
    func `the digest changes with a byte of any file`(file: String) throws {
        let (folder, path) = try SampleModel.written()
        let before = try ModelFolder.read(path).digest
        #expect(before.utf8.count == 64 && before == before.lowercased())
        let text = try folder.text("sample/" + file)
        try folder.set("sample/" + file, text + "\n")
        #expect(try ModelFolder.read(path).digest != before)
        try folder.set("sample/" + file, text)
        #expect(try ModelFolder.read(path).digest == before)
        try folder.set("sample/unknown.txt", "no part of a model")
        #expect(try ModelFolder.read(path).digest == before)
    }

    @Test func `byte-order marks, CRLF and quotes are read`() throws {
        let (folder, path) = try SampleModel.written()
        for file in FileSystem.names(in: path) ?? [] {
            let text = try folder.text("sample/" + file)
            try folder.set("sample/" + file, "\u{FEFF}" + text.replacingAll("\n", with: "\r\n"))
        }
        let suspect = try folder.text("sample/suspect.csv")
        try folder.set("sample/suspect.csv", suspect.replacing("E1,burglary,0", with: "\"E1\",\"burglary\",\"0\""))
        #expect(ModelFolder.check(path).isEmpty)
        let model = try ModelFolder.read(path)
        #expect(model.areas == SampleModel.areas)
        #expect(model.suspect == SampleModel.model.suspect)
    }

    @Test func `columns are found by name in any order`() throws {
        let (folder, path) = try SampleModel.written()
        let rows = try folder.text("sample/suspect.csv").split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).reversed().joined(separator: ",")
        }
        try folder.set("sample/suspect.csv", rows.joined(separator: "\n"))
        #expect(try ModelFolder.read(path).suspect == SampleModel.model.suspect)
    }

    @Test func `without the optional files there is no dispersion and no trend`() throws {
        let (folder, path) = try SampleModel.written()
        try folder.set("sample/dispersion.csv", nil)
        try folder.set("sample/trend.csv", nil)
        let model = try ModelFolder.read(path)
        #expect(model.dispersion == [.init(), .init()])
        #expect(model.trend == [.init(), .init()])
        try ModelFolder.write(model, information: SampleModel.information, to: path)
        #expect(FileSystem.names(in: path)?.contains("trend.csv") == false)
    }

    @Test func `areas are flagged as imputed where some are, and nothing is said where none is`() throws {
        let (folder, path) = try SampleModel.written()
        #expect(try folder.text("sample/areas.csv").hasPrefix("code,name,longitude,latitude,population\n"))
        var model = SampleModel.model
        model.areas[1].isImputed = true
        try ModelFolder.write(model, information: SampleModel.information, to: path)
        let text = try folder.text("sample/areas.csv")
        #expect(text.hasPrefix("code,name,longitude,latitude,population,imputed\n"))
        #expect(ModelFolder.check(path).isEmpty)
        #expect(try ModelFolder.read(path).areas.map(\.isImputed) == [false, true, false])
        try folder.set("sample/areas.csv", text.replacing("E2,Beta,-2.5,53.25,0,1", with: "E2,Beta,-2.5,53.25,0,yes"))
        #expect(
            ModelFolder.check(path).map(\.description) == ["areas.csv:3: imputed is \"yes\"; 0 or 1 is expected"])
    }

    @Test func `rounded shares are written so that their sum is accepted again`() throws {
        let (_, path) = try SampleModel.written()
        var model = SampleModel.model
        // Each loses 4e-8 when it is rounded to six digits.
        model.crimes = (0..<60).map { index in
            let share = index == 0 ? 1 - 59 * 0.012_345_64 : 0.012_345_64
            return .init(code: "c\(index)", description: "", category: 0, severity: 1, share: share)
        }
        model.crimes.append(SampleModel.model.crimes[2])
        model.profileOfCrime = Array(repeating: 0, count: 61)
        try ModelFolder.write(model, information: SampleModel.information, to: path)
        #expect(ModelFolder.check(path).isEmpty)
        #expect(zip(try ModelFolder.read(path).crimes, model.crimes).allSatisfy { abs($0.share - $1.share) < 1e-9 })
    }

    @Test func `over what weights have mean 1 is read, and written only where it is not the week`() throws {
        let (folder, path) = try SampleModel.written()
        #expect(try ModelFolder.read(path).profileMean == .week)
        #expect(try !folder.text("sample/model.json").contains("profileMean"))
        let text = try folder.text("sample/model.json")
        try folder.set(
            "sample/model.json", text.replacing("\"sources\"", with: "\"profileMean\": \"week\", \"sources\""))
        #expect(ModelFolder.check(path).isEmpty)
        #expect(try ModelFolder.read(path).profileMean == .week)
        var model = SampleModel.model
        model.profileMean = .month
        try ModelFolder.write(model, information: SampleModel.information, to: path)
        #expect(try folder.text("sample/model.json").contains("\"profileMean\": \"month\""))
        #expect(ModelFolder.check(path).isEmpty)
        #expect(try ModelFolder.read(path).profileMean == .month)
    }

    @Test func `rates and probabilities that are written exactly read back the same doubles`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/sample"
        var model = SampleModel.model
        model.rates = model.rates.indices.map { index in 1e-9 / Double(3 + index) * Double(1 << (index % 40)) }
        model.rates[0] = 0
        model.rates[1] = 3
        model.rates[2] = .leastNonzeroMagnitude
        model.suspect = [0, 1, 1.0 / 3, 2.0 / 3, 0.1, 1e-17]
        try ModelFolder.write(model, information: SampleModel.information, to: path, exactRates: true)
        #expect(ModelFolder.check(path).isEmpty)
        let read = try ModelFolder.read(path)
        #expect(read.rates == model.rates)
        #expect(read.suspect == model.suspect)
        #expect(try folder.text("sample/rates.csv").contains("E1,burglary,0,3,5e-324,"))
        // The control: 6 digits are not enough.
        try ModelFolder.write(model, information: SampleModel.information, to: path)
        #expect(try ModelFolder.read(path).rates != model.rates)
    }

    @Test func `a pair of neighbours may come in both directions`() throws {
        let (folder, path) = try SampleModel.written()
        try folder.set("sample/neighbours.csv", "area,neighbour\nE1,E2\nE2,E1\nE3,E2\n")
        #expect(ModelFolder.check(path).isEmpty)
        #expect(try ModelFolder.read(path).neighbours == [[1], [0, 2], [1]])
    }

    @Test func `writing replaces a model and leaves nothing beside it`() throws {
        let (folder, path) = try SampleModel.written()
        var model = SampleModel.model
        model.title = "Another"
        try ModelFolder.write(model, information: SampleModel.information, to: path + "/")
        #expect(try ModelFolder.read(path).title == "Another")
        #expect(FileSystem.names(in: folder.path) == ["sample"])
    }

    @Test func `writing refuses what is not a model`() throws {
        let (folder, path) = try SampleModel.written()
        func reason(_ path: String) -> String? {
            do throws(ModelError) {
                try ModelFolder.write(SampleModel.model, information: SampleModel.information, to: path)
                return nil
            } catch {
                if case .refused(_, let reason) = error { return reason }
                return "\(error)"
            }
        }
        try folder.set("file", "work")
        #expect(reason(folder.path + "/file") == "it is a file")
        #expect(try folder.text("file") == "work")
        #expect(reason(folder.path) == "it is a folder without a model.json")
        try folder.set("sample/notes.txt", "work")
        #expect(reason(path) == "it holds \"notes.txt\", which is no part of a model")
        #expect(try folder.text("sample/notes.txt") == "work")
        try FileSystem.makeFolder(folder.path + "/empty")
        #expect(reason(folder.path + "/empty") == nil)
    }

    @Test func `no folder is its own error`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/nothing"
        #expect(throws: ModelError.noFolder(path: path)) { try ModelFolder.read(path) }
        #expect(ModelFolder.check(path).count == 1)
    }
}
